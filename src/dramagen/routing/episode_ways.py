"""Every sensible way to film one shot: the plans that are best at some price of worth.

:func:`~dramagen.routing.attempts.plan_attempts` answers for one value of a clip. An episode on a budget needs the
answers for all values at once, and they are few: at any value the best plan is a corner of the upper hull of
``(expected cost, chance)``. The recursion of that plan is carried out on whole hulls, since taking an attempt first
moves every point of what follows by the same straight map.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from dramagen.routing.attempts import DEFAULT_RHO, Arm, decayed

EVEN = 1e-12
"""Chances that differ by less are one chance."""

_burden = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to film a shot: takes in this order until one is accepted.

    Attributes:
        order: the arm of each take, by its place among the arms.
        cost: what it is expected to spend.
        spread: the variance of that, in squared money.
        chance: that a take of it is accepted.
        chances: that of each take, once it is made.
    """

    order: tuple[int, ...]
    cost: float
    spread: float
    chance: float
    chances: tuple[float, ...] = ()


class _Take(NamedTuple):
    """A take that could be made; the order they compare in is the order to make them in."""

    per_accepted: float
    missed: float
    arm: int
    nth: int
    burden: float
    chance: float


_Trail = tuple[int, Any]
"""An arm, and the trail of what follows it; None at its end."""

_Point = tuple[float, float, _Trail | None]
"""Burden, chance, and the takes that come to them. Plain tuples: hundreds are made for every shot."""


def ways(
    arms: Sequence[Arm],
    takes: int,
    *,
    failed: Mapping[str, int] | None = None,
    rho: float = DEFAULT_RHO,
    burdens: Mapping[str, float] | None = None,
    value: float = math.inf,
) -> list[Way]:
    """The ways worth choosing among, by rising cost: for each number of takes up to ``takes``, the hull's corners.

    The single take that costs and weighs least is always among them. The first is filming nothing where a take has
    to be paid for.

    Args:
        failed: takes of an arm that were rejected on this shot already.
        burdens: what a take of an arm weighs beside its cost, in the same currency but not in money: waiting, a
            person's time, a break in continuity. It counts in the choice and not in :attr:`Way.cost`.
        value: what a clip is worth at most: ways that are best only above it may be left out.
    """
    past, extra = failed or {}, burdens or {}
    useful = _useful(arms, takes, past, rho, extra)
    hulls: list[list[_Point]] = [[(0.0, 0.0, None)] for _ in range(takes + 1)]
    for _, missed, arm, _, burden, chance in reversed(_takes(arms, useful, takes, past, rho, extra, value)):
        for left in range(takes, 0, -1):
            with_it: list[_Point] = [
                (burden + missed * b, chance + missed * c, (arm, trail)) for b, c, trail in hulls[left - 1]
            ]
            hulls[left] = _hull(sorted(hulls[left] + with_it, key=_burden))
    orders = {_order(trail) for hull in hulls for _, _, trail in hull}
    if takes and arms:
        cheapest = min(
            range(len(arms)),
            key=lambda arm: (float(arms[arm].cost) + extra.get(arms[arm].name, 0.0), -arms[arm].chance),
        )
        orders.add((cheapest,))
    found = [_way(arms, order, past, rho) for order in orders]
    return sorted(found, key=lambda way: (way.cost, -way.chance, way.order))


def fixed_ways(
    arms: Sequence[Arm], takes: int, *, failed: Mapping[str, int] | None = None, rho: float = DEFAULT_RHO
) -> list[Way]:
    """Filming nothing, or one to ``takes`` takes of the first arm: where whoever chose it leaves no choice."""
    return [_way(arms, (0,) * number, failed or {}, rho) for number in range(takes + 1 if arms else 1)]


def _useful(
    arms: Sequence[Arm], takes: int, past: Mapping[str, int], rho: float, extra: Mapping[str, float]
) -> list[int]:
    """The arms that fewer than ``takes`` others beat in both cost and chance: no plan can need the rest."""
    ranked = sorted(
        (float(arm.cost) + extra.get(arm.name, 0.0), -decayed(arm.chance, past.get(arm.name, 0), rho), place)
        for place, arm in enumerate(arms)
    )
    kept: list[int] = []
    best: list[float] = []  # the chances of the best so far, at most ``takes`` of them, rising
    for burden, minus_chance, place in ranked:
        if -minus_chance <= 0 or not math.isfinite(burden):
            continue
        if len(best) < takes or -minus_chance > best[0]:
            kept.append(place)
            best = sorted([*best, -minus_chance])[-takes:]
    return kept


def _takes(
    arms: Sequence[Arm],
    useful: list[int],
    takes: int,
    past: Mapping[str, int],
    rho: float,
    extra: Mapping[str, float],
    value: float,
) -> list[_Take]:
    found = []
    for place in useful:
        arm = arms[place]
        burden = float(arm.cost) + extra.get(arm.name, 0.0)
        for nth in range(takes):
            chance = decayed(arm.chance, past.get(arm.name, 0) + nth, rho)
            if chance == 0 or burden >= chance * value:
                break  # dearer per accepted clip than a clip is worth, and so is every later take
            found.append(_Take(burden / chance, 1 - chance, place, nth, burden, chance))
    return sorted(found)


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


def _order(trail: _Trail | None) -> tuple[int, ...]:
    order = []
    while trail is not None:
        arm, trail = trail
        order.append(arm)
    return tuple(order)


def _way(arms: Sequence[Arm], order: tuple[int, ...], past: Mapping[str, int], rho: float) -> Way:
    made: dict[int, int] = {}
    chances = []
    reached, spent, mean, square = 1.0, 0.0, 0.0, 0.0
    for place in order:
        arm = arms[place]
        chance = decayed(arm.chance, past.get(arm.name, 0) + made.get(place, 0), rho)
        made[place] = made.get(place, 0) + 1
        chances.append(chance)
        spent += float(arm.cost)
        mean += reached * float(arm.cost)
        square += reached * chance * spent * spent
        reached *= 1 - chance
    square += reached * spent * spent
    return Way(order, mean, max(0.0, square - mean * mean), 1 - reached, tuple(chances))
