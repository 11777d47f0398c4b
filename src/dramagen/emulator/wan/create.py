"""From a create's body to a wish, each protocol by its own page.

What a page does not name is ignored, as the vendor does: the dashscope package always sends ``extend_prompt`` and
``function``, and Wan 3.0 takes a ``size`` without a word and films 1080P.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dramagen.emulator.pixels import Size, fit_area
from dramagen.emulator.wan.errors import invalid
from dramagen.emulator.wan.media import Desk
from dramagen.emulator.wan.models import LEGACY_SIZES, NEW_SIZES, Model

MIXED = "The two modes are mutually exclusive. Do not pass reference_xx and first_frame/last_frame at the same time."
_FRAMES = ("first_frame", "last_frame")
_LONGEST = {"wan3": 20_000, "wan27": 5_000}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a create asks for. ``late`` is the code and message it will fail with; ``ratio`` as usage shows it."""

    prompt: str
    tier: str
    size: tuple[int, int]
    ratio: str | None
    seconds: int
    sound: bool
    late: tuple[str, str] | None = None
    films: tuple[float, ...] = ()
    """Seconds of each reference video."""

    @property
    def billed(self) -> float:
        """Seconds that cost: those of the clip, and of the videos that came in."""
        return self.seconds + sum(self.films)


def read(model: Model, body: Mapping[str, Any], desk: Desk) -> Wish:
    """The wish of a body; raises ``Refusal``."""
    input_, parameters = _table(body, "input"), _table(body, "parameters")
    prompt = input_.get("prompt", "")
    if not isinstance(prompt, str):
        raise invalid("prompt must be a string")
    if not prompt and model.kind in ("text", "references"):
        raise invalid("prompt is required", "BadRequest.EmptyInput")
    longest = _LONGEST.get(model.protocol, 1500 if model.id.startswith(("wan2.6", "wan2.5")) else 800)
    prompt = prompt[:longest]  # a longer one is cut, not refused
    seconds = _seconds(model, parameters)
    _whole(parameters, "seed", 0, 2**31 - 1)
    sound = model.sound == "always" or (model.sound == "switch" and _flag(parameters, "audio", True))
    if model.protocol == "legacy":
        return _legacy(model, input_, parameters, desk, prompt, seconds, sound)
    return _media(model, input_, parameters, desk, prompt, seconds, sound)


def _table(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object")
    if name == "input" and not value:
        raise invalid("input is required", "BadRequest.EmptyInput")
    return value


def _whole(table: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = table.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise invalid(f"{name} must be an integer of {low} to {high}")
    return value


def _flag(table: Mapping[str, Any], name: str, default: bool) -> bool:
    value = table.get(name, default)
    if not isinstance(value, bool):
        raise invalid(f"{name} must be a boolean")
    return value


def _seconds(model: Model, parameters: Mapping[str, Any]) -> int:
    lowest = -1 if model.protocol == "wan3" else 0
    seconds = _whole(parameters, "duration", lowest, 60)
    if seconds is None or seconds == -1:
        return model.default_seconds
    if not model.films(seconds):
        raise invalid(f"duration {seconds} is not supported by {model.id}")
    return seconds


def _tier(model: Model, parameters: Mapping[str, Any]) -> str:
    tier = parameters.get("resolution", model.default_tier)
    if tier not in model.tiers:
        raise invalid(f"resolution must be one of {', '.join(model.tiers)}")
    return str(tier)


def _media(
    model: Model, input_: Mapping[str, Any], parameters: Mapping[str, Any], desk: Desk, prompt: str, seconds: int,
    sound: bool,
) -> Wish:  # fmt: skip
    """``media``, tier and ratio: Wan 3.0, Wan 2.7, HappyHorse."""
    items = input_.get("media", [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise invalid("media must be an array of objects")
    kinds = [item.get("type") for item in items]
    _check_kinds(model, kinds)
    first: Size | None = None
    films: list[float] = []
    for at, item in enumerate(items):
        name = f"media[{at}]"
        if item["type"] == "reference_audio":
            desk.sound(item.get("url"), name)
            continue
        if item["type"] in ("reference_video", "first_clip"):
            films.append(desk.film(item.get("url"), name))
            if "reference_voice" in item:
                desk.sound(item["reference_voice"], f"{name}.reference_voice")
            continue
        looked_at = desk.picture(item.get("url"), name)
        if item["type"] == "first_frame":
            first = looked_at
        if "reference_voice" in item:
            desk.sound(item["reference_voice"], f"{name}.reference_voice")
    _check_films(model, films, seconds)
    tier = _tier(model, parameters)
    framed = "first_frame" in kinds
    ratio = parameters.get("ratio", "adaptive" if model.protocol == "wan3" else "16:9")
    allowed = (*model.ratios, "adaptive") if model.protocol == "wan3" else model.ratios
    if ratio not in allowed:
        raise invalid(f"ratio must be one of {', '.join(allowed)}")
    size, shown = _pixels(tier, str(ratio), first, framed)
    mixed = model.protocol == "wan3" and framed and any(str(k).startswith("reference") for k in kinds)
    return Wish(
        prompt=prompt, tier=tier, size=size, ratio=shown, seconds=seconds, sound=sound,
        late=("InvalidParameter", MIXED) if mixed else None, films=tuple(films),
    )  # fmt: skip


def _check_films(model: Model, films: list[float], seconds: int) -> None:
    most = 15 if model.protocol == "wan3" else 30
    if any(not 1 <= film <= most for film in films) or (model.protocol == "wan3" and sum(films) > 15):
        raise invalid(f"a reference video must be 1 to {most} seconds long")
    if films and (sum(films) + seconds > 30 if model.protocol == "wan3" else seconds > 10):
        raise invalid(f"duration {seconds} is not supported beside a reference video")


def _check_kinds(model: Model, kinds: list[Any]) -> None:
    references = sum(kind in ("reference_image", "reference_video") for kind in kinds)
    known: tuple[str, ...] = ()
    if model.kind == "all":
        known = (*_FRAMES, "reference_image", "reference_video", "reference_audio", "file", "link")
    elif model.kind == "image":
        known = ("first_frame",) if model.watermark else (*_FRAMES, "driving_audio", "first_clip")
    elif model.kind == "references":
        known = (
            ("reference_image",) if model.watermark else ("reference_image", "reference_video", "first_frame")
        )
    for kind in kinds:
        if kind not in known:
            raise invalid(f"media type {kind} is not supported by {model.id}")
    for kind in ("first_frame", "last_frame"):
        if kinds.count(kind) > 1:
            raise invalid(f"at most one {kind}")
    if model.kind == "image" and not {"first_frame", "first_clip"} & set(kinds):
        raise invalid("media: a first_frame is required")
    most = {"all": 10, "references": 9 if model.watermark else 5}.get(model.kind, 0)
    if references > most or (model.kind == "references" and not references):
        raise invalid(f"media: 1 to {most} references are required")


def _pixels(tier: str, ratio: str, first: Size | None, framed: bool) -> tuple[tuple[int, int], str | None]:
    """Size and the ratio usage shows: a first frame decides; adaptive without one is taken as 16:9."""
    table = NEW_SIZES[tier]
    if framed:
        area = table["16:9"][0] * table["16:9"][1]
        return (fit_area(first.ratio, area) if first else table["16:9"]), None
    if ratio == "adaptive":
        ratio = "16:9"
    if ratio in table:
        return table[ratio], ratio
    width, height = map(int, ratio.split(":"))
    return fit_area(width / height, table["1:1"][0] * table["1:1"][1]), ratio


def _is_film(url: Any) -> bool:
    """This protocol does not say which of its references move: their names do."""
    return isinstance(url, str) and urlsplit(url).path.lower().endswith((".mp4", ".mov"))


def _legacy(
    model: Model, input_: Mapping[str, Any], parameters: Mapping[str, Any], desk: Desk, prompt: str, seconds: int,
    sound: bool,
) -> Wish:  # fmt: skip
    shot_type = parameters.get("shot_type", "single")
    if shot_type not in ("single", "multi"):
        raise invalid("shot_type must be single or multi")
    films: list[float] = []
    if model.kind in ("text", "references"):
        if model.kind == "references":
            urls = input_.get("reference_urls", input_.get("reference_video_urls"))
            if not isinstance(urls, list) or not 1 <= len(urls) <= 5:
                raise invalid("reference_urls: 1 to 5 are required")
            for at, url in enumerate(urls):
                if _is_film(url):
                    films.append(desk.film(url, f"reference_urls[{at}]"))
                else:
                    desk.picture(url, f"reference_urls[{at}]")
        sized = {size: tier for tier in model.tiers for size in LEGACY_SIZES[tier]}
        usual = "1280*720" if model.default_tier == "720P" else "1920*1080"
        size = parameters.get("size", usual)
        if size not in sized:
            raise invalid(f"size must be one of {', '.join(sized)}")
        width, height = map(int, str(size).split("*"))
        return Wish(
            prompt=prompt, tier=sized[size], size=(width, height), ratio=size, seconds=seconds, sound=sound,
            films=tuple(films),
        )  # fmt: skip
    names = ("img_url",) if model.kind == "image" else ("first_frame_url", "last_frame_url")
    pictures = [desk.picture(input_.get(name), name) for name in names]
    tier = _tier(model, parameters)
    found, _ = _pixels(tier, "16:9", pictures[0], framed=True)
    return Wish(prompt=prompt, tier=tier, size=found, ratio=None, seconds=seconds, sound=sound)
