"""Which way to film each shot so that a budget buys the most: a knapsack with one choice a shot.

One number solves it: the price of worth. Every shot takes the option with the best ``worth - price x cost``, and the
price is raised until the spend fits the budget (the Lagrangian bisection of the textbooks; as every shot's upper
hull has few corners, all prices at which anything changes are sorted instead of searched). What is left over is
then filled, and the shots on the edge between two options are searched through: see :mod:`dramagen.routing.core`.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar

from dramagen.routing.core import Choice, improved
from dramagen.routing.numeric import LARGEST, InvalidNumbers, Number, finite, real, shown

Name = TypeVar("Name", bound=Hashable)

ROUNDING = 1e-13
"""How far a sum of floats may be off, as a part of it. What is chosen is added up exactly before it is returned."""


_SHAPE = "{'s01': [(1.5, 0.6), (3.0, 0.8)]}"

LEAST = math.ulp(0.0)
"""What costs less than floats can tell costs something all the same."""


@dataclass(frozen=True, slots=True)
class Allocation(Generic[Name]):
    """What a budget buys.

    Attributes:
        chosen: for each shot the index of its option, None where it is not filmed.
        spent: the sum of the chosen costs.
        worth: the sum of the chosen worths.
        bound: no choice within the budget is worth more than this.
        price: the worth that one more unit of money would buy; its inverse is what a unit of worth is worth paying,
            the ``value`` of :func:`~dramagen.routing.attempts.plan_attempts`. Zero where money is no limit.
        exact: nothing better exists; otherwise ``bound`` says how much better it could be.
    """

    chosen: dict[Name, int | None]
    spent: Number
    worth: float
    bound: float
    price: float
    exact: bool


def allocate(
    options: Mapping[Name, Sequence[tuple[Number, Number]]], budget: Number
) -> dict[Name, int | None]:
    """The index of the option each shot takes, None where it is not filmed: the most worth the budget can buy.

    ``options[shot]`` are its ways of being filmed as ``(cost, worth)``, usually an expected cost and the chance of
    an accepted clip times the shot's weight. Costs and budget are plain numbers in one currency; give ``Decimal`` for
    sums to the cent, as floats add up as floats do. :func:`allocation` says more about the same answer.

    Never over the budget. Small and ordinary instances are solved exactly, and then more money never buys less;
    where the search was cut short (see ``Allocation.exact``) the answer is within ``bound``.

    Raises:
        InvalidNumbers: options that are no pairs by shot, a cost below zero, a budget below zero, NaN, or an infinite
            cost or worth.
    """
    return allocation(options, budget).chosen


def allocation(options: Mapping[Name, Sequence[tuple[Number, Number]]], budget: Number) -> Allocation[Name]:
    """The same as :func:`allocate`, with the spend, the worth, how good it is at least, and the price of worth."""
    return Knapsack(options).within(budget)


class Knapsack(Generic[Name]):
    """Options looked at once, for as many budgets as are asked about."""

    def __init__(self, options: Mapping[Name, Sequence[tuple[Number, Number]]]) -> None:
        """Raises ``InvalidNumbers`` for a cost below zero, NaN, or an infinite cost or worth."""
        if not isinstance(options, Mapping):
            raise InvalidNumbers(f"the options are by shot, {_SHAPE}, not {shown(options)}")
        self._options = options
        self._rows = [_efficient(shot, ways) for shot, ways in options.items()]

    def within(self, budget: Number) -> Allocation[Name]:
        """See :func:`allocation`."""
        limit = real("the budget", budget)
        if limit != math.inf:
            finite("the budget", budget, least=0)
        options, rows = self._options, self._rows
        picks, price, bound, exact = [row[-1] for row in rows], 0.0, math.inf, True
        tolerances = iter((ROUNDING, -ROUNDING, -1e-9, -1.0))
        while _spent(options, picks, limit) > limit:
            picks, price, bound, exact = _solved(rows, self._steps, float(limit) * (1 + next(tolerances)))
        worth = math.fsum(pick.worth for pick in picks)
        return Allocation(
            chosen={shot: pick.option for shot, pick in zip(options, picks, strict=True)},
            spent=_spent(options, picks, limit),
            worth=worth,
            bound=worth if exact else bound,
            price=price,
            exact=exact,
        )

    @cached_property
    def _steps(self) -> "list[_Step]":
        """Every shot's steps from corner to corner, the one that buys most for its money first."""
        steps = (step for shot, row in enumerate(self._rows) for step in _steps(shot, row))
        return sorted(steps, key=lambda step: step.order)


def _efficient(shot: object, ways: Sequence[tuple[Number, Number]]) -> list[Choice]:
    """A shot's choices by rising cost, each worth more than every cheaper one; the first is the cheapest of all."""
    if isinstance(ways, str | Mapping) or not hasattr(ways, "__getitem__"):
        raise InvalidNumbers(f"the options of {shot!r} are a list of (cost, worth), not {shown(ways)}")
    by_cost = []
    for index, way in enumerate(ways):
        try:
            cost, worth = way
        except (TypeError, ValueError):
            raise InvalidNumbers(
                f"option {index} of {shot!r} must be (cost, worth), as in {_SHAPE}, not {shown(way)}"
            ) from None
        # Thousands of ordinary floats pass here, so only what is not one is looked at closely.
        if type(cost) is not float or not 0 <= cost <= LARGEST:
            finite(f"the cost of option {index} of {shot!r}", cost, least=0)
        if type(worth) is not float or not -LARGEST <= worth <= LARGEST:
            finite(f"the worth of option {index} of {shot!r}", worth)
        by_cost.append((float(cost) or (LEAST if cost else 0.0), -float(worth), index))
    by_cost.sort()
    kept = [Choice(0.0, 0.0, None)]
    for cost, minus_worth, index in by_cost:
        if -minus_worth > kept[-1].worth:
            if cost == 0:
                kept.clear()  # filming it for nothing is better than leaving it out
            kept.append(Choice(cost, -minus_worth, index))
    return kept


def _solved(
    rows: list[list[Choice]], steps: "list[_Step]", budget: float
) -> tuple[list[Choice], float, float, bool]:
    """The picks, the price of worth, an upper bound of the worth, and whether the picks are the best there are."""
    picks = [row[0] for row in rows]
    spent, edge = 0.0, len(steps)
    for number, step in enumerate(steps):
        if spent + step.cost > budget:
            edge = number
            break
        spent += step.cost
        picks[step.shot] = step.to
    if edge == len(steps):
        return picks, 0.0, math.fsum(pick.worth for pick in picks), True
    price = steps[edge].gain
    bound = math.fsum(pick.worth - price * pick.cost for pick in picks) + price * budget
    filled = _filled(rows, picks, steps[edge:], budget - spent)
    best, exact = improved(rows, picks, filled, price, budget)
    return best, price, bound, exact


class _Step(NamedTuple):
    """From one corner of a shot's upper hull to the next."""

    order: tuple[float, int, int]
    gain: float  # worth per unit of money, falling from step to step
    cost: float
    shot: int
    start: Choice
    to: Choice


def _steps(shot: int, row: list[Choice]) -> list[_Step]:
    hull: list[Choice] = []
    for choice in row:
        while len(hull) > 1 and _gain(hull[-2], hull[-1]) <= _gain(hull[-1], choice):
            hull.pop()
        hull.append(choice)
    steps = []
    for number, (start, to) in enumerate(pairwise(hull)):
        gain = _gain(start, to)
        steps.append(_Step((-gain, shot, number), gain, to.cost - start.cost, shot, start, to))
    return steps


def _gain(start: Choice, to: Choice) -> float:
    return (to.worth - start.worth) / (to.cost - start.cost)


def _filled(rows: list[list[Choice]], picks: list[Choice], steps: list[_Step], left: float) -> list[Choice]:
    """The picks with what is left spent: on the steps that still fit, then on whatever else raises the worth."""
    filled = list(picks)
    for step in steps:
        if step.cost <= left and filled[step.shot] is step.start:
            filled[step.shot] = step.to
            left -= step.cost
    for shot, row in enumerate(rows):
        now = filled[shot]
        better = [choice for choice in row if choice.worth > now.worth and choice.cost - now.cost <= left]
        if better:
            filled[shot] = better[-1]
            left -= better[-1].cost - now.cost
    return filled


def _spent(
    options: Mapping[Name, Sequence[tuple[Number, Number]]], picks: list[Choice], limit: Number
) -> Number:
    """What the picks cost, added up in the caller's own numbers and order."""
    costs = [
        ways[pick.option][0]
        for ways, pick in zip(options.values(), picks, strict=True)
        if pick.option is not None
    ]
    if any(isinstance(number, Decimal) for number in (*costs, limit)):
        return sum(
            (cost if isinstance(cost, Decimal) else Decimal(str(float(cost))) for cost in costs), Decimal(0)
        )
    return sum(costs)
