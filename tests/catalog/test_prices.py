"""Every bill that was worked out or seen, to the token and the unit."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from dramagen import Image, Money, Shot
from dramagen.catalog import price
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Input, Order, OrderReference, Quote
from dramagen.catalog.order import Price as Estimate
from dramagen.errors import ConfigError

MakeOrder = Callable[..., Order]


def video(seconds: float | None) -> tuple[OrderReference, ...]:
    clip = Input(sha256="v", media_type="video/mp4", size=1, duration=seconds)
    return (OrderReference(name="v", video=clip),)


def cost(catalog: Catalog, order: Order) -> Estimate:
    found = price.estimate(*_cards(catalog, order), order)
    assert found is not None
    return found


def _cards(catalog: Catalog, order: Order) -> tuple[Any, Any]:
    return catalog.model(order.route.provider, order.route.model), catalog.provider(order.route.provider)


def tokens(catalog: Catalog, order: Order) -> tuple[int, int]:
    return price.tokens_of(catalog.model(order.route.provider, order.route.model), order)


@pytest.mark.parametrize(
    ("route", "tier", "ratio", "seconds", "bill"),
    [
        ("seedance:cn/seedance-1.0-pro", "480p", "16:9", 5, 49_005),
        ("seedance:cn/seedance-2.5", "480p", "16:9", 4, 38_830),
        ("seedance:cn/seedance-2.5", "480p", "9:16", 5, 48_437),
        ("seedance:intl/seedance-2.5", "720p", "16:9", 5, 108_900),
        ("seedance:cn/seedance-2.0", "720p", "9:16", 5, 108_900),
        ("seedance:cn/seedance-2.0", "1080p", "3:4", 15, 732_108),
        ("seedance:cn/seedance-2.5", "720p", "16:9", 6, 130_500),
    ],
)
def test_seedance_bills_to_the_token(
    catalog: Catalog, make_order: MakeOrder, route: str, tier: str, ratio: str, seconds: int, bill: int
) -> None:
    assert tokens(catalog, make_order(route, tier, ratio, seconds)) == (bill, bill)


def test_reference_video_seconds_are_billed_too(catalog: Catalog, make_order: MakeOrder) -> None:
    order = make_order("seedance:intl/seedance-2.5", "720p", "16:9", 30, "references", references=video(30.0))
    assert tokens(catalog, order)[0] == 1_296_900


def test_the_unknown_minimum_with_video_is_bounded_from_above(
    catalog: Catalog, make_order: MakeOrder
) -> None:
    """A 5 s output is billed from 9 s of tokens up; both rules that fit that are inside the estimate."""
    short = make_order("seedance:cn/seedance-2.5", "720p", "16:9", 5, "references", references=video(2.0))
    assert tokens(catalog, short) == (900 * (24 * 9 + 1),) * 2
    four = make_order("seedance:cn/seedance-2.5", "720p", "16:9", 4, "references", references=video(2.0))
    low, high = tokens(catalog, four)
    assert low == int(900 * (24 * Decimal("7.2") + 1))
    assert high == 900 * (24 * 8 + 1)
    unknown = make_order("seedance:cn/seedance-2.5", "720p", "16:9", 5, "references", references=video(None))
    assert tokens(catalog, unknown)[1] == 900 * (24 * 35 + 1)


@pytest.mark.parametrize(
    ("model", "tier", "bill", "cny", "usd"),
    [
        ("seedance-2.5", "480p", 48_437, "3.39", "0.52"),
        ("seedance-2.5", "720p", 108_900, "7.62", "1.17"),
        ("seedance-2.5", "1080p", 245_025, "18.87", "2.87"),
        ("seedance-2.0", "480p", 50_638, "2.33", "0.35"),
        ("seedance-2.0", "720p", 108_900, "5.01", "0.76"),
        ("seedance-2.0", "1080p", 245_025, "12.50", "1.89"),
        ("seedance-2.0", "4k", 980_100, "25.48", "3.92"),
        ("seedance-2.0-fast", "480p", 50_638, "1.87", "0.28"),
        ("seedance-2.0-fast", "720p", 108_900, "4.03", "0.61"),
        ("seedance-2.0-mini", "480p", 50_638, "1.16", "0.18"),
        ("seedance-2.0-mini", "720p", 108_900, "2.50", "0.38"),
        ("seedance-1.0-pro", "480p", 49_005, "0.74", "0.12"),
        ("seedance-1.0-pro", "720p", 103_818, "1.56", "0.26"),
        ("seedance-1.0-pro", "1080p", 246_840, "3.70", "0.62"),
        ("seedance-1.0-pro-fast", "480p", 49_005, "0.21", "0.05"),
        ("seedance-1.0-pro-fast", "720p", 103_818, "0.44", "0.10"),
        ("seedance-1.0-pro-fast", "1080p", 246_840, "1.04", "0.25"),
    ],
)
def test_seedance_price_of_five_seconds(
    catalog: Catalog, make_order: MakeOrder, model: str, tier: str, bill: int, cny: str, usd: str
) -> None:
    for region, amount, currency in (("cn", cny, "CNY"), ("intl", usd, "USD")):
        order = make_order(f"seedance:{region}/{model}", tier, "9:16", 5)
        assert tokens(catalog, order) == (bill, bill)
        found = cost(catalog, order)
        assert found.expected == found.most
        assert found.expected.rounded() == Money(amount, currency)


@pytest.mark.parametrize(
    ("model", "tier", "cny", "usd"),
    [
        ("seedance-2.5", "480p", "42", "6.40"),
        ("seedance-2.5", "1080p", "46", "7.00"),
        ("seedance-2.0", "720p", "28", "4.30"),
        ("seedance-2.0", "1080p", "31", "4.70"),
        ("seedance-2.0", "4k", "16", "2.40"),
        ("seedance-2.0-fast", "720p", "22", "3.30"),
        ("seedance-2.0-mini", "480p", "14", "2.10"),
    ],
)
def test_seedance_rate_with_a_reference_video(
    catalog: Catalog, make_order: MakeOrder, model: str, tier: str, cny: str, usd: str
) -> None:
    for region, amount, currency in (("cn", cny, "CNY"), ("intl", usd, "USD")):
        order = make_order(f"seedance:{region}/{model}", tier, "9:16", 5, "references", references=video(5.0))
        row = price.row_for(catalog.model("seedance", model), order)
        assert row is not None
        assert (row.amount, row.currency) == (Decimal(amount), currency)


def test_a_retired_model_still_knows_its_price(catalog: Catalog, make_order: MakeOrder) -> None:
    """Jobs of its last day are settled after it is gone; audio doubled the price of 1.5 Pro, flex halved it."""
    rates = []
    for audio in (True, False):
        for options in ({}, {"service_tier": "flex"}):
            order = make_order(
                "seedance:cn/seedance-1.5-pro", "720p", "9:16", 5, audio=audio, options=options
            )
            row = price.row_for(catalog.model("seedance", "seedance-1.5-pro"), order)
            assert row is not None
            rates.append(row.amount)
    assert rates == [16, 8, 8, 4]


KLING = [
    ("kling-3.0-turbo", "text", {}, True, "0.8", "1.0", None),
    ("kling-3.0", "text", {}, False, "0.6", "0.8", "3.0"),
    ("kling-3.0", "first_frame", {}, True, "0.9", "1.2", "3.0"),
    ("kling-3.0-omni", "references", {}, False, "0.6", "0.8", "3.0"),
    ("kling-3.0-omni", "references", {}, True, "0.8", "1.0", "3.0"),
    ("kling-3.0-omni", "references", {"references": video(5.0)}, False, "0.9", "1.2", "3.0"),
    ("kling-o1", "text", {}, False, "0.6", "0.8", None),
    ("kling-o1", "references", {"references": video(5.0)}, False, "0.9", "1.2", None),
    ("kling-2.6", "text", {}, False, "0.3", "0.5", None),
    ("kling-2.6", "text", {}, True, None, "1.0", None),
    (
        "kling-2.6", "first_frame",
        {"dialogue": [{"speaker": "a", "text": "b", "voice": "v1"}]}, True, None, "1.2", None,
    ),
    ("kling-2.5-turbo", "text", {}, False, "0.3", "0.5", None),
    ("kling-2.1", "first_frame", {}, False, "0.4", "0.7", None),
    ("kling-2.1-master", "text", {}, False, None, "2.0", None),
]  # fmt: skip


@pytest.mark.parametrize(("model", "mode", "fields", "audio", "hd", "full", "ultra"), KLING)
def test_kling_units_a_second(
    catalog: Catalog,
    make_order: MakeOrder,
    model: str,
    mode: str,
    fields: dict[str, Any],
    audio: bool,
    hd: str | None,
    full: str | None,
    ultra: str | None,
) -> None:
    for tier, units in (("720p", hd), ("1080p", full), ("4k", ultra)):
        for region, unit in (("cn", Money("1 CNY")), ("intl", Money("0.14 USD"))):
            order = make_order(f"kling:{region}/{model}", tier, "9:16", 5, mode, audio=audio, **fields)
            if units is not None:
                found = cost(catalog, order)
                assert found.expected == found.most == unit * Decimal(units) * 5


@pytest.mark.parametrize(
    ("model", "audio", "cny", "usd"),
    [
        ("kling-3.0", False, "4", "0.56"),
        ("kling-2.5-turbo", False, "2.5", "0.35"),
        ("kling-3.0-turbo", True, "5", "0.70"),
    ],
)
def test_kling_five_seconds_at_1080p(
    catalog: Catalog, make_order: MakeOrder, model: str, audio: bool, cny: str, usd: str
) -> None:
    for region, amount in (("cn", Money(cny, "CNY")), ("intl", Money(usd, "USD"))):
        order = make_order(f"kling:{region}/{model}", "1080p", "9:16", 5, audio=audio)
        assert cost(catalog, order).expected == amount


def test_settling_believes_the_vendor(catalog: Catalog, make_order: MakeOrder) -> None:
    ark = make_order("seedance:cn/seedance-2.0", "720p", "9:16", 5)
    cards = _cards(catalog, ark)
    assert price.settle(*cards, ark, tokens=108_000) == Money("4.968 CNY")
    assert price.settle(*cards, ark) == Money("5.0094 CNY")
    assert price.settle(*cards, ark, tokens=0) == Money("0 CNY")
    kling = make_order("kling:intl/kling-3.0", "1080p", "9:16", 5)
    cards = _cards(catalog, kling)
    assert price.settle(*cards, kling, units=Decimal("3.9")) == Money("0.546 USD")
    assert price.settle(*cards, kling, seconds=Decimal("5.04")) == Money("0.56 USD")
    assert price.settle(*cards, kling, units=Decimal(4), charged=Money("0.5 USD")) == Money("0.5 USD")


def test_a_stated_price_is_not_changed_by_the_vendors_units(make_order: MakeOrder) -> None:
    own = {"per": "second", "amount": "0.5", "currency": "CNY"}
    catalog = Catalog.load(overrides={"kling": {"models": {"kling-3.0": {"price": [own]}}}})
    order = make_order("kling:cn/kling-3.0", "1080p", "9:16", 5)
    assert price.settle(*_cards(catalog, order), order, units=Decimal(4)) == Money("2.5 CNY")


def test_delivered_seconds_count_where_the_card_says_so(make_order: MakeOrder) -> None:
    own = {"per": "second", "amount": "0.5", "currency": "CNY", "billed": "delivered"}
    catalog = Catalog.load(overrides={"kling": {"models": {"kling-3.0": {"price": [own]}}}})
    order = make_order("kling:cn/kling-3.0", "1080p", "9:16", 5)
    assert price.settle(*_cards(catalog, order), order, seconds=Decimal("5.2")) == Money("2.6 CNY")


def test_a_first_second_may_cost_more_than_each_further_one(make_order: MakeOrder) -> None:
    own = [
        {"per": "clip", "amount": "0.1", "currency": "CNY", "when": {"seconds": [3]}},
        {"per": "second", "amount": "0.5", "first": "2", "currency": "CNY", "billed": "delivered"},
    ]
    overrides = {"kling": {"discount": "0.5", "models": {"kling-3.0": {"price": own}}}}
    catalog = Catalog.load(overrides=overrides)
    five = make_order("kling:cn/kling-3.0", "1080p", "9:16", 5)
    assert cost(catalog, five).expected == cost(catalog, five).most == Money("2 CNY")
    assert "1 CNY + 4 s x 0.25 CNY = 2 CNY" in price.explain(*_cards(catalog, five), five)
    assert price.settle(*_cards(catalog, five), five, seconds=Decimal(6)) == Money("2.25 CNY")
    assert cost(catalog, make_order("kling:cn/kling-3.0", "1080p", "9:16", 3)).most == Money("0.05 CNY")
    assert cost(catalog, make_order("kling:cn/kling-3.0", "1080p", "9:16", 4)).most == Money("1.75 CNY")


def test_only_seconds_have_a_first_one() -> None:
    own = {"per": "clip", "amount": "1", "first": "2", "currency": "CNY"}
    catalog = Catalog.load(overrides={"kling": {"models": {"kling-3.0": {"price": [own]}}}})
    with pytest.raises(ConfigError, match="first second"):
        catalog.model("kling", "kling-3.0")


def test_a_discount_is_taken_off_every_list_price(make_order: MakeOrder) -> None:
    catalog = Catalog.load(
        overrides={
            "kling": {"discount": "0.1"},
            "seedance": {"models": {"seedance-2.0": {"discount": "0.25"}}},
        }
    )
    kling = make_order("kling:cn/kling-3.0", "1080p", "9:16", 5)
    assert cost(catalog, kling).expected == Money("3.6 CNY")
    assert price.settle(*_cards(catalog, kling), kling, units=Decimal(4)) == Money("3.6 CNY")
    ark = make_order("seedance:cn/seedance-2.0", "720p", "9:16", 5)
    assert cost(catalog, ark).expected == Money("3.75705 CNY")
    assert "25 % off" in price.explain(*_cards(catalog, ark), ark)


def test_an_unknown_price_is_never_zero(catalog: Catalog, make_order: MakeOrder) -> None:
    order = make_order("kling:cn/kling-4.0", "720p", "9:16", 5)
    assert price.estimate(*_cards(catalog, order), order) is None
    with pytest.raises(ConfigError, match="no price"):
        price.settle(*_cards(catalog, order), order, units=Decimal(4))
    assert "no price" in price.explain(*_cards(catalog, order), order)


def test_sound_that_does_not_exist_has_no_price(catalog: Catalog, make_order: MakeOrder) -> None:
    order = make_order("kling:cn/kling-2.6", "720p", "9:16", 5, audio=True)
    assert price.estimate(*_cards(catalog, order), order) is None


def test_previz_is_free(catalog: Catalog, make_order: MakeOrder) -> None:
    order = make_order("previz:local/previz", "720p", "9:16", 5)
    assert cost(catalog, order).most == Money("0 CNY")


def test_explain_shows_the_reckoning_unrounded(catalog: Catalog, make_order: MakeOrder) -> None:
    kling = make_order("kling:intl/kling-3.0", "720p", "9:16", 5)
    assert "5 s x 0.6 units x 0.14 USD = 0.42 USD" in price.explain(*_cards(catalog, kling), kling)
    ark = make_order("seedance:cn/seedance-2.0", "720p", "9:16", 5)
    assert "108,900 tokens x 46 CNY / 1M = 5.0094 CNY" in price.explain(*_cards(catalog, ark), ark)


def test_a_frame_off_the_grid_is_reserved_at_the_tiers_largest_size(
    quoted: Callable[..., Quote],
) -> None:
    """Seedance 2.5 keeps a first frame's own ratio, so its exact pixels are known only afterwards."""
    shot = Shot("她转身", first_frame=Image.from_bytes(b"png 725x1280"))
    found = quoted(shot, "seedance:cn/seedance-2.5")
    assert found.price.expected == Money("7.623 CNY")
    assert found.price.most > found.price.expected
