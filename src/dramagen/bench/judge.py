"""Ask a vision model about every take: small yes-or-no questions whose yes is a defect, and pairs in both orders.

One score from 1 to 10 says little, and models like to say yes; so each question asks for one defect, on frames at
their native size. A pair counts only where the answer is the same in both orders, since the first place is favoured.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from dramagen.bench.judge_client import Endpoint, Part
from dramagen.bench.judging import Answer, Judgement, Usage
from dramagen.bench.suite import Suite
from dramagen.bench.take import Take, TakeId
from dramagen.episode.picks import write_whole
from dramagen.errors import DramagenError
from dramagen.media.decode import frames_of
from dramagen.media.probe import probe
from dramagen.money import Money
from dramagen.shot import Shot

if TYPE_CHECKING:
    from PIL.Image import Image

FILE = "judge.json"
A_SECOND, FEWEST, MOST = 2, 8, 16
PAIR_FRAMES = 6
AT_ONCE = 4
MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, sent and received."""

    sent: Money
    received: Money

    def of(self, usage: Usage) -> Money:
        """What so many tokens cost."""
        return self.sent * (usage.sent / MILLION) + self.received * (usage.received / MILLION)


def questions(shot: Shot) -> dict[str, str]:
    """The questions about a take of this shot, by id. Yes is always the defect."""
    asked = {
        "limbs": "Is there an extra, missing, fused or broken limb, hand or finger?",
        "vanishing": "Does a person or an object appear from nowhere, vanish, or turn into something else?",
        "action": "Is the action the prompt describes missing, or not brought to its end?",
        "people": "Is the number of people other than the prompt says?",
        "text": "Is there unreadable or unwanted writing, a subtitle or a watermark?",
    }
    if shot.camera is not None or "镜头" in shot.prompt or "camera" in shot.prompt.lower():
        asked["camera"] = "Does the camera move otherwise than the prompt says?"
    if shot.first_frame is not None or shot.references:
        asked["face"] = "Does a face, a body or its clothing differ from the pictures given first?"
        asked["style"] = "Does the style of drawing or of light differ from the pictures given first?"
    if shot.dialogue:
        asked["mouth"] = "Does the person who should speak not move the mouth, or does somebody else speak?"
    else:
        asked["mouth"] = "Does a mouth move as in speech, though nobody should speak?"
    return asked


async def judge(
    endpoint: Endpoint,
    suite: Suite,
    takes: Sequence[Take],
    folder: Path,
    *,
    pairs: bool = True,
    prices: Prices | None = None,
) -> Judgement:
    """Ask about every take, and about the first takes of each shot in pairs. Answers are kept in ``judge.json``.

    What was asked before is not asked again. A take it cannot be asked about is in ``failures``.

    Args:
        endpoint: entered.
        prices: what its tokens cost; without them only tokens are counted.
    """
    bench = _Bench(endpoint, suite, folder, _Kept.load(folder))
    async with anyio.create_task_group() as tasks:
        for take in takes:
            if take.clip is not None:
                tasks.start_soon(bench.one, take)
        for one, other in _pairs(takes) if pairs else ():
            tasks.start_soon(bench.pair, one, other)
    return Judgement(
        endpoint.model,
        {take.id: bench.answers[take.id] for take in takes if take.id in bench.answers},
        bench.failures,
        bench.wins,
        bench.usage,
        None if prices is None else prices.of(bench.usage),
    )


def calls(takes: Sequence[Take]) -> int:
    """How many questions there would be in all."""
    return sum(take.clip is not None for take in takes) + 2 * len(list(_pairs(takes)))


def _pairs(takes: Iterable[Take]) -> Iterable[tuple[Take, Take]]:
    """The first takes of each shot, every two routes."""
    first: dict[str, dict[str, Take]] = {}
    for take in takes:
        if take.clip is not None:
            first.setdefault(take.id.shot, {}).setdefault(take.id.route, take)
    for by_route in first.values():
        yield from combinations(by_route.values(), 2)


class _Bench:
    def __init__(self, endpoint: Endpoint, suite: Suite, folder: Path, kept: "_Kept") -> None:
        self.endpoint, self.suite, self.folder, self.kept = endpoint, suite, folder, kept
        self.limiter = anyio.CapacityLimiter(AT_ONCE)
        self.answers: dict[TakeId, tuple[Answer, ...]] = {}
        self.failures: dict[TakeId, str] = {}
        self.wins: dict[str, tuple[int, int]] = {}
        self.usage = Usage()

    async def one(self, take: Take) -> None:
        shot = self.suite.shot(take.id.shot)
        asked = questions(shot)
        words = _words(shot, asked)
        try:
            document = await self._ask(
                words, [take], lambda: [words, *_given(shot), *self._frames(take, None)]
            )
            self.answers[take.id] = _answers(document, asked)
        except DramagenError as error:
            self.failures[take.id] = error.message

    async def pair(self, one: Take, other: Take) -> None:
        try:
            straight, crossed = await self._better(one, other), await self._better(other, one)
        except DramagenError:
            return  # a pair that cannot be asked about says nothing; the takes' own questions say what is wrong
        wins = {
            one.id.route: straight == "a" and crossed == "b",
            other.id.route: straight == "b" and crossed == "a",
        }
        for route, won in wins.items():
            before, of = self.wins.get(route, (0, 0))
            self.wins[route] = (before + won, of + 1)

    async def _better(self, a: Take, b: Take) -> str:
        shot = self.suite.shot(a.id.shot)
        words = (
            "Two takes of one shot of a drama. Which one would an editor rather use: the truer to the prompt, the "
            f"cleaner, the better acted? The prompt:\n{shot.prompt.strip()}\n"
            'Answer in JSON: {"better": "a", "b" or "tie", "why": "..."}'
        )

        def parts() -> list[Part]:
            frames = self._frames(a, PAIR_FRAMES), self._frames(b, PAIR_FRAMES)
            return [words, "Take a:", *frames[0], "Take b:", *frames[1]]

        document = await self._ask(words, [a, b], parts)
        return str(document.get("better", "")).strip().lower()

    async def _ask(self, words: str, takes: Sequence[Take], parts: Any) -> dict[str, Any]:
        key = _digest(self.endpoint.model, words, *(take.sha256 or "" for take in takes))
        if key not in self.kept.answers:
            async with self.limiter:
                content = await anyio.to_thread.run_sync(parts)
                document, usage = await self.endpoint.ask(content)
            self.kept.answers[key] = {"answer": document, "sent": usage.sent, "received": usage.received}
            self.kept.save(self.folder)
        found = self.kept.answers[key]
        self.usage += Usage(found["sent"], found["received"])
        answer: dict[str, Any] = found["answer"]
        return answer

    def _frames(self, take: Take, count: int | None) -> list[Part]:
        """Frames at their native size, each after the second it is from; those the checks marked are among them."""
        path = self.folder / (take.clip or "")
        facts = probe(path, decode=False)
        wanted = count or max(FEWEST, min(MOST, round(facts.duration * A_SECOND)))
        numbers = {facts.frames * (2 * n + 1) // (2 * wanted) for n in range(wanted)}
        if count is None:
            numbers |= {round(mark.at * facts.fps) for mark in take.marks if mark.at is not None}
        chosen = {n for n in sorted(numbers)[:MOST] if n < facts.frames}
        parts: list[Part] = []
        for number, frame in enumerate(frames_of(path)):
            if number in chosen:
                picture: Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
                parts += [f"{number / facts.fps:.2f} s", _jpeg(picture)]
        return parts


def _words(shot: Shot, asked: Mapping[str, str]) -> str:
    lines = [f"{line.speaker}: {line.text}" for line in shot.dialogue]
    camera = f"\nCamera: {shot.camera.move}, {shot.camera.speed}" if shot.camera is not None else ""
    spoken = "\nDialogue:\n" + "\n".join(lines) if lines else ""
    listed = "\n".join(f"- {name}: {question}" for name, question in asked.items())
    return (
        "You check a take of one shot of a drama for defects. First come the pictures given to the crew, if any, "
        "then frames of the take with their times. Say yes only to what you can point at.\n"
        f"The prompt:\n{shot.prompt.strip()}{camera}{spoken}\nQuestions, each by its id:\n{listed}\n"
        'Answer in JSON: {"answers": [{"id": "...", "defect": true or false, "time": seconds or null, "evidence": '
        '"..."}]}, one entry for each question.'
    )


def _answers(document: Mapping[str, Any], asked: Mapping[str, str]) -> tuple[Answer, ...]:
    """What was answered of what was asked; anything else the model says is left out."""
    found = []
    listed = document.get("answers")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and entry.get("id") in asked and isinstance(entry.get("defect"), bool):
            at = entry.get("time")
            seconds = float(at) if isinstance(at, int | float) and not isinstance(at, bool) else None
            evidence = str(entry.get("evidence") or "")[:200]
            found.append(Answer(asked[entry["id"]], entry["defect"], seconds, evidence))
    return tuple(found)


def _given(shot: Shot) -> list[Part]:
    """The pictures the shot was given, each after its name."""
    listed = [("the first frame given", shot.first_frame), ("the last frame given", shot.last_frame)]
    listed += [(f"{r.kind} {r.name}", image) for r in shot.references for image in r.images]
    parts: list[Part] = []
    for name, image in listed:
        if image is not None and image.url is None:
            parts += [name, _as_jpeg(image.read())]
    return parts


def _as_jpeg(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return _jpeg(picture.convert("RGB"))


def _jpeg(picture: "Image") -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class _Kept:
    """Answers of earlier runs, by what was asked of whom."""

    answers: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> "_Kept":
        try:
            document = json.loads((folder / FILE).read_bytes())
            return cls(
                {
                    key: value
                    for key, value in document["answers"].items()
                    if {"answer", "sent", "received"} <= set(value)
                }
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls({})  # asked again for a few tokens

    def save(self, folder: Path) -> None:
        write_whole(folder / FILE, json.dumps({"answers": self.answers}, ensure_ascii=False, indent=1) + "\n")
