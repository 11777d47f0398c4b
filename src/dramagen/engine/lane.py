"""The jobs of one provider and region that are waited for: which to ask about next, together with which, and when."""

import heapq
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from dramagen.adapters.base import Status, Ticket
from dramagen.catalog.cards import Watch
from dramagen.engine.forecast import Forecast
from dramagen.engine.limits.pace import UNSAID, Asking
from dramagen.engine.service import Service
from dramagen.errors import DramagenError, RateLimited

GROWTH = 1.15
"""Where nothing is known of a kind of job, each fruitless look makes the next one this much later, up to the card's
longest interval."""

JITTER = 0.1
TOGETHER = 0.5
"""Jobs due within this many seconds are asked about in one request."""

LOOK = 0.125
"""Seconds of lateness that one request is worth: that is how close looks are where jobs are likely to end."""

LEAST_GAP = 0.25
"""Seconds between two looks at one job, at least."""

IN_FLIGHT = 8
"""Status requests of one lane under way at once."""

LONGEST_WAIT = 300.0
"""Seconds; a vendor that asks for more patience than this is asked again all the same."""

FORGETTING = 0.1
"""How much the newest request counts in how many jobs go into one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A vendor's last word, and how long the job took by its clock: more than ``after`` seconds, ``by`` at most."""

    status: Status
    after: float
    by: float


Ended = Callable[[Verdict | Exception], None]


@dataclass(eq=False, slots=True)
class Waiting:
    """One job. Moments are the clock's monotonic seconds."""

    ticket: Ticket
    watch: Watch
    forecasts: Sequence[Forecast]
    since: float
    due: float
    interval: float
    deadline: float
    seen: Callable[[Status], None] | None
    ended: Ended
    woken: float = math.inf
    """When to look because somebody says the job changed."""
    patience: float = 0.0
    """No such look before this: words from outside may not make the vendor be asked more often than it likes."""
    between: bool = False
    """Whether the look under way lies between two regular ones."""
    missing_since: float | None = None
    alive: float = -math.inf
    """The last moment at which it was not over yet."""
    place: int = -1
    """Which entry of the lane's queue is the valid one; none while a look is under way, or after the end."""
    over: bool = False

    @property
    def next(self) -> float:
        """When to look."""
        return min(self.due, self.woken)

    def looked(self, now: float) -> None:
        """A look begins: it also answers every word heard so far, and none that comes while it is under way."""
        self.between = self.woken < self.due
        if self.between:
            self.patience = now + self.watch.interval
        self.woken = math.inf


@dataclass(eq=False, slots=True)
class Lane:
    """One region of one provider: a queue by due time, and the rate its vendor is asked at."""

    service: Service
    rng: random.Random
    in_flight: int = 0
    together: float = 1.0
    """How many jobs go into a request, lately."""
    batch: int = 0
    """How many the vendor was seen to take, where that is fewer than the adapter thinks."""
    _waiting: dict[str, list[Waiting]] = field(default_factory=dict)
    _queue: list[tuple[float, int, Waiting]] = field(default_factory=list)
    _entries: int = 0
    _free: float = -math.inf
    """When the next request may be sent, and the next that asks for several jobs."""
    _list_free: float = -math.inf

    def __post_init__(self) -> None:
        self.batch = max(1, self.service.adapter.batch)

    def __iter__(self) -> Iterator[Waiting]:
        return iter([each for named in self._waiting.values() for each in named])

    def add(self, waiting: Waiting) -> None:
        """Begin to wait for a job."""
        self._waiting.setdefault(waiting.ticket.id, []).append(waiting)
        self.queue(waiting)

    def drop(self, waiting: Waiting) -> None:
        """Wait for it no more."""
        if waiting.over:
            return
        waiting.over, waiting.place = True, -1
        named = self._waiting[waiting.ticket.id]
        named.remove(waiting)
        if not named:
            del self._waiting[waiting.ticket.id]

    def queue(self, waiting: Waiting) -> None:
        """Put a job where its next look belongs."""
        self._entries += 1
        waiting.place = self._entries
        heapq.heappush(self._queue, (waiting.next, self._entries, waiting))

    def wake(self, ticket_id: str, now: float) -> bool:
        """Look at that job soon. False where it is not waited for."""
        named = self._waiting.get(ticket_id, [])
        for waiting in named:
            woken = min(waiting.woken, max(now, waiting.patience))
            if woken < waiting.woken:
                waiting.woken = woken
                if waiting.place >= 0 and woken < waiting.due:
                    self.queue(waiting)
        return bool(named)

    # --- which and when ----------------------------------------------------------------------------------

    def next(self) -> float:
        """When something is to be sent."""
        first = self._first()
        if first is None or self.in_flight >= IN_FLIGHT:
            return math.inf
        return max(first.next, self._free)

    def take(self, now: float) -> list[Waiting]:
        """The jobs to ask about in one request now; none where it is better to wait for others to be due."""
        limit = self.batch
        if limit > 1 and now < self._list_free:
            # Vendors may allow lists less often. Until the next one jobs are asked about one by one, unless there are
            # so many that those asked last would have been sooner together.
            limit = 1
            if self._many(now):
                self._free = self._list_free
                return []
        group: list[Waiting] = []
        while len(group) < limit and (first := self._first()) is not None and first.next <= now + TOGETHER:
            heapq.heappop(self._queue)
            first.place = -1
            group.append(first)
        if not group:
            return group
        rates = self.service.limits
        self._free = now + float(1 / (rates.polls_per_second or UNSAID["poll"]))
        if len(group) > 1 and rates.list_per_second:
            self._list_free = now + float(1 / rates.list_per_second)
        self.together += FORGETTING * (len(group) - self.together)
        return group

    def asking(self, group: Sequence[Waiting]) -> Asking:
        """Which of the vendor's rates a request about these counts against."""
        return "list" if len(group) > 1 and self.service.limits.list_per_second else "poll"

    def _many(self, now: float) -> bool:
        """Whether more jobs are due than can be asked about one by one until they may be together."""
        rate = self.service.limits.polls_per_second or UNSAID["poll"]
        singly = (self._list_free - now) * float(rate)
        due = 0
        for when, place, waiting in self._queue:
            due += when <= now and place == waiting.place
            if due > singly:
                return True
        return False

    def _first(self) -> Waiting | None:
        while self._queue:
            _, place, waiting = self._queue[0]
            if place == waiting.place:
                return waiting
            heapq.heappop(self._queue)
        return None

    # --- the next look -----------------------------------------------------------------------------------

    def first_look(self, waiting: Waiting, now: float) -> float:
        """When to look at a job for the first time."""
        forecast = self._forecast(waiting)
        if forecast is None:
            return max(now, waiting.since + waiting.watch.first_poll)
        return self._foreseen(waiting, forecast, now)

    def plan(self, waiting: Waiting, now: float) -> None:
        """When to look again at a job that is not over."""
        forecast = self._forecast(waiting)
        if forecast is not None and waiting.missing_since is None:
            waiting.due = self._foreseen(waiting, forecast, now)
            return
        waiting.due = now + waiting.interval * (1 + self.rng.uniform(-JITTER, JITTER))
        waiting.interval = min(waiting.interval * GROWTH, waiting.watch.interval_max)

    def delay(self, waiting: Waiting, trouble: DramagenError, now: float) -> None:
        """When to look again after a look that gave no answer: later each time, or when the vendor says."""
        asked = trouble.retry_after
        pause = waiting.interval if asked is None else min(asked, LONGEST_WAIT)
        waiting.interval = min(waiting.interval * 2, waiting.watch.interval_max)
        waiting.due = now + pause * (1 + self.rng.uniform(-JITTER, JITTER))
        waiting.patience = max(waiting.patience, waiting.due)
        waiting.woken = max(waiting.woken, waiting.patience)
        if isinstance(trouble, RateLimited):
            self._free = max(self._free, now + min(asked or 1.0, LONGEST_WAIT))

    def halve(self, group: Sequence[Waiting], now: float) -> None:
        """Ask about those again at once, and never about so many together."""
        self.batch = min(self.batch, len(group) // 2)
        for waiting in group:
            if not waiting.over:
                waiting.due = now
                self.queue(waiting)

    def _forecast(self, waiting: Waiting) -> Forecast | None:
        return next((forecast for forecast in waiting.forecasts if forecast.known), None)

    def _foreseen(self, waiting: Waiting, forecast: Forecast, now: float) -> float:
        age = now - waiting.since
        # Half of the time in which nothing was ever over is let pass unseen; vendors have been known to get faster.
        most = max(waiting.watch.interval_max, (forecast.quiet - max(0.0, age)) / 2)
        gap = forecast.next(max(0.0, age), LOOK / self.together) - age
        return now + min(max(gap, LEAST_GAP), most)
