"""The packaged catalogue, a day to judge it on, and media that were measured without being read."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from dramagen import Shot
from dramagen.catalog.fit import fit
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Input, Order, Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.shot import Media

TODAY = date(2026, 11, 22)

Fitted = Callable[..., Quote | Refusal]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load()


@pytest.fixture(scope="session")
def today() -> date:
    return TODAY


def measured(media: Media) -> Input:
    """``b"png 720x1280"`` is such a picture; ``b"mp4 720x1280 5.0"`` a video of 5 s; ``b"wav 3.5"`` a sound."""
    kind, *rest = media.read().decode().split()
    types = {"png": "image/png", "webp": "image/webp", "mp4": "video/mp4", "wav": "audio/wav"}
    width = height = duration = None
    for word in rest:
        if "x" in word:
            width, height = map(int, word.split("x"))
        else:
            duration = float(word)
    return Input(
        sha256=media.sha256, media_type=types[kind], size=1000, width=width, height=height, duration=duration
    )


def cropped(media: Media, ratio: str) -> Input:
    """A crop that is 900 pixels on its short side."""
    wide, high = map(int, ratio.split(":"))
    unit = 900 // min(wide, high)
    return Input(
        sha256=f"cropped-{media.sha256}",
        media_type="image/png",
        size=900,
        width=wide * unit,
        height=high * unit,
    )


@pytest.fixture(scope="session")
def fitted(catalog: Catalog) -> Fitted:
    """``fitted(shot, "kling:cn/kling-3.0", **options)``."""

    def run(shot: Shot, route: str, **options: Any) -> Quote | Refusal:
        asked: dict[str, Any] = {"measure": measured, "crop": cropped, "today": TODAY} | options
        return fit(shot, Route.from_id(route), asked.pop("catalog", catalog), **asked)

    return run


@pytest.fixture(scope="session")
def quoted(fitted: Fitted) -> Callable[..., Quote]:
    """The same, for a shot that must fit."""

    def run(shot: Shot, route: str, **options: Any) -> Quote:
        found = fitted(shot, route, **options)
        assert isinstance(found, Quote), f"{found.rule}: {found.reason}"
        return found

    return run


@pytest.fixture(scope="session")
def refused(fitted: Fitted) -> Callable[..., Refusal]:
    """The same, for a shot that must not."""

    def run(shot: Shot, route: str, **options: Any) -> Refusal:
        found = fitted(shot, route, **options)
        assert isinstance(found, Refusal), found
        return found

    return run


@pytest.fixture(scope="session")
def make_order(catalog: Catalog) -> Callable[..., Order]:
    """An order as the card sizes it: ``make_order("seedance:cn/seedance-2.0", "720p", "9:16", 5)``."""

    def make(route: str, tier: str, ratio: str, seconds: int, mode: str = "text", **fields: Any) -> Order:
        where = Route.from_id(route)
        card = catalog.model(where.provider, where.model)
        found = card.mode(mode)
        assert found is not None
        size = found.sizes.get(tier, {}).get(ratio, (None, None))
        fields = {"audio": False, "aspect_ratio": ratio, "width": size[0], "height": size[1]} | fields
        made: Order = Order.parse(
            {
                "route": where,
                "wire": card.wire[where.region],
                "mode": mode,
                "prompt": "x",
                "duration": seconds,
                "resolution": tier,
            }
            | fields
        )
        return made

    return make
