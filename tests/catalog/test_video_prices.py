"""What a reference video costs, against bills that were seen and rules the vendors' price pages state."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from dramagen import Money
from dramagen.catalog import price
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Input, Order, OrderReference

MakeOrder = Callable[..., Order]


def filmed(*seconds: float | None) -> dict[str, Any]:
    """References with a video of each length."""
    return {
        "references": [
            OrderReference(
                name=f"r{n}",
                video=Input(sha256=f"{n}" * 64, media_type="video/mp4", size=9, duration=length),
            )
            for n, length in enumerate(seconds)
        ]
    }


CASES = [
    # route, tier, clip and videos in seconds, sound, expected, at most
    # A bill of 1,296,900 tokens: 30 s of clip and 30 s of video at 720p.
    ("seedance:cn/seedance-2.5", "720p", 30, (30.0,), True, "54.4698 CNY", "54.4698 CNY"),
    # The published range of a 5 s clip begins at 9 s of tokens.
    ("seedance:cn/seedance-2.0", "720p", 5, (2.0,), True, "5.4684 CNY", "5.4684 CNY"),
    ("seedance:intl/seedance-2.0-fast", "720p", 4, (5.0,), True, "0.64449 USD", "0.64449 USD"),
    ("kling:cn/kling-3.0-omni", "720p", 5, (5.0,), False, "4.5 CNY", "4.5 CNY"),
    ("kling:intl/kling-3.0-omni", "1080p", 5, (5.0,), False, "0.84 USD", "0.84 USD"),
    ("kling:cn/kling-o1", "720p", 5, (5.0,), False, "4.5 CNY", "4.5 CNY"),
    ("wan:cn/wan-3.0", "720p", 5, (2.0, 3.0), True, "6 CNY", "6 CNY"),
    ("wan:cn/wan-3.0", "720p", 5, (2.4,), True, "4.8 CNY", "4.8 CNY"),
    ("wan:cn/wan-2.7", "1080p", 5, (5.0,), True, "10 CNY", "10 CNY"),
    ("wan:cn/wan-2.6-flash", "720p", 5, (5.0,), False, "1.5 CNY", "1.5 CNY"),
    ("hailuo:intl/minimax-h3", "768p", 5, (2.4, 3.0), True, "0.88 USD", "0.88 USD"),
    ("hailuo:intl/minimax-h3", "2k", 5, (5.0,), True, "1.3 USD", "1.3 USD"),
    # Not measured yet: as many seconds as the model takes.
    ("wan:cn/wan-3.0", "720p", 5, (None,), True, "3.6 CNY", "12 CNY"),
]


@pytest.mark.parametrize(("route", "tier", "clip", "videos", "sound", "expected", "most"), CASES)
def test_a_reference_video_is_paid_for(
    catalog: Catalog, make_order: MakeOrder, route: str, tier: str, clip: int,
    videos: tuple[float | None, ...], sound: bool, expected: str, most: str,
) -> None:  # fmt: skip
    order = make_order(route, tier, "9:16", clip, "references", audio=sound, **filmed(*videos))
    card, provider = (
        catalog.model(order.route.provider, order.route.model),
        catalog.provider(order.route.provider),
    )
    found = price.estimate(card, provider, order)
    assert found is not None
    assert (found.expected, found.most) == (Money(expected), Money(most))


def test_seconds_the_vendor_reports_are_what_is_paid(catalog: Catalog, make_order: MakeOrder) -> None:
    card, provider = catalog.model("wan", "wan-3.0"), catalog.provider("wan")
    order = make_order("wan:cn/wan-3.0", "720p", "9:16", 5, "references", audio=True, **filmed(2.4))
    assert price.settle(card, provider, order) == Money("4.8 CNY")
    assert price.settle(card, provider, order, billed=Decimal("7.4")) == Money("4.44 CNY")
    # If only the clip is billed after all, as one page has it, that is what its usage says.
    assert price.settle(card, provider, order, billed=Decimal(5)) == Money("3 CNY")
    plain = make_order("wan:cn/wan-3.0", "720p", "9:16", 5, audio=True)
    assert price.settle(card, provider, plain, billed=Decimal(5)) == Money("3 CNY")


def test_a_price_that_knows_no_videos_is_not_multiplied_by_their_seconds(
    catalog: Catalog, make_order: MakeOrder
) -> None:
    card, provider = catalog.model("wan", "wan-3.0"), catalog.provider("wan")
    own = card.model_copy(update={"prices": tuple(p.model_copy(update={"video": None}) for p in card.prices)})
    order = make_order("wan:cn/wan-3.0", "720p", "9:16", 5, "references", audio=True, **filmed(3.0))
    assert price.settle(own, provider, order, billed=Decimal(8)) == Money("3 CNY")
