"""Which of its options each item takes within a budget: shots, or shots that keep one model."""

from collections.abc import Sequence
from math import fsum, inf
from typing import NamedTuple

from dramagen.routing.episode_items import Option
from dramagen.routing.knapsack import Knapsack

ROUNDING = 1e-12
"""How far a sum of floats may be off, as a part of it."""

_ROUNDS = 8
_SAME = 1e-3


class Chosen(NamedTuple):
    """What a budget buys.

    Attributes:
        picks: each item's option, None where the budget leaves it out.
        price: the worth that one more unit of money would buy; zero where money is no limit.
        short: the budget does not film every shot once.
    """

    picks: list[Option | None]
    price: float
    short: bool


def sensible(options: Sequence[Option]) -> list[Option]:
    """The options by rising cost, up to the one that is best at what the clips are worth.

    The cheapest stays whatever it is worth.
    """
    ranked = sorted(options, key=lambda option: (option.cost, -option.worth))
    best, least = max(ranked, key=_net), ranked[0]
    return [
        least,
        *(
            o
            for o in ranked[1:]
            if o.cost <= best.cost and (o.worth > least.worth or o.burden < least.burden)
        ),
    ]


def _net(option: Option) -> tuple[float, float, float]:
    """What an option is worth less what it costs and weighs; clips of endless worth come before everything."""
    if len(option.shots) == 1 and (value := option.shots[0].need.value) < inf:
        return 0.0, value * option.worth - option.shots[0].way.cost - option.burden, -option.cost
    endless = fsum(each.worth for each in option.shots if each.need.value == inf)
    stated = fsum(each.need.value * each.worth for each in option.shots if each.need.value < inf)
    return endless, stated - fsum(each.way.cost for each in option.shots) - option.burden, -option.cost


class Counter:
    """The items on offer, looked at once, for whatever budget is asked about.

    What a take weighs beside its cost (waiting, a look, a break in continuity) is no money of the budget, but counts
    as much as money does: at the price of worth that the budget comes to, which is found by trying.
    """

    def __init__(self, items: Sequence[Sequence[Option]], rate: float = 0.0) -> None:
        """Each item's options come by rising cost, see :func:`sensible`; ``rate`` is the least price of worth that
        their burdens are weighed at."""
        self._items, self._rate = items, rate
        self._base = fsum(item[0].cost for item in items)
        self._weighs = any(option.burden for item in items for option in item)
        self._plain: dict[bool, Knapsack[int]] = {}

    def within(self, budget: float) -> Chosen:
        """The most worth that the budget buys; every shot once before any gets a better take."""
        if budget == inf:
            return Chosen([max(item, key=_net) for item in self._items], 0.0, False)
        short = self._base > budget * (1 + ROUNDING)
        price = self._rate
        for _ in range(_ROUNDS):
            assumed = price
            found = self._knapsack(short, assumed).within(budget if short else max(0.0, budget - self._base))
            price = max(self._rate, found.price)
            if not self._weighs or abs(price - assumed) <= _SAME * price:
                break
        places = [found.chosen[place] for place in range(len(self._items))]
        if short:
            picks = [None if n is None else item[n] for n, item in zip(places, self._items, strict=True)]
        else:
            picks = [item[n or 0] for n, item in zip(places, self._items, strict=True)]
        return Chosen(picks, found.price, short)

    def _knapsack(self, short: bool, price: float) -> Knapsack[int]:
        if short in self._plain:
            return self._plain[short]
        rows: dict[int, list[tuple[float, float]]] = {}
        for place, item in enumerate(self._items):
            row = [
                (option.cost, worth_at(option, price) if self._weighs else option.worth) for option in item
            ]
            if not short:
                base, least = row[0]
                row = [(cost - base, worth - least) for cost, worth in row]
            rows[place] = row
        made = Knapsack(rows)
        if not self._weighs:
            self._plain[short] = made
        return made


def worth_at(option: Option, price: float) -> float:
    """Its worth less that of what it weighs, at the price of worth, or at what a clip is worth if that says more."""
    return option.worth - fsum(
        each.way.burden * max(price, 1 / each.need.value if each.need.value else price)
        for each in option.shots
        if each.way.burden
    )
