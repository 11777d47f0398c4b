"""Vidu's credits: every published rate and every worked bill, off-peak orders, and what its cards refuse."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from dramagen import Cut, Image, Line, Money, Reference, Shot
from dramagen.adapters.vidu import ViduAdapter
from dramagen.catalog import price
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Order, Quote, Refusal

MakeOrder = Callable[..., Order]
Quoted = Callable[..., Quote]
Refused = Callable[..., Refusal]

CREDIT = {"cn": Money("0.03125 CNY"), "intl": Money("0.005 USD")}
OFF_PEAK = {"off_peak": True}
FRAME = Image.from_bytes(b"png 720x1280")
LIN = Reference("林晚", [FRAME])


def estimate(catalog: Catalog, order: Order) -> Money:
    cards = catalog.model("vidu", order.route.model), catalog.provider("vidu")
    found = price.estimate(*cards, order)
    assert found is not None
    assert found.expected == found.most
    return found.expected


RATES: list[tuple[str, str, dict[str, tuple[int, int | None]]]] = [
    ("viduq3-pro", "text", {"540p": (9, 5), "720p": (20, 10), "1080p": (24, 12)}),
    ("viduq3-pro", "first_last_frame", {"540p": (9, 5), "720p": (20, 10), "1080p": (24, 12)}),
    ("viduq3-turbo", "text", {"540p": (7, 4), "720p": (11, 6), "1080p": (13, 7)}),
    ("viduq3-turbo", "first_frame", {"540p": (7, 4), "720p": (11, 6), "1080p": (13, 7)}),
    ("viduq3-turbo", "references", {"540p": (4, 2), "720p": (10, 5), "1080p": (13, 7)}),
    ("viduq3-pro-fast", "first_frame", {"720p": (20, 10), "1080p": (25, 13)}),
    ("viduq3", "references", {"540p": (7, 4), "720p": (12, 6), "1080p": (15, 7)}),
    ("viduq3-mix", "references", {"720p": (24, None), "1080p": (29, None)}),
    (
        "viduq4-preview",
        "first_frame",
        {"540p": (9, None), "720p": (19, None), "1080p": (24, None), "2k": (38, None), "4k": (78, None)},
    ),
]
"""Credits a second, normal and off-peak."""


@pytest.mark.parametrize(("model", "mode", "rates"), RATES)
@pytest.mark.parametrize("region", ["cn", "intl"])
@pytest.mark.parametrize("audio", [True, False])
def test_credits_a_second(
    catalog: Catalog,
    make_order: MakeOrder,
    model: str,
    mode: str,
    rates: dict[str, tuple[int, int | None]],
    region: str,
    audio: bool,
) -> None:
    for tier, (normal, off_peak) in rates.items():
        for seconds in (3, 5, 16):
            order = make_order(f"vidu:{region}/{model}", tier, "9:16", seconds, mode, audio=audio)
            assert estimate(catalog, order) == CREDIT[region] * (normal * seconds)
            if off_peak is not None:
                cheap = order.model_copy(update={"options": OFF_PEAK})
                assert estimate(catalog, cheap) == CREDIT[region] * (off_peak * seconds)


@pytest.mark.parametrize(
    ("model", "mode", "tier", "first", "further"),
    [
        ("viduq2", "text", "720p", 15, 5),
        ("viduq2", "text", "1080p", 20, 10),
        ("viduq2", "references", "720p", 25, 5),
        ("viduq2", "references", "1080p", 75, 10),
        ("viduq2-pro-fast", "first_frame", "720p", 8, 2),
        ("viduq2-pro-fast", "first_last_frame", "1080p", 16, 4),
        ("viduq2-pro", "first_frame", "720p", 15, 10),
        ("viduq2-pro", "first_frame", "1080p", 55, 15),
        ("viduq2-turbo", "first_frame", "1080p", 35, 10),
    ],
)
def test_a_first_second_and_each_further_one(
    catalog: Catalog, make_order: MakeOrder, model: str, mode: str, tier: str, first: int, further: int
) -> None:
    for seconds in (1, 2, 5, 8):
        order = make_order(f"vidu:intl/{model}", tier, "9:16", seconds, mode)
        taken = first + further * (seconds - 1)
        assert estimate(catalog, order) == CREDIT["intl"] * taken
        loud = order.model_copy(update={"audio": True})
        assert estimate(catalog, loud) == CREDIT["intl"] * (taken + 15)
        # Half, and at most a credit a second more: what is rounded up, and when, is not published.
        cheap = estimate(catalog, order.model_copy(update={"options": OFF_PEAK}))
        assert CREDIT["intl"] * taken <= cheap * 2 <= CREDIT["intl"] * (taken + seconds + 1)


def test_q2_turbo_has_a_cheap_first_second(catalog: Catalog, make_order: MakeOrder) -> None:
    taken = [
        estimate(catalog, make_order("vidu:intl/viduq2-turbo", "720p", "9:16", seconds, "first_frame"))
        for seconds in (1, 2, 3, 10)
    ]
    assert taken == [CREDIT["intl"] * n for n in (8, 10, 20, 90)]


@pytest.mark.parametrize(
    ("model", "tier", "seconds", "mode", "usd", "cny"),
    [
        ("viduq3-turbo", "720p", 5, "text", "0.275", "1.72"),
        ("viduq3-pro", "1080p", 5, "text", "0.60", "3.75"),
        ("viduq3-turbo", "720p", 6, "references", "0.30", "1.88"),
        ("viduq4-preview", "1080p", 5, "first_frame", "0.60", "3.75"),
        ("viduq4-preview", "4k", 1, "first_frame", "0.39", "2.44"),
        ("viduq1", "1080p", 5, "text", "0.40", "2.50"),
    ],
)
def test_worked_bills(
    catalog: Catalog,
    make_order: MakeOrder,
    model: str,
    tier: str,
    seconds: int,
    mode: str,
    usd: str,
    cny: str,
) -> None:
    abroad = make_order(f"vidu:intl/{model}", tier, "9:16", seconds, mode)
    assert estimate(catalog, abroad) == Money(usd, "USD")
    at_home = make_order(f"vidu:cn/{model}", tier, "9:16", seconds, mode)
    assert estimate(catalog, at_home).rounded() == Money(cny, "CNY")


def test_what_the_job_says_it_took_is_what_is_booked(catalog: Catalog, make_order: MakeOrder) -> None:
    order = make_order("vidu:intl/viduq3-turbo", "720p", "9:16", 5)
    cards = catalog.model("vidu", "viduq3-turbo"), catalog.provider("vidu")
    assert price.settle(*cards, order, units=Decimal(60)) == Money("0.3 USD")
    assert price.settle(*cards, order) == Money("0.275 USD")
    assert "5 s x 11 units x 0.005 USD = 0.275 USD" in price.explain(*cards, order)
    long = make_order("vidu:intl/viduq2", "720p", "9:16", 5)
    explained = price.explain(catalog.model("vidu", "viduq2"), catalog.provider("vidu"), long)
    assert "(15 + 4 s x 5) units x 0.005 USD = 0.175 USD" in explained


@pytest.mark.parametrize("model", ["viduq1-classic", "vidu2.0"])
def test_a_price_nobody_knows_is_asked_for(refused: Refused, model: str) -> None:
    found = refused(
        Shot("雨夜", duration=4, resolution="720p", first_frame=FRAME), f"vidu:cn/{model}", overridden=True
    )
    assert found.rule == "price"
    assert "state yours" in found.reason


def worded(fit: Callable[..., Any], shot: Shot, route: str) -> Any:
    return fit(shot, route, wording=ViduAdapter().wording)


def test_half_the_price_only_when_it_is_asked_for(quoted: Quoted) -> None:
    shot = Shot("雨夜", pin="vidu")
    full = worded(quoted, shot, "vidu:cn/viduq3-turbo")
    assert "off_peak" not in full.order.options
    half = worded(quoted, shot.changed(options={"vidu": OFF_PEAK}), "vidu:cn/viduq3-turbo")
    assert half.order.options["off_peak"] is True
    assert (full.price.expected, half.price.expected) == (CREDIT["cn"] * 55, CREDIT["cn"] * 30)
    said = worded(quoted, shot.changed(options={"vidu": {"off_peak": False}}), "vidu:cn/viduq3-turbo")
    assert said.price.expected == full.price.expected


@pytest.mark.parametrize(
    ("route", "shot"),
    [
        ("vidu:cn/viduq4-preview", Shot("雨夜", first_frame=FRAME)),
        ("vidu:cn/viduq3-mix", Shot("@林晚 走", references=[LIN])),
        ("vidu:cn/viduq2", Shot("雨夜", audio=True)),
    ],
)
def test_off_peak_is_refused_where_it_is_not_sold(refused: Refused, route: str, shot: Shot) -> None:
    found = worded(refused, shot.changed(options={"vidu": OFF_PEAK}), route)
    assert "off-peak" in found.reason


def test_a_true_that_is_no_true_buys_nothing(refused: Refused) -> None:
    found = worded(refused, Shot("雨夜", options={"vidu": {"off_peak": 1}}), "vidu:cn/viduq3-turbo")
    assert "true or false" in found.reason


@pytest.mark.parametrize("name", ["is_rec", "payload", "watermark", "duration", "callback_url", "voice_id"])
def test_options_do_not_change_what_is_bought(refused: Refused, name: str) -> None:
    found = refused(Shot("雨夜", options={"vidu": {name: "x"}}), "vidu:cn/viduq3-pro")
    assert found.rule == "options"


def test_seed_nought_is_no_seed(quoted: Quoted, refused: Refused) -> None:
    found = quoted(Shot("雨夜", seed=0), "vidu:cn/viduq3-pro")
    assert found.order.seed is None
    assert [a.field for a in found.adjustments] == ["seed"]
    assert quoted(Shot("雨夜", seed=1), "vidu:cn/viduq3-pro").adjustments == ()
    assert refused(Shot("雨夜", seed=0, strict={"seed"}), "vidu:cn/viduq3-pro").rule == "seed"
    q4 = quoted(Shot("雨夜", seed=7, first_frame=FRAME), "vidu:cn/viduq4-preview")
    assert q4.order.seed == 7
    assert [(a.field, a.given) for a in q4.adjustments] == [("seed", "sent without a promise")]


def test_what_is_filmed_and_what_is_not(quoted: Quoted, refused: Refused) -> None:
    pro, turbo, q4 = "vidu:cn/viduq3-pro", "vidu:cn/viduq3-turbo", "vidu:cn/viduq4-preview"
    assert refused(Shot("雨夜", references=[LIN]), pro).rule == "references"
    assert quoted(Shot("雨夜", references=[LIN]), turbo).order.mode == "references"
    assert refused(Shot("雨夜"), q4).rule == "text"
    assert refused(Shot("雨夜", first_frame=FRAME, last_frame=FRAME), q4).rule == "last_frame"
    assert quoted(Shot("雨夜", resolution="4k", first_frame=FRAME), q4).order.resolution == "4k"
    assert quoted(Shot("雨夜", duration=1), pro).order.duration == 1
    short = quoted(Shot("雨夜", duration=1, references=[LIN]), turbo)
    assert short.order.duration == 3
    assert short.trim is not None
    assert refused(Shot("雨夜", duration=17), pro).rule == "duration"
    assert refused(Shot("雨夜", first_frame=FRAME, references=[LIN]), turbo).rule == "references"
    assert refused(Shot("雨夜", cuts=[Cut("a", 5)]), pro).rule == "cuts"
    assert refused(Shot("雨夜", audio=True, resolution="1080p"), "vidu:cn/viduq1").rule == "audio"
    four = Reference("a", [Image.from_bytes(b"png %dx1280" % (720 + n)) for n in range(4)])
    assert "3 images of one subject" in worded(refused, Shot("@a 走", references=[four]), turbo).reason
    assert worded(quoted, Shot("@a 走", references=[four]), q4)
    line = Line("林晚", "走", voice="v1")
    chosen = worded(quoted, Shot("@林晚 走", references=[LIN], dialogue=[line]), turbo)
    assert chosen.order.dialogue == (line,)
