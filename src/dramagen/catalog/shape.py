"""The shape of a shot: all of it that decides what its picture is. The shots of an episode have few of them.

What follows from a shape alone (length, tier, sound, ratio, pixels, and the price of an order that sends no
references) is worked out once for each mode and kept beside the cards.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from dramagen.catalog import picture
from dramagen.catalog.fitting import Notes
from dramagen.catalog.modes import Mode
from dramagen.catalog.order import Price, Trim
from dramagen.clip import Adjustment
from dramagen.shot import Shot


class Shape(NamedTuple):
    """The fields of a :class:`Shot` the picture depends on; ``framed``: it has a first frame."""

    duration: float
    aspect_ratio: str
    resolution: str
    audio: bool | None
    framed: bool
    allow_longer: bool
    can_trim: bool
    strict: frozenset[str]

    @classmethod
    def of(cls, shot: Shot, can_trim: bool) -> "Shape":
        """The shape of a shot, where clips can be cut to length (``can_trim``) or not."""
        framed = shot.first_frame is not None
        return cls(
            shot.duration, shot.aspect_ratio, shot.resolution, shot.audio, framed, shot.allow_longer, can_trim,
            shot.strict,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """What the clip will be, as an order says it, and what was adjusted for that."""

    duration: Decimal
    trim: Trim | None
    resolution: str
    audio: bool
    aspect_ratio: str | None
    width: int | None
    height: int | None
    adjustments: tuple[Adjustment, ...]

    @property
    def ordered(self) -> tuple[Hashable, ...]:
        """All that is asked of the vendor; many shapes come to the same."""
        return self.duration, self.resolution, self.audio, self.aspect_ratio, self.width, self.height


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order costs, None where no price is known; the seconds it takes; how the model is rated."""

    price: Price | None
    p50: float | None
    p90: float | None
    rating: float | None


def fit_picture(shape: Shape, mode: Mode, silent: str | None) -> Picture:
    """The picture of a shape in a mode. ``silent`` says why there is no sound here. Raises ``Unfit``."""
    notes = Notes(shape.strict)
    duration, trim = picture.fit_length(shape, mode, notes, shape.can_trim)
    tier, sound = picture.fit_tier(shape, mode, notes, silent)
    picture.check_tier_length(mode, tier, duration)
    ratio = picture.fit_ratio(shape, mode)
    width, height = picture.pixels(shape, mode, tier)
    return Picture(duration, trim, tier, sound, ratio, width, height, tuple(notes.adjustments))
