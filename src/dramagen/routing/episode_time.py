"""How long an episode takes: every key has so many places, and a shot that follows another waits for it."""

import heapq
from collections.abc import Iterable, Mapping

from dramagen.routing.episode_items import Filmed


def wall_seconds(filmed: Iterable[Filmed], at_once: Mapping[str, int]) -> float | None:
    """Expected seconds from the first create to the last clip; None where the pace of a route is not known.

    Each take holds a place of its key for as long as it runs times the chance that it is made at all, and a shot's
    takes follow one another. The time a person needs to judge them is not in it.

    Args:
        at_once: jobs at once, by key; a key that is not in it has room for all.
    """
    waiting = {each.need.name: each for each in filmed}
    first = _first(waiting)
    followers: dict[str, list[str]] = {}
    for name, each in waiting.items():
        if each.need.after is not None and name not in first:
            followers.setdefault(each.need.after, []).append(name)
    places = {name: number for number, name in enumerate(waiting)}
    free: dict[str, list[float]] = {}
    # Takes come to their keys in the order in which they can begin: (when, whose, which, chance that it is made).
    ready = [(0.0, places[name], name, 0, 1.0) for name in first]
    heapq.heapify(ready)
    last = 0.0
    while ready:
        at, place, name, nth, reached = heapq.heappop(ready)
        each = waiting[name]
        if nth == len(each.takes):
            last = max(last, at)
            for follower in followers.pop(name, ()):
                heapq.heappush(ready, (at, places[follower], follower, 0, 1.0))
            continue
        offer = each.takes[nth]
        if offer.seconds is None:
            return None
        begun = at
        if offer.key in at_once:
            lanes = free.setdefault(offer.key, [0.0] * max(1, at_once[offer.key]))
            begun = max(at, heapq.heappop(lanes))
            heapq.heappush(lanes, begun + reached * offer.seconds)
        after = begun + reached * offer.seconds
        heapq.heappush(ready, (after, place, name, nth + 1, reached * (1 - each.chances[nth])))
    return last


def _first(waiting: Mapping[str, Filmed]) -> dict[str, None]:
    """The shots that wait for no other; of shots that wait for one another in a circle, the first."""
    first: dict[str, None] = {}
    known: set[str] = set()
    for name in waiting:
        line: list[str] = []
        at: str | None = name
        while at is not None and at in waiting and at not in known and at not in line:
            line.append(at)
            at = waiting[at].need.after
        if line and (at is None or at not in known):
            first[line[-1] if at not in line else line[line.index(at)]] = None
        known.update(line)
    return first
