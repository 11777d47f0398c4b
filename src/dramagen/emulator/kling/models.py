"""What each Kling model takes on each route, its pixels and its units a second.

Source: Kling video pages of the path-routed API, its pricing page, and for 4.0 (whose vendor pages were not
readable) hosts that forward its body; as read up to 2026-11-22.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Kind = Literal["text-to-video", "image-to-video", "omni-video", "motion-control"]
Audio = Literal["off", "native", "original"]

AREA = {"720p": 1280 * 720, "1080p": 1920 * 1080, "4k": 3840 * 2160}
_SIZES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "720p": {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)},
    "1080p": {"16:9": (1920, 1080), "9:16": (1080, 1920), "1:1": (1440, 1440)},
    "4k": {"16:9": (3840, 2160), "9:16": (2160, 3840), "1:1": (2880, 2880)},
}
_SIZES_4: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "720p": {**_SIZES["720p"], "1:1": (940, 940), "21:9": (1460, 624)},
    "1080p": {**_SIZES["1080p"], "21:9": (2200, 940)},
}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """One model on one route. Durations are seconds; ``audio`` empty means there is no such field."""

    model: str
    kind: Kind
    resolutions: tuple[str, ...] = ("720p", "1080p")
    durations: range | tuple[int, ...] = (5, 10)
    audio: tuple[Audio, ...] = ()
    multi_shot: bool = False
    shot_syntax: bool = False
    ratios: tuple[str, ...] = ()
    prompt: int = 2500
    contents: Mapping[str, int] = field(default_factory=dict)
    """Content type -> how many of it are taken."""

    @property
    def newest(self) -> bool:
        return self.model.startswith("kling-4.0")

    @property
    def always_sound(self) -> bool:
        return self.newest or self.model == "kling-3.0-turbo"


def size(model: str, resolution: str, ratio: str) -> tuple[int, int]:
    return (_SIZES_4 if model.startswith("kling-4.0") else _SIZES)[resolution][ratio]


_RATIOS = ("16:9", "9:16", "1:1")
_RATIOS_4 = (*_RATIOS, "21:9")
_ALL = ("720p", "1080p", "4k")
_FIRST = {"prompt": 1, "first_frame": 1}
_FIRST_LAST = {**_FIRST, "last_frame": 1}
_OMNI = {**_FIRST_LAST, "refer_image": 7, "feature_video": 1, "base_video": 1, "element": 7}
_OMNI_4 = {**_FIRST_LAST, "middle_frame": 8, "refer_image": 10, "feature_video": 5, "base_video": 1}
_MOTION = {"prompt": 1, "image": 1, "video": 1}

_RULES = (
    Rules(
        model="kling-3.0-turbo",
        kind="text-to-video",
        durations=range(3, 16),
        shot_syntax=True,
        ratios=_RATIOS,
        prompt=3072,
    ),
    Rules(
        model="kling-3.0-turbo",
        kind="image-to-video",
        durations=range(3, 16),
        shot_syntax=True,
        contents=_FIRST,
    ),
    Rules(
        model="kling-3.0",
        kind="text-to-video",
        resolutions=_ALL,
        durations=range(3, 16),
        audio=("off", "native"),
        multi_shot=True,
        ratios=_RATIOS,
        prompt=3072,
    ),
    Rules(
        model="kling-3.0",
        kind="image-to-video",
        resolutions=_ALL,
        durations=range(3, 16),
        audio=("off", "native"),
        multi_shot=True,
        prompt=3072,
        contents={**_FIRST_LAST, "element": 3},
    ),
    Rules(
        model="kling-3.0-omni",
        kind="omni-video",
        resolutions=_ALL,
        durations=range(3, 16),
        audio=("off", "native", "original"),
        multi_shot=True,
        ratios=_RATIOS,
        prompt=3072,
        contents=_OMNI,
    ),
    Rules(
        model="kling-o1",
        kind="omni-video",
        durations=range(3, 11),
        audio=("off", "original"),
        ratios=_RATIOS,
        contents=_OMNI,
    ),
    Rules(model="kling-2.6", kind="text-to-video", audio=("off", "native"), ratios=_RATIOS),
    Rules(
        model="kling-2.6",
        kind="image-to-video",
        audio=("off", "native"),
        contents={**_FIRST_LAST, "voice": 2},
    ),
    Rules(model="kling-2.5-turbo", kind="text-to-video", ratios=_RATIOS),
    Rules(model="kling-2.5-turbo", kind="image-to-video", contents=_FIRST_LAST),
    Rules(
        model="kling-3.0",
        kind="motion-control",
        audio=("original", "off"),
        contents={**_MOTION, "element": 1},
    ),
    Rules(model="kling-2.6", kind="motion-control", audio=("original", "off"), contents=_MOTION),
    Rules(model="kling-4.0", kind="text-to-video", durations=range(3, 31), ratios=_RATIOS_4, prompt=26_000),
    Rules(
        model="kling-4.0",
        kind="image-to-video",
        durations=range(3, 31),
        prompt=26_000,
        contents={**_FIRST_LAST, "middle_frame": 8},
    ),
    Rules(
        model="kling-4.0",
        kind="omni-video",
        durations=range(3, 31),
        ratios=_RATIOS_4,
        prompt=26_000,
        contents={**_OMNI_4, "element": 7, "voice": 3},
    ),
    Rules(
        model="kling-4.0-flash",
        kind="text-to-video",
        resolutions=("720p",),
        durations=range(3, 21),
        ratios=_RATIOS_4,
        prompt=26_000,
    ),
    Rules(
        model="kling-4.0-flash",
        kind="image-to-video",
        resolutions=("720p",),
        durations=range(3, 21),
        prompt=26_000,
        contents=_FIRST,
    ),
    Rules(
        model="kling-4.0-flash",
        kind="omni-video",
        resolutions=("720p",),
        durations=range(3, 21),
        ratios=_RATIOS_4,
        prompt=26_000,
        contents={**_OMNI_4, "element": 7},
    ),
)
ROUTES: Mapping[tuple[str, str], Rules] = {(rules.kind, rules.model): rules for rules in _RULES}

Condition = Literal["silent", "audio", "voice", "motion", "video"]
_RATES: Mapping[str, Mapping[Condition, Mapping[str, str]]] = {
    "kling-3.0-turbo": {"audio": {"720p": "0.8", "1080p": "1.0"}},
    "kling-3.0": {
        "silent": {"720p": "0.6", "1080p": "0.8", "4k": "3.0"},
        "audio": {"720p": "0.9", "1080p": "1.2", "4k": "3.0"},
        # The vendor's page prices audio without a chosen voice; this is what a reseller charges, in units.
        "voice": {"720p": "1.1", "1080p": "1.4", "4k": "3.0"},
        "motion": {"720p": "0.9", "1080p": "1.2"},
    },
    "kling-3.0-omni": {
        "silent": {"720p": "0.6", "1080p": "0.8", "4k": "3.0"},
        "audio": {"720p": "0.8", "1080p": "1.0", "4k": "3.0"},
        "video": {"720p": "0.9", "1080p": "1.2", "4k": "3.0"},
    },
    "kling-o1": {
        "silent": {"720p": "0.6", "1080p": "0.8"},
        "video": {"720p": "0.9", "1080p": "1.2"},
    },
    "kling-2.6": {
        "silent": {"720p": "0.3", "1080p": "0.5"},
        "audio": {"1080p": "1.0"},
        "voice": {"1080p": "1.2"},
        "motion": {"720p": "0.5", "1080p": "0.8"},
    },
    "kling-2.5-turbo": {"silent": {"720p": "0.3", "1080p": "0.5"}},
    # The vendor's units for 4.0 are not known: chosen so that USD comes to what three hosts charge.
    "kling-4.0": {
        "audio": {"720p": "1.12", "1080p": "1.68"},
        "video": {"720p": "0.67", "1080p": "1.0"},
    },
    "kling-4.0-flash": {"audio": {"720p": "0.67"}, "video": {"720p": "0.9"}},
}
UNIT = {"CNY": Decimal(1), "USD": Decimal("0.14")}
"""List price of one unit."""


def units(model: str, condition: Condition, resolution: str, seconds: int, input_seconds: float) -> Decimal:
    """What a clip costs in units; 4.0 counts input video too, at least twice the output."""
    rates = _RATES[model]
    rate = Decimal(rates.get(condition, next(iter(rates.values())))[resolution])
    counted = Decimal(seconds)
    if model.startswith("kling-4.0") and condition == "video":
        counted = max(counted + Decimal(str(input_seconds)), 2 * counted)
    return rate * counted
