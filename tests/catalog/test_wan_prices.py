"""Wan and HappyHorse: every price that was read, what has none, and what a fit may ask of each generation."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from dramagen import Camera, Cut, Image, Line, Money, Reference, Shot
from dramagen.catalog import price
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Order, Quote, Refusal

MakeOrder = Callable[..., Order]
Quoted = Callable[..., Quote]
Refused = Callable[..., Refusal]


def cost(catalog: Catalog, order: Order) -> Money | None:
    card = catalog.model(order.route.provider, order.route.model)
    found = price.estimate(card, catalog.provider("wan"), order)
    assert found is None or found.expected == found.most
    return None if found is None else found.expected


SECOND = [
    # route, sound, then CNY or USD a second at 480P, 720P and 1080P
    ("cn/wan-3.0", False, "CNY", "0.30", "0.60", "1.20"),
    ("cn/wan-3.0", True, "CNY", "0.30", "0.60", "1.20"),
    ("intl/wan-3.0", True, "USD", "0.05", "0.10", "0.20"),
    ("us/wan-3.0", False, "USD", "0.0413", "0.0825", "0.165"),
    ("eu/wan-3.0", False, "USD", "0.0413", "0.0825", "0.165"),
    ("cn/wan-3.0-prime", True, "CNY", "0.45", "0.90", "1.80"),
    ("intl/wan-3.0-prime", True, "USD", "0.068", "0.14", "0.28"),
    ("cn/wan-2.7", True, "CNY", None, "0.60", "1.00"),
    ("intl/wan-2.7", True, "USD", None, "0.10", "0.15"),
    ("cn/wan-2.6", True, "CNY", None, "0.60", "1.00"),
    ("intl/wan-2.6", True, "USD", None, "0.10", "0.15"),
    ("cn/wan-2.6-flash", True, "CNY", None, "0.30", "0.50"),
    ("cn/wan-2.6-flash", False, "CNY", None, "0.15", "0.25"),
    ("cn/wan-2.5-preview", True, "CNY", "0.30", "0.60", "1.00"),
    ("cn/wan-2.2-plus", False, "CNY", "0.14", None, "0.70"),
    ("cn/wan-2.2-flash", False, "CNY", "0.10", "0.20", "0.48"),
    ("cn/wan-2.1-plus", False, "CNY", None, "0.70", None),
    ("cn/happyhorse-1.0", True, "CNY", None, "0.90", "1.60"),
    ("intl/happyhorse-1.0", True, "USD", None, "0.14", "0.24"),
]


@pytest.mark.parametrize(
    ("route", "sound", "currency", "amounts"),
    [(route, sound, currency, amounts) for route, sound, currency, *amounts in SECOND],
)
def test_a_second_costs_what_the_page_says(
    catalog: Catalog, make_order: MakeOrder, route: str, sound: bool, currency: str, amounts: list[str | None]
) -> None:
    card = catalog.model("wan", route.partition("/")[2])
    for tier, amount in zip(("480p", "720p", "1080p"), amounts, strict=True):
        films = [mode for mode in card.modes if tier in mode.resolutions]
        assert bool(films) is (amount is not None), tier
        for mode in films:
            order = make_order(f"wan:{route}", tier, "9:16", 5, mode.name, audio=sound)
            assert cost(catalog, order) == Money(Decimal(amount or 0) * 5, currency)


@pytest.mark.parametrize(
    "route",
    [
        "jp/wan-3.0", "hk/wan-3.0", "us/wan-2.6", "eu/wan-2.6", "intl/wan-2.6-flash", "intl/wan-2.5-preview",
        "intl/wan-2.2-plus", "intl/wan-2.2-flash", "intl/wan-2.1-plus", "cn/wan-2.1-turbo", "cn/happyhorse-1.1",
        "eu/happyhorse-1.0",
    ],
)  # fmt: skip
def test_what_nobody_read_has_no_price(catalog: Catalog, make_order: MakeOrder, route: str) -> None:
    mode = catalog.model("wan", route.partition("/")[2]).modes[0]
    assert cost(catalog, make_order(f"wan:{route}", "720p", "9:16", 5, mode.name)) is None


def test_the_default_tier_is_never_bought_by_leaving_it_out(quoted: Quoted) -> None:
    """1080P costs four times 480P, and is what the vendor films where nothing is said."""
    found = quoted(Shot("雨夜", resolution="480p"), "wan:cn/wan-3.0")
    assert (found.order.resolution, found.price.expected) == ("480p", Money("1.50", "CNY"))


def test_the_last_frame_of_a_480p_clip_goes_in_again_untouched(quoted: Quoted) -> None:
    frame = Image.from_bytes(b"png 480x832")
    found = quoted(Shot("她回头", resolution="480p", first_frame=frame), "wan:cn/wan-3.0")
    assert [a.field for a in found.adjustments] == []
    assert found.order.aspect_ratio is None


def test_one_card_films_with_the_model_of_each_way(catalog: Catalog) -> None:
    card = catalog.model("wan", "wan-2.7")
    assert {m.name for m in card.modes} == set(card.wire["cn"]["models"])
    assert catalog.model("wan", "wan-2.1-plus").wire["intl"]["models"]["text"] == "wan2.1-t2v-plus"
    assert catalog.model("wan", "wan-2.1-plus").wire["cn"]["models"]["text"] == "wanx2.1-t2v-plus"


def test_wan_3_films_three_to_thirty_seconds_with_cuts_and_lines(quoted: Quoted, refused: Refused) -> None:
    shot = Shot(
        "雨夜",
        duration=30,
        cuts=[Cut("推门", 10), Cut("特写", 20)],
        dialogue=[Line("她", "走吧")],
        camera=Camera("push_in"),
    )
    assert quoted(shot, "wan:cn/wan-3.0").order.audio
    assert refused(Shot("雨夜", duration=31), "wan:cn/wan-3.0").rule == "duration"
    assert refused(shot, "wan:cn/happyhorse-1.0").rule == "duration"


def test_a_negative_prompt_has_a_field_up_to_2_7_only(quoted: Quoted) -> None:
    shot = Shot("雨夜", negative_prompt="文字")
    assert quoted(shot, "wan:cn/wan-2.7").order.negative_prompt == "文字"
    found = quoted(shot, "wan:cn/wan-3.0")
    assert found.order.negative_prompt == ""
    assert [a.field for a in found.adjustments] == ["negative_prompt"]


@pytest.mark.parametrize(
    ("route", "shot", "rule"),
    [
        ("wan:cn/wan-2.7", Shot("雨夜", audio=False), "audio"),
        ("wan:cn/wan-2.2-plus", Shot("雨夜", audio=True), "audio"),
        ("wan:cn/wan-2.5-preview", Shot("雨夜", aspect_ratio="4:3"), "ratio"),
        ("wan:cn/wan-2.6", Shot("雨夜", duration=8, cuts=[Cut("a", 4), Cut("b", 4)], audio=False), "audio"),
        ("wan:cn/wan-2.5-preview", Shot("雨夜", cuts=[Cut("a", 2), Cut("b", 3)]), "cuts"),
        ("wan:cn/wan-2.6", Shot("雨夜", last_frame=Image.from_bytes(b"png 720x1280"),
                                first_frame=Image.from_bytes(b"png 720x1280")), "last_frame"),
        ("wan:cn/wan-3.0", Shot("雨夜", first_frame=Image.from_bytes(b"png 720x1280"),
                                references=[Reference("林夏", [Image.from_bytes(b"png 720x1280")])]), "references"),
        ("wan:cn/wan-3.0", Shot("雨夜", first_frame=Image.from_bytes(b"png 200x355")), "first_frame"),
        ("wan:cn/wan-3.0", Shot("雨夜", options={"wan": {"resolution": "1080P"}}), "options"),
        ("wan:us/wan-2.7", Shot("雨夜"), "region"),
    ],
)  # fmt: skip
def test_what_a_model_cannot_film_is_refused_before_paying(
    refused: Refused, route: str, shot: Shot, rule: str
) -> None:
    assert refused(shot, route).rule == rule


def test_happyhorse_counts_chinese_twice(quoted: Quoted, refused: Refused) -> None:
    assert quoted(Shot("a" * 4000), "wan:cn/happyhorse-1.0")
    assert refused(Shot("雨" * 2600), "wan:cn/happyhorse-1.0").rule == "prompt"
