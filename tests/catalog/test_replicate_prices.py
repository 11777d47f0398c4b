"""What Replicate's clips cost, and what is refused for want of a price."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from dramagen import Image, Money, Reference, Shot
from dramagen.adapters.replicate import ReplicateAdapter
from dramagen.catalog import price
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Order, Quote, Refusal
from dramagen.medium import Video

MakeOrder = Callable[..., Order]
Quoted = Callable[..., Quote]
Refused = Callable[..., Refusal]
FRAME = Image.from_bytes(b"png 720x1280")

PER_SECOND: dict[str, dict[str, tuple[str, str]]] = {
    "seedance-2.5": {"480p": ("0.1028", "0.1028"), "720p": ("0.2312", "0.2312")},
    "wan-3.0": {"480p": ("0.05", "0.05"), "720p": ("0.10", "0.10"), "1080p": ("0.20", "0.20")},
    "kling-3.0": {"720p": ("0.168", "0.252"), "1080p": ("0.224", "0.336")},
    "kling-3.0-omni": {"720p": ("0.168", "0.224"), "1080p": ("0.224", "0.28")},
    "viduq3-pro": {"720p": ("0.15", "0.15")},
}
"""US dollars for a second of clip, without and with sound, as third parties read them."""

UNPRICED = {
    "seedance-2.0", "seedance-2.0-fast", "seedance-2.0-mini", "kling-4.0", "hailuo-2.3", "viduq3-turbo",
}  # fmt: skip


def estimate(catalog: Catalog, order: Order) -> Money | None:
    cards = catalog.model("replicate", order.route.model), catalog.provider("replicate")
    found = price.estimate(*cards, order)
    return None if found is None else found.most


@pytest.mark.parametrize("model", PER_SECOND)
def test_dollars_a_second(catalog: Catalog, make_order: MakeOrder, model: str) -> None:
    for tier, rates in PER_SECOND[model].items():
        for audio, rate in zip((False, True), rates, strict=True):
            for mode in ("text", "first_frame"):
                order = make_order(f"replicate:intl/{model}", tier, "9:16", 7, mode, audio=audio)
                assert estimate(catalog, order) == Money(Decimal(rate) * 7, "USD")


def test_a_reference_video_has_a_price_of_its_own(quoted: Quoted) -> None:
    film = Video.from_bytes(b"mp4 720x1280 4.0")
    shot = Shot("@a 走来", duration=5, resolution="480p", references=[Reference("a", [FRAME], video=film)])
    found = quoted(shot, "replicate:intl/seedance-2.5", wording=ReplicateAdapter().wording)
    assert found.price.most == Money("2.15 USD")


def test_kling_costs_twice_what_it_does_at_fal(catalog: Catalog, make_order: MakeOrder) -> None:
    for tier in ("720p", "1080p"):
        for audio in (True, False):
            at = [
                price.estimate(
                    catalog.model(provider, "kling-3.0"),
                    catalog.provider(provider),
                    make_order(f"{provider}:intl/kling-3.0", tier, "9:16", 5, "text", audio=audio),
                )
                for provider in ("fal", "replicate")
            ]
            assert at[0] is not None
            assert at[1] is not None
            assert at[1].most == at[0].most * 2


def test_every_model_is_priced_or_said_to_be_without(catalog: Catalog) -> None:
    assert set(catalog.models("replicate")) == PER_SECOND.keys() | UNPRICED
    for model in UNPRICED:
        assert catalog.model("replicate", model).prices == ()
    assert all(
        row.source and row.checked and row.currency == "USD"
        for model in PER_SECOND
        for row in catalog.model("replicate", model).prices
    )


@pytest.mark.parametrize("model", sorted(UNPRICED))
def test_without_a_price_nothing_is_filmed(refused: Refused, model: str) -> None:
    shot = Shot("雨夜", duration=5, aspect_ratio="16:9")
    found = refused(shot, f"replicate:intl/{model}", wording=ReplicateAdapter().wording)
    assert found.rule == "price"


@pytest.mark.parametrize(
    ("shot", "model", "rule"),
    [
        (Shot("雨夜", duration=5, audio=True), "wan-3.0", "audio"),
        (Shot("雨夜", duration=5, first_frame=FRAME, last_frame=FRAME), "wan-3.0", "last_frame"),
        (Shot("雨夜", duration=10, resolution="1080p"), "hailuo-2.3", "duration"),
        (Shot("雨夜", duration=5, resolution="1080p"), "seedance-2.5", "resolution"),
        (Shot("雨夜", duration=5, options={"replicate": {"mode": "pro"}}), "kling-3.0", "options"),
    ],
)
def test_what_cannot_be_said_there_is_refused(refused: Refused, shot: Shot, model: str, rule: str) -> None:
    if model == "hailuo-2.3":
        shot = shot.changed(aspect_ratio="16:9")
    assert refused(shot, f"replicate:intl/{model}", wording=ReplicateAdapter().wording).rule == rule
