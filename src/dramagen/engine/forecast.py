"""When a job is likely to be over, learnt from how long others like it took.

What is known of a job's time is an interval: it was not over at one look, and over at the next. A density over time
is made of the newest intervals (``density.py``); looks are then spaced so that lateness and looks together cost
least. Where jobs end at a rate of ``h`` a second, looks are best ``sqrt(2 c / h)`` seconds apart, ``c`` being how
many seconds of lateness one look is worth: few looks where nothing ends, many where most do.
"""

import math
from bisect import bisect_right
from collections import deque

from dramagen.engine.density import density

KNOWN = 3
"""Times from which on a forecast is made."""

KEPT = 100
"""Times that are kept, the newest: vendors become faster and slower by the hour."""

NARROW = 0.1
"""Seconds; no interval is taken to be narrower, as the network's own delay is not known better."""

OUTLIVED = 0.25
"""Seconds to the next look at a job that has outlived every other, at first; twice as much each time."""


class Forecast:
    """The times of one kind of job."""

    def __init__(self) -> None:
        self._took: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._news = 0
        self._first = 0.0
        self._added = 0
        self._edges: list[float] = []
        self._rates: list[float] = []
        self._left: list[float] = []
        self._looks: list[float] = []
        self.scouts = 0
        """How many jobs find out by many looks while nothing is known."""

    def add(self, after: float, by: float) -> None:
        """A job was not over ``after`` so many seconds, and over ``by`` so many."""
        if not 0 <= after <= by < math.inf:
            return
        if not after:
            # Over at its first look: the time before in which no other ended is no likelier for that. Where all go so
            # nothing else would tell any more what is known of it. One that was quicker than any other was hardly
            # twice as quick, or the next such one tells.
            after = self._first if 0 < self._first < by else by / 2
        spare = max(0.0, NARROW - (by - after)) / 2
        self._took.append((max(0.0, after - spare), by + spare))
        self._news += 1
        self._added += 1

    @property
    def known(self) -> bool:
        """Whether there is enough to go by."""
        return len(self._took) >= KNOWN

    @property
    def doubled(self) -> bool:
        """Whether twice as much is known as when that was last so."""
        return self._added >= KNOWN and (self._added // KNOWN).bit_count() == 1 and self._added % KNOWN == 0

    @property
    def first(self) -> float:
        """Seconds in which no job of this kind was ever over."""
        self._learn()
        return self._first

    def doubt(self, age: float) -> float:
        """The age at which to look at a job at ``age`` that may be quicker than any other, or infinity."""
        ages = self.first / 2, self.first - max(OUTLIVED, self._edges[-1] - self.first)
        return next((each for each in ages if each > age + OUTLIVED), math.inf)

    def next(self, age: float, cost: float) -> float:
        """The age, in seconds, at which to look at a job that is not over at ``age``.

        Args:
            cost: seconds of lateness that one look is worth.
        """
        self._learn()
        end = self._edges[-1]
        # Times of jobs that still run are not known: a wave's first ones end first, and say nothing of its last. Of
        # a job that has come so far it is not believed that half as much again passes without its end.
        tail = math.sqrt(4 * cost * age)
        if age >= end:
            return age + max(OUTLIVED, min(age - end, tail))
        foreseen = self._foreseen(age, cost)
        return foreseen if age <= self._edges[0] else min(foreseen, age + tail)

    def _foreseen(self, age: float, cost: float) -> float:
        goal, end = self._looked(age) + math.sqrt(2 * cost), self._edges[-1]
        place = bisect_right(self._looks, goal) - 1
        if place >= len(self._rates):
            return end
        rate, left = self._rates[place], self._left[place]
        root = math.sqrt(left) - math.sqrt(rate) / 2 * (goal - self._looks[place])
        return max(age, self._edges[place] + (left - root * root) / rate)

    def _looked(self, age: float) -> float:
        """The integral of the square root of the hazard, from the beginning to ``age``."""
        if age <= self._edges[0]:
            return 0.0
        place = bisect_right(self._edges, age) - 1
        rate, left = self._rates[place], self._left[place]
        now = max(0.0, left - rate * (age - self._edges[place]))
        return self._looks[place] + 2 / math.sqrt(rate) * (math.sqrt(left) - math.sqrt(now))

    def _learn(self) -> None:
        """Make the density anew, now and then: each job that ends changes it little."""
        if not self._news or (self._edges and self._news < len(self._took) / 5):
            return
        self._news = 0
        made = density(self._took)
        self._edges, shares, self._first = made.ends, made.shares, made.first
        self._rates, self._left, self._looks = [], [1.0], [0.0]
        for begin, end, share in zip(self._edges, self._edges[1:], shares, strict=False):
            rate, before = share / (end - begin), self._left[-1]
            after = max(0.0, before - share)
            self._rates.append(rate)
            self._left.append(after)
            self._looks.append(self._looks[-1] + 2 / math.sqrt(rate) * (math.sqrt(before) - math.sqrt(after)))
