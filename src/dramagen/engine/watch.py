"""Asking about running jobs until the vendor gives a verdict.

One lane per provider and region asks about all its jobs together, as many to a request as the vendor allows.
Nothing but the vendor's own terminal word ends a wait: errors while asking only make it ask more slowly.
"""

import logging
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import anyio
import anyio.abc

from dramagen.adapters.base import TERMINAL, Status, Ticket
from dramagen.engine.clock import Clock
from dramagen.engine.http import Http
from dramagen.engine.service import Service
from dramagen.errors import DramagenError, ProviderUnavailable

log = logging.getLogger("dramagen.engine")

GROWTH = 1.15
"""Each fruitless look makes the next one this much later, up to the card's longest interval."""

JITTER = 0.1
TOGETHER = 0.5
"""Jobs due within this many seconds are asked about in one request."""

MISSING = 60.0
"""Seconds a vendor must go on saying that it does not know a job before it is believed: a new job may not have
reached every one of its servers, and a job given up for lost is money given up."""

EARLY = 256
"""How many words about jobs not watched yet are kept: a vendor may call before its create is written down."""

LONGEST_WAIT = 300.0
"""Seconds; a vendor that asks for more patience than this is asked again all the same."""


@dataclass(eq=False, slots=True)
class _Waiting:
    ticket: Ticket
    service: Service
    due: float
    interval: float
    deadline: float
    seen: Callable[[Status], None]
    woken: float = math.inf
    """When to look because somebody says the job changed."""
    patience: float = 0.0
    """No such look before this: words from outside may not make the vendor be asked more often than it likes."""
    between: bool = False
    """Whether the look under way lies between two regular ones."""
    missing_since: float | None = None
    done: anyio.Event = field(default_factory=anyio.Event)
    verdict: Status | None = None
    trouble: DramagenError | None = None

    @property
    def next(self) -> float:
        """When to look."""
        return min(self.due, self.woken)

    def looked(self, now: float) -> None:
        """A look begins: it also answers every word heard so far, and none that comes while it is under way."""
        self.between = self.woken < self.due
        if self.between:
            self.patience = now + self.service.watch.interval
        self.woken = math.inf


class Watcher:
    """All waits of one studio. Lanes run in ``group`` while they have jobs."""

    def __init__(self, http: Http, clock: Clock, group: anyio.abc.TaskGroup, rng: random.Random) -> None:
        self._http = http
        self._clock = clock
        self._group = group
        self._rng = rng
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._early: dict[tuple[str, str], None] = {}

    async def verdict(
        self, ticket: Ticket, service: Service, since: float, seen: Callable[[Status], None]
    ) -> Status:
        """The vendor's last word on a job.

        Args:
            since: when it was accepted, Unix seconds; looks are spaced from there.
            seen: told of every answer on the way.

        Raises:
            ProviderUnavailable: no verdict by the card's deadline. The job is not over; it stays accepted.
        """
        watch, now = service.watch, self._clock.monotonic()
        since = now - self._clock.since(since)
        waiting = _Waiting(
            ticket=ticket,
            service=service,
            due=max(now, since + watch.first_poll),
            interval=watch.interval,
            deadline=max(since + watch.deadline, now + watch.interval_max),
            seen=seen,
        )
        early = (service.route.provider, ticket.id)
        if early in self._early:
            del self._early[early]
            waiting.woken = now
        lane = self._lane(service)
        lane.add(waiting)
        try:
            await waiting.done.wait()
        finally:
            lane.drop(waiting)
        if waiting.verdict is None:
            raise waiting.trouble or ProviderUnavailable("no verdict", billed=None)
        return waiting.verdict

    def wake(self, ticket_id: str, provider: str, region: str | None = None) -> bool:
        """Ask about that job soon: somebody says it changed. True if it is watched here.

        Words heard before the look are one; looks they cause lie at least the card's interval apart, so that
        whoever guesses a job's id cannot have its vendor asked without end. Call it where the studio runs.
        """
        lanes = [
            lane
            for (theirs, place), lane in self._lanes.items()
            if theirs == provider and region in (None, place)
        ]
        if sum(lane.wake(ticket_id) for lane in lanes):
            return True
        self._early[provider, ticket_id] = None
        if len(self._early) > EARLY:
            del self._early[next(iter(self._early))]
        return False

    def _lane(self, service: Service) -> "_Lane":
        key = (service.route.provider, service.route.region)
        if key not in self._lanes:
            self._lanes[key] = lane = _Lane(self._http, self._clock, self._rng)
            self._group.start_soon(lane.run)
        return self._lanes[key]


class _Lane:
    """One region of one provider."""

    def __init__(self, http: Http, clock: Clock, rng: random.Random) -> None:
        self._http = http
        self._clock = clock
        self._rng = rng
        self._waiting: list[_Waiting] = []
        self._changed = anyio.Event()
        self._last = 0.0

    def add(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._changed.set()

    def drop(self, waiting: _Waiting) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def wake(self, ticket_id: str) -> bool:
        named = [waiting for waiting in self._waiting if waiting.ticket.id == ticket_id]
        for waiting in named:
            waiting.woken = min(waiting.woken, max(self._clock.monotonic(), waiting.patience))
            self._changed.set()
        return bool(named)

    async def run(self) -> None:
        """Ask, for as long as the studio lives."""
        while True:
            while not self._waiting:  # woken for a job that was dropped again meanwhile
                self._changed = anyio.Event()
                await self._changed.wait()
            due = min(w.next for w in self._waiting)
            if due > self._clock.monotonic():
                await self._rest(due - self._clock.monotonic())
                continue
            now = self._clock.monotonic()
            ready = sorted((w for w in self._waiting if w.next <= now + TOGETHER), key=lambda w: w.next)
            await self._ask(ready[: max(1, ready[0].service.adapter.batch)])

    async def _rest(self, seconds: float) -> None:
        """Sleep, but not through a new job's first look."""
        self._changed = anyio.Event()
        async with anyio.create_task_group() as group:

            async def until_changed() -> None:
                await self._changed.wait()
                group.cancel_scope.cancel()

            group.start_soon(until_changed)
            await self._clock.sleep(seconds)
            group.cancel_scope.cancel()

    async def _ask(self, group: list[_Waiting]) -> None:
        service = group[0].service
        await self._pace(service)
        for waiting in group:
            waiting.looked(self._clock.monotonic())
        answers: Mapping[str, Status] = {}
        trouble: DramagenError | None = None
        try:
            flow = service.adapter.poll([w.ticket for w in group])
            answers = dict(await self._http.run(flow, service.adapter, service.access))
        except DramagenError as error:
            trouble = error
        except Exception as bug:
            # The lane carries every job of this provider; an adapter's accident must not end it.
            log.exception("asking %s about %d jobs failed", service.route.provider, len(group))
            trouble = ProviderUnavailable(f"an accident while asking ({type(bug).__name__})", billed=None)
        for waiting in group:
            self._note(waiting, answers.get(waiting.ticket.id), trouble)

    def _note(self, waiting: _Waiting, status: Status | None, trouble: DramagenError | None) -> None:
        now = self._clock.monotonic()
        if status is not None:
            waiting.ticket = status.ticket
            waiting.seen(status)
            if status.state != "missing":
                waiting.missing_since = None
            if status.state in TERMINAL and self._believed(waiting, status, now):
                waiting.verdict = status
                waiting.done.set()
                self.drop(waiting)
                return
        if now >= waiting.deadline:
            why = f": {trouble.message}" if trouble else ""
            waiting.trouble = ProviderUnavailable(
                f"no verdict on job {waiting.ticket.id} in {waiting.service.watch.deadline:g} s{why}. "
                "It is not over: resume asks again",
                provider=waiting.service.route.provider,
                model=waiting.service.route.model,
                billed=None,
            )
            waiting.done.set()
            self.drop(waiting)
            return
        if waiting.between and trouble is None:
            return  # the regular looks go on as they were
        slower = 2.0 if trouble is not None else GROWTH
        asked = None if trouble is None else trouble.retry_after
        pause = waiting.interval if asked is None else min(asked, LONGEST_WAIT)
        waiting.interval = min(waiting.interval * slower, waiting.service.watch.interval_max)
        waiting.due = now + pause * (1 + self._rng.uniform(-JITTER, JITTER))
        if trouble is not None:
            waiting.patience = max(waiting.patience, waiting.due)
            waiting.woken = max(waiting.woken, waiting.patience)

    def _believed(self, waiting: _Waiting, status: Status, now: float) -> bool:
        if status.state != "missing":
            return True
        if waiting.missing_since is None:
            waiting.missing_since = now
        return now - waiting.missing_since >= MISSING

    async def _pace(self, service: Service) -> None:
        rate = service.provider.limits.polls_per_second or Decimal(10)
        wait = self._last + float(1 / rate) - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(wait)
        self._last = self._clock.monotonic()
