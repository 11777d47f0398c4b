"""What fal's clips cost, and what is refused for want of a price or of a field."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from dramagen import Cut, Image, Money, Reference, Shot
from dramagen.adapters.fal import FalAdapter
from dramagen.catalog import price
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Order, Quote, Refusal
from dramagen.medium import Video

MakeOrder = Callable[..., Order]
Quoted = Callable[..., Quote]
Refused = Callable[..., Refusal]
FRAME = Image.from_bytes(b"png 720x1280")

PER_SECOND: dict[str, dict[str, str]] = {
    "seedance-2.5": {"480p": "0.2205", "720p": "0.473", "1080p": "1.164"},
    "seedance-2.5-flash": {"480p": "0.1442", "720p": "0.3094"},
    "seedance-2.0": {"480p": "0.1346", "720p": "0.3034", "1080p": "0.682", "4k": "1.555"},
    "seedance-2.0-fast": {"720p": "0.2419"},
    "seedance-2.0-mini": {"480p": "0.0721", "720p": "0.1547"},
    "wan-3.0": {"480p": "0.05", "720p": "0.10", "1080p": "0.20"},
    "kling-4.0": {"720p": "0.157", "1080p": "0.235"},
    "minimax-h3-max": {"480p": "0.05", "768p": "0.08", "1080p": "0.16"},
    "minimax-h3-max-turbo": {"480p": "0.025", "768p": "0.04", "1080p": "0.08"},
    "viduq3-pro": {"360p": "0.07", "540p": "0.07", "720p": "0.154", "1080p": "0.154"},
    "kling-2.5-turbo": {"1080p": "0.07"},
}
"""US dollars for a second of clip, as read on fal's pages."""

WITH_SOUND = {"720p": ("0.084", "0.126"), "1080p": ("0.112", "0.168")}
"""Kling 3.0, without and with sound."""

UNPRICED = {
    "wan-3.0-prime", "wan-2.7", "kling-3.0-omni", "kling-2.6", "minimax-h3", "hailuo-2.3", "viduq3-turbo",
}  # fmt: skip


def estimate(catalog: Catalog, order: Order) -> Money | None:
    found = price.estimate(catalog.model("fal", order.route.model), catalog.provider("fal"), order)
    assert found is None or found.expected == found.most
    return None if found is None else found.expected


@pytest.mark.parametrize("model", PER_SECOND)
@pytest.mark.parametrize("audio", [True, False])
def test_dollars_a_second(catalog: Catalog, make_order: MakeOrder, model: str, audio: bool) -> None:
    for tier, rate in PER_SECOND[model].items():
        for mode in ("text", "first_frame", "first_last_frame"):
            for seconds in (5, 10):
                order = make_order(f"fal:intl/{model}", tier, "9:16", seconds, mode, audio=audio)
                assert estimate(catalog, order) == Money(Decimal(rate) * seconds, "USD")


def test_kling_3_costs_more_with_sound(catalog: Catalog, make_order: MakeOrder) -> None:
    for tier, rates in WITH_SOUND.items():
        for audio, rate in zip((False, True), rates, strict=True):
            order = make_order("fal:intl/kling-3.0", tier, "9:16", 5, "text", audio=audio)
            assert estimate(catalog, order) == Money(Decimal(rate) * 5, "USD")
    assert estimate(catalog, make_order("fal:intl/kling-3.0", "4k", "9:16", 5, "text")) is None


@pytest.mark.parametrize(
    ("model", "tier", "seconds", "dollars"),
    [
        ("kling-3.0", "720p", 5, "0.42"),
        ("wan-3.0", "720p", 5, "0.50"),
        ("seedance-2.5", "720p", 15, "7.095"),
        ("kling-4.0", "1080p", 30, "7.05"),
        ("minimax-h3-max", "768p", 5, "0.40"),
    ],
)
def test_worked_bills(
    catalog: Catalog, make_order: MakeOrder, model: str, tier: str, seconds: int, dollars: str
) -> None:
    order = make_order(f"fal:intl/{model}", tier, "9:16", seconds, "text")
    assert estimate(catalog, order) == Money(f"{dollars} USD")


def test_seedance_2_5_counts_the_seconds_of_a_reference_video_at_six_tenths(quoted: Quoted) -> None:
    film = Video.from_bytes(b"mp4 720x1280 4.0")
    shot = Shot("@a 走来", duration=5, resolution="720p", references=[Reference("a", [FRAME], video=film)])
    found = quoted(shot, "fal:intl/seedance-2.5", wording=FalAdapter().wording)
    assert found.price.most == Money(Decimal("0.473") * Decimal("0.6") * (5 + 4), "USD")


def test_every_model_is_priced_or_said_to_be_without(catalog: Catalog) -> None:
    assert set(catalog.models("fal")) == PER_SECOND.keys() | UNPRICED | {"kling-3.0"}
    for model in UNPRICED:
        assert catalog.model("fal", model).prices == ()
    for model in catalog.models("fal"):
        for row in catalog.model("fal", model).prices:
            assert row.source
            assert row.checked
            assert row.currency == "USD"


@pytest.mark.parametrize("model", sorted(UNPRICED))
def test_without_a_price_nothing_is_filmed(refused: Refused, model: str) -> None:
    shot = Shot("雨夜", duration=5, aspect_ratio="16:9")
    found = refused(shot, f"fal:intl/{model}", wording=FalAdapter().wording)
    assert found.rule == "price"
    assert f'providers.fal.models."{model}".price' in found.reason


def test_a_bill_is_reckoned_here_whatever_the_units_say(catalog: Catalog, make_order: MakeOrder) -> None:
    order = make_order("fal:intl/kling-3.0", "720p", "9:16", 5, "text")
    cards = catalog.model("fal", "kling-3.0"), catalog.provider("fal")
    assert price.settle(*cards, order) == Money("0.42 USD")
    assert price.settle(*cards, order, units=Decimal(3)) == Money("0.42 USD")


@pytest.mark.parametrize(
    ("shot", "model", "rule"),
    [
        (Shot("雨夜", duration=5, cuts=[Cut("a", 2), Cut("b", 3)]), "viduq3-pro", "cuts"),
        (Shot("雨夜", duration=5, audio=False), "kling-4.0", "audio"),
        (Shot("雨夜", duration=20), "kling-3.0", "duration"),
        (Shot("@a", duration=5, references=[Reference("a", [FRAME])]), "kling-3.0", "references"),
        (Shot("雨夜", duration=5, options={"fal": {"cfg_scale": 0.5}}), "seedance-2.0", "prompt"),
        (Shot("雨夜", duration=5, options={"fal": {"duration": "15"}}), "seedance-2.0", "options"),
    ],
)
def test_what_cannot_be_said_there_is_refused(refused: Refused, shot: Shot, model: str, rule: str) -> None:
    assert refused(shot, f"fal:intl/{model}", wording=FalAdapter().wording).rule == rule
