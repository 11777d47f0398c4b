"""Sora's last published prices, its end, and what is named in its place; open weights without a price."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pytest

from dramagen import Money, Shot
from dramagen.catalog import price
from dramagen.catalog.cards import ModelCard
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Order, Quote, Refusal
from dramagen.shot import RESOLUTIONS

Fitted = Callable[..., Quote | Refusal]
SORA = ("sora-2", "sora-2-2025-10-06", "sora-2-2025-12-08", "sora-2-pro", "sora-2-pro-2025-10-06")
END = date(2026, 9, 24)


@pytest.mark.parametrize(
    ("model", "tier", "seconds", "cost"),
    [
        ("sora-2", "720p", 4, "0.40"),
        ("sora-2", "720p", 12, "1.20"),
        ("sora-2", "720p", 20, "2.00"),
        ("sora-2-2025-12-08", "720p", 8, "0.80"),
        ("sora-2-pro", "720p", 4, "1.20"),
        ("sora-2-pro", "1080p", 8, "5.60"),
        ("sora-2-pro-2025-10-06", "1080p", 16, "11.20"),
    ],
)
def test_a_second_of_sora(
    catalog: Catalog, make_order: Callable[..., Order], model: str, tier: str, seconds: int, cost: str
) -> None:
    card, provider = catalog.model("sora", model), catalog.provider("sora")
    order = make_order(f"sora:intl/{model}", tier, "9:16", seconds, audio=True)
    estimate = price.estimate(card, provider, order)
    assert estimate is not None
    assert estimate.expected == estimate.most == Money(Decimal(cost), "USD")
    assert price.settle(card, provider, order) == estimate.most


def test_every_sora_model_ended_on_one_day(catalog: Catalog) -> None:
    assert catalog.models("sora") == SORA
    assert {catalog.model("sora", model).retires("intl") for model in SORA} == {END}


@pytest.mark.parametrize("model", SORA)
def test_it_is_refused_with_the_day_unless_somebody_still_serves_it(fitted: Fitted, model: str) -> None:
    shot = Shot("雨夜", duration=4)
    refusal = fitted(shot, f"sora:intl/{model}")
    assert isinstance(refusal, Refusal)
    assert refusal.rule == "retired"
    assert "2026-09-24" in refusal.reason
    assert isinstance(fitted(shot, f"sora:intl/{model}", overridden=True), Quote)
    assert isinstance(fitted(shot, f"sora:intl/{model}", today=date(2026, 9, 23)), Quote)


def living(catalog: Catalog, today: date) -> Iterator[ModelCard]:
    for provider in catalog.providers():
        for name in catalog.models(provider):
            card = catalog.model(provider, name)
            ends = [card.retires(region) for region in card.wire]
            if any(end is None or end > today for end in ends):
                yield card


def rating(card: ModelCard) -> float | None:
    return next((q.rating for q in card.quality if q.board == "arena.ai text-to-video"), None)


def films_what(card: ModelCard, sora: ModelCard) -> bool:
    """Text and a first frame, with sound, cuts and dialogue, as large."""
    text, old = card.mode("text"), sora.mode("text")
    if text is None or old is None or card.mode("first_frame") is None:
        return False
    tall = RESOLUTIONS.index(text.resolutions[-1]) >= RESOLUTIONS.index(old.resolutions[-1])
    return tall and text.audio != "never" and text.cuts is not None and text.dialogue is not None


@pytest.mark.parametrize("model", ["sora-2", "sora-2-pro"])
def test_the_nearest_living_models_are_named(catalog: Catalog, today: date, model: str) -> None:
    sora = catalog.model("sora", model)
    was = rating(sora)
    assert was is not None
    able = {
        card.id: (abs(found - was), card.modes[0].durations.longest)
        for card in living(catalog, today)
        if (found := rating(card)) is not None and films_what(card, sora)
    }
    nearest = min(able, key=lambda name: able[name][0])
    as_long = min((name for name in able if able[name][1] >= 20), key=lambda name: able[name][0])
    assert sora.instead == (nearest, as_long)


def test_open_weights_have_no_price_and_no_pace_of_their_own(catalog: Catalog) -> None:
    for model in catalog.models("selfhosted"):
        card = catalog.model("selfhosted", model)
        assert (card.prices, card.latency) == ((), ())
        for mode in card.modes:
            assert mode.fps is not None
            for size in (size for sizes in mode.sizes.values() for size in sizes.values()):
                assert all(side % 16 == 0 for side in size)
            frames = mode.fps * mode.durations.longest + card.wire["own"]["extra_frames"]
            assert frames % 4 == 1
