"""Waiting for one's turn to send a create. One task for each line asks the database for all who wait in it.

A job that ends in this process wakes its line at once; what other processes do is noticed by looking now and then.
"""

import copy
import logging
from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import anyio
import anyio.abc
import anyio.to_thread

from dramagen.engine.clock import Clock
from dramagen.engine.database import Transaction
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal
from dramagen.engine.limits import breaker, ceiling
from dramagen.engine.limits.admission import Crowd, Decision, decide, full, withdraw
from dramagen.engine.limits.line import Line
from dramagen.engine.service import Service
from dramagen.errors import ConcurrencyLimited, DramagenError, RateLimited

log = logging.getLogger("dramagen.engine")

LOOK = 0.75
"""Real seconds between looks at what other processes do, while somebody waits."""

Told = Callable[[str, str], None]
"""Hears what a create waits for: ``place``, ``pace``, ``pause`` or ``breaker``, and a sentence."""


class Full(Exception):
    """Another process was faster: nothing was sent, and the create waits for its turn again."""


class Closed(Exception):
    """Nothing is sent there now: ``error`` says why, and until when. Nothing was sent."""

    def __init__(self, error: DramagenError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(eq=False, slots=True)
class _Waiter:
    episode: str
    since: float
    number: int
    told: Told
    may_go: anyio.Event = field(default_factory=anyio.Event)
    error: Exception | None = None
    left: bool = False
    sent: bool = False
    probing: bool = False

    def __lt__(self, other: "_Waiter") -> bool:
        return (self.since, self.number) < (other.since, other.number)


@dataclass(frozen=True, slots=True)
class Turn:
    """One create's turn. Both methods run inside the transaction that moves its job."""

    line: Line
    clock: Clock
    _waiter: _Waiter

    def sending(self, tx: Transaction) -> None:
        """It is written down as being sent. Raises :class:`Full` where there is no room for it any more."""
        if full(tx, self.line, self.clock.now()):
            raise Full
        self._waiter.sent = True

    def ended(self, tx: Transaction, error: DramagenError | None, sent: float) -> None:
        """What became of it: None for accepted. ``sent``: when it was sent, Unix seconds."""
        now = self.clock.now()
        breaker.answered(tx, self.line, error, now)
        self._waiter.probing = False
        if error is None:
            ceiling.taken(tx, self.line)
        elif isinstance(error, ConcurrencyLimited | RateLimited):
            ceiling.refused(tx, self.line, error, sent, now)


class Gate:
    """All turns of one studio. :meth:`run` must be running for anybody to get one."""

    def __init__(self, journal: Journal, clock: Clock, owner: str) -> None:
        self._journal = journal
        self._clock = clock
        self._owner = owner
        self._queues: dict[str, _Queue] = {}
        self._group: anyio.abc.TaskGroup | None = None

    async def run(self) -> None:
        """Let creates go, one task for each line, until cancelled."""
        async with anyio.create_task_group() as self._group:
            for queue in self._queues.values():
                self._group.start_soon(queue.run)
            await anyio.sleep_forever()

    @asynccontextmanager
    async def turn(self, job: Job, service: Service, told: Told) -> AsyncIterator[Turn]:
        """Wait until the job's create may be sent, and hold its place until what became of it is written down.

        Raises :class:`Closed` where a breaker is open for longer than is worth waiting, and ``JournalUnavailable``.
        """
        line = Line.of(service, self._owner, self._clock.scale)
        if line.name not in self._queues:
            self._queues[line.name] = _Queue(line, self._journal, self._clock, self._owner)
            if self._group is not None:
                self._group.start_soon(self._queues[line.name].run)
        queue = self._queues[line.name]
        waiter = queue.join(job, told)
        try:
            await waiter.may_go.wait()
            if waiter.error is not None:
                raise waiter.error
            yield Turn(line, self._clock, waiter)
        finally:
            queue.leave(waiter)

    def wake(self, service: Service) -> None:
        """A job of that route has ended."""
        queue = self._queues.get(service.line)
        if queue is not None:
            queue.changed.set()


class _Queue:
    """Who waits in one line, by episode and by when each was ordered."""

    def __init__(self, line: Line, journal: Journal, clock: Clock, owner: str) -> None:
        self._line = line
        self._journal = journal
        self._clock = clock
        self._owner = owner
        self._waiting: dict[str, list[_Waiter]] = {}
        self._leaving: dict[_Waiter, None] = {}
        self._new: list[_Waiter] = []
        self._crowd = Crowd()
        self._joined = 0
        self._probe_lost = False
        self.changed = anyio.Event()

    def join(self, job: Job, told: Told) -> _Waiter:
        self._joined += 1
        waiter = _Waiter(job.episode or "", job.created, self._joined, told)
        insort(self._waiting.setdefault(waiter.episode, []), waiter)
        self._new.append(waiter)
        self.changed.set()
        return waiter

    def leave(self, waiter: _Waiter) -> None:
        waiter.left = True
        if waiter in self._leaving:
            del self._leaving[waiter]
            # It went to see whether a breaker can be closed, and came back without having asked.
            self._probe_lost |= waiter.probing
        elif waiter.episode in self._waiting:
            queue = self._waiting[waiter.episode]
            place = bisect_left(queue, waiter)
            if place < len(queue) and queue[place] is waiter:
                self._pull(waiter.episode, place)
        self.changed.set()

    def _pull(self, episode: str, place: int) -> _Waiter:
        queue = self._waiting[episode]
        waiter = queue.pop(place)
        if not queue:
            del self._waiting[episode]
        return waiter

    async def run(self) -> None:
        """Let them go, for as long as the studio lives."""
        while True:
            self.changed = anyio.Event()
            if not (self._waiting or self._crowd.jobs or self._probe_lost):
                await self.changed.wait()
                continue
            try:
                decision = await anyio.to_thread.run_sync(self._journal.transact, self._asked())
            except Exception as problem:
                if not isinstance(problem, DramagenError):
                    log.exception("letting creates of %s go failed", self._line.route)
                self._end(problem)
                self._crowd = Crowd()
                continue
            self._apply(decision)
            if self._waiting:
                await self._rest(decision.until)

    def _asked(self) -> Callable[[Transaction], Decision]:
        """The question to the database, of what is known now."""
        waiting = {e: [w.since for w in queue[: self._line.at_once]] for e, queue in self._waiting.items()}
        leaving = list(self._leaving)
        lost, self._probe_lost = self._probe_lost, False

        def ask(tx: Transaction) -> Decision:
            if lost:
                breaker.unseen(tx, self._line)
            if not waiting:
                withdraw(tx, self._line, self._owner, self._crowd)
                return Decision()
            now = self._clock.now()
            return decide(tx, self._line, self._owner, waiting, leaving, self._crowd, now)

        return ask

    def _apply(self, decision: Decision) -> None:
        if decision.error is not None:
            self._end(Closed(decision.error))
        for episode in decision.go:
            if episode not in self._waiting:  # it left meanwhile
                self._probe_lost |= decision.probing
                self.changed.set()
                continue
            waiter = self._pull(episode, 0)
            waiter.probing = decision.probing
            self._leaving[waiter] = None
            waiter.may_go.set()
        for waiter in self._new:
            if not (waiter.left or waiter.may_go.is_set()):
                waiter.told(decision.reason, decision.why)
        self._new.clear()

    def _end(self, error: Exception) -> None:
        everybody = [waiter for queue in self._waiting.values() for waiter in queue]
        self._waiting.clear()
        for waiter in everybody:
            waiter.error = copy.deepcopy(error)  # each caller adds to its own
            waiter.may_go.set()

    async def _rest(self, until: float | None) -> None:
        """Until something changes here, the moment comes, or it is time to look at what others do."""
        async with anyio.create_task_group() as group:

            async def first(wait: Callable[[], Awaitable[object]]) -> None:
                await wait()
                group.cancel_scope.cancel()

            group.start_soon(first, self.changed.wait)
            if until is not None:
                group.start_soon(first, partial(self._clock.sleep, -self._clock.since(until)))
            with anyio.move_on_after(LOOK):
                await anyio.sleep_forever()
            group.cancel_scope.cancel()
