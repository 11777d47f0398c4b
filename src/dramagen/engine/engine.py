"""Driving jobs from wherever they are to a clip. One flight per job; callers wait for it, and may leave."""

import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
from dramagen.engine.finish import Finished, clip_of, defect, finish, receipt, receipt_key
from dramagen.engine.held import move
from dramagen.engine.intake import Intake
from dramagen.engine.jobs import Job
from dramagen.engine.journal import JobMoved, Journal
from dramagen.engine.lane import Verdict
from dramagen.engine.owner import Owner
from dramagen.engine.refetch import Refetcher, whereabouts
from dramagen.engine.rescue import Rescue
from dramagen.engine.service import Service, Services
from dramagen.engine.state import JobState
from dramagen.engine.submit import GIVEN_UP, LOOKED_FOR, Submitter, Unwritten
from dramagen.engine.times import kinds, record, remembered
from dramagen.engine.watch import Unwatched, Watcher
from dramagen.errors import (
    AuthError,
    DramagenError,
    InvalidShot,
    JobExpired,
    JobFailed,
    OutcomeUnknown,
)
from dramagen.events import Event, Kind
from dramagen.money import Money
from dramagen.shot import Shot
from dramagen.store import Store
from dramagen.store.blobs import Stored

T = TypeVar("T")
log = logging.getLogger("dramagen.engine")
S = JobState

GIVEN_UP_UNSENT = "given up before it was sent"

DOWNLOADS = 16
"""Files fetched from one provider at once: all jobs may be over in one moment."""

ELSEWHERE = 0.5
"""Real seconds between looks at a job another process is driving."""


@dataclass(eq=False, slots=True)
class Flight:
    """One job being driven. ``started`` says whether it came into being in this studio; ``caller`` whose it is."""

    job: Job
    shot: Shot
    started: bool
    caller: object = None
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    landed: anyio.Event = field(default_factory=anyio.Event)
    waiters: int = 0
    clip: Clip | None = None
    error: DramagenError | None = None
    broken_off: bool = False
    """The studio was closed meanwhile."""
    told: set[Kind] = field(default_factory=set)
    progress: float = 0.0
    polls: int = 0

    def news(self, kind: Kind, progress: float | None) -> bool:
        """Whether this is worth telling: each step once, in order; progress where it grows, every wait."""
        if kind == "waiting":
            return True
        if kind == "queued" and "running" in self.told:
            return False
        if kind in self.told and (kind != "running" or progress is None or progress <= self.progress):
            return False
        self.told.add(kind)
        self.progress = max(self.progress, progress or 0.0)
        return True


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything a job needs, and the flights of this studio."""

    services: Services
    journal: Journal
    store: Store
    intake: Intake
    submitter: Submitter
    watcher: Watcher
    collector: Collector
    refetcher: Refetcher
    clock: Clock
    owner: Owner
    group: anyio.abc.TaskGroup
    emit: Callable[[Event], None]  # never raises
    flights: dict[str, Flight] = field(default_factory=dict)
    downloads: dict[str, anyio.Semaphore] = field(default_factory=dict)
    checks: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(os.cpu_count() or 1))

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
                    mine = await self._take_over(job)
                    taken = mine is not None and mine.open
                    if mine is None and not waits:
                        waits = True
                        self._note(
                            "waiting", job, shot, reason="elsewhere", detail="another process films it"
                        )
                    job = mine or await self._elsewhere(job)
                    continue
                if not newest:
                    job, newest = await self._reread(job), True
                    continue
                flight = Flight(job, shot, started, caller)
                try:
                    self.group.start_soon(self._leg, flight, self._fly)
                except RuntimeError:
                    # The studio closed while this caller looked the job up; what was not sent is let go there.
                    raise anyio.ClosedResourceError from None
                self.flights[job.id] = flight
                if taken or job.state != S.INTENDED:
                    self._tell("resumed", flight, money=job.cost)
            newest = taken = False
            flight = self.flights[job.id]
            if started and not flight.started:
                # Somebody who found the job was quicker than the call that ordered it.
                flight.shot, flight.started, flight.caller = shot, True, caller
            await self._wait(flight)
            if flight.error is not None:
                raise flight.error
            if flight.broken_off:
                raise anyio.ClosedResourceError
            if flight.clip is not None:
                if flight.caller is not caller:
                    self._note("cached", flight.job, shot)
                return flight.clip.model_copy(update={"shot": shot})
            job = await self._reread(job)

    async def _landed(self, job: Job, shot: Shot, started: bool) -> Clip:
        """The clip of a job that is over, or its error."""
        try:
            if job.state != S.DONE:
                raise self.verdict_of(job)
            clip = await self._stored(job, shot, cached=not started)
        except DramagenError as error:
            self._note("failed", job, shot, money=job.cost, detail=str(error), reason=type(error).__name__)
            raise
        self._note("cached", job, shot)
        return clip

    def verdict_of(self, job: Job) -> DramagenError:
        """The error of a job that ended without a clip."""
        if job.error is not None:
            return job.error
        if job.state in (S.PAID, S.UNPAID):
            return JobFailed(
                f"a person settled job {job.id} as {job.state.value}; fresh=True films the shot again",
                provider=job.route.provider, model=job.route.model, billed=job.state == S.PAID,
            )  # fmt: skip
        return JobFailed(
            f"job {job.id} ended as {job.state.value}", provider=job.route.provider, model=job.route.model
        )

    # --- one flight --------------------------------------------------------------------------------------

    async def _wait(self, flight: Flight) -> None:
        flight.waiters += 1
        try:
            await flight.landed.wait()
        finally:
            flight.waiters -= 1
            if not flight.waiters and flight.job.state == S.INTENDED:
                # Nobody wants it any more, and nothing was sent. A create under way is shielded from this.
                flight.scope.cancel()

    async def _fly(self, flight: Flight) -> bool:
        """As far as the vendor's ticket, or home where there was one; True where the vendor's word is waited for."""
        with flight.scope:
            return await self._drive(flight)
        if flight.job.open and flight.job.state != S.INTENDED:
            # Everybody left while its create was under way: what was sent is brought home all the same.
            return await self._drive(flight)
        return False

    async def _leg(self, flight: Flight, leg: Callable[[Flight], Awaitable[bool]]) -> None:
        """A part of the way. Between two of them, while the vendor works, a job has no task."""
        waits = False
        try:
            waits = await leg(flight)
        except anyio.get_cancelled_exc_class():
            flight.broken_off = True
            raise
        except DramagenError as error:
            self._failed(flight, error)
        except JobMoved:
            log.info("job %s moved meanwhile; looking again", flight.job.id, extra={"job": flight.job.id})
        except Exception as bug:
            # One shot's accident must not take the others down with the studio.
            log.exception("job %s stopped unexpectedly", flight.job.id, extra={"job": flight.job.id})
            accident = DramagenError(
                f"job {flight.job.id} stopped unexpectedly ({type(bug).__name__}: {bug}); it stays in the journal",
                provider=flight.job.route.provider, model=flight.job.route.model, billed=None,
            )  # fmt: skip
            accident.__cause__ = bug
            self._failed(flight, accident)
        finally:
            if not waits:
                self._over(flight)

    def _over(self, flight: Flight) -> None:
        self.flights.pop(flight.job.id, None)
        flight.landed.set()

    def _failed(self, flight: Flight, error: DramagenError) -> None:
        flight.error = error
        unknown, job = isinstance(error, OutcomeUnknown), flight.job
        self._tell(
            "unknown" if unknown else "failed", flight,
            money=job.reserved if unknown else job.cost, detail=str(error), reason=type(error).__name__,
        )  # fmt: skip

    async def _drive(self, flight: Flight) -> bool:
        service = self.services.service(flight.job.route)
        self._same_key(flight.job, service)
        if flight.job.state == S.READY:
            flight.clip = await self._to_clip(flight, service)
            return False
        waits = False
        try:
            ticket = await self._to_ticket(flight, service)
            await self._remember()
            self._watch(flight, service, ticket)
            waits = True
        except anyio.get_cancelled_exc_class():
            if flight.job.state == S.INTENDED:
                with suppress(JobMoved):
                    await self.submitter.give_up(flight.job, DramagenError(GIVEN_UP_UNSENT))
                    self._tell("failed", flight, detail=GIVEN_UP_UNSENT, reason=GIVEN_UP)
            raise
        finally:
            if not waits:
                self.submitter.gate.wake(service)
        return True

    async def _to_ticket(self, flight: Flight, service: Service) -> Ticket:
        if flight.job.state == S.SENDING:
            # A flight of this very process that broke: whether its create left is not known.
            await self.submitter.interrupted(flight)
        if flight.job.state in (S.INTENDED, S.UNKNOWN):
            load = partial(self.intake.supply, flight.job.quote.order.inputs())
            kept = await _thread(self._rescue.find, flight.job.id)
            try:
                if flight.job.state == S.INTENDED:
                    await self.submitter.submit(flight, service, load, partial(self._waiting, flight))
                elif kept is not None:
                    await self.submitter.adopt(flight, kept, service)
                else:
                    self._waiting(flight, "lookup", LOOKED_FOR)
                    await self.submitter.reconcile(flight, service, load)
            except Unwritten as lost:
                raise await self._rescued(flight.job, lost) from lost
            self._tell("submitted", flight)
        ticket = flight.job.ticket
        if ticket is None:
            raise JobFailed(f"job {flight.job.id} has no ticket", billed=None)

        return ticket

    def _watch(self, flight: Flight, service: Service, ticket: Ticket) -> None:
        def seen(status: Status) -> None:
            flight.polls += 1
            if status.state in ("queued", "running"):
                self._tell(
                    "queued" if status.state == "queued" else "running", flight, progress=status.progress
                )

        def ended(word: Verdict | Exception) -> None:
            if isinstance(word, Unwatched):
                flight.broken_off = True
                self._over(flight)
            else:
                self.group.start_soon(self._leg, flight, partial(self._home, word=word))

        like = kinds(service, flight.job.quote.order)
        self.watcher.watch(ticket, service, flight.job.updated, ended, seen, like)

    async def _remember(self) -> None:
        """Teach the watcher, once, what the journal knows of how long jobs take."""
        if self.watcher.taught:
            return
        self.watcher.taught = True
        try:
            for kind, after, by in await _thread(self.journal.transact, lambda tx: [*remembered(tx)]):
                self.watcher.learn(kind, after, by)
        except JournalUnavailable as problem:
            log.info("how long jobs take is not known yet: %s", problem)

    async def _home(self, flight: Flight, word: Verdict | Exception) -> bool:
        """From the vendor's word to the clip."""
        service = self.services.service(flight.job.route)
        try:
            if isinstance(word, Exception):
                raise word
            with anyio.CancelScope(shield=True):
                await self._settle(flight, service, word)
        finally:
            self.submitter.gate.wake(service)
        flight.clip = await self._to_clip(flight, service)
        return False

    @property
    def _rescue(self) -> Rescue:
        return Rescue(self.store.home / "tickets.log")

    async def _rescued(self, job: Job, lost: Unwritten) -> JournalUnavailable:
        with anyio.CancelScope(shield=True):
            kept = await _thread(self._rescue.keep, job.id, lost.ticket)
        what = (
            f"its id is kept in {self._rescue.path.name}, run again"
            if kept
            else "NOTE ITS ID, it is kept nowhere"
        )
        return JournalUnavailable(f"{lost}; {what}", provider=job.route.provider, model=job.route.model)

    async def _settle(self, flight: Flight, service: Service, verdict: Verdict) -> None:
        order, known, status = flight.job.quote.order, dict(flight.job.result or {}), verdict.status
        took = record(service, order, verdict)
        if status.state == "succeeded":
            cost, source = service.settle(order, status.usage)
            result = known | {"seed": status.seed if status.seed is not None else order.seed}
            await self._move(
                flight,
                S.READY,
                cost=cost,
                cost_source=source,
                ticket=status.ticket,
                result=result,
                detail=took,
            )
            self._tell("ready", flight, money=cost)
            return
        error = status.error or JobFailed(f"the vendor says {status.state}", provider=service.route.provider)
        error.model = error.model or service.route.model
        error.hide(*self.intake.hidden())
        if status.state == "missing":
            # Gone without a verdict: it may well have been billed, and then at most this much.
            await self._move(flight, S.LOST, error=error, cost=flight.job.reserved, cost_source="assumed")
            raise error
        cost, source = self._cost_of_failure(service, flight.job, status, error)
        await self._move(flight, S.FAILED, error=error, cost=cost, cost_source=source)
        raise error

    def _cost_of_failure(
        self, service: Service, job: Job, status: Status, error: DramagenError
    ) -> tuple[Money, str]:
        if status.usage is not None:
            cost, source = service.settle(job.quote.order, status.usage)
            if cost:
                error.billed = True
            return cost, source
        if error.billed:
            return job.reserved, "computed"
        if error.billed is None:
            return job.reserved, "assumed"  # what is not known is never shown as nothing
        return Money.zero(job.reserved.currency), "computed"

    async def _to_clip(self, flight: Flight, service: Service) -> Clip:
        stored, finished = await self._fetched(flight, service)
        if finished.defects:
            # Perhaps only the way here was bad; the vendor's own fault comes again.
            stored, finished = await self._fetched(flight, service)
        if finished.defects:
            error = defect(flight.job, stored.path, finished.defects)
            await self._move(flight, S.DEFECTIVE, error=error, result=finished.result)
            raise error
        # The receipt first: if the journal's line is lost, the clip is not.
        paper = receipt(replace(flight.job, result=finished.result), self.clock.now())
        await _thread(self.store.remember, paper)
        await self._move(flight, S.DONE, result=finished.result, detail=whereabouts(self.store))
        self._tell("verified", flight, money=flight.job.cost)
        return await self._stored(flight.job, flight.shot, cached=not flight.started)

    async def _fetched(self, flight: Flight, service: Service) -> tuple[Stored, Finished]:
        bay = self.downloads.setdefault(service.route.provider, anyio.Semaphore(DOWNLOADS))
        async with bay:
            stored = await _thread(self._kept, flight.job) or await self._collected(flight, service)
        seed = (flight.job.result or {}).get("seed")
        # Decoding takes a core for itself; more of it at once would only keep the questions waiting.
        check = partial(finish, self.store, flight.job.quote, stored, seed)
        return stored, await anyio.to_thread.run_sync(check, limiter=self.checks)

    def _kept(self, job: Job) -> Stored | None:
        """The file, where an earlier process fetched and checked it and died before it wrote that down."""
        paper = self.store.recall(receipt_key(job.order_hash, job.take, job.generation))
        path = self.store.originals.path(paper.sha256) if paper and paper.job_id == job.id else None
        return Stored(path.stem, path, path.stat().st_size) if path else None

    async def _collected(self, flight: Flight, service: Service) -> Stored:
        ticket = flight.job.ticket
        if ticket is None:
            raise JobFailed(f"job {flight.job.id} has no ticket", billed=True)
        try:
            stored = await self.collector.collect(flight.job.id, ticket, service)
        except JobExpired as gone:
            await self._move(flight, S.LOST, error=gone)
            raise
        self._tell("collected", flight)
        return stored

    async def _stored(self, job: Job, shot: Shot, cached: bool) -> Clip:
        clip = await _thread(clip_of, self.store, job, shot, cached)
        if clip is None:
            await self.refetcher.fetch(job, self.services.service(job.route))
            clip = await _thread(clip_of, self.store, job, shot, cached)
        if clip is None:
            raise JobFailed(f"the trim of job {job.id} cannot be made again", billed=True)
        return clip

    # --- whose job it is -----------------------------------------------------------------------------------

    async def _take_over(self, job: Job) -> Job | None:
        """The job as ours, where its owner is dead and we were first."""
        if await _thread(self.owner.alive, job.owner):
            return None
        taken = await _thread(self.journal.take_over, job, self.owner.id, self.owner.gone)
        if taken is not None and taken.state == S.INTENDED:
            try:
                await _thread(self.intake.supply, taken.quote.order.inputs())
            except InvalidShot:
                # Its pictures stayed in the home it was ordered in: whoever wants it here orders it anew.
                gone = DramagenError("never sent: its media are in the home of a process that is gone")
                await self.submitter.give_up(taken, gone)
                return await self._reread(taken)
        return taken

    async def _elsewhere(self, job: Job) -> Job:
        """Wait a moment for a job another process drives."""
        await anyio.sleep(ELSEWHERE)
        return await self._reread(job)

    async def _reread(self, job: Job) -> Job:
        found = await _thread(self.journal.get, job.id)
        if found is None:
            raise JobFailed(f"job {job.id} is no longer in the journal", billed=None)
        return found

    def _same_key(self, job: Job, service: Service) -> None:
        """A job can only be asked about with the key it was sent with: to any other it does not exist."""
        if job.state == S.INTENDED or job.credential == service.access.fingerprint:
            return
        raise AuthError(
            f"job {job.id} was sent with another key or host; set that one again to go on with it. "
            f"Up to {job.reserved} stays reserved",
            provider=job.route.provider, model=job.route.model, billed=None, retryable=True,
        )  # fmt: skip

    async def _move(self, flight: Flight, to: JobState, **known: Any) -> None:
        await move(self.journal, flight, to, **known)

    def _waiting(self, flight: Flight, reason: str, detail: str) -> None:
        self._tell("waiting", flight, reason=reason, detail=detail)

    def _tell(
        self,
        kind: Kind,
        flight: Flight,
        *,
        money: Money | None = None,
        progress: float | None = None,
        detail: str = "",
        reason: str = "",
    ) -> None:
        if flight.news(kind, progress):
            polls = flight.polls if kind in ("ready", "failed") else None
            self._note(kind, flight.job, flight.shot, progress, money, detail, reason, polls)

    def _note(
        self,
        kind: Kind,
        job: Job,
        shot: Shot,
        progress: float | None = None,
        money: Money | None = None,
        detail: str = "",
        reason: str = "",
        polls: int | None = None,
    ) -> None:
        at = self.clock.now()
        self.emit(Event(
            kind, shot, job.take, at, job.route.id, job.id, progress, money, detail, reason, polls=polls,
        ))  # fmt: skip


async def _thread(function: Callable[..., T], *args: Any) -> T:
    return await anyio.to_thread.run_sync(function, *args)
