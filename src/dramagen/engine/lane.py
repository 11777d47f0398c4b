"""The jobs of one provider and region that are waited for: which to ask about next, together with which, and when."""

import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dramagen.engine.forecast import Forecast
from dramagen.engine.limits.pace import Asking
from dramagen.engine.service import Service
from dramagen.engine.turns import LONGEST_WAIT, Turns
from dramagen.engine.waiting import Waiting
from dramagen.errors import DramagenError, RateLimited

GROWTH = 1.15
"""Where nothing is known of a kind of job, each fruitless look makes the next one this much later, up to the card's
longest interval."""

JITTER = 0.1
TOGETHER = 0.5
"""Jobs due within this many seconds are asked about in one request."""

HELD = 0.6
"""Seconds jobs wait for the next list, where lists are rationed: asked about singly meanwhile, each is a request."""

LOOK = 0.12
"""Seconds of lateness that one request is worth: that is how close looks are where jobs are likely to end."""

WORK = 0.001
"""Seconds of lateness that one job's part in a request is worth: the request may be shared, its reading is not."""

LEAST_GAP = 0.25
"""Seconds between two looks at one job, at least."""

IN_FLIGHT = 8
"""Status requests of one lane under way at once."""

SCOUTS = 3
"""Jobs of a kind of which nothing is known that are looked at often, so that the others need not be."""

SCOUT_GAP = 1.0
"""Seconds between two looks at such a job, at least."""

DOUBTERS = 8
"""One job of so many is looked at before any other was ever over: vendors have been known to get faster."""

FORGETTING = 0.1
"""How much the newest request counts in how many jobs go into one."""


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
    turns: Turns = field(init=False)
    _waiting: dict[str, list[Waiting]] = field(default_factory=dict)
    _queue: list[tuple[float, int, Waiting]] = field(default_factory=list)
    _entries: int = 0
    _came: int = 0
    _news: int = 0

    def __post_init__(self) -> None:
        self.batch = max(1, self.service.adapter.batch)
        self.turns = Turns(self.service.limits)

    def __iter__(self) -> Iterator[Waiting]:
        return iter([each for named in self._waiting.values() for each in named])

    def add(self, waiting: Waiting, now: float) -> None:
        """Begin to wait for a job."""
        self._waiting.setdefault(waiting.ticket.id, []).append(waiting)
        waiting.doubts = self._came % DOUBTERS == 0
        self._came += 1
        waiting.looked_at = waiting.since
        waiting.due = max(now, self._first_look(waiting))
        self.queue(waiting)

    def drop(self, waiting: Waiting) -> None:
        """Wait for it no more."""
        if waiting.over:
            return
        waiting.over, waiting.place = True, -1
        self._relieve(waiting)
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
        return max(first.next, self.turns.free)

    def take(self, now: float) -> list[Waiting]:
        """The jobs to ask about in one request now; none where it is better to wait for others to be due."""
        limit, list_wait = self.batch, self.turns.list_wait(now)
        if limit > 1 and list_wait:
            # Vendors may allow lists less often. Until the next one jobs are asked about one by one, unless it comes
            # soon, or there are so many that those asked last would have been sooner together.
            limit = 1
            # One whose answer does not come is not soon: nobody waits for it as long as the network may.
            soon = list_wait <= HELD and self.turns.overdue(now) <= HELD
            if soon or self._due(now, list_wait / self.turns.gap):
                self.turns.free = now + list_wait
                return []
        group: list[Waiting] = []
        waited = 0.0
        while len(group) < limit and (first := self._first()) is not None and first.next <= now + TOGETHER:
            heapq.heappop(self._queue)
            first.place = -1
            waited = max(waited, now - first.next)
            group.append(first)
        if group:
            self.turns.sent(now, len(group) > 1, waited)
            self.together += FORGETTING * (len(group) - self.together)
        return group

    def came(self, group: Sequence[Waiting], sent: float, now: float, trouble: DramagenError | None) -> None:
        """The answer to a request about these came, or what there was instead."""
        self.turns.came(now, len(group) > 1)
        if isinstance(trouble, RateLimited):
            self.turns.refused(sent, now, trouble.retry_after)
        elif trouble is None:
            self.turns.answered()

    def asking(self, group: Sequence[Waiting]) -> Asking:
        """Which of the vendor's rates a request about these counts against."""
        return "list" if len(group) > 1 and self.service.limits.list_per_second else "poll"

    def _due(self, now: float, most: float) -> bool:
        """Whether more jobs than that are due."""
        found, places = 0, [0]
        while places and found <= most:
            place = places.pop()
            if place < len(self._queue) and self._queue[place][0] <= now:
                # What comes after it in the heap is due no sooner.
                found += self._queue[place][1] == self._queue[place][2].place
                places += (2 * place + 1, 2 * place + 2)
        return found > most

    def _first(self) -> Waiting | None:
        while self._queue:
            _, place, waiting = self._queue[0]
            if place == waiting.place:
                return waiting
            heapq.heappop(self._queue)
        return None

    # --- the next look -----------------------------------------------------------------------------------

    def _first_look(self, waiting: Waiting) -> float:
        forecast = self._forecast(waiting)
        if forecast is not None:
            return self._foreseen(waiting, forecast)
        first = waiting.watch.first_poll
        return waiting.since + (first / 2 if self._scouts(waiting) else first)

    def plan(self, waiting: Waiting, now: float) -> None:
        """When to look again at a job that is not over."""
        waiting.looked_at = now
        forecast = self._forecast(waiting)
        if forecast is not None and waiting.missing_since is None:
            waiting.due = self._foreseen(waiting, forecast)
            return
        gap = waiting.interval
        waiting.interval = min(waiting.interval * GROWTH, waiting.watch.interval_max)
        if waiting.missing_since is None and waiting.forecasts:
            if self._scouts(waiting):
                gap = min(gap, max(SCOUT_GAP, math.sqrt(4 * LOOK * (now - waiting.since))))
            else:
                # Others find out; where many wait theirs are the looks there is room for.
                gap = waiting.watch.interval_max * math.sqrt(self.turns.price)
        waiting.due = now + gap * (1 + self.rng.uniform(-JITTER, JITTER))

    def learnt(self, now: float, much: bool) -> None:
        """A job's time became known: what is planned was planned without.

        That is mended for all at once, now and then: as often as a tenth of them has ended since, or at once where
        it is ``much`` that is known now.
        """
        self._news += 1
        if not much and self._news < len(self._waiting) / 10:
            return
        self._news = 0
        queued = [(place, waiting) for _, place, waiting in self._queue if place == waiting.place]
        for _, waiting in queued:
            forecast = self._forecast(waiting)
            if forecast is not None and waiting.missing_since is None:
                waiting.due = max(now, waiting.held, self._foreseen(waiting, forecast))
        self._queue = [(waiting.next, place, waiting) for place, waiting in queued]
        heapq.heapify(self._queue)

    def delay(self, waiting: Waiting, trouble: DramagenError, now: float) -> None:
        """When to look again after a look that gave no answer: later each time, or when the vendor says."""
        if isinstance(trouble, RateLimited):
            # It is not this job the vendor has no answer for: it is asked about as soon as any is.
            waiting.due = now
            return
        asked = trouble.retry_after
        pause = waiting.interval if asked is None else min(asked, LONGEST_WAIT)
        waiting.interval = min(waiting.interval * 2, waiting.watch.interval_max)
        waiting.due = now + pause * (1 + self.rng.uniform(-JITTER, JITTER))
        waiting.held = waiting.due
        waiting.patience = max(waiting.patience, waiting.due)
        waiting.woken = max(waiting.woken, waiting.patience)

    def halve(self, group: Sequence[Waiting], now: float) -> None:
        """Ask about those again at once, and never about so many together."""
        self.batch = min(self.batch, len(group) // 2)
        for waiting in group:
            if not waiting.over:
                waiting.due = now
                self.queue(waiting)

    def _forecast(self, waiting: Waiting) -> Forecast | None:
        for forecast in waiting.forecasts:
            if forecast.known:
                return forecast
        return None

    def _scouts(self, waiting: Waiting) -> bool:
        """Whether it is one of the jobs that find out; it is from now on where there are too few."""
        if waiting.scouts_for is None and waiting.forecasts and waiting.forecasts[0].scouts < SCOUTS:
            waiting.scouts_for = waiting.forecasts[0]
            waiting.scouts_for.scouts += 1
        return waiting.scouts_for is not None

    def _relieve(self, waiting: Waiting) -> None:
        if waiting.scouts_for is not None:
            waiting.scouts_for.scouts -= 1
            waiting.scouts_for = None

    def _foreseen(self, waiting: Waiting, forecast: Forecast) -> float:
        self._relieve(waiting)
        age = max(0.0, waiting.looked_at - waiting.since)
        cost = LOOK / self.together * self.turns.price + WORK
        gap = max(forecast.next(age, cost) - age, LEAST_GAP)
        if waiting.doubts:
            gap = min(gap, forecast.doubt(age) - age)
        return waiting.since + age + gap
