"""What each Seedance model can do, its pixels and its prices.

Source: Volcengine "创建视频生成任务" and price pages, BytePlus ModelArk video pages, as read up to 2026-11-22.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Sizes = Mapping[str, Mapping[str, tuple[int, int]]]

RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")


def _sizes(*landscape: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """All six ratios from 16:9, 4:3, 1:1 and 21:9: the upright ones are turned."""
    wide, four, square, cinema = landscape
    return {
        "16:9": wide,
        "4:3": four,
        "1:1": square,
        "3:4": four[::-1],
        "9:16": wide[::-1],
        "21:9": cinema,
    }


_720P = _sizes((1280, 720), (1112, 834), (960, 960), (1470, 630))
_1080P = _sizes((1920, 1080), (1664, 1248), (1440, 1440), (2206, 946))
_SIZES_25: Sizes = {
    "480p": _sizes((854, 480), (752, 560), (640, 640), (992, 432)),
    "720p": _720P,
    "1080p": _1080P,
}
_SIZES_20: Sizes = {
    "480p": _sizes((864, 496), (752, 560), (640, 640), (992, 432)),
    "720p": _720P,
    "1080p": _1080P,
    "4k": _sizes((3840, 2160), (3326, 2494), (2880, 2880), (4398, 1886)),
}
_SIZES_10: Sizes = {
    "480p": _sizes((864, 480), (736, 544), (640, 640), (960, 416)),
    "720p": _sizes((1248, 704), (1120, 832), (960, 960), (1504, 640)),
    "1080p": _sizes((1920, 1088), (1664, 1248), (1440, 1440), (2176, 928)),
}


@dataclass(frozen=True, kw_only=True)
class Price:
    """Per million tokens: without and with a reference video."""

    cny: tuple[str, str]
    usd: tuple[str, str]

    def per_token(self, currency: str, *, has_video: bool) -> Decimal:
        pair = self.cny if currency == "CNY" else self.usd
        return Decimal(pair[has_video]) / 1_000_000


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model. ``stem`` is its id without region prefix and date; durations are whole seconds."""

    stem: str
    date: str
    sizes: Sizes
    resolutions: tuple[str, ...]
    default_resolution: str
    shortest: int
    longest: int
    default_duration: int
    prices: Mapping[str, Price]
    generation: Literal["1.0", "2.0", "2.5"]
    last_frame: bool = True
    images: int = 0
    videos: int = 0
    audios: int = 0
    longest_media: int = 0

    @property
    def references(self) -> bool:
        return self.images > 0

    def family(self, region: str) -> str:
        """The id without its date, as error messages name it."""
        if region == "cn":
            return f"doubao-{self.stem}"
        return self.stem if self.generation == "1.0" else f"dreamina-{self.stem}"

    def id(self, region: str) -> str:
        return f"{self.family(region)}-{self.date}"


def _same(resolutions: tuple[str, ...], price: Price) -> dict[str, Price]:
    return dict.fromkeys(resolutions, price)


_LOW = ("480p", "720p")
_HIGH = ("480p", "720p", "1080p")

MODELS = (
    Model(
        stem="seedance-2-5",
        date="260628",
        generation="2.5",
        sizes=_SIZES_25,
        resolutions=_HIGH,
        default_resolution="720p",
        shortest=4,
        longest=30,
        default_duration=-1,
        images=30,
        videos=10,
        audios=10,
        longest_media=30,
        prices={
            **_same(_LOW, Price(cny=("70", "42"), usd=("10.70", "6.40"))),
            "1080p": Price(cny=("77", "46"), usd=("11.70", "7.00")),
        },
    ),
    Model(
        stem="seedance-2-0",
        date="260128",
        generation="2.0",
        sizes=_SIZES_20,
        resolutions=(*_HIGH, "4k"),
        default_resolution="720p",
        shortest=4,
        longest=15,
        default_duration=5,
        images=9,
        videos=3,
        audios=3,
        longest_media=15,
        prices={
            **_same(_LOW, Price(cny=("46", "28"), usd=("7.00", "4.30"))),
            "1080p": Price(cny=("51", "31"), usd=("7.70", "4.70")),
            "4k": Price(cny=("26", "16"), usd=("4.00", "2.40")),
        },
    ),
    *(
        Model(
            stem=stem,
            date=date,
            generation="2.0",
            sizes=_SIZES_20,
            resolutions=_LOW,
            default_resolution="720p",
            shortest=4,
            longest=15,
            default_duration=5,
            images=9,
            videos=3,
            audios=3,
            longest_media=15,
            prices=_same(_LOW, price),
        )
        for stem, date, price in (
            ("seedance-2-0-fast", "260128", Price(cny=("37", "22"), usd=("5.60", "3.30"))),
            ("seedance-2-0-mini", "260615", Price(cny=("23", "14"), usd=("3.50", "2.10"))),
        )
    ),
    *(
        Model(
            stem=stem,
            date=date,
            generation="1.0",
            sizes=_SIZES_10,
            resolutions=_HIGH,
            default_resolution="1080p",
            shortest=2,
            longest=12,
            default_duration=5,
            last_frame=last_frame,
            prices=_same(_HIGH, price),
        )
        for stem, date, last_frame, price in (
            ("seedance-1-0-pro", "250528", True, Price(cny=("15", "15"), usd=("2.50", "2.50"))),
            ("seedance-1-0-pro-fast", "251015", False, Price(cny=("4.2", "4.2"), usd=("1.00", "1.00"))),
        )
    ),
)

ALLOW_LISTED = frozenset({"dreamina-seedance-2-5-premium-260915"})
"""Real ids that no ordinary account may call: answered as not activated."""


def tokens(size: tuple[int, int], frames: int, input_seconds: float) -> int:
    """What is billed: floor(width * height * frames / 1024), input video seconds counted at 24 frames each."""
    width, height = size
    return int(width * height * (frames + 24 * input_seconds) // 1024)
