"""The kind of a shot: all of it but its words. What a route answers to two shots of a kind differs in those alone.

And words that any vendor's wording merely frames: for them it is known beforehand how long the wording can be.
"""

import re
from typing import NamedTuple

from dramagen.catalog.shape import Shape
from dramagen.shot import Shot

AROUND = 240
"""The most characters one of our adapters puts around a plain prompt: a camera move, a heading, stops."""

A_LINE = 80
"""The same for a line of dialogue: who says it, in which language, and how."""

_NOT_PLAIN = re.compile(r"[^\w\s,.;:!?'\"()…，。；：！？、“”‘’（）《》「」·—-]|_|--|(?<!\w)-|-(?!\w)")
"""What a mention, a vendor's command or a tag needs, and whatever is not plainly writing."""


class Kind(NamedTuple):
    """A shot without its words: the fields an outline depends on beside the cards and the day."""

    shape: Shape
    camera: tuple[str, str] | None
    negative_prompt: str
    seed: int | None
    lines: int
    options: str

    @classmethod
    def of(cls, shot: Shot, can_trim: bool) -> "Kind | None":
        """The kind; None for a shot with cuts, media or chosen voices: those are looked at one by one."""
        if shot.cuts or shot.references or shot.first_frame is not None or shot.last_frame is not None:
            return None
        if any(line.voice is not None for line in shot.dialogue):
            return None
        camera = None if shot.camera is None else (shot.camera.move, shot.camera.speed)
        options = repr(shot.options) if shot.options else ""  # 5 and 5.0 are sent differently
        return cls(
            Shape.of(shot, can_trim), camera, shot.negative_prompt, shot.seed, len(shot.dialogue), options
        )


def longest(shot: Shot) -> int | None:
    """The most characters any of our adapters makes of the words of a shot that has a kind.

    None where its words are not plain, so that an adapter may read something into them.
    """
    said = [shot.prompt, shot.negative_prompt]
    for line in shot.dialogue:
        said += [line.speaker, line.text, line.language or ""]
    if any(map(_NOT_PLAIN.search, said)):
        return None
    return sum(map(len, said)) + AROUND + A_LINE * len(shot.dialogue)
