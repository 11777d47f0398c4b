"""Ask a vision model about every take: small yes-or-no questions whose yes is a defect, and pairs in both orders.

One score from 1 to 10 says little, and models like to say yes; so each question asks for one defect, on frames at
their native size. A pair counts only where the answer is the same in both orders, since the first place is favoured.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from dramagen.bench.judge_client import Endpoint, Part
from dramagen.bench.judge_cost import Ahead, Prices, Purse
from dramagen.bench.judge_questions import MOST, PAIR_FRAMES, Question, about, between, given, jpeg, questions
from dramagen.bench.judging import Answer, Judgement, Usage
from dramagen.bench.suite import Suite
from dramagen.bench.take import Take, TakeId
from dramagen.episode.picks import write_whole
from dramagen.errors import DramagenError
from dramagen.media.decode import frames_of
from dramagen.media.probe import probe
from dramagen.money import Money

if TYPE_CHECKING:
    from PIL.Image import Image

FILE = "judge.json"
A_SECOND, FEWEST = 2, 8
AT_ONCE = 4
LONGEST_CLIP = 3600
"""Seconds; a time beyond it, or one that is no number, is no time in a clip."""


async def judge(
    endpoint: Endpoint,
    suite: Suite,
    takes: Sequence[Take],
    folder: Path,
    *,
    pairs: bool = True,
    prices: Prices | None = None,
    most: Money | None = None,
    told: Callable[[], None] = lambda: None,
) -> Judgement:
    """Ask about every take, and about the first takes of each shot in pairs. Answers are kept in ``judge.json``.

    What was asked before is not asked again. A take it cannot be asked about is in ``failures``.

    Args:
        endpoint: entered.
        prices: what its tokens cost; without them only tokens are counted.
        most: with prices, what new answers may cost in all; a question that might pass it is not asked. Up to
            four are asked at once, so a judge that counts dearer than :func:`ahead` can pass it by as many.
        told: called after each question.
    """
    bench = _Bench(endpoint, suite, folder, _Kept.load(folder), Purse(prices, most), told)
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


def ahead(model: str, suite: Suite, takes: Sequence[Take], folder: Path) -> Ahead:
    """The questions about these takes that were not answered before. Reads the pictures given; asks nobody.

    A take that is still to be filmed has a clip, of whatever name, and no ``sha256``.
    """
    kept = _Kept.load(folder).answers
    asked = [about(suite, take) for take in takes if take.clip is not None]
    asked += [each for a, b in _pairs(takes) for each in (between(suite, a, b), between(suite, b, a))]
    new = [each for each in asked if each.key(model) not in kept]
    return Ahead(len(new), sum((each.reckoned for each in new), Usage()))


def _pairs(takes: Iterable[Take]) -> Iterable[tuple[Take, Take]]:
    """The first takes of each shot, every two routes."""
    first: dict[str, dict[str, Take]] = {}
    for take in takes:
        if take.clip is not None:
            first.setdefault(take.id.shot, {}).setdefault(take.id.route, take)
    for by_route in first.values():
        yield from combinations(by_route.values(), 2)


class _Bench:
    def __init__(
        self,
        endpoint: Endpoint,
        suite: Suite,
        folder: Path,
        kept: "_Kept",
        purse: Purse,
        told: Callable[[], None],
    ) -> None:
        self.endpoint, self.suite, self.folder, self.kept = endpoint, suite, folder, kept
        self.purse, self.told = purse, told
        self.limiter = anyio.CapacityLimiter(AT_ONCE)
        self.answers: dict[TakeId, tuple[Answer, ...]] = {}
        self.failures: dict[TakeId, str] = {}
        self.wins: dict[str, tuple[int, int]] = {}
        self.usage = Usage()

    async def one(self, take: Take) -> None:
        asked = about(self.suite, take)
        try:
            document = await self._ask(
                asked, lambda: [asked.words, *given(asked.shot), *self._frames(take, None)]
            )
        except DramagenError as error:
            self.failures[take.id] = error.message
            return
        wanted = questions(asked.shot)
        answers = _answers(document, wanted)
        left = len(wanted) - len({answer.question for answer in answers})
        if left and not any(answer.defect for answer in answers):
            # A defect counts whatever else was left out; that there is none is not said by silence.
            self.failures[take.id] = (
                f"it found no defect, and left {left} of {len(wanted)} questions unanswered"
            )
        else:
            self.answers[take.id] = answers

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
        asked = between(self.suite, a, b)

        def parts() -> list[Part]:
            frames = self._frames(a, PAIR_FRAMES), self._frames(b, PAIR_FRAMES)
            return [asked.words, "Take a:", *frames[0], "Take b:", *frames[1]]

        document = await self._ask(asked, parts)
        return str(document.get("better", "")).strip().lower()

    async def _ask(self, asked: Question, parts: Callable[[], list[Part]]) -> dict[str, Any]:
        key = asked.key(self.endpoint.model)
        if key not in self.kept.answers:
            try:
                async with self.limiter:
                    content, most = await anyio.to_thread.run_sync(lambda: (parts(), asked.reckoned))
                    with self.purse.asking(most) as purse:
                        document, usage = await self.endpoint.ask(content)
                        purse.took(usage)
            finally:
                self.told()
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
                parts += [f"{number / facts.fps:.2f} s", jpeg(picture)]
        return parts


def _answers(document: Mapping[str, Any], asked: Mapping[str, str]) -> tuple[Answer, ...]:
    """What was answered of what was asked; anything else the model says is left out."""
    found = []
    listed = document.get("answers")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and entry.get("id") in asked and isinstance(entry.get("defect"), bool):
            at = entry.get("time")
            seconds = None
            if isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at <= LONGEST_CLIP:
                seconds = float(at)
            evidence = str(entry.get("evidence") or "")[:200]
            found.append(Answer(asked[entry["id"]], entry["defect"], seconds, evidence))
    return tuple(found)


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
