"""When one region of a provider may be asked again, and how dear a question is while many wait for their turn."""

import math
from dataclasses import dataclass
from decimal import Decimal

from dramagen.config import Limits
from dramagen.engine.limits.pace import UNSAID

ROOM = 0.9
"""The part of the vendor's rate that is used: questions sent evenly do not arrive so."""

SLOWER = 1.5
FASTER = 0.995
SLOWEST = 64.0
"""A vendor that finds it too often is asked so many times less often, at most; each answer takes a little off."""

LATE = 0.3
"""Seconds a question may wait for its turn without its being dearer for that."""

NEWEST = 0.1
"""How much the newest question counts in how long they wait."""

LONGEST_WAIT = 300.0
"""Seconds; a vendor that asks for more patience than this is asked again all the same."""


@dataclass(slots=True)
class Turns:
    """Moments are the clock's monotonic seconds."""

    limits: Limits
    free: float = -math.inf
    """When the next question may be sent."""
    waited: float = 0.0
    """Seconds a question waited for its turn, lately."""
    price: float = 1.0
    """What a question costs, one without a queue being 1: more as the queue is longer than it should be. Who plans
    by it asks less, and least about jobs that are not likely to be over soon."""
    _slow: float = 1.0
    _slowed: float = -math.inf
    _list_free: float = -math.inf
    _lists: int = 0
    """Lists under way."""

    @property
    def gap(self) -> float:
        """Seconds between two questions."""
        return self._seconds(self.limits.polls_per_second)

    @property
    def list_gap(self) -> float:
        """Seconds between two lists, beyond those between any two questions; 0.0 where the vendor states none."""
        return self._seconds(self.limits.list_per_second) if self.limits.list_per_second else 0.0

    def _seconds(self, rate: Decimal | None) -> float:
        if rate is None:
            return self._slow / float(UNSAID["poll"])
        return self._slow / float(rate) / ROOM

    def list_wait(self, now: float) -> float:
        """Seconds until a list may be asked for; while one is under way that is a guess."""
        return max(self._list_free - now, self.gap if self._lists else 0.0, 0.0)

    def overdue(self, now: float) -> float:
        """Seconds the next list has waited for nothing but the answer to the one before."""
        return max(now - self._list_free, 0.0) if self._lists else 0.0

    def sent(self, now: float, several: bool, waited: float) -> None:
        """A question is sent, after it had waited so many seconds for its turn."""
        self.free = now + self.gap
        if several and self.list_gap:
            self._lists += 1
            self._list_free = now + self.list_gap
        self.waited += NEWEST * (waited - self.waited)
        self.price = max(1.0, self.waited / (LATE + self.list_gap))

    def came(self, now: float, several: bool) -> None:
        """Its answer, or none, came. Where the vendor counts lists by the second the next one is counted from here:
        whenever it was that the vendor saw this one, it was before."""
        if several and self.list_gap:
            self._lists -= 1
            self._list_free = max(self._list_free, now + self.list_gap * ROOM)

    def answered(self) -> None:
        """The vendor did not find it too often."""
        self._slow = max(1.0, self._slow * FASTER)

    def refused(self, sent: float, now: float, patience: float | None) -> None:
        """The vendor found it too often: it is left alone as long as it says, or a second; then asked less often.

        Args:
            sent: when the question was sent; those sent before the last refusal came do not count again.
        """
        self.free = max(self.free, now + min(1.0 if patience is None else patience, LONGEST_WAIT))
        if sent >= self._slowed:
            self._slow, self._slowed = min(self._slow * SLOWER, SLOWEST), now
