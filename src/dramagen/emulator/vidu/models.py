"""What each Vidu model takes on each call, its pixels and its credits.

Source: Vidu's pages of the four calls and of its prices (platform.vidu.com and platform.vidu.cn), as read and
quoted up to 2026-11-22. Credits of Q2 and of Q4 at 720p and 2K come from other sellers' dollars.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Literal

Call = Literal["text2video", "img2video", "start-end2video", "reference2video"]

CREDIT = {"CNY": Decimal("0.03125"), "USD": Decimal("0.005")}
"""The price of one credit."""

WIDE, OLD = ("16:9", "9:16", "1:1", "4:3", "3:4"), ("16:9", "9:16", "1:1")
_SHORT = {"360p": 360, "540p": 540, "720p": 720, "1080p": 1080, "2K": 1440, "4K": 2160}


@dataclass(frozen=True)
class Rate:
    """Credits: so many for the first second, so many for each further one; ``sound`` more for the job."""

    first: int
    further: int
    sound: int = 0

    def credits(self, seconds: int, audio: bool, off_peak: bool) -> int:
        taken = self.first + self.further * (seconds - 1) + self.sound * audio
        return _half(taken) if off_peak else taken


@dataclass(frozen=True)
class Flat:
    """Credits a second, normal and off-peak; or, ``per_clip``, for the whole clip."""

    normal: int
    half: int = 0
    per_clip: bool = False

    def credits(self, seconds: int, audio: bool, off_peak: bool) -> int:
        return (self.half if off_peak else self.normal) * (1 if self.per_clip else seconds)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """One model on one call. ``form``: what a reference call takes, ``subjects`` or ``images``, or both."""

    prices: Mapping[str, Rate | Flat]
    seconds: range | tuple[int, ...] = range(1, 17)
    default_seconds: int = 5
    default_resolution: str = "720p"
    ratios: tuple[str, ...] = WIDE
    audio: bool | None = True
    """The default of ``audio``; None where there is no such field."""
    off_peak: Literal["any", "silent", "never"] = "any"
    images: int = 7
    form: tuple[str, ...] = ("subjects", "images")
    sounds: bool = False


def _half(taken: int) -> int:
    return int((Decimal(taken) / 2).to_integral_value(ROUND_CEILING))


def size(resolution: str, ratio: float) -> tuple[int, int]:
    """Even pixels with the tier's short side."""
    short = _SHORT[resolution]
    long = round(short * max(ratio, 1 / ratio) / 2) * 2
    return (long, short) if ratio > 1 else (short, long)


def _flat(rates: str) -> dict[str, Flat]:
    """``540p 9 5, 720p 20 10``: tier, credits a second, and off-peak where it is sold."""
    rows = [row.split() for row in rates.split(",")]
    return {
        tier: Flat(int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0) for tier, *numbers in rows
    }


def _rates(rates: str) -> dict[str, Rate]:
    """``720p 15 5``: tier, first second, further seconds."""
    return {tier: Rate(int(a), int(b), 15) for tier, a, b in (row.split() for row in rates.split(","))}


class _Turbo(Rate):
    """Q2 turbo at 720p: 8 credits for one second, 10 for two, 10 more for each further one."""

    def credits(self, seconds: int, audio: bool, off_peak: bool) -> int:
        taken = (8 if seconds == 1 else 10 * (seconds - 1)) + self.sound * audio
        return _half(taken) if off_peak else taken


_PRO = _flat("540p 9 5, 720p 20 10, 1080p 24 12")
_TURBO = _flat("540p 7 4, 720p 11 6, 1080p 13 7")
_Q4 = _flat("540p 9, 720p 19, 1080p 24, 2K 38, 4K 78")
_Q1 = {"1080p": Flat(80, 40, per_clip=True)}
_LONG, _TEN, _EIGHT = range(3, 17), range(1, 11), range(1, 9)


def _q3(prices: Mapping[str, Rate | Flat]) -> Rules:
    return Rules(prices=prices)


def _q2(prices: Mapping[str, Rate | Flat], seconds: range) -> Rules:
    return Rules(prices=prices, seconds=seconds, audio=False, off_peak="silent")


def _one() -> Rules:
    return Rules(
        prices=_Q1, seconds=(5,), default_resolution="1080p", ratios=OLD, audio=None, off_peak="silent"
    )


_Q2_TURBO: dict[str, Rate | Flat] = {"720p": _Turbo(0, 0, 15), "1080p": Rate(35, 10, 15)}
_Q4_RULES = Rules(prices=_Q4, seconds=_LONG, off_peak="never", images=15, form=("images",), sounds=True)

MODELS: Mapping[tuple[Call, str], Rules] = {
    ("text2video", "viduq3-pro"): _q3(_PRO),
    ("text2video", "viduq3-turbo"): _q3(_TURBO),
    ("text2video", "viduq2"): _q2(_rates("720p 15 5, 1080p 20 10"), _TEN),
    ("text2video", "viduq1"): _one(),
    ("img2video", "viduq4-preview"): _Q4_RULES,
    ("img2video", "viduq3-pro"): _q3(_PRO),
    ("img2video", "viduq3-turbo"): _q3(_TURBO),
    ("img2video", "viduq3-pro-fast"): _q3(_flat("720p 20 10, 1080p 25 13")),
    ("img2video", "viduq2-pro"): _q2(_rates("720p 15 10, 1080p 55 15"), _TEN),
    ("img2video", "viduq2-turbo"): _q2(_Q2_TURBO, _TEN),
    ("img2video", "viduq2-pro-fast"): _q2(_rates("720p 8 2, 1080p 16 4"), _TEN),
    ("img2video", "viduq1"): _one(),
    ("start-end2video", "viduq3-pro"): _q3(_PRO),
    ("start-end2video", "viduq3-turbo"): _q3(_TURBO),
    ("start-end2video", "viduq2-pro"): _q2(_rates("720p 15 10, 1080p 55 15"), _EIGHT),
    ("start-end2video", "viduq2-turbo"): _q2(_Q2_TURBO, _EIGHT),
    ("start-end2video", "viduq2-pro-fast"): _q2(_rates("720p 8 2, 1080p 16 4"), _EIGHT),
    ("start-end2video", "viduq1"): _one(),
    ("reference2video", "viduq4-preview"): _Q4_RULES,
    ("reference2video", "viduq3-turbo"): Rules(
        prices=_flat("540p 4 2, 720p 10 5, 1080p 13 7"), seconds=_LONG
    ),
    ("reference2video", "viduq3"): Rules(prices=_flat("540p 7 4, 720p 12 6, 1080p 15 7"), seconds=_LONG),
    ("reference2video", "viduq3-mix"): Rules(
        prices=_flat("720p 24, 1080p 29"), seconds=_LONG, off_peak="never", form=("images",)
    ),
    ("reference2video", "viduq2"): _q2(_rates("720p 25 5, 1080p 75 10"), _TEN),
    ("reference2video", "viduq1"): _one(),
}
