"""What resellers' models have in common: the pixels of a family, the price of a second, pictures by URL."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import unquote_to_bytes, urlsplit

from dramagen.emulator.inputs import Field
from dramagen.emulator.kling import models as kling
from dramagen.emulator.pixels import Size, fit_area, picture_size
from dramagen.emulator.seedance import models as seedance
from dramagen.emulator.wan import models as wan

Family = Literal["seedance-2.5", "seedance-2.0", "kling-3", "kling-4", "wan-3", "even"]

_SHORT = {
    "360p": 360, "480p": 480, "540p": 540, "720p": 720, "768p": 768, "1080p": 1080, "2k": 1440, "4k": 2160,
}  # fmt: skip
_SEEDANCE = {model.stem: model.sizes for model in seedance.MODELS}


def pixels(family: Family, tier: str, ratio: str | Size) -> tuple[int, int]:
    """Width and height of a clip: the family's own size of a named ratio, else the shape of a picture."""
    if isinstance(ratio, str):
        named = _table(family, tier).get(ratio)
        if named is not None:
            return named
        width, height = (int(side) for side in ratio.split(":"))
        shape = width / height
    else:
        shape = ratio.ratio
    wide = _table(family, tier).get("16:9")
    if wide is not None:
        return fit_area(shape, wide[0] * wide[1])
    short = _SHORT[tier.lower()]
    long = round(short * max(shape, 1 / shape) / 2) * 2
    return (long, short) if shape >= 1 else (short, long)


def _table(family: Family, tier: str) -> Mapping[str, tuple[int, int]]:
    match family:
        case "seedance-2.5" | "seedance-2.0":
            return _SEEDANCE[family.replace("-2.", "-2-")].get(tier.lower(), {})
        case "wan-3":
            return wan.NEW_SIZES.get(tier.upper(), {})
        case "kling-3" | "kling-4":
            ratios = ("16:9", "9:16", "1:1", *(["21:9"] if family == "kling-4" else []))
            return {each: kling.size(f"{family}.0", tier.lower(), each) for each in ratios}
        case "even":
            return {}


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model of a reseller.

    ``rates`` are USD a second by tier, silent and with sound; ``clips`` USD for a whole clip by its length. A tier
    in neither has no published price. ``tier``, ``seconds`` and ``sound`` hold where there is no field for them;
    a text in ``sound`` names the field. ``tier_field`` is the field that picks the tier.
    """

    fields: Mapping[str, Field]
    rates: Mapping[str, tuple[str, str]]
    family: Family = "even"
    tier: str = ""
    tier_field: str = "resolution"
    tiers: Mapping[str, str] | None = None
    """What a value of ``tier_field`` films in, where that is not its own name."""
    seconds: int = 5
    sound: bool | str = False
    clips: Mapping[int, str] | None = None
    first: tuple[str, ...] = ("image_url", "start_image_url", "image", "start_image")
    """Fields whose picture gives the clip its shape."""
    follows: bool = False
    """Whether a ratio beside such a picture is ignored."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What one input comes to: pixels, whole seconds, sound, and USD (None where no price is published)."""

    size: tuple[int, int]
    seconds: int
    sound: bool
    amount: Decimal | None


def order(model: Model, values: Mapping[str, Any], frame: Size | None, automatic: int = 5) -> Order:
    """The clip a checked input asks for; ``automatic`` is the length where the model chooses it."""
    named = str(values.get(model.tier_field, model.tier))
    film = (model.tiers or {}).get(named, named) or model.tier
    ratio = values.get("aspect_ratio")
    shape: str | Size = ratio if isinstance(ratio, str) and ":" in ratio else frame or "16:9"
    if frame is not None and (model.follows or "aspect_ratio" not in model.fields):
        shape = frame
    seconds = _seconds(values.get("duration", model.seconds), automatic)
    sound = values.get(model.sound) is True if isinstance(model.sound, str) else model.sound
    return Order(
        size=pixels(model.family, film, shape),
        seconds=seconds,
        sound=sound,
        amount=_amount(model, named, seconds, sound),
    )


def _seconds(asked: Any, automatic: int) -> int:
    seconds = int(asked) if str(asked).lstrip("-").isdigit() else automatic
    return seconds if seconds > 0 else automatic


def _amount(model: Model, tier: str, seconds: int, sound: bool) -> Decimal | None:
    if model.clips is not None:
        price = model.clips.get(seconds)
        return None if price is None else Decimal(price)
    pair = model.rates.get(tier)
    return None if pair is None else Decimal(pair[sound]) * seconds


def flat(**rates: str) -> dict[str, tuple[str, str]]:
    """Rates that are the same with and without sound, by tier (``p480`` for 480p)."""
    return {_tier(name): (rate, rate) for name, rate in rates.items()}


def _tier(name: str) -> str:
    return name[1:] + name[0] if name[0] in "pPkK" and name[1:].isdigit() else name


class BadFile(Exception):
    """A file that cannot be used: ``download`` where it cannot be had, ``load`` where it is no picture."""

    def __init__(self, why: Literal["download", "load"]) -> None:
        super().__init__(why)
        self.why = why


def picture(value: str, own: str, uploaded: Callable[[str], bytes | None]) -> Size | None:
    """The size of a picture given as data URI or as one's own upload (a URL under ``own``); raises ``BadFile``.

    Other URLs are never fetched: their size is None, and ``/unreachable`` in a path says that they could not be.
    """
    if value.startswith("data:"):
        return _measured(_decoded(value))
    if value.startswith(own):
        data = uploaded(value)
        if data is None:
            raise BadFile("download")
        return _measured(data)
    if urlsplit(value).path.startswith("/unreachable"):
        raise BadFile("download")
    return None


def _decoded(uri: str) -> bytes:
    head, comma, payload = uri.partition(",")
    if not comma:
        raise BadFile("load")
    if not head.endswith(";base64"):
        return unquote_to_bytes(payload)
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error:
        raise BadFile("load") from None


def _measured(data: bytes) -> Size | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return None
    size = picture_size(data)
    if size is None or min(size) <= 0:
        raise BadFile("load")
    return size
