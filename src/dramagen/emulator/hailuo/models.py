"""What each MiniMax video model films and costs, and the pixels and frames it delivers.

Source: MiniMax pages on text, image and subject to video, video generation V2, and prices; as read up to 2026-11-22.
Where a price was not found (01 series, H3 Highspeed and Lite, some inputs in China) the nearest known one stands in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from dramagen.emulator.media import FPS
from dramagen.emulator.pixels import Size

SHORT_SIDE = {"480P": 480, "512P": 512, "720P": 720, "768P": 768, "1080P": 1080, "2K": 1440}


@dataclass(frozen=True, kw_only=True)
class Old:
    """A model of the first generation: modes -> tiers -> the lengths it films in seconds."""

    name: str
    modes: Mapping[str, Mapping[str, tuple[int, ...]]]
    cny: Mapping[tuple[str, int], str] = field(default_factory=dict)
    usd: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def price(self, currency: str, tier: str, seconds: int) -> Decimal:
        """Per clip."""
        listed, otherwise = (self.cny, "3") if currency == "CNY" else (self.usd, "0.43")
        return Decimal(listed.get((tier, seconds), otherwise))


_FILM = {"768P": (6, 10), "1080P": (6,)}
_LOW = {"512P": (6, 10), **_FILM}
_SHORT = {"720P": (6,)}
_CNY = {("768P", 6): "2.00", ("768P", 10): "4.00", ("1080P", 6): "3.50"}
_USD = {("768P", 6): "0.28", ("768P", 10): "0.56", ("1080P", 6): "0.49"}

_OLD = (
    Old(name="MiniMax-Hailuo-2.3", modes={"t2v": _FILM, "i2v": _FILM}, cny=_CNY, usd=_USD),
    Old(
        name="MiniMax-Hailuo-2.3-Fast",
        modes={"i2v": _FILM},
        cny={("768P", 6): "1.35", ("768P", 10): "2.25", ("1080P", 6): "2.31"},
        usd={("768P", 6): "0.19", ("768P", 10): "0.32", ("1080P", 6): "0.33"},
    ),
    Old(
        name="MiniMax-Hailuo-02",
        modes={"t2v": _FILM, "i2v": _LOW, "fl2v": _FILM},
        cny={**_CNY, ("512P", 6): "0.60", ("512P", 10): "1.00"},
        usd={**_USD, ("512P", 6): "0.10", ("512P", 10): "0.15"},
    ),
    *(Old(name=name, modes={"t2v": _SHORT}) for name in ("T2V-01", "T2V-01-Director")),
    *(Old(name=name, modes={"i2v": _SHORT}) for name in ("I2V-01", "I2V-01-Director", "I2V-01-live")),
    Old(name="S2V-01", modes={"s2v": _SHORT}),
)
OLD: Mapping[str, Old] = {model.name: model for model in _OLD}


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Per second of output, per picture beyond the free ones, per begun second of reference video."""

    second: str
    picture: str
    video: str


@dataclass(frozen=True, kw_only=True)
class New:
    """A model of the H3 family; seconds are whole."""

    name: str
    shortest: int
    free_pictures: int
    cny: Mapping[str, Rate]
    usd: Mapping[str, Rate]
    fixed_ratio: bool = False

    def price(self, currency: str, tier: str, seconds: int, pictures: int, video: int) -> Decimal:
        rate = (self.cny if currency == "CNY" else self.usd)[tier]
        paid = max(0, pictures - self.free_pictures)
        return Decimal(rate.second) * seconds + Decimal(rate.picture) * paid + Decimal(rate.video) * video


_H3_CNY = {
    "768P": Rate(second="0.50", picture="0.20", video="0.50"),
    "2K": Rate(second="0.80", picture="0.20", video="0.80"),
}
_H3_USD = {
    "768P": Rate(second="0.08", picture="0.04", video="0.08"),
    "2K": Rate(second="0.13", picture="0.04", video="0.13"),
}
_MAX_CNY = {
    "480P": Rate(second="0.33", picture="0.37", video="0.33"),
    "768P": Rate(second="0.50", picture="0.37", video="0.90"),
}
_MAX_USD = {
    "480P": Rate(second="0.05", picture="0.074", video="0.0553"),
    "768P": Rate(second="0.08", picture="0.074", video="0.143"),
}
_NEW = (
    New(name="MiniMax-H3", shortest=4, free_pictures=5, cny=_H3_CNY, usd=_H3_USD),
    New(name="MiniMax-H3-Max", shortest=5, free_pictures=2, cny=_MAX_CNY, usd=_MAX_USD),
    New(
        name="MiniMax-H3-Highspeed",
        shortest=4,
        free_pictures=5,
        cny={"768P": _H3_CNY["768P"]},
        usd={"768P": _H3_USD["768P"]},
    ),
    New(name="MiniMax-H3-Lite", shortest=4, free_pictures=2, cny=_MAX_CNY, usd=_MAX_USD, fixed_ratio=True),
)
NEW: Mapping[str, New] = {model.name: model for model in _NEW}
RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
LONGEST = 15


def value(ratio: str) -> float:
    """Width over height of ``16:9``."""
    width, height = ratio.split(":")
    return int(width) / int(height)


def pixels(tier: str, ratio: float, step: int) -> Size:
    """The tier's short side, and a long side of the ratio in steps of ``step`` pixels."""
    short = SHORT_SIDE[tier]
    long = round(short * max(ratio, 1 / ratio) / step) * step
    return Size(long, short) if ratio >= 1 else Size(short, long)


def on_grid(seconds: int, rounding: str) -> int:
    """The frames of an H3 clip: 17n + 5, from 107 to 362."""
    wanted = FPS * seconds
    grid = range(107, 363, 17)
    if rounding == "exact":
        return wanted
    if rounding == "up":
        return next((frames for frames in grid if frames >= wanted), grid[-1])
    return min(grid, key=lambda frames: (abs(frames - wanted), -frames))
