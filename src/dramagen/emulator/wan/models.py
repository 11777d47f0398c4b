"""The models of DashScope's video endpoints: what each takes, films and costs.

Sources, as read up to 2026-11-22: Model Studio's references of Wan 3.0, 2.7, of 2.1 to 2.6 and of HappyHorse; its
price and rate-limit pages as transcribed by public readers. Sizes of Wan 3.0 come from a reseller's typed list.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

Protocol = Literal["wan3", "wan27", "legacy"]
Kind = Literal["all", "text", "image", "frames", "references"]

Sizes = Mapping[str, Mapping[str, tuple[int, int]]]

ALL = ("cn", "intl", "us", "eu", "jp", "hk")
OLD_AND_NEW = ("cn", "intl", "us", "eu")
TWO = ("cn", "intl")

NEW_SIZES: Sizes = {
    "480P": {"16:9": (832, 480), "4:3": (720, 544), "1:1": (624, 624), "3:4": (544, 720), "9:16": (480, 832)},
    "720P": {"16:9": (1280, 720), "4:3": (1104, 832), "1:1": (960, 960), "3:4": (832, 1104), "9:16": (720, 1280)},
    "1080P": {
        "16:9": (1920, 1080), "4:3": (1648, 1248), "1:1": (1440, 1440), "3:4": (1248, 1648), "9:16": (1080, 1920),
    },
}  # fmt: skip
LEGACY_SIZES: Mapping[str, tuple[str, ...]] = {
    "480P": ("832*480", "480*832", "624*624"),
    "720P": ("1280*720", "720*1280", "960*960", "1088*832", "832*1088"),
    "1080P": ("1920*1080", "1080*1920", "1440*1440", "1632*1248", "1248*1632"),
}
WIDE = ("4:5", "5:4", "9:21", "21:9")
"""Ratios of HappyHorse 1.1 alone; their pixels are not published."""

ASSUMED_RATE = Decimal("0.14")
"""USD for a CNY, where a region's price was not found."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model id.

    ``prices`` are a second's in CNY by tier, ``silent`` those without sound where they differ, ``usd`` a second's
    in USD where that was found, ``west`` that of Virginia and Frankfurt where it differs. ``sound``: ``switch``,
    ``always`` or ``never``. ``inline``: data URIs are taken.
    """

    id: str
    protocol: Protocol
    kind: Kind
    tiers: tuple[str, ...]
    default_tier: str = "1080P"
    durations: tuple[int, int] | tuple[int, ...] = (5,)
    span: bool = False
    """Whether ``durations`` is a range, both ends included."""
    default_seconds: int = 5
    ratios: tuple[str, ...] = ("16:9", "9:16", "1:1", "4:3", "3:4")
    sound: Literal["switch", "always", "never"] = "never"
    inline: bool = True
    watermark: bool = False
    prices: Mapping[str, str]
    silent: Mapping[str, str] | None = None
    usd: Mapping[str, str] | None = None
    west: Mapping[str, str] | None = None
    regions: tuple[str, ...] = TWO

    def films(self, seconds: int) -> bool:
        """Whether it takes that length."""
        if self.span:
            return self.durations[0] <= seconds <= self.durations[1]
        return seconds in self.durations

    def rate(self, region: str, tier: str, *, sound: bool) -> Decimal:
        """What a second costs in the region's currency."""
        if region in ("us", "eu") and self.west is not None:
            return Decimal(self.west[tier])
        if region != "cn" and self.usd is not None:
            return Decimal(self.usd[tier])
        prices = self.prices if sound or self.silent is None else self.silent
        return Decimal(prices[tier]) * (1 if region == "cn" else ASSUMED_RATE)


def _tiers(*amounts: str, of: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(of, amounts, strict=True))


_THREE = ("480P", "720P", "1080P")
_UPPER = ("720P", "1080P")


def _wan3() -> Iterator[Model]:
    base = Model(
        id="wan3.0-video", protocol="wan3", kind="all", tiers=_THREE, durations=(2, 30), span=True, sound="switch",
        prices=_tiers("0.30", "0.60", "1.20", of=_THREE), usd=_tiers("0.05", "0.10", "0.20", of=_THREE),
        west=_tiers("0.0413", "0.0825", "0.165", of=_THREE), regions=ALL,
    )  # fmt: skip
    yield base
    yield replace(
        base, id="wan3.0-video-prime", prices=_tiers("0.45", "0.90", "1.80", of=_THREE),
        usd=_tiers("0.068", "0.14", "0.28", of=_THREE), west=None,
    )  # fmt: skip


def _wan27() -> Iterator[Model]:
    kinds: Mapping[str, Kind] = {"t2v": "text", "i2v": "image", "r2v": "references"}
    for word, kind in kinds.items():
        yield Model(
            id=f"wan2.7-{word}", protocol="wan27", kind=kind, tiers=_UPPER, durations=(2, 15), span=True,
            sound="always", inline=False, prices=_tiers("0.60", "1.00", of=_UPPER),
            usd=_tiers("0.10", "0.15", of=_UPPER),
        )  # fmt: skip
    for version, tiers, more in (("1.0", _UPPER, ()), ("1.1", _THREE, WIDE)):
        for word, kind in kinds.items():
            yield Model(
                id=f"happyhorse-{version}-{word}", protocol="wan27", kind=kind, tiers=tiers, durations=(3, 15),
                span=True, sound="always", inline=word == "r2v", watermark=True,
                ratios=(*Model.ratios, *more),
                prices=_tiers(*("0.45", "0.90", "1.60")[-len(tiers):], of=tiers),
                usd=_tiers("0.14", "0.24", of=_UPPER) if version == "1.0" else None,
                regions=OLD_AND_NEW if version == "1.0" else TWO,
            )  # fmt: skip


def _legacy() -> Iterator[Model]:
    base = Model(
        id="wan2.6-t2v", protocol="legacy", kind="text", tiers=_UPPER, durations=(5, 10, 15), sound="always",
        prices=_tiers("0.60", "1.00", of=_UPPER), usd=_tiers("0.10", "0.15", of=_UPPER), regions=OLD_AND_NEW,
    )  # fmt: skip
    yield base
    yield replace(base, id="wan2.6-t2v-us", regions=("us",))
    yield replace(base, id="wan2.6-i2v-us", kind="image", regions=("us",))
    image = replace(base, id="wan2.6-i2v", kind="image", durations=(2, 15), span=True)
    references = replace(image, id="wan2.6-r2v", kind="references", durations=(2, 10), inline=False)
    yield from (image, references)
    for one in (image, references):
        yield replace(
            one, id=f"{one.id}-flash", sound="switch", prices=_tiers("0.30", "0.50", of=_UPPER),
            silent=_tiers("0.15", "0.25", of=_UPPER), usd=None, regions=TWO,
        )  # fmt: skip
    w25 = replace(
        base, id="wan2.5-t2v-preview", tiers=_THREE, durations=(5, 10),
        prices=_tiers("0.30", "0.60", "1.00", of=_THREE), usd=None, regions=TWO,
    )  # fmt: skip
    yield w25
    yield replace(w25, id="wan2.5-i2v-preview", kind="image")
    ends = ("480P", "1080P")
    plus = replace(
        w25, id="wan2.2-t2v-plus", tiers=ends, durations=(5,), sound="never",
        prices=_tiers("0.14", "0.70", of=ends),
    )  # fmt: skip
    yield plus
    yield replace(plus, id="wan2.2-i2v-plus", kind="image")
    flash = replace(
        plus, id="wan2.2-i2v-flash", kind="image", tiers=_THREE, default_tier="720P",
        prices=_tiers("0.10", "0.20", "0.48", of=_THREE),
    )  # fmt: skip
    yield flash
    yield replace(flash, id="wan2.2-kf2v-flash", kind="frames")
    yield from _wan21(plus)


def _wan21(plus: Model) -> Iterator[Model]:
    low, mid = ("480P", "720P"), ("720P",)
    for stem, region in (("wanx2.1", "cn"), ("wan2.1", "intl")):
        turbo = replace(
            plus, id=f"{stem}-t2v-turbo", tiers=low, default_tier="720P",
            prices=_tiers("0.24", "0.24", of=low), regions=(region,),
        )  # fmt: skip
        yield turbo
        yield replace(turbo, id=f"{stem}-i2v-turbo", kind="image", durations=(3, 4, 5))
        better = replace(turbo, id=f"{stem}-t2v-plus", tiers=mid, prices=_tiers("0.70", of=mid))
        yield better
        yield replace(better, id=f"{stem}-i2v-plus", kind="image")
        yield replace(better, id=f"{stem}-kf2v-plus", kind="frames")


MODELS: Mapping[str, Model] = {model.id: model for model in (*_wan3(), *_wan27(), *_legacy())}

_SNAPSHOT = re.compile(r"-2026-\d\d-\d\d$")


def model_named(sent: str, region: str) -> Model | None:
    """The model of an id, or of a dated snapshot of it, if the region serves it."""
    model = MODELS.get(_SNAPSHOT.sub("", sent))
    return model if model is not None and region in model.regions else None
