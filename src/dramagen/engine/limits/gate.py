"""Waiting for one's turn to send a create. One task for each line asks the database for all who wait in it.

A job that ends in this process wakes its line at once; what other processes do is noticed by looking now and then.
"""

import copy
import logging
from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import anyio.abc
import anyio.to_thread

from dramagen.engine.clock import Clock
from dramagen.engine.database import Transaction
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal
from dramagen.engine.limits import breaker, ceiling
from dramagen.engine.limits.admission import AT_HAND, Crowd, Decision, decide, full, turned_away, withdraw
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
class Place:
    """Where a create stands in its line. ``called`` is called once: its turn has come, or ``error`` says why not.

    ``unasked``: it was let go on what the database said of room before, and is asked about as it is written down.
    """

    queue: "_Queue"
    episode: str
    since: float
    number: int
    told: Told
    called: Callable[[], None]
    error: Exception | None = None
    may_go: bool = False
    left: bool = False
    sent: bool = False
    probing: bool = False
    unasked: bool = False

    def __lt__(self, other: "Place") -> bool:
        return (self.since, self.number) < (other.since, other.number)

    def leave(self) -> None:
        """Give the place to the next, in whatever way it ended. Harmless to repeat."""
        if not self.left:
            self.queue.leave(self)

    def call(self, error: Exception | None = None) -> None:
        """Its turn has come, or never will."""
        self.may_go, self.error = True, error
        try:
            self.called()
        except Exception:
            # Whoever is called may not hold the others up.
            log.exception("a create of %s could not be called", self.queue.line.route)


@dataclass(frozen=True, slots=True)
class Turn:
    """One create's turn. Its methods run inside the transaction that moves its job."""

    line: Line
    clock: Clock
    _place: Place

    def sending(self, tx: Transaction) -> None:
        """It is written down as being sent. Raises :class:`Full` where there is no room for it any more."""
        place, now = self._place, self.clock.now()
        if place.queue.turns_away(tx, place, now) if place.unasked else full(tx, self.line, now):
            raise Full
        place.sent = True

    def found(self, tx: Transaction) -> None:
        """It is at the vendor already, whether there is room or not."""
        self._place.sent = True

    def ended(self, tx: Transaction, error: DramagenError | None, sent: float) -> None:
        """What became of it: None for accepted. ``sent``: when it was sent, Unix seconds."""
        now = self.clock.now()
        breaker.answered(tx, self.line, error, now)
        self._place.probing = False
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
        self._over = False

    @property
    def over(self) -> bool:
        """Whether the studio closes, and nobody goes any more. Any thread may ask."""
        return self._over

    async def run(self) -> None:
        """Let creates go, one task for each line, until cancelled."""
        try:
            async with anyio.create_task_group() as self._group:
                for queue in self._queues.values():
                    self._group.start_soon(queue.run)
                try:
                    await anyio.sleep_forever()
                finally:
                    self._over = True  # before the group closes: nothing can be started in a closed one
        finally:
            for queue in self._queues.values():
                queue.end(anyio.ClosedResourceError())

    def join(self, job: Job, service: Service, told: Told, called: Callable[[], None]) -> Place:
        """Line up for a job's create; nothing of the job is kept.

        Args:
            called: called in the studio's loop when it may be sent, or once ``error`` of its place says why it may
                not: :class:`Closed` where a breaker is open for longer than is worth waiting, a
                ``JournalUnavailable``, or ``anyio.ClosedResourceError`` for a studio that closes. Must not block.

        Whoever lines up leaves its place in the end. Raises ``anyio.ClosedResourceError`` where the studio is closed.
        """
        if self._over:
            raise anyio.ClosedResourceError
        line = Line.of(service, self._owner, self._clock.scale)
        if line.name not in self._queues:
            self._queues[line.name] = _Queue(line, self._journal, self._clock, self._owner)
            if self._group is not None:
                self._group.start_soon(self._queues[line.name].run)
        return self._queues[line.name].join(job, told, called)

    @asynccontextmanager
    async def turn(
        self, job: Job, service: Service, told: Told, place: Place | None = None
    ) -> AsyncIterator[Turn]:
        """Wait until the job's create may be sent, and hold its place until what became of it is written down.

        ``place``: one whose turn it is already. Raises what :meth:`join` says a place ends with.
        """
        may_go = None
        if place is None:
            may_go = anyio.Event()
            place = self.join(job, service, told, may_go.set)
        try:
            if may_go is not None:
                await may_go.wait()
            if place.error is not None:
                raise place.error
            yield Turn(place.queue.line, self._clock, place)
        finally:
            place.leave()

    def wake(self, service: Service) -> None:
        """A job of that route has ended."""
        queue = self._queues.get(service.line)
        if queue is not None:
            queue.changed.set()


class _Queue:
    """Who waits in one line, by episode and by when each was ordered."""

    def __init__(self, line: Line, journal: Journal, clock: Clock, owner: str) -> None:
        self.line = line
        self._journal = journal
        self._clock = clock
        self._owner = owner
        self._waiting: dict[str, list[Place]] = {}
        self._leaving: dict[Place, None] = {}
        self._untold: dict[Place, None] = {}
        self._crowd = Crowd()
        self._joined = 0
        self._probe_lost = False
        self._spare = 0
        self.changed = anyio.Event()

    def join(self, job: Job, told: Told, called: Callable[[], None]) -> Place:
        self._joined += 1
        place = Place(self, job.episode or "", job.created, self._joined, told, called)
        insort(self._waiting.setdefault(place.episode, []), place)
        self._untold[place] = None
        self.changed.set()
        return place

    def leave(self, place: Place) -> None:
        place.left = True
        self._untold.pop(place, None)
        if place in self._leaving:
            del self._leaving[place]
            # It went to see whether a breaker can be closed, and came back without having asked.
            self._probe_lost |= place.probing
            if place.unasked and not place.sent:
                self._spare = 0
        elif place.episode in self._waiting:
            queue = self._waiting[place.episode]
            number = bisect_left(queue, place)
            if number < len(queue) and queue[number] is place:
                self._pull(place.episode, number)
        self.changed.set()

    def _pull(self, episode: str, number: int) -> Place:
        queue = self._waiting[episode]
        place = queue.pop(number)
        if not queue:
            del self._waiting[episode]
        return place

    async def run(self) -> None:
        """Let them go, for as long as the studio lives."""
        while True:
            self.changed = anyio.Event()
            if not (self._waiting or self._crowd.jobs or self._probe_lost):
                await self.changed.wait()
                continue
            await self._hands_free()
            if self._let_go_unasked():
                continue
            try:
                decision = await anyio.to_thread.run_sync(self._journal.transact, self._asked())
            except Exception as problem:
                if not isinstance(problem, DramagenError):
                    log.exception("letting creates of %s go failed", self.line.route)
                self.end(problem)
                self._crowd = Crowd()
                continue
            self._apply(decision)
            if self._waiting:
                await self._rest(decision.until)

    def _let_go_unasked(self) -> bool:
        """Let everybody go, where the last answer left room for as many; each is asked about when it is sent.

        That saves a visit to the database for each of those that come one at a time.
        """
        everybody = [place for queue in self._waiting.values() for place in queue]
        crowded = len(everybody) > min(self._spare, AT_HAND - len(self._leaving))
        if crowded or self._probe_lost or self._crowd.jobs:
            return False
        self._spare -= len(everybody)
        for place in everybody:
            place.unasked = True
        self._apply(Decision(go=[place.episode for place in everybody], spare=self._spare))
        return True

    def turns_away(self, tx: Transaction, place: Place, now: float) -> bool:
        """What is said of one that was let go unasked, in the transaction that writes it down. Any thread may ask."""
        others = [each for each in list(self._leaving) if each is not place]
        return turned_away(tx, self.line, self._owner, place.episode, place.since, others, now)

    def _asked(self) -> Callable[[Transaction], Decision]:
        """The question to the database, of what is known now."""
        most = AT_HAND if self.line.at_once is None else min(AT_HAND, self.line.at_once)
        waiting = {e: [place.since for place in queue[:most]] for e, queue in self._waiting.items()}
        leaving = list(self._leaving)
        lost, self._probe_lost = self._probe_lost, False

        def ask(tx: Transaction) -> Decision:
            if lost:
                breaker.unseen(tx, self.line)
            if not waiting:
                withdraw(tx, self.line, self._owner, self._crowd)
                return Decision()
            now = self._clock.now()
            return decide(tx, self.line, self._owner, waiting, leaving, self._crowd, now)

        return ask

    def _apply(self, decision: Decision) -> None:
        self._spare = decision.spare
        if decision.error is not None:
            self.end(Closed(decision.error))
        for episode in decision.go:
            if episode not in self._waiting:  # it left meanwhile
                self._probe_lost |= decision.probing
                self.changed.set()
                continue
            place = self._pull(episode, 0)
            place.probing = decision.probing
            self._leaving[place] = None
            self._untold.pop(place, None)
            place.call()
        if decision.why:
            untold, self._untold = self._untold, {}
            for place in untold:
                place.told(decision.reason, decision.why)

    def end(self, error: Exception) -> None:
        """Nobody in line goes any more."""
        everybody = [place for queue in self._waiting.values() for place in queue]
        self._waiting.clear()
        self._untold.clear()
        for place in everybody:
            place.call(copy.deepcopy(error))  # each caller adds to its own

    async def _rest(self, until: float | None) -> None:
        """Until something changes here, the moment comes, or it is time to look at what others do."""
        with anyio.move_on_after(LOOK):
            if until is None:
                await self.changed.wait()
                return
            async with anyio.create_task_group() as group:

                async def change() -> None:
                    await self.changed.wait()
                    group.cancel_scope.cancel()

                group.start_soon(change)
                await self._clock.sleep(-self._clock.since(until))
                group.cancel_scope.cancel()

    async def _hands_free(self) -> None:
        """Until some of those let go are through, or it is time to look again: not one question for each."""
        with anyio.move_on_after(LOOK):
            while len(self._leaving) > AT_HAND * 3 // 4:
                await self.changed.wait()
                self.changed = anyio.Event()
