"""Every sensible way to film one shot: the plans that are best at some price of worth.

:func:`~dramagen.routing.attempts.plan_attempts` answers for one value of a clip. An episode on a budget needs the
answers for all values at once, and they are few: at any value the best plan is a corner of the upper hull of
``(expected cost, chance)``. The recursion of that plan is carried out on whole hulls, since taking an attempt first
moves every point of what follows by the same straight map.

Corners are enough where many shots share the money: what one corner is too dear for, another shot spends. Of few
shots a corner can be half of the budget, so there every way counts that no other beats in both cost and chance.
"""

import math
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from dramagen.routing.attempts import DEFAULT_RHO, decayed
from dramagen.routing.numeric import Number

EVEN = 1e-12
"""Chances that differ by less are one chance."""

GRAIN = 1 / 512
"""Between corners a dearer way counts where it is likelier by this much: it bounds how many there are."""

_burden = itemgetter(0)


class Priced(Protocol):
    """Who could make a take: an :class:`~dramagen.routing.attempts.Arm`, an offer."""

    @property
    def cost(self) -> Number: ...

    @property
    def chance(self) -> float: ...


class Way(NamedTuple):
    """One way to film a shot: takes in this order until one is accepted.

    Attributes:
        order: the arm of each take, by its place among the arms.
        cost: what it is expected to spend.
        spread: the variance of that, in squared money.
        chance: that a take of it is accepted.
        chances: that of each take, once it is made.
        burden: what its takes are expected to weigh beside their cost.
    """

    order: tuple[int, ...]
    cost: float
    spread: float
    chance: float
    chances: tuple[float, ...] = ()
    burden: float = 0.0


class _Take(NamedTuple):
    """A take that could be made; the order they compare in is the order to make them in."""

    per_accepted: float
    missed: float
    arm: int
    nth: int
    burden: float
    chance: float


_Corner = tuple[float, float, int]
"""Burden, chance below zero, and what it belongs to: sorted, the likelier of two that weigh the same comes first."""

_Best = Callable[[Sequence[_Corner]], tuple[list[_Corner], list[_Corner]]]
"""Parts points by rising burden into those to keep, beginning with the first, and the rest."""

_Trail = tuple[int, Any]
"""An arm, and the trail of what follows it; None at its end."""

_Point = tuple[float, float, _Trail | None]
"""Burden, chance, and the takes that come to them. Plain tuples: hundreds are made for every shot."""


def ways(
    arms: Sequence[Priced],
    takes: int,
    *,
    failed: Sequence[int] = (),
    rho: float = DEFAULT_RHO,
    burdens: Sequence[float] = (),
    value: float = math.inf,
    risks: Sequence[float] = (),
    every: bool = False,
) -> list[Way]:
    """The ways worth choosing among, by rising cost: for each number of takes up to ``takes``, the hull's corners.

    As a shot may have to be filmed whatever it is worth, the single take that costs and weighs least is always among
    them, and the best single takes from there on. The first is filming nothing where a take has to be paid for.

    Args:
        failed: of each arm, its takes that were rejected on this shot already; none where nothing is said.
        burdens: what a take of each arm weighs beside its cost, in the same currency but not in money: waiting, a
            person's time, a break in continuity. It counts in the choice and not in :attr:`Way.cost`.
        value: what a clip is worth at most: ways that are best only above it may be left out.
        risks: how much more than its cost a take of each arm may cost: who must have that money there for the first
            take chooses among single takes by it.
        every: between the corners too, every way that none beats in both what it weighs and its chance.
    """
    past = failed or [0] * len(arms)
    weighed = [(float(arm.cost), -arm.chance, place) for place, arm in enumerate(arms)]
    if burdens:
        weighed = [(cost + burdens[place], chance, place) for cost, chance, place in weighed]
    orders = _orders(_takes(weighed, takes, past, rho, value, _corners), takes, _hull)
    if every:
        orders |= _orders(_takes(weighed, takes, past, rho, value, _rising), takes, _front)
    if takes and arms:
        at_most = [(burden + risks[n], chance, n) for burden, chance, n in weighed] if risks else weighed
        possible = sorted([each for each in at_most if each[0] < math.inf]) or [min(weighed)]
        best = _rising if every else _corners
        orders |= {(place,) for _, _, place in [min(weighed), *best(possible)[0]]}
    return sorted(
        [way_of(arms, order, past, rho, burdens) for order in orders],
        key=lambda way: (way.cost, -way.chance, way.order),
    )


def fixed_ways(
    arm: Priced | None, takes: int, *, failed: int = 0, rho: float = DEFAULT_RHO, burden: float = 0.0
) -> list[Way]:
    """Filming nothing, or one to ``takes`` takes of this arm: where whoever chose it leaves no choice."""
    if arm is None:
        return [way_of((), (), (), rho)]
    return [way_of((arm,), (0,) * number, (failed,), rho, (burden,)) for number in range(takes + 1)]


def _orders(
    takes: Sequence[_Take], most: int, best: Callable[[list[_Point]], list[_Point]]
) -> set[tuple[int, ...]]:
    """Which arms' takes to make one after the other, in every way that is among the ``best`` of its length."""
    ends: list[list[_Point]] = [[(0.0, 0.0, None)] for _ in range(most + 1)]
    for _, missed, arm, _, burden, chance in reversed(takes):
        for left in range(most, 0, -1):
            with_it: list[_Point] = [
                (burden + missed * b, chance + missed * c, (arm, trail)) for b, c, trail in ends[left - 1]
            ]
            ends[left] = best(sorted(ends[left] + with_it, key=_burden))
    return {_order(trail) for end in ends for _, _, trail in end}


def _outer(ranked: list[_Corner], layers: int, best: _Best) -> list[_Corner]:
    """The best of these points and (0, 0), of what is left the best again, and so on.

    A take within all of as many hulls as there are takes is in no best plan: one hull at least has none of its
    corners in that plan, and at any worth of a clip one of them would be better in its place. With every way that
    none beats in its place it is the same: a take beaten by as many as there are takes is beaten by one left out.
    """
    kept: list[_Corner] = []
    for _ in range(layers):
        (_, *corners), rest = best([(0.0, 0.0, -1), *ranked])
        kept += corners
        ranked = sorted(rest)
    return kept


def _rising(ranked: Sequence[_Corner]) -> tuple[list[_Corner], list[_Corner]]:
    """The points likelier than every one before them, and the rest."""
    rising: list[_Corner] = [ranked[0]]
    rest: list[_Corner] = []
    for point in ranked[1:]:
        (rising if point[1] < rising[-1][1] else rest).append(point)
    return rising, rest


def _corners(ranked: Sequence[_Corner]) -> tuple[list[_Corner], list[_Corner]]:
    """The corners of the upper hull from the first of these points on, and the rest in no order."""
    corners, rest = [ranked[0]], []
    for point in ranked[1:]:
        burden, minus_chance, _ = point
        if minus_chance >= corners[-1][1]:
            rest.append(point)
            continue
        while len(corners) > 1:
            (b0, c0, _), (b1, c1, _) = corners[-2], corners[-1]
            if (c0 - c1) * (burden - b0) > (c0 - minus_chance) * (b1 - b0):
                break
            rest.append(corners.pop())
        corners.append(point)
    return corners, rest


def _takes(
    weighed: Sequence[_Corner], takes: int, past: Sequence[int], rho: float, value: float, best: _Best
) -> list[_Take]:
    """The takes that a best plan can need, in the order to make them in.

    A take is left out where it is dearer per accepted clip than a clip is worth, and so is every later one then.
    """
    first = []
    for burden, minus_chance, place in weighed:
        minus_now = -decayed(-minus_chance, past[place], rho) if past[place] else minus_chance
        if burden < -minus_now * value:
            first.append((burden, minus_now, place))
    found: list[_Take] = []
    ranked: list[_Corner] = []
    for burden, _, place in _outer(sorted(first), takes, best):
        average = -weighed[place][1]
        for nth in range(takes):
            chance = decayed(average, past[place] + nth, rho)
            if chance == 0 or burden >= chance * value:
                break
            ranked.append((burden, -chance, len(found)))
            found.append(_Take(burden / chance, 1 - chance, place, nth, burden, chance))
    return sorted([found[number] for _, _, number in _outer(sorted(ranked), takes, best)])


def _hull(points: list[_Point]) -> list[_Point]:
    """The corners of the upper hull, from the cheapest to the likeliest; ``points`` come by rising burden."""
    hull: list[_Point] = []
    best = -1.0
    for point in points:
        burden, chance, _ = point
        if chance <= best + EVEN:
            continue
        while len(hull) > 1:
            (b0, c0, _), (b1, c1, _) = hull[-2], hull[-1]
            if (c1 - c0) * (burden - b0) > (chance - c0) * (b1 - b0):
                break
            hull.pop()
        if hull and hull[-1][0] == burden:
            hull.pop()
        hull.append(point)
        best = chance
    return hull


def _front(points: list[_Point]) -> list[_Point]:
    """The points likelier than every one before them by more than a grain; ``points`` come by rising burden."""
    front: list[_Point] = []
    best = -1.0
    for point in points:
        if point[1] >= best + GRAIN:
            if front and front[-1][0] == point[0]:
                front.pop()
            front.append(point)
            best = point[1]
    return front


def _order(trail: _Trail | None) -> tuple[int, ...]:
    order = []
    while trail is not None:
        arm, trail = trail
        order.append(arm)
    return tuple(order)


def way_of(
    arms: Sequence[Priced],
    order: tuple[int, ...],
    past: Sequence[int],
    rho: float,
    burdens: Sequence[float] = (),
) -> Way:
    """What takes of these arms in this order come to; ``past`` has the rejected takes of each arm."""
    chances = []
    reached, spent, mean, square, burden = 1.0, 0.0, 0.0, 0.0, 0.0
    for nth, place in enumerate(order):
        arm = arms[place]
        cost = float(arm.cost)
        chance = decayed(arm.chance, past[place] + order[:nth].count(place), rho)
        chances.append(chance)
        spent += cost
        mean += reached * cost
        if burdens:
            burden += reached * burdens[place]
        square += reached * chance * spent * spent
        reached *= 1 - chance
    square += reached * spent * spent
    return Way(order, mean, max(0.0, square - mean * mean), 1 - reached, tuple(chances), burden)
