"""What a judge is asked: small yes-or-no questions whose yes is a defect, and pairs of takes in both orders."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dramagen.bench.judge_client import Part
from dramagen.bench.judge_cost import tokens, tokens_of
from dramagen.bench.judging import Usage
from dramagen.bench.suite import Suite
from dramagen.bench.take import Take
from dramagen.medium import Image as Given
from dramagen.shot import Shot

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 16
"""Frames of one take at most."""
PAIR_FRAMES = 6
"""Of each take of a pair."""


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


@dataclass(frozen=True)
class Question:
    """What is asked in ``words`` about takes of one shot; ``given``: its pictures go with it."""

    words: str
    shot: Shot
    takes: tuple[Take, ...]
    frames: int
    given: bool

    def key(self, model: str) -> str:
        """By what its answer is kept."""
        return _digest(model, self.words, *(take.sha256 or "" for take in self.takes))

    @property
    def reckoned(self) -> Usage:
        """The most it is reckoned to take."""
        pictures = [image for _, image in _pictures(self.shot)] if self.given else []
        return tokens(self.words, self.shot, self.frames, sum(tokens_of(image) for image in pictures))


def about(suite: Suite, take: Take) -> Question:
    """Every defect, in one question."""
    shot = suite.shot(take.id.shot)
    return Question(_words(shot, questions(shot)), shot, (take,), MOST, given=True)


def between(suite: Suite, a: Take, b: Take) -> Question:
    """Which is better; both orders are asked."""
    shot = suite.shot(a.id.shot)
    words = (
        "Two takes of one shot of a drama. Which one would an editor rather use: the truer to the prompt, the "
        f"cleaner, the better acted? The prompt:\n{shot.prompt.strip()}\n"
        'Answer in JSON: {"better": "a", "b" or "tie", "why": "..."}'
    )
    return Question(words, shot, (a, b), 2 * PAIR_FRAMES, given=False)


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


def _pictures(shot: Shot) -> list[tuple[str, Given]]:
    """The pictures the shot was given, each with its name; those at a URL are left out."""
    listed = [("the first frame given", shot.first_frame), ("the last frame given", shot.last_frame)]
    listed += [(f"{r.kind} {r.name}", image) for r in shot.references for image in r.images]
    return [(name, image) for name, image in listed if image is not None and image.url is None]


def given(shot: Shot) -> list[Part]:
    """The pictures the shot was given, each after its name."""
    parts: list[Part] = []
    for name, image in _pictures(shot):
        parts += [name, _as_jpeg(image.read())]
    return parts


def _as_jpeg(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return jpeg(picture.convert("RGB"))


def jpeg(picture: "Image") -> bytes:
    """A picture as it is sent."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
