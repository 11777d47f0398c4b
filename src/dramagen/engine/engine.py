"""Driving jobs from wherever they are to a clip. One flight per job; callers wait for it, and may leave."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.abc
import anyio.to_thread

from dramagen.adapters.base import Status, Ticket
from dramagen.clip import Clip
from dramagen.engine.clock import Clock
from dramagen.engine.collect import Collector
from dramagen.engine.database import JournalUnavailable
from dramagen.engine.flight import Flight, Leg
from dramagen.engine.homeward import Homeward
from dramagen.engine.intake import Intake
from dramagen.engine.interrupts import unbroken
from dramagen.engine.jobs import Job
from dramagen.engine.journal import JobMoved, Journal
from dramagen.engine.outbound import Outbound, same_key
from dramagen.engine.owner import Owner
from dramagen.engine.ownership import Ownership
from dramagen.engine.parting import Parting
from dramagen.engine.refetch import Refetcher
from dramagen.engine.service import Service, Services
from dramagen.engine.state import JobState
from dramagen.engine.submit import GIVEN_UP, Submitter
from dramagen.engine.telling import Teller
from dramagen.engine.times import kinds, remembered
from dramagen.engine.waiting import Verdict, Word
from dramagen.engine.watch import Unwatched, Watcher
from dramagen.errors import DramagenError, JobFailed, OutcomeUnknown
from dramagen.events import Event, Kind
from dramagen.shot import Shot
from dramagen.store import Store

T = TypeVar("T")
log = logging.getLogger("dramagen.engine")
S = JobState

KEPT = 64
"""Jobs that are kept as they were reserved until they are called, which mostly is at once; the others, and those told
to wait, are read again when their turn comes."""

GIVEN_UP_UNSENT = "given up before it was sent"


class Engine:
    """The flights of one studio, and everything a job needs. ``emit`` is told of every step, and never raises."""

    def __init__(
        self,
        *,
        services: Services,
        journal: Journal,
        store: Store,
        intake: Intake,
        submitter: Submitter,
        watcher: Watcher,
        collector: Collector,
        refetcher: Refetcher,
        clock: Clock,
        owner: Owner,
        group: anyio.abc.TaskGroup,
        emit: Callable[[Event], None],
    ) -> None:
        self.services = services
        self.journal = journal
        self.store = store
        self.intake = intake
        self.submitter = submitter
        self.collector = collector
        self.clock = clock
        self.owner = owner
        self.group = group
        self.flights: dict[str, Flight] = {}
        self.parting = Parting(services, submitter, self.flights)
        self._at_hand: dict[str, Job] = {}
        self._watcher = watcher
        self._teller = Teller(emit, clock)
        self._ownership = Ownership(journal, owner, intake, self.parting)
        self._outbound = Outbound(store, intake, submitter, self._teller)
        self._homeward = Homeward(services, journal, store, intake, collector, refetcher, clock, self._teller)

    async def clip(self, job: Job, shot: Shot, started: bool = False) -> Clip:
        """The clip of a job, wherever the job is: done, running here, running elsewhere, or left behind.

        Raises the job's typed error; ``anyio.ClosedResourceError`` where the studio is closed meanwhile. Leaving
        early stops a job that was not sent yet, and no other.
        """
        # A job reserved a moment ago is driven at once: a cancellation in between would leave its money reserved.
        newest, taken, waits, caller = started, False, False, object()
        while True:
            if not job.open:
                return await self._landed(job, shot, started)
            if job.id not in self.flights:
                if job.owner != self.owner.id:
                    mine = await self._ownership.take_over(job)
                    taken = mine is not None and mine.open
                    if mine is None and not waits:
                        waits = True
                        self._teller.note(
                            "waiting", job, shot, reason="elsewhere", detail="another process films it"
                        )
                    job = mine or await self._ownership.elsewhere(job)
                    continue
                if not newest:
                    job, newest = await self._ownership.reread(job.id), True
                    continue
                self._depart(Flight.of(job, shot, started, caller), job, taken)
            newest = taken = False
            flight = self.flights[job.id]
            if started and not flight.started:
                # Somebody who found the job was quicker than the call that ordered it.
                flight.shot, flight.started, flight.caller = shot, True, caller
            del job  # thousands wait here, for minutes, and each would hold its order
            flight.waiters += 1
            try:
                await flight.landed.wait()
            finally:
                flight.waiters -= 1
                if not flight.waiters:
                    self._let_go(flight)
            if flight.error is not None:
                raise flight.error
            if flight.broken_off:
                raise anyio.ClosedResourceError
            if flight.clip is not None:
                if flight.caller is not caller:
                    self._teller.note("cached", flight, shot)
                return flight.clip.model_copy(update={"shot": shot})
            job = await self._ownership.reread(flight.id)

    async def _landed(self, job: Job, shot: Shot, started: bool) -> Clip:
        """The clip of a job that is over, or its error."""
        try:
            if job.state != S.DONE:
                raise self.verdict_of(job)
            clip = await self._homeward.stored(job, shot, cached=not started)
        except DramagenError as error:
            self._teller.note(
                "failed", job, shot, money=job.cost, detail=str(error), reason=type(error).__name__
            )
            raise
        self._teller.note("cached", job, shot)
        return clip

    def verdict_of(self, job: Job) -> DramagenError:
        """The error of a job that ended without a clip."""
        if job.state in (S.PAID, S.UNPAID):
            # Whatever its create was refused with once: that would be tried again, and bought nothing.
            return JobFailed(
                f"a person settled job {job.id} as {job.state.value}; fresh=True films the shot again",
                provider=job.route.provider, model=job.route.model, billed=job.state == S.PAID,
            )  # fmt: skip
        if job.error is not None:
            return job.error
        return JobFailed(
            f"job {job.id} ended as {job.state.value}", provider=job.route.provider, model=job.route.model
        )

    # --- one flight ----------------------------------------------------------------------------------------

    def _depart(self, flight: Flight, job: Job, taken: bool) -> None:
        """Begin: in line where it was not sent yet, else at once. Raises ``anyio.ClosedResourceError``."""
        service: Service | None = None
        if job.state == S.INTENDED:
            with suppress(DramagenError):  # its leg will say so
                service = self.services.service(job.route)
        try:
            if service is not None:
                if len(self._at_hand) < KEPT:
                    self._at_hand[job.id] = job
                flight.place = self.submitter.gate.join(
                    job, service, partial(self._waiting, flight), partial(self._called, flight)
                )
            else:
                self._begin(flight, partial(self._out, flight, job))
        except RuntimeError:
            # The studio closed while this caller looked the job up; what was not sent is let go there.
            self._at_hand.pop(job.id, None)
            raise anyio.ClosedResourceError from None
        self.flights[job.id] = flight
        if taken or job.state != S.INTENDED:
            self._teller.step("resumed", flight, money=job.cost)

    def _waiting(self, flight: Flight, reason: str, detail: str) -> None:
        self._at_hand.pop(flight.id, None)  # it may be for long
        self._teller.step("waiting", flight, reason=reason, detail=detail)

    def _called(self, flight: Flight) -> None:
        """Its turn has come, or never will."""
        place = flight.place
        if place is not None and isinstance(place.error, anyio.ClosedResourceError):
            self._break_off(flight)
        else:
            self._begin(flight, partial(self._out, flight))

    def _let_go(self, flight: Flight) -> None:
        """Nobody wants it any more: what was not sent will not be. A create under way is shielded from this."""
        if flight.place is not None and not flight.place.may_go:
            flight.place.leave()
            with suppress(RuntimeError):  # the studio is closed, and lets it go there
                self._begin(flight, partial(self._out, flight))
        # One that is looked for may turn out not to have been sent; it is looked for all the same.
        if flight.scope is not None and (
            flight.leg is None or flight.leg.job.state in (S.INTENDED, S.UNKNOWN)
        ):
            flight.scope.cancel()

    def _begin(self, flight: Flight, leg: Callable[[], Awaitable[bool]]) -> None:
        flight.scope = anyio.CancelScope()
        self.group.start_soon(unbroken(self._leg), flight, leg)

    async def _leg(self, flight: Flight, leg: Callable[[], Awaitable[bool]]) -> None:
        """A part of the way. Between two of them, in line and while the vendor works, a job has no task."""
        waits = False
        try:
            waits = await leg()
        except anyio.get_cancelled_exc_class():
            flight.broken_off = True
            raise
        except (Unwatched, anyio.ClosedResourceError):
            flight.broken_off = True
        except DramagenError as error:
            self._failed(flight, error)
        except JobMoved:
            log.info("job %s moved meanwhile; looking again", flight.id, extra={"job": flight.id})
        except Exception as bug:
            # One shot's accident must not take the others down with the studio.
            log.exception("job %s stopped unexpectedly", flight.id, extra={"job": flight.id})
            accident = DramagenError(
                f"job {flight.id} stopped unexpectedly ({type(bug).__name__}: {bug}); it stays in the journal",
                provider=flight.route.provider, model=flight.route.model, billed=None,
            )  # fmt: skip
            accident.__cause__ = bug
            self._failed(flight, accident)
        finally:
            flight.leg = flight.scope = None
            if not waits:
                self._over(flight)

    def _over(self, flight: Flight) -> None:
        self.flights.pop(flight.id, None)
        self._at_hand.pop(flight.id, None)
        flight.landed.set()

    def _break_off(self, flight: Flight) -> None:
        flight.broken_off = True
        self._over(flight)

    def _failed(self, flight: Flight, error: DramagenError) -> None:
        flight.error, money = error, None
        unknown = isinstance(error, OutcomeUnknown)
        if flight.leg is not None:
            money = flight.leg.job.reserved if unknown else flight.leg.job.cost
        self._teller.step(
            "unknown" if unknown else "failed", flight,
            money=money, detail=str(error), reason=type(error).__name__,
        )  # fmt: skip

    # --- to the vendor ---------------------------------------------------------------------------------------

    async def _out(self, flight: Flight, job: Job | None = None) -> bool:
        """As far as the vendor's ticket, or home where there was one; True where the vendor's word is waited for."""
        assert flight.scope is not None
        with flight.scope:
            flight.leg = leg = Leg(flight, job or await self._called_up(flight))
            return await self._drive(leg)
        if leg.job.open and leg.job.state != S.INTENDED:
            # Everybody left while its create was under way: what was sent is brought home all the same.
            return await self._drive(leg)
        return False

    async def _called_up(self, flight: Flight) -> Job:
        kept = self._at_hand.pop(flight.id, None)
        if kept is not None:
            return kept  # whoever moved it meanwhile is noticed when it is written down as being sent
        with anyio.CancelScope(shield=True):
            job = await _thread(self._ownership.ours, flight.id, flight.epoch, S.SENDING)
        return job

    async def _drive(self, leg: Leg) -> bool:
        flight, (place, leg.flight.place) = leg.flight, (leg.flight.place, None)
        waits, service = False, None
        try:
            service = self.services.service(leg.job.route)
            same_key(leg.job, service)
            if leg.job.state == S.READY:
                flight.clip = await self._homeward.clip(leg, service)
                return False
            ticket = await self._outbound.ticket(leg, service, place)
            await self._remember()
            self._watch(leg, service, ticket)
            waits = True
        except anyio.get_cancelled_exc_class():
            if leg.job.state == S.INTENDED:
                with suppress(JobMoved):
                    if service is not None and not await self.submitter.doubts.left(leg, service):
                        raise
                    await self.submitter.give_up(leg.job, DramagenError(GIVEN_UP_UNSENT))
                    self._teller.step("failed", flight, detail=GIVEN_UP_UNSENT, reason=GIVEN_UP)
            raise
        finally:
            if place is not None:
                place.leave()
            if not waits and service is not None:
                self.submitter.gate.wake(service)
        return True

    def _watch(self, leg: Leg, service: Service, ticket: Ticket) -> None:
        flight, like = leg.flight, kinds(service, leg.job.quote.order)
        self._watcher.watch(ticket, service, leg.job.updated, _Hears(self, flight), like)

    async def _remember(self) -> None:
        """Teach the watcher, once, what the journal knows of how long jobs take."""
        if self._watcher.taught:
            return
        self._watcher.taught = True
        try:
            for kind, after, by in await _thread(self.journal.transact, lambda tx: [*remembered(tx)]):
                self._watcher.learn(kind, after, by)
        except JournalUnavailable as problem:
            log.info("how long jobs take is not known yet: %s", problem)

    # --- the vendor's word -----------------------------------------------------------------------------------

    def heard(self, flight: Flight, word: Word) -> None:
        """The vendor said something of a flight, or nobody asks any more."""
        if isinstance(word, Status):
            flight.polls += 1
            if word.state in ("queued", "running"):
                kind: Kind = "queued" if word.state == "queued" else "running"
                self._teller.step(kind, flight, progress=word.progress)
        elif isinstance(word, Unwatched):
            self._break_off(flight)
        else:
            self._begin(flight, partial(self._home, flight, word))

    async def _home(self, flight: Flight, word: Verdict | Exception) -> bool:
        """From the vendor's word to the clip."""
        service = self.services.service(flight.route)
        try:
            if isinstance(word, Exception):
                raise word
            with anyio.CancelScope(shield=True):
                leg = await _thread(self._settle, flight, service, word)
            self._teller.step("ready", flight, money=leg.job.cost)
        finally:
            self.submitter.gate.wake(service)
        flight.clip = await self._homeward.clip(leg, service)
        return False

    def _settle(self, flight: Flight, service: Service, verdict: Verdict) -> Leg:
        flight.leg = leg = Leg(flight, self._ownership.ours(flight.id, flight.epoch, S.READY))
        self._homeward.settle(leg, service, verdict)
        return leg


@dataclass(frozen=True, slots=True)
class _Hears:
    """What the watcher calls about one flight: smaller than a closure, as there are thousands."""

    engine: Engine
    flight: Flight

    def __call__(self, word: Word) -> None:
        self.engine.heard(self.flight, word)


async def _thread(function: Callable[..., T], *args: Any) -> T:
    return await anyio.to_thread.run_sync(function, *args)
