"""How long an episode takes: every key has so many places, and a shot that follows another waits for it."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from math import inf

from dramagen.routing.episode_items import Filmed, Need

Stints = tuple[tuple[str, float], ...]
"""The takes of a shot in order: the key each runs on, and for how many seconds it is expected to hold its place."""


def stints(filmed: Filmed) -> Stints | None:
    """Each take's seconds times the chance that it is made at all; None where the pace of a route is not known."""
    found, reached = [], 1.0
    for offer, chance in zip(filmed.takes, filmed.chances, strict=True):
        if offer.seconds is None:
            return None
        found.append((offer.key, reached * offer.seconds))
        reached *= 1 - chance
    return tuple(found)


def wall_seconds(filmed: Iterable[Filmed], at_once: Mapping[str, int]) -> float | None:
    """Expected seconds from the first create to the last clip; None where the pace of a route is not known.

    Each take holds a place of its key for as long as it runs times the chance that it is made at all, and a shot's
    takes follow one another. The time a person needs to judge them is not in it.

    Args:
        at_once: jobs at once, by key; a key that is not in it has room for all.
    """
    every = list(filmed)
    jobs = [known for each in every if (known := stints(each)) is not None]
    if len(jobs) < len(every):
        return None
    return Clock([each.need for each in every], at_once).wall(jobs)


class Clock:
    """The wall time of these shots, asked for one way to film them after another."""

    def __init__(self, needs: Sequence[Need], at_once: Mapping[str, int]) -> None:
        """Shots come to their keys in the order of ``needs``; ``at_once`` is that of :func:`wall_seconds`."""
        places = {need.name: place for place, need in enumerate(needs)}
        after = [places.get(need.after) if need.after is not None else None for need in needs]
        self._first = sorted(_first(after))  # and so a heap
        self._followers: dict[int, list[int]] = {}
        for place, before in enumerate(after):
            if before is not None and place not in self._first:
                self._followers.setdefault(before, []).append(place)
        self._at_once = at_once

    def wall(self, jobs: Sequence[Stints]) -> float:
        """Seconds until the last shot is over."""
        return max(self._ends(jobs, inf), default=0.0)

    def overrun(self, jobs: Sequence[Stints], deadline: float, most: float = inf) -> float:
        """By how many seconds the shots end after the deadline, all added up; infinite where one is over ``most``.

        Less of it is nearer to being in time also where the last shot of all is not moved.
        """
        latest = deadline + most
        over = 0.0
        for end in self._ends(jobs, latest):
            if end > latest:
                return inf
            if end > deadline:
                over += end - deadline
        return over

    def _ends(self, jobs: Sequence[Stints], give_up: float) -> list[float]:
        """When each shot is over, in no order; one that is later than ``give_up`` is the last that is looked at.

        Thousands of plans are asked about, so takes that end a shot nobody waits for are not queued.
        """
        # Takes come to their keys in the order in which they can begin: (when, whose, which).
        ready = [(0.0, place, 0) for place in self._first]
        ends: list[float] = []
        free: dict[str, list[float]] = {}
        at_once, followers = self._at_once, self._followers
        while ready:
            at, place, nth = heapq.heappop(ready)
            takes = jobs[place]
            if nth == len(takes):
                end = at
            else:
                key, seconds = takes[nth]
                nth += 1
                if key in at_once:
                    if key not in free:
                        free[key] = [0.0] * max(1, at_once[key])
                    lanes = free[key]
                    end = (at if at > lanes[0] else lanes[0]) + seconds
                    heapq.heapreplace(lanes, end)
                else:
                    end = at + seconds
                if end > give_up:
                    ends.append(end)
                    break
                if nth < len(takes):
                    heapq.heappush(ready, (end, place, nth))
                    continue
            ends.append(end)
            if place in followers:
                for follower in followers[place]:
                    heapq.heappush(ready, (end, follower, 0))
        return ends


def _first(after: Sequence[int | None]) -> dict[int, None]:
    """The shots that wait for no other; of shots that wait for one another in a circle, the first."""
    first: dict[int, None] = {}
    known: set[int] = set()
    for place in range(len(after)):
        line: list[int] = []
        at: int | None = place
        while at is not None and at not in known and at not in line:
            line.append(at)
            at = after[at]
        if at is None or at not in known:
            first[line[-1] if at is None else line[line.index(at)]] = None
        known.update(line)
    return first
