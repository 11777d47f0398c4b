"""What Hailuo's clips cost: every worked price, pictures beyond the free ones, begun seconds of reference video."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from dramagen import Camera, Image, Money, Reference, Shot
from dramagen.catalog import price
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Input, Order, OrderReference, Quote, Refusal
from dramagen.catalog.order import Price as Estimate

MakeOrder = Callable[..., Order]
Quoted = Callable[..., Quote]
Refused = Callable[..., Refusal]


def cost(catalog: Catalog, order: Order) -> Estimate | None:
    return price.estimate(*_cards(catalog, order), order)


def _cards(catalog: Catalog, order: Order) -> tuple[Any, Any]:
    return catalog.model(order.route.provider, order.route.model), catalog.provider(order.route.provider)


def people(count: int) -> tuple[OrderReference, ...]:
    picture = Input(sha256="p", media_type="image/png", size=1)
    return (OrderReference(name="林夏", images=(picture,) * count),)


def film(*seconds: float | None) -> tuple[OrderReference, ...]:
    return tuple(
        OrderReference(name=f"v{n}", video=Input(sha256="v", media_type="video/mp4", size=1, duration=length))
        for n, length in enumerate(seconds)
    )


@pytest.mark.parametrize(
    ("model", "tier", "seconds", "mode", "cny", "usd"),
    [
        ("minimax-h3", "768p", 5, "text", "2.50", "0.40"),
        ("minimax-h3", "2k", 5, "text", "4.00", "0.65"),
        ("minimax-h3", "768p", 15, "first_frame", "7.50", "1.20"),
        ("minimax-h3", "2k", 10, "first_last_frame", "8.00", "1.30"),
        ("minimax-h3-max", "480p", 5, "text", "1.65", "0.25"),
        ("minimax-h3-max", "768p", 10, "text", "5.00", "0.80"),
        ("hailuo-2.3", "768p", 6, "text", "2.00", "0.28"),
        ("hailuo-2.3", "768p", 10, "first_frame", "4.00", "0.56"),
        ("hailuo-2.3", "1080p", 6, "text", "3.50", "0.49"),
        ("hailuo-02", "768p", 6, "text", "2.00", "0.28"),
        ("hailuo-02", "768p", 10, "first_last_frame", "4.00", "0.56"),
        ("hailuo-02", "1080p", 6, "first_last_frame", "3.50", "0.49"),
        ("hailuo-02", "512p", 6, "first_frame", "0.60", "0.10"),
        ("hailuo-02", "512p", 10, "first_frame", "1.00", "0.15"),
        ("hailuo-2.3-fast", "768p", 6, "first_frame", "1.35", "0.19"),
        ("hailuo-2.3-fast", "768p", 10, "first_frame", "2.25", "0.32"),
        ("hailuo-2.3-fast", "1080p", 6, "first_frame", "2.31", "0.33"),
    ],
)
def test_the_list_prices_of_both_regions(
    catalog: Catalog,
    make_order: MakeOrder,
    model: str,
    tier: str,
    seconds: int,
    mode: str,
    cny: str,
    usd: str,
) -> None:
    for region, amount, currency in (("cn", cny, "CNY"), ("intl", usd, "USD")):
        order = make_order(f"hailuo:{region}/{model}", tier, "16:9", seconds, mode)
        found = cost(catalog, order)
        assert found is not None
        assert found.expected == found.most == Money(amount, currency)
        assert price.settle(*_cards(catalog, order), order) == found.most


@pytest.mark.parametrize(
    ("route", "pictures", "amount"),
    [
        ("hailuo:intl/minimax-h3", 5, "0.40 USD"),
        ("hailuo:intl/minimax-h3", 6, "0.44 USD"),
        ("hailuo:intl/minimax-h3", 9, "0.56 USD"),
        ("hailuo:cn/minimax-h3", 7, "2.90 CNY"),
        ("hailuo:intl/minimax-h3-max", 2, "0.40 USD"),
        ("hailuo:intl/minimax-h3-max", 3, "0.474 USD"),
        ("hailuo:cn/minimax-h3-max", 2, "2.50 CNY"),
    ],
)
def test_pictures_beyond_the_free_ones_are_paid(
    catalog: Catalog, make_order: MakeOrder, route: str, pictures: int, amount: str
) -> None:
    order = make_order(route, "768p", "9:16", 5, "references", references=people(pictures))
    found = cost(catalog, order)
    assert found is not None
    assert found.expected == found.most == Money(amount)
    assert price.settle(*_cards(catalog, order), order) == Money(amount)


def test_frames_count_among_the_pictures(catalog: Catalog, make_order: MakeOrder) -> None:
    """No mode takes frames beside references today; the price rule is of pictures all the same."""
    frame = Input(sha256="f", media_type="image/png", size=1)
    order = make_order(
        "hailuo:intl/minimax-h3", "768p", "9:16", 5, "references", references=people(5), first_frame=frame
    )
    found = cost(catalog, order)
    assert found is not None
    assert found.expected == Money("0.44 USD")


def test_where_the_price_of_an_input_is_not_known_there_is_none(
    catalog: Catalog, make_order: MakeOrder
) -> None:
    for references in (people(3), film(5.0)):
        order = make_order("hailuo:cn/minimax-h3-max", "768p", "9:16", 5, "references", references=references)
        assert cost(catalog, order) is None


def test_every_begun_second_of_reference_video_is_paid(catalog: Catalog, make_order: MakeOrder) -> None:
    for route, tier, lengths, low, high in (
        ("hailuo:intl/minimax-h3", "768p", (5.0,), "0.80", "0.80"),
        ("hailuo:intl/minimax-h3", "768p", (4.2,), "0.80", "0.80"),
        ("hailuo:intl/minimax-h3", "2k", (2.0, 2.1), "1.30", "1.30"),
        ("hailuo:cn/minimax-h3", "768p", (5.0,), "5.00", "5.00"),
        ("hailuo:intl/minimax-h3-max", "480p", (3.0,), "0.4159", "0.4159"),
        ("hailuo:intl/minimax-h3-max", "768p", (3.0,), "0.829", "0.829"),
        ("hailuo:intl/minimax-h3", "768p", (None,), "0.48", "1.60"),
    ):
        order = make_order(route, tier, "9:16", 5, "references", references=film(*lengths))
        found = cost(catalog, order)
        assert found is not None
        currency = "CNY" if ":cn/" in route else "USD"
        assert (found.expected, found.most) == (Money(low, currency), Money(high, currency))
        assert price.settle(*_cards(catalog, order), order) == found.most


def test_the_reckoning_names_the_inputs(catalog: Catalog, make_order: MakeOrder) -> None:
    order = make_order(
        "hailuo:intl/minimax-h3", "768p", "9:16", 5, "references", references=(*people(7), *film(2.5))
    )
    told = price.explain(*_cards(catalog, order), order)
    assert "5 s x 0.08 USD + 2 pictures x 0.04 + 3 s of video x 0.08 = 0.72 USD" in told


def test_a_discount_is_taken_off_the_inputs_too(make_order: MakeOrder) -> None:
    catalog = Catalog.load(overrides={"hailuo": {"discount": "0.5"}})
    order = make_order("hailuo:intl/minimax-h3", "768p", "9:16", 5, "references", references=people(6))
    found = cost(catalog, order)
    assert found is not None
    assert found.expected == Money("0.22 USD")


@pytest.mark.parametrize("model", ["minimax-h3-highspeed", "minimax-h3-lite", "hailuo-01", "hailuo-01-live"])
def test_models_off_the_price_page_have_no_price(refused: Refused, model: str) -> None:
    picture = Image.from_bytes(b"png 1280x720")
    shot = Shot("她转身", duration=5, aspect_ratio="16:9", first_frame=picture)
    assert refused(shot, f"hailuo:cn/{model}").rule == "price"
    if model == "hailuo-01":
        face = Shot("@她 转身", aspect_ratio="16:9", references=[Reference("她", picture)])
        assert refused(face, f"hailuo:cn/{model}").rule == "price"


# What the cards say of length, size and camera


def test_lengths_that_may_come_short_are_not_ordered(quoted: Quoted) -> None:
    """6 s of 24 frames lie 3 frames above the grid of 17n + 5: rounded down, the clip would be defective."""
    for asked, ordered in ((4, 4), (5, 5), (6, 7), (8, 8), (9, 10), (11, 12), (13, 13), (14, 15), (15, 15)):
        found = quoted(Shot("雨", duration=asked), "hailuo:cn/minimax-h3")
        assert found.order.duration == ordered
        assert found.trim is not None, "the grid gives some frames more than ordered"
        assert found.trim.seconds == asked
        frames = [17 * n + 5 for n in range(6, 22)]
        nearest = min(frames, key=lambda f: abs(f - 24 * ordered))
        assert nearest >= 24 * ordered - 1, "rounded to the nearest, it is still as long as ordered"


def test_nothing_is_trimmed_where_nothing_can_trim(quoted: Quoted, refused: Refused) -> None:
    assert quoted(Shot("雨", duration=5), "hailuo:cn/minimax-h3", can_trim=False).trim is None
    assert refused(Shot("雨", duration=6), "hailuo:cn/minimax-h3", can_trim=False).rule == "duration"


def test_1080p_films_six_seconds_only(quoted: Quoted, refused: Refused) -> None:
    wide = Shot("雨", aspect_ratio="16:9", duration=6, resolution="1080p")
    assert quoted(wide, "hailuo:cn/hailuo-2.3").order.resolution == "1080p"
    assert refused(wide.changed(duration=8), "hailuo:cn/hailuo-2.3").rule == "duration"
    longer = quoted(wide.changed(duration=8, resolution="720p"), "hailuo:cn/hailuo-2.3")
    assert (longer.order.duration, longer.order.resolution) == (Decimal(10), "768p")


def test_upright_clips_of_the_first_generation_need_a_frame(quoted: Quoted, refused: Refused) -> None:
    assert refused(Shot("雨"), "hailuo:cn/hailuo-2.3").rule == "ratio"
    framed = Shot("雨", first_frame=Image.from_bytes(b"png 720x1280"))
    assert quoted(framed, "hailuo:cn/hailuo-2.3").order.aspect_ratio is None


@pytest.mark.parametrize("move", ["orbit_left", "orbit_right", "roll"])
def test_moves_without_a_command_are_refused(quoted: Quoted, refused: Refused, move: Any) -> None:
    shot = Shot("雨", aspect_ratio="16:9", camera=Camera(move))
    assert refused(shot, "hailuo:cn/hailuo-2.3").rule == "camera"
    assert quoted(shot, "hailuo:cn/minimax-h3").order.camera == Camera(move)


def test_sound_is_always_on_or_never(refused: Refused) -> None:
    assert refused(Shot("雨", audio=False), "hailuo:cn/minimax-h3").rule == "audio"
    assert refused(Shot("雨", audio=True, aspect_ratio="16:9"), "hailuo:cn/hailuo-2.3").rule == "audio"


def test_keys_hosts_and_generations(catalog: Catalog) -> None:
    card = catalog.provider("hailuo")
    assert (card.default_region, card.region_env) == ("cn", "MINIMAX_REGION")
    assert {r.key_env for r in card.regions.values()} == {"MINIMAX_API_KEY"}
    assert card.regions["cn"].base_url == "https://api.minimax.cn"
    assert card.regions["intl"].base_url == "https://api.minimax.io"
    for name in catalog.models("hailuo"):
        model = catalog.model("hailuo", name)
        newer = name.startswith("minimax-h3")
        assert {wire["protocol"] for wire in model.wire.values()} == {"v2" if newer else "v1"}
        find = model.find or card.find
        assert (find.findable, find.tag) == (newer, "none"), "nothing permits a second create"
