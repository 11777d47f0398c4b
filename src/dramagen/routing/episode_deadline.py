"""An episode that has to be over in time: what a second of waiting is worth on each key.

A deadline is a price, as a budget is; but of each key, as those that are not busy cost no time. The prices are raised
together until a plan is in time, and then moved key by key towards those at which every busy key is just in time.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf

from dramagen.routing.episode_solution import Solution

_DOUBLINGS = 16
_ROUNDS = 16
_SLOWEST, _FASTEST = 0.3, 3.0
"""How far a price moves in one round."""
_SHORTEST, _HAIR = 0.7, 0.99
"""How far the time aimed at moves in one round: as far as the deadline was missed, and a little more."""

Prices = Mapping[str, float]


def in_time(
    at: Callable[[Prices], Solution],
    plain: Solution,
    deadline: float,
    prices: Prices,
    places: Mapping[str, int],
    *,
    paid: bool,
) -> Solution:
    """The best plan found that meets the deadline; where there is none, the quickest found, marked as late.

    Args:
        at: the plan at these prices of a second of waiting, by key.
        plain: the plan without a deadline.
        prices: where the search begins.
        places: jobs at once, by key.
        paid: cost counts against worth, as no budget limits it.
    """

    def seconds(tried: Solution) -> float:
        # A deadline is no reason to leave a shot out that the budget films.
        return inf if tried.seconds is None or tried.short > plain.short else tried.seconds

    quickest = plain
    for _ in range(_DOUBLINGS):
        tried = at(prices)
        quickest = min(quickest, tried, key=seconds)
        if seconds(tried) <= deadline:
            break
        prices = {key: price * 2 for key, price in prices.items()}
    else:
        return replace(quickest, late=True)
    best, aim = tried, deadline
    for _ in range(_ROUNDS):
        busy = _busy(tried, places)
        if seconds(tried) > deadline >= max(busy.values(), default=0.0):
            # No key is too busy, and still it takes too long: shots wait for one another, and places for shots.
            aim *= max(_SHORTEST, deadline / seconds(tried)) * _HAIR
        prices = {
            key: price * min(_FASTEST, max(_SLOWEST, busy.get(key, 0.0) / aim))
            for key, price in prices.items()
        }
        tried = at(prices)
        if seconds(tried) <= deadline and _gain(tried, paid) > _gain(best, paid):
            best = tried
    return best


def _busy(found: Solution, places: Mapping[str, int]) -> dict[str, float]:
    """For how long each key's places are taken on average; where a key has room for all, its longest shot."""
    load: dict[str, float] = {}
    for filmed in found.filmed.values():
        if filmed is None:
            continue
        reached = 1.0
        for offer, chance in zip(filmed.takes, filmed.chances, strict=True):
            wait = reached * (offer.seconds or 0.0)
            if offer.key in places:
                load[offer.key] = load.get(offer.key, 0.0) + wait / max(1, places[offer.key])
            else:
                load[offer.key] = max(load.get(offer.key, 0.0), wait)
            reached *= 1 - chance
    return load


def _gain(found: Solution, paid: bool) -> tuple[bool, float]:
    done = [each for each in found.filmed.values() if each is not None]
    if not paid or any(each.need.value == inf for each in done):
        return not found.short, sum(each.worth for each in done)
    return not found.short, sum(each.need.value * each.worth - each.way.cost for each in done)
