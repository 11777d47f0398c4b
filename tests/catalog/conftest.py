"""The packaged catalogue, a day to judge it on, and media that were measured without being read."""

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from dramagen import Shot
from dramagen.catalog.fit import fit
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Input, Order, Quote, Refusal
from dramagen.catalog.recipe import Recipe, Seen
from dramagen.catalog.route import Route
from dramagen.errors import InvalidShot
from dramagen.media.adapt import crop_box, within
from dramagen.media.check import parse_ratio
from dramagen.medium import Media

TODAY = date(2026, 11, 22)

Fitted = Callable[..., Quote | Refusal]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load()


@pytest.fixture(scope="session")
def today() -> date:
    return TODAY


def measured(media: Media) -> Input:
    """``b"png 720x1280"`` is such a picture; ``b"mp4 720x1280 5.0"`` a video of 5 s; ``b"wav 3.5"`` a sound.

    ``alpha`` marks a picture with transparent parts, ``turned`` one that lies on its side, ``9000B`` its bytes.
    """
    kind, *rest = measured_content(media).decode().split()
    types = {
        "mp4": "video/mp4",
        "mov": "video/quicktime",
        "webm": "video/webm",
        "wav": "audio/wav",
        "mp3": "audio/mp3",
    }
    seen: dict[str, Any] = {"size": 1000}
    for word in rest:
        if word == "alpha":
            seen["alpha"] = True
        elif word == "turned":
            seen["flaw"] = "it is stored turned"
        elif word.endswith("B"):
            seen["size"] = int(word[:-1])
        elif "x" in word:
            seen["width"], seen["height"] = map(int, word.split("x"))
        else:
            seen["duration"] = float(word)
    sha256 = hashlib.sha256(measured_content(media)).hexdigest()
    return Seen(sha256=sha256, media_type=types.get(kind, f"image/{kind}"), **seen)


def measured_content(media: Media) -> bytes:
    """A URL's content is what follows its last slash: ``https://x.example/mp4 720x1280 5.0``."""
    return media.url.rpartition("/")[2].encode() if media.url is not None else media.read()


def adapted(media: Media, recipe: Recipe) -> Input:
    """What a recipe makes of such a picture; a pixel weighs a tenth of a byte, one over its bytes is halved."""
    found = measured(media)
    assert found.width is not None
    assert found.height is not None
    width, height = found.width, found.height
    if recipe.ratio is not None:
        box = crop_box(width, height, parse_ratio(recipe.ratio))
        width, height = box[2] - box[0], box[3] - box[1]
    width, height = within(width, height, recipe.max_side, recipe.max_area)
    while recipe.max_bytes is not None and width * height // 10 > recipe.max_bytes:
        width, height = width // 2, height // 2
        if min(width, height) < recipe.min_side:
            raise InvalidShot("it cannot be brought under its bytes")
    return Input(
        sha256=f"adapted-{found.sha256}",
        media_type=f"image/{recipe.formats[0]}",
        size=width * height // 10,
        width=width,
        height=height,
    )


@pytest.fixture(scope="session")
def fitted(catalog: Catalog) -> Fitted:
    """``fitted(shot, "kling:cn/kling-3.0", **options)``."""

    def run(shot: Shot, route: str, **options: Any) -> Quote | Refusal:
        asked: dict[str, Any] = {"measure": measured, "adapt": adapted, "today": TODAY} | options
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
