"""Rows of a card that depend on the order: prices, and how long jobs take. The first that matches counts."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dramagen.catalog.order import Order
from dramagen.catalog.sourced import Part, Sourced, strings

UNIT = "unit"
"""The currency of a price in the vendor's own accounting units; a region says what one unit costs."""

OneOrMore = Annotated[tuple[str, ...], BeforeValidator(strings)]


class When(Part):
    """What an order must be for a row to count; whatever is left out does not matter.

    Attributes:
        resolution, mode: one of these.
        audio: whether sound is asked for.
        video_input: whether a reference video is sent.
        voice: whether dialogue chooses a voice of the vendor.
        seconds: the lengths ordered, where a length has a price of its own.
        most_images: at most this many pictures, frames and references together.
        options: vendor extras that must have these values, such as ``{service_tier = "flex"}``.
    """

    resolution: OneOrMore | None = None
    mode: OneOrMore | None = None
    audio: bool | None = None
    video_input: bool | None = None
    voice: bool | None = None
    seconds: tuple[Decimal, ...] = ()
    most_images: Annotated[int, Field(ge=0)] | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    def matches(self, order: Order) -> bool:
        """Whether the order is all of that."""
        return (
            (self.resolution is None or order.resolution in self.resolution)
            and (self.mode is None or order.mode in self.mode)
            and self.audio in (None, order.audio)
            and (
                self.video_input is None
                or self.video_input is any(r.video is not None for r in order.references)
            )
            and (self.voice is None or self.voice is any(line.voice is not None for line in order.dialogue))
            and (not self.seconds or order.duration in self.seconds)
            and (self.most_images is None or pictures_in(order) <= self.most_images)
            and (
                not self.options
                or all(order.options.get(key) == wanted for key, wanted in self.options.items())
            )
        )


class Pictures(Part):
    """What pictures cost that are sent along: nothing for the first ``free`` ones, ``each`` for every further one."""

    free: Annotated[int, Field(ge=0)] = 0
    each: Annotated[Decimal, Field(ge=0)]


class Price(Sourced):
    """One list price.

    Attributes:
        when: which orders it is for.
        region: where, if not everywhere.
        per: ``second`` of output, ``clip``, ``million_tokens``, or ``compute_second``: a second that one's own
            server works on the clip.
        amount: of ``currency``: an ISO code, or ``unit`` for the vendor's own accounting unit.
        first: of the first second, where it differs from each further one.
        billed: whether the vendor counts the seconds ``ordered`` or those ``delivered``.
        pictures: what frames and reference pictures cost on top, where they do.
        video: what each begun second of a reference video costs on top, where it does.
    """

    when: When = Field(default_factory=When)
    region: str | None = None
    per: Literal["second", "clip", "million_tokens", "compute_second"]
    amount: Annotated[Decimal, Field(ge=0)]
    first: Annotated[Decimal, Field(ge=0)] | None = None
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3}|unit)$")]
    billed: Literal["ordered", "delivered"] = "ordered"
    pictures: Pictures | None = None
    video: Annotated[Decimal, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _first_of_seconds(self) -> "Price":
        if self.first is not None and self.per != "second":
            raise ValueError("first is the price of a first second: it needs per = 'second'")
        return self

    def matches(self, order: Order) -> bool:
        """Whether this row prices that order."""
        return self.region in (None, order.route.region) and self.when.matches(order)


class Floor(Sourced):
    """The least a job with a reference video is billed, as seconds of output.

    Two rules fit what the vendor published and neither is confirmed: ``times`` the ordered seconds, and the
    ordered seconds ``plus`` a number. The lower one is expected, the higher one is reserved.
    """

    times: Decimal
    plus: Decimal


class TokenFormula(Sourced):
    """Tokens of a job: width x height x frames / ``divisor``, rounded down.

    Frames are ``fps`` x (ordered seconds + seconds of reference video) + ``extra_frames``.
    """

    fps: Annotated[int, Field(gt=0)]
    extra_frames: Annotated[int, Field(ge=0)] = 0
    divisor: Annotated[int, Field(gt=0)] = 1024
    floor: Floor | None = None


class Latency(Sourced):
    """How long a job takes from create to finished, in seconds: half are done by ``p50``, most by ``p90``.

    ``at`` is the length of clip that was measured, and ``per_second`` what each further second adds.
    """

    when: When = Field(default_factory=When)
    p50: float
    p90: float | None = None
    at: Decimal | None = None
    per_second: float | None = None

    def scaled(self, value: float | None, duration: Decimal) -> float | None:
        """``value`` for a clip of ``duration`` seconds; unchanged where the card gives no slope."""
        if value is None or self.at is None or self.per_second is None:
            return value
        return value + max(0.0, float(duration - self.at)) * self.per_second


def pictures_in(order: Order) -> int:
    """How many pictures an order sends, frames and references together."""
    frames = (order.first_frame is not None) + (order.last_frame is not None)
    return frames + sum(len(reference.images) for reference in order.references)
