"""An episode on a budget: how to film each shot so that the money buys the most accepted clips.

One number decides it, what an accepted clip is worth at this budget: every shot is planned as if a clip were worth
that much, and the number is where the planned spend meets the budget (see :mod:`dramagen.routing.knapsack`). Every
shot is filmed before any shot gets a better take, and no clip is paid for at more than ``value``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import fsum, inf, sqrt
from statistics import median

from dramagen.routing.attempts import DEFAULT_RHO
from dramagen.routing.episode_deadline import Hurried, Terms
from dramagen.routing.episode_groups import Groups
from dramagen.routing.episode_items import Filmed, Need, Option, Ways, Weights
from dramagen.routing.episode_solution import Solution, totals

CAUTION = 1.0
"""Held back for bad luck: so many standard deviations of what the plan may spend."""

FEW = 6
"""Of so many shots, what one way is too dear for is a good part of a budget, and other shots cannot spend it all."""


def solve(
    needs: Sequence[Need],
    value: float = inf,
    *,
    budget: float | None = None,
    deadline: float | None = None,
    at_once: Mapping[str, int] | None = None,
    rho: float = DEFAULT_RHO,
    switch: float = inf,
    human: float = 0.0,
    caution: float = CAUTION,
) -> Solution:
    """The best way to film the shots.

    Args:
        value: what one accepted clip is worth at most; a shot's own value holds where it is less.
        budget: what may be spent; without it every shot is planned at ``value``.
        deadline: seconds of wall time within which it should be over.
        at_once: jobs at once, by key.
        switch: what a take away from the model of its group costs, in money; infinite where the model is kept.
        human: what it costs that a person looks at one take.
        caution: standard deviations of the spend that are held back from the budget.
    """
    places = dict(at_once or {})
    needs = [need if need.value <= value else replace(need, value=value) for need in needs]
    known = Ways(rho)
    weights = Weights({}, switch, human)

    def weighed(weights: Weights, known: Ways) -> Solution:
        return _solved(needs, lambda kept: _chosen(kept, budget, places, known, weights, caution))

    few = budget is not None and sum(need.held is None for need in needs) <= FEW
    plain = weighed(weights, Ways(rho, every=True) if few else known)
    if deadline is None or plain.seconds is None or plain.seconds <= deadline:
        return plain
    # Where money is no limit, and no clip's worth is stated, time is bought as this plan buys clips on average.
    rate = 1 / plain.value if plain.value < inf else plain.accepted / (plain.expected or 1.0)

    def at(prices: Mapping[str, float]) -> Solution:
        return weighed(replace(weights, second=prices, rate=rate), known)

    keys = {offer.key for need in needs for offer in need.offers}
    second = _worth_of_a_second(needs)
    begin = {key: second / max(1, places.get(key, len(needs))) for key in keys}
    return Hurried(at, plain, known, Terms(deadline, places, budget, weights, rate)).solved(begin)


def _worth_of_a_second(needs: Sequence[Need]) -> float:
    """Where the search for the prices of waiting begins: what a second of a middling take costs."""
    prices = [o.cost / o.seconds for need in needs for o in need.offers if o.seconds and o.cost]
    return median(prices) / 64 if prices else 1e-3


def _solved(needs: Sequence[Need], chosen: Callable[[Sequence[Need]], Solution]) -> Solution:
    """The plan in which no money is kept for a shot whose forerunner is left out: it cannot be filmed either."""
    needs = list(needs)
    short = False
    while True:
        found = chosen(needs)
        short = short or found.short
        orphans = [place for place, need in enumerate(needs) if _orphaned(need, found)]
        if not orphans:
            return replace(found, short=short)
        for place in orphans:
            needs[place] = replace(needs[place], offers=())


def _orphaned(need: Need, found: Solution) -> bool:
    forerunner = need.after
    return (
        forerunner is not None
        and found.filmed.get(need.name) is not None
        and forerunner in found.filmed
        and found.filmed[forerunner] is None
    )


def _chosen(
    needs: Sequence[Need],
    budget: float | None,
    at_once: Mapping[str, int],
    known: Ways,
    weights: Weights,
    caution: float,
) -> Solution:
    groups = Groups(needs, known, weights)
    picks, price, short = groups.within(inf if budget is None else budget)
    reserve = 0.0
    if budget is not None and not short:
        base = fsum(item[0].cost for item in groups.items)
        reserve = min(caution * sqrt(_spread(picks)), max(0.0, budget - base))
        if price or fsum(pick.cost for pick in picks if pick is not None) > budget - reserve:
            picks, price, short = groups.within(budget - reserve)
    chosen = [pick for pick in picks if pick is not None]
    filmed: dict[str, Filmed | None] = {need.name: None for need in needs if need.held is None}
    filmed |= {each.need.name: each for pick in chosen for each in pick.shots if each.way.order}
    most = max((need.value for need in needs if need.held is None), default=inf)
    return Solution(
        **totals(filmed, at_once),
        value=min(most, 1 / price) if price > 0 else most,
        reserve=reserve,
        models={each.need.group or "": pick.model for pick in chosen if pick.model for each in pick.shots},
        split=groups.split,
        bound=price > 0 and 1 / price < most,
        short=short,
    )


def _spread(picks: Sequence[Option | None]) -> float:
    return fsum(each.way.spread for pick in picks if pick is not None for each in pick.shots)
