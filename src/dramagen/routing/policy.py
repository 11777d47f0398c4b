"""Policies: a callable that puts the quotes of a shot in the order they should be tried."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from dramagen.catalog.order import Quote
from dramagen.errors import ConfigError
from dramagen.money import Rates
from dramagen.shot import Shot


class Policy(Protocol):
    """Orders the quotes that may be filmed, best first. Those it leaves out are not tried.

    Every quote fits the shot, satisfies its pin and has a price and a key: a policy ranks, it never overrides.
    """

    def __call__(self, shot: Shot, quotes: Sequence[Quote], rates: Rates) -> Sequence[Quote]: ...


def cheapest(shot: Shot, quotes: Sequence[Quote], rates: Rates) -> Sequence[Quote]:
    """Lowest expected price first; equal prices by the better rating, then by name."""

    prices = [quote.price.expected for quote in quotes]
    dollars = {currency: rates.rate(currency, "USD") for currency in {price.currency for price in prices}}

    def rank(quote: Quote) -> tuple[Decimal, float, str]:
        price = quote.price.expected
        return price.amount * dollars[price.currency], -(quote.rating or 0.0), quote.route.id

    return sorted(quotes, key=rank)


POLICIES: dict[str, Policy] = {"cheapest": cheapest}


def policy(choice: "str | Policy | None") -> Policy:
    """The policy of a setting. Raises ``ConfigError`` for an unknown name."""
    if choice is None:
        return cheapest
    if callable(choice):
        return choice
    if choice not in POLICIES:
        raise ConfigError(f"policy {choice!r} is unknown; there are {', '.join(sorted(POLICIES))}")
    return POLICIES[choice]
