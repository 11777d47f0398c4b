"""An episode on a budget: how to film each shot so that the money buys the most accepted clips.

One number decides it, what an accepted clip is worth at this budget: every shot is planned as if a clip were worth
that much, and the number is where the planned spend meets the budget (see :mod:`dramagen.routing.knapsack`). Every
shot is filmed before any shot gets a better take, and no clip is paid for at more than ``value``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, inf, prod, sqrt
from statistics import median

from dramagen.routing.attempts import DEFAULT_RHO
from dramagen.routing.episode_groups import Groups
from dramagen.routing.episode_items import Filmed, Need, Option, Ways, Weights
from dramagen.routing.episode_time import wall_seconds

CAUTION = 1.0
"""Held back for bad luck: so many standard deviations of what the plan may spend."""

_DOUBLINGS = 16
_HALVINGS = 4


@dataclass(frozen=True, slots=True)
class Solution:
    """How to film what is left of an episode. Money is in one currency; figures weigh, they do not bill.

    Attributes:
        filmed: every shot that is not held, None where no route can film it or the budget leaves it out.
        value: what an accepted clip is worth at this budget, and never more than it was said to be worth.
        expected: what all takes together are expected to cost.
        worst: what they cost where every take is made at its highest price.
        chance: that every shot is accepted within its takes.
        accepted: how many shots are expected to be accepted.
        reserve: of the budget, what is held back for bad luck.
        seconds: expected wall time, None where the pace of a route is not known.
        models: the model each group keeps.
        split: groups of which no one model can film every shot, so that each shot was planned by itself.
        bound: the budget decides that value, rather than what a clip was said to be worth.
        short: the budget does not film every shot once.
        late: no plan is expected to meet the deadline; this is the quickest found.
    """

    filmed: Mapping[str, Filmed | None]
    value: float
    expected: float
    worst: float
    chance: float
    accepted: float
    reserve: float = 0.0
    seconds: float | None = None
    models: Mapping[str, str] | None = None
    split: tuple[str, ...] = ()
    bound: bool = False
    short: bool = False
    late: bool = False


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

    def at(price: float) -> Solution:
        seconds = {key: price * (1 / max(1, n) + 1 / max(1, len(needs))) for key, n in places.items()}
        return _solved(needs, budget, places, known, Weights(seconds, switch, human), caution)

    plain = at(0.0)
    if deadline is None or plain.seconds is None or plain.seconds <= deadline:
        return plain
    return _in_time(at, plain, deadline, _worth_of_a_second(needs))


def _worth_of_a_second(needs: Sequence[Need]) -> float:
    """Where the search for a price of waiting begins: what a second of a middling take costs."""
    prices = [o.cost / o.seconds for need in needs for o in need.offers if o.seconds and o.cost]
    return median(prices) / 64 if prices else 1e-3


def _in_time(at: Callable[[float], Solution], plain: Solution, deadline: float, price: float) -> Solution:
    """The plan at the lowest price of waiting that meets the deadline."""

    def seconds(tried: Solution) -> float:
        # A deadline is no reason to leave a shot out that the budget films.
        return inf if tried.seconds is None or tried.short > plain.short else tried.seconds

    low, best = 0.0, plain
    for _ in range(_DOUBLINGS):
        tried = at(price)
        best = min(best, tried, key=seconds)
        if seconds(tried) <= deadline:
            break
        low, price = price, price * 2
    else:
        return replace(best, late=True)
    high, best = price, tried
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if seconds(tried := at(middle)) <= deadline:
            high, best = middle, tried
        else:
            low = middle
    return best


def _solved(
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
    done = [each for each in filmed.values() if each is not None]
    most = max((need.value for need in needs if need.held is None), default=inf)
    return Solution(
        filmed=filmed,
        value=min(most, 1 / price) if price > 0 else most,
        expected=fsum(each.way.cost for each in done),
        worst=fsum(offer.most for each in done for offer in each.takes),
        chance=prod((each.way.chance if each is not None else 0.0) for each in filmed.values()),
        accepted=fsum(each.way.chance for each in done),
        reserve=reserve,
        seconds=wall_seconds(done, at_once),
        models={each.need.group or "": pick.model for pick in chosen if pick.model for each in pick.shots},
        split=groups.split,
        bound=price > 0 and 1 / price < most,
        short=short,
    )


def _spread(picks: Sequence[Option | None]) -> float:
    return fsum(each.way.spread for pick in picks if pick is not None for each in pick.shots)
