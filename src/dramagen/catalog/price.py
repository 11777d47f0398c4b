"""What an order costs: expected before it is sent, and exact after the vendor has reported.

Nothing is rounded here but tokens, which vendors count in whole numbers, rounded down.
"""

from decimal import Decimal

from dramagen.catalog.cards import ModelCard, ProviderCard
from dramagen.catalog.order import Order
from dramagen.catalog.order import Price as Estimate
from dramagen.catalog.price_inputs import extra
from dramagen.catalog.price_rows import UNIT, Price, TokenFormula
from dramagen.errors import ConfigError
from dramagen.money import Money

MILLION = Decimal(1_000_000)


def row_for(card: ModelCard, order: Order) -> Price | None:
    """The first price row that fits the order, or None: an unknown price is never zero."""
    return next((row for row in card.prices if row.matches(order)), None)


def estimate(card: ModelCard, provider: ProviderCard, order: Order) -> Estimate | None:
    """What the order is expected to cost and the most it can, or None where no price is known."""
    row = row_for(card, order)
    rate = None if row is None else rate_of(row, card, provider, order)
    if row is None or rate is None:
        return None
    filmed = _filmed(row, rate, card, provider, order)
    low, high, basis = extra(row, card, order)
    if not basis:
        return filmed
    return Estimate.of_checked(
        expected=filmed.expected + _priced(low, row, card, provider, order),
        most=filmed.most + _priced(high, row, card, provider, order),
        basis=filmed.basis + basis,
    )


def _filmed(row: Price, rate: Money, card: ModelCard, provider: ProviderCard, order: Order) -> Estimate:
    """What the clip alone costs, without what is paid for the inputs."""
    if row.per == "clip":
        return Estimate.of_checked(expected=rate, most=rate, basis=f"{_plain(rate)} a clip")
    if row.per == "second":
        first = _first_second(row, card, provider, order)
        cost = _for_seconds(rate, first, order.duration)
        return Estimate.of_checked(expected=cost, most=cost, basis=_seconds_basis(row, rate, first, order))
    if row.per == "compute_second":
        return _compute_estimate(card, rate, order)
    low, high = tokens_of(card, order)
    basis = f"{low:,} tokens" if low == high else f"{low:,} to {high:,} tokens"
    return Estimate.of_checked(
        expected=_for_tokens(rate, low), most=_for_tokens(rate, high), basis=f"{basis} x {_plain(rate)} / 1M"
    )


def settle(
    card: ModelCard,
    provider: ProviderCard,
    order: Order,
    *,
    tokens: int | None = None,
    units: Decimal | None = None,
    charged: Money | None = None,
    billed: Decimal | None = None,
    seconds: Decimal | None = None,
) -> Money:
    """What a finished job cost: as the vendor reports it, else reckoned from the order and the delivery.

    A reported measure counts only where the price is stated in that measure: somebody's own price per second
    is not changed by the units of a vendor they do not pay.

    Args:
        tokens, units: the vendor's own measures of this job; for one's own server, seconds of compute.
        charged: money the vendor says it took; believed before anything else.
        billed: seconds the vendor says it bills, of reference videos and clip together.
        seconds: length delivered; matters only where the card says that is what is billed.

    Raises:
        ConfigError: the order has no price (any more), so its cost is not known.
    """
    if charged is not None:
        return charged
    row = row_for(card, order)
    rate = None if row is None else rate_of(row, card, provider, order)
    if row is None or rate is None:
        raise ConfigError(f"no price is known for {order.route}, so the cost of a finished job is not either")
    if units is not None and row.currency == UNIT:
        return _unit_price(card, provider, order) * units
    inputs = _priced(extra(row, card, order)[1], row, card, provider, order)
    if row.per == "clip":
        return rate + inputs
    if row.per == "second" and billed is not None and _counts_all(row, order):
        pictures = extra(row.model_copy(update={"video": None}), card, order)[1]
        first = _first_second(row, card, provider, order)
        return _for_seconds(rate, first, billed) + _priced(pictures, row, card, provider, order)
    if row.per == "second":
        counted = seconds if seconds is not None and row.billed == "delivered" else order.duration
        return _for_seconds(rate, _first_second(row, card, provider, order), counted) + inputs
    if row.per == "compute_second":
        worked = units if units is not None else _compute_seconds(card, order)[1]
        return rate * worked
    # Where the vendor is silent, what was reserved is what is booked: the safe side of an unknown floor.
    return _for_tokens(rate, tokens if tokens is not None else tokens_of(card, order)[1])


def _counts_all(row: Price, order: Order) -> bool:
    """Whether seconds of clip and of videos cost the same here, so that their sum can be priced."""
    return row.video == row.amount or not any(r.video for r in order.references)


def explain(card: ModelCard, provider: ProviderCard, order: Order) -> str:
    """How the estimate was reckoned and where its price was read, for people."""
    found, row = estimate(card, provider, order), row_for(card, order)
    if found is None or row is None:
        return f"no price is known for {order.route}"
    most = "" if found.most == found.expected else f", at most {_plain(found.most)}"
    discount = _discount(card, provider)
    less = f", {_trimmed(discount * 100)} % off list" if discount else ""
    read = ", ".join(str(part) for part in (row.source, row.checked) if part)
    return f"{found.basis} = {_plain(found.expected)}{most}{less}" + (f" ({read})" if read else "")


def rate_of(row: Price, card: ModelCard, provider: ProviderCard, order: Order) -> Money | None:
    """The row's price as money actually paid here; None where the region gives its unit no price."""
    if row.currency != UNIT:
        return Money(row.amount, row.currency) * (1 - _discount(card, provider))
    if provider.regions[order.route.region].unit is None:
        return None
    return _unit_price(card, provider, order) * row.amount


def _priced(amount: Decimal, row: Price, card: ModelCard, provider: ProviderCard, order: Order) -> Money:
    """An amount in the row's currency as money actually paid here."""
    found = rate_of(row.model_copy(update={"amount": amount}), card, provider, order)
    if found is None:
        raise ConfigError(f"{provider.name}: region {order.route.region} gives its unit no price")
    return found


def tokens_of(card: ModelCard, order: Order) -> tuple[int, int]:
    """Tokens expected, and the most there can be. Equal unless something about the job is not known."""
    formula = card.tokens
    if formula is None:
        raise ConfigError(f"{card.id}: a price per million tokens needs the [tokens] formula")
    low, high = _seconds(card, formula, order)
    return _tokens(formula, _area(card, order), low), _tokens(formula, _largest(card, order), high)


def _seconds(card: ModelCard, formula: TokenFormula, order: Order) -> tuple[Decimal, Decimal]:
    """Seconds that count, output and reference video together: expected, and the most there can be."""
    ordered = order.duration
    lengths = [r.video.duration for r in order.references if r.video is not None]
    if not lengths:
        return ordered, ordered
    known = sum((Decimal(str(length)) for length in lengths if length is not None), Decimal(0))
    most = max(known, _most_video(card, order)) if None in lengths else known
    floors = [ordered]
    if formula.floor is not None:
        floors = [ordered * formula.floor.times, ordered + formula.floor.plus]
    return max(ordered + known, min(floors)), max(ordered + most, *floors, ordered)


def _tokens(formula: TokenFormula, area: int, seconds: Decimal) -> int:
    frames = formula.fps * seconds + formula.extra_frames
    return int(area * frames // formula.divisor)


def _area(card: ModelCard, order: Order) -> int:
    """Pixels of one frame, as expected."""
    if order.width is not None and order.height is not None:
        return order.width * order.height
    return _largest(card, order)


def _largest(card: ModelCard, order: Order) -> int:
    """Pixels of one frame at most: a ratio that is the first frame's own may lie off the tier's grid."""
    if order.aspect_ratio is not None and order.width is not None and order.height is not None:
        return order.width * order.height
    mode = card.mode(order.mode)
    sizes = mode.sizes.get(order.resolution, {}) if mode else {}
    if not sizes:
        raise ConfigError(f"{card.id}: tokens need the sizes of {order.resolution}")
    return max(width * height for width, height in sizes.values())


def _most_video(card: ModelCard, order: Order) -> Decimal:
    mode = card.mode(order.mode)
    return (mode.references.video_total if mode else None) or Decimal(0)


def _unit_price(card: ModelCard, provider: ProviderCard, order: Order) -> Money:
    unit = provider.regions[order.route.region].unit
    if unit is None:
        raise ConfigError(f"{provider.name}: region {order.route.region} gives its unit no price")
    return unit * (1 - _discount(card, provider))


def _discount(card: ModelCard, provider: ProviderCard) -> Decimal:
    return provider.discount if card.discount is None else card.discount


def _for_tokens(rate: Money, tokens: int) -> Money:
    return Money(rate.amount * tokens / MILLION, rate.currency)


def _first_second(row: Price, card: ModelCard, provider: ProviderCard, order: Order) -> Money | None:
    """What the first second costs, where it differs from each further one."""
    if row.first is None:
        return None
    return rate_of(row.model_copy(update={"amount": row.first}), card, provider, order)


def _for_seconds(rate: Money, first: Money | None, seconds: Decimal) -> Money:
    return rate * seconds if first is None else first + rate * (seconds - 1)


def _compute_estimate(card: ModelCard, rate: Money, order: Order) -> Estimate:
    low, high = _compute_seconds(card, order)
    span = f"{_trimmed(low)}" if low == high else f"{_trimmed(low)} to {_trimmed(high)}"
    basis = f"{span} s of compute x {_plain(rate)}"
    return Estimate.of_checked(expected=rate * low, most=rate * high, basis=basis)


def _compute_seconds(card: ModelCard, order: Order) -> tuple[Decimal, Decimal]:
    """Seconds of compute expected, and the most there are likely to be: what jobs take, as the card states it."""
    row = next((row for row in card.latency if row.when.matches(order)), None)
    low, high = (None, None) if row is None else (row.scaled(p, order.duration) for p in (row.p50, row.p90))
    if low is None or high is None:
        raise ConfigError(f"{card.id}: a price per second of compute needs [[latency]] with p50 and p90 here")
    return Decimal(str(low)), Decimal(str(high))


def _seconds_basis(row: Price, rate: Money, first: Money | None, order: Order) -> str:
    if row.currency == UNIT:
        per_unit = _plain(Money(rate.amount / row.amount, rate.currency) if row.amount else rate)
        if row.first is None:
            return f"{order.duration:f} s x {row.amount:f} units x {per_unit}"
        return f"({row.first:f} + {order.duration - 1:f} s x {row.amount:f}) units x {per_unit}"
    if first is None:
        return f"{order.duration:f} s x {_plain(rate)}"
    return f"{_plain(first)} + {order.duration - 1:f} s x {_plain(rate)}"


def _plain(money: Money) -> str:
    """Unrounded: a rate of 0.084 must not read as 0.08."""
    return f"{_trimmed(money.amount)} {money.currency}"


def _trimmed(number: Decimal) -> str:
    """Without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
