"""An order: a shot resolved for one route. What is bought, with nothing left to decide."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer

from dramagen.catalog.route import Route
from dramagen.clip import Adjustment
from dramagen.identity import digest
from dramagen.money import Money
from dramagen.record import Record
from dramagen.shot import Camera, Cut, Line, ReferenceKind

ORDER_VERSION = "o1"

Mode = Literal["text", "first_frame", "first_last_frame", "references"]
JSON = Annotated[Mapping[str, Any], PlainSerializer(dict)]


class Input(Record):
    """A medium the order sends, by content. The bytes come from the inputs kept beside the journal.

    ``media_type`` is such as ``image/png``; width and height are in pixels, size in bytes.
    """

    sha256: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration: float | None = None


class OrderReference(Record):
    """A named reference of the order; the prompt speaks of it as ``@name``."""

    name: str
    kind: ReferenceKind = "character"
    images: tuple[Input, ...] = ()
    video: Input | None = None
    voice: Input | None = None


class Order(Record):
    """What is bought.

    Attributes:
        route: where.
        wire: the model card's ``[wire]`` values for this region: the vendor's model id, protocol, path parts.
        mode: which of the vendor's modes.
        prompt: as the shot has it; the adapter words mentions, camera, cuts and dialogue the vendor's way.
        duration: seconds asked of the vendor (maybe longer than the shot: trimmed afterwards).
        resolution: the vendor's tier.
        aspect_ratio: None where the output follows the first frame.
        width, height: pixels expected, None where not known.
        fps: expected, None where not known.
        audio: whether sound is asked for.
        options: the caller's extras for this provider, sent as they are.
    """

    route: Route
    wire: JSON
    mode: Mode
    prompt: str
    negative_prompt: str = ""
    duration: Decimal
    resolution: str
    aspect_ratio: str | None = None
    width: int | None = None
    height: int | None = None
    fps: Decimal | None = None
    audio: bool
    seed: int | None = None
    first_frame: Input | None = None
    last_frame: Input | None = None
    references: tuple[OrderReference, ...] = ()
    camera: Camera | None = None
    cuts: tuple[Cut, ...] = ()
    dialogue: tuple[Line, ...] = ()
    options: JSON = Field(default_factory=dict)

    @property
    def hash(self) -> str:
        """The order's versioned identity."""
        return digest(ORDER_VERSION, self.model_dump(mode="json"))

    def inputs(self) -> tuple[Input, ...]:
        """Every medium the order sends, frames first."""
        listed = [self.first_frame, self.last_frame]
        for reference in self.references:
            listed += [*reference.images, reference.video, reference.voice]
        return tuple(item for item in listed if item is not None)


class Trim(Record):
    """The part of the delivered clip that was asked for: this many seconds from its start."""

    seconds: Decimal


class Price(Record):
    """What an order costs: expected, and the most it can be (that much is reserved)."""

    expected: Money
    most: Money
    basis: str = ""
    """How it was reckoned, for people: ``108,900 tokens x 46 CNY / 1M``."""


class Quote(Record):
    """One route's answer to a shot: the order, every adjustment, and what it takes."""

    route: Route
    order: Order
    price: Price
    trim: Trim | None = None
    adjustments: tuple[Adjustment, ...] = ()
    seconds: float | None = None
    """Expected wall time to the clip, in seconds (p50), where known."""
    seconds_p90: float | None = None
    rating: float | None = None
    """The model's rating on the board its card names, where known."""
    keyed: bool = False
    """Whether a key for this route was found."""
    warnings: tuple[str, ...] = ()


class Refusal(Record):
    """A route that cannot film the shot, with the one rule it fails on."""

    route: Route
    rule: str
    """A short name: duration, resolution, ratio, audio, first_frame, references, camera, price, retired, …"""
    reason: str
    """For people: what was asked and what would be right."""
    keyed: bool = False

    @property
    def retired(self) -> bool:
        """Whether the model is gone: the reason nobody can do anything about."""
        return self.rule == "retired"
