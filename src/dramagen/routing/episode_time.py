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
    ended: dict[str, float] = {}
    free: dict[str, list[float]] = {}
    for name in _in_order(waiting):
        each = waiting[name]
        at = ended.get(each.need.after or "", 0.0)
        reached = 1.0
        for offer, chance in zip(each.takes, each.chances, strict=True):
            if offer.seconds is None:
                return None
            places = None
            if offer.key in at_once:
                places = free.setdefault(offer.key, [0.0] * max(1, at_once[offer.key]))
            begun = at if places is None else max(at, heapq.heappop(places))
            at = begun + reached * offer.seconds
            if places is not None:
                heapq.heappush(places, at)
            reached *= 1 - chance
        ended[name] = at
    return max(ended.values(), default=0.0)


def _in_order(waiting: Mapping[str, Filmed]) -> list[str]:
    """Every shot after the one it follows, otherwise as they come."""
    ordered: dict[str, None] = {}
    for name in waiting:
        line: list[str] = []
        at: str | None = name
        while at is not None and at in waiting and at not in ordered and at not in line:
            line.append(at)
            at = waiting[at].need.after
        ordered.update(dict.fromkeys(reversed(line)))
    return list(ordered)
