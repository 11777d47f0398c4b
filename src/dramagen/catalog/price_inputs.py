"""What is paid for what an order sends, on top of what it films: pictures beyond the free ones, reference video."""

import math
from decimal import Decimal

from dramagen.catalog.cards import ModelCard
from dramagen.catalog.order import Order
from dramagen.catalog.price_rows import Price, pictures_in


def extra(row: Price, card: ModelCard, order: Order) -> tuple[Decimal, Decimal, str]:
    """The expected and the highest surcharge, in the row's currency and undiscounted; and how it was reckoned.

    A reference video counts in begun seconds, each for itself. One whose length nobody measured is expected to
    last one second and may last as long as the mode takes videos.
    """
    pictures, pictures_basis = _pictures(row, order)
    low, high, video_basis = _videos(row, card, order)
    return pictures + low, pictures + high, pictures_basis + video_basis


def _pictures(row: Price, order: Order) -> tuple[Decimal, str]:
    if row.pictures is None:
        return Decimal(0), ""
    paid = max(0, pictures_in(order) - row.pictures.free)
    return row.pictures.each * paid, f" + {paid} pictures x {row.pictures.each:f}" if paid else ""


def _videos(row: Price, card: ModelCard, order: Order) -> tuple[Decimal, Decimal, str]:
    lengths = [r.video.duration for r in order.references if r.video is not None]
    if row.video is None or not lengths:
        return Decimal(0), Decimal(0), ""
    known = sum(math.ceil(length) for length in lengths if length is not None)
    unknown = lengths.count(None)
    mode = card.mode(order.mode)
    total = (mode.references.video_total if mode else None) or Decimal(0)
    low = Decimal(known + unknown)
    high = max(low, total) if unknown else low
    seconds = f"{low:f}" if low == high else f"{low:f} to {high:f}"
    return row.video * low, row.video * high, f" + {seconds} s of video x {row.video:f}"
