"""From the vendor's word to the clip: money settled, the file fetched, checked, and stored for good."""

import logging
import os
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import anyio
import anyio.to_thread

from dramagen.adapters.base import Usage
from dramagen.clip import Clip
from dramagen.engine.clock import Clock
from dramagen.engine.collect import Collector
from dramagen.engine.finish import Finished, clip_of, defect, finish, receipt, receipt_key
from dramagen.engine.flight import Leg
from dramagen.engine.held import move
from dramagen.engine.intake import Intake
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal
from dramagen.engine.ledger import ASSUMED
from dramagen.engine.refetch import Refetcher, whereabouts
from dramagen.engine.service import Service, Services
from dramagen.engine.state import JobState
from dramagen.engine.telling import Teller
from dramagen.engine.times import record
from dramagen.engine.waiting import Verdict
from dramagen.errors import ConfigError, DramagenError, JobExpired, JobFailed
from dramagen.money import Money
from dramagen.shot import Shot
from dramagen.store import Store
from dramagen.store.blobs import Stored

log = logging.getLogger("dramagen.engine")
S = JobState

DOWNLOADS = 16
"""Files fetched from one provider at once: all jobs may be over in one moment."""


@dataclass(frozen=True, slots=True)
class Homeward:
    """Brings home what the vendor has finished."""

    services: Services
    journal: Journal
    store: Store
    intake: Intake
    collector: Collector
    refetcher: Refetcher
    clock: Clock
    teller: Teller
    _downloads: dict[str, anyio.Semaphore] = field(default_factory=dict)
    _checks: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(os.cpu_count() or 1))

    # --- the vendor's word -------------------------------------------------------------------------------

    def settle(self, leg: Leg, service: Service, verdict: Verdict) -> None:
        """Write the verdict and what it costs down. Raises the vendor's reason where there is no clip. Blocks."""
        job, order, status = leg.job, leg.job.quote.order, verdict.status
        if status.state == "succeeded":
            cost, source = _cost(service, job, status.usage)
            seed = status.seed if status.seed is not None else order.seed
            leg.job = self.journal.move(
                job, S.READY, cost=cost, cost_source=source, ticket=status.ticket,
                result=dict(job.result or {}) | {"seed": seed}, detail=record(service, order, verdict),
            )  # fmt: skip
            return
        error = status.error or JobFailed(f"the vendor says {status.state}", provider=job.route.provider)
        error.model = error.model or job.route.model
        error.hide(*self.intake.hidden())
        if status.state == "missing":
            # Gone without a verdict: it may well have been billed, and then at most this much.
            cost, source = job.reserved, ASSUMED
        else:
            cost, source = _cost_of_failure(service, job, verdict, error)
        to = S.LOST if status.state == "missing" else S.FAILED
        leg.job = self.journal.move(job, to, error=error, cost=cost, cost_source=source)
        raise error

    # --- the file ----------------------------------------------------------------------------------------

    async def clip(self, leg: Leg, service: Service) -> Clip:
        """The clip of a job that is ready.

        Raises:
            DefectiveClip: the file is paid for and unusable.
            JobExpired: the vendor no longer has it.
            DramagenError: it could not be had for now; the job stays ready.
        """
        stored, finished = await self._fetched(leg, service)
        if finished.defects:
            # Perhaps only the way here was bad; the vendor's own fault comes again.
            stored, finished = await self._fetched(leg, service)
        if finished.defects:
            error = defect(leg.job, stored.path, finished.defects)
            await self._move(leg, S.DEFECTIVE, error=error, result=finished.result)
            raise error
        # The receipt first: if the journal's line is lost, the clip is not.
        paper = receipt(replace(leg.job, result=finished.result), self.clock.now())
        await anyio.to_thread.run_sync(self.store.remember, paper)
        await self._move(leg, S.DONE, result=finished.result, detail=whereabouts(self.store))
        self.teller.step("verified", leg.flight, money=leg.job.cost)
        return await self.stored(leg.job, leg.flight.shot, cached=not leg.flight.started)

    async def stored(self, job: Job, shot: Shot, cached: bool) -> Clip:
        """The clip of a job that is done, fetched again where its file is not in this home."""
        clip = await anyio.to_thread.run_sync(clip_of, self.store, job, shot, cached)
        if clip is None:
            await self.refetcher.fetch(job, self.services.service(job.route))
            clip = await anyio.to_thread.run_sync(clip_of, self.store, job, shot, cached)
        if clip is None:
            raise JobFailed(f"the trim of job {job.id} cannot be made again", billed=True)
        return clip

    async def _fetched(self, leg: Leg, service: Service) -> tuple[Stored, Finished]:
        async with self._downloads.setdefault(service.route.provider, anyio.Semaphore(DOWNLOADS)):
            kept = await anyio.to_thread.run_sync(self._kept, leg.job)
            stored = kept or await self._collected(leg, service)
        seed = (leg.job.result or {}).get("seed")
        # Decoding takes a core for itself; more of it at once would only keep the questions waiting.
        check = partial(finish, self.store, leg.job.quote, stored, seed)
        return stored, await anyio.to_thread.run_sync(check, limiter=self._checks)

    def _kept(self, job: Job) -> Stored | None:
        """The file, where an earlier process fetched and checked it and died before it wrote that down."""
        paper = self.store.recall(receipt_key(job.order_hash, job.take, job.generation))
        path = self.store.originals.path(paper.sha256) if paper and paper.job_id == job.id else None
        return Stored(path.stem, path, path.stat().st_size) if path else None

    async def _collected(self, leg: Leg, service: Service) -> Stored:
        ticket = leg.job.ticket
        if ticket is None:
            raise JobFailed(f"job {leg.job.id} has no ticket", billed=True)
        try:
            stored = await self.collector.collect(leg.job.id, ticket, service)
        except JobExpired as gone:
            await self._move(leg, S.LOST, error=gone)
            raise
        self.teller.step("collected", leg.flight)
        return stored

    async def _move(self, leg: Leg, to: JobState, **known: Any) -> None:
        await move(self.journal, leg, to, **known)


def _cost(service: Service, job: Job, usage: Usage | None) -> tuple[Money, str]:
    try:
        return service.settle(job.quote.order, usage)
    except ConfigError as problem:
        # The price it was ordered at is stated no more, and the clip is paid for all the same.
        log.warning("job %s: %s", job.id, problem)
        return job.reserved, ASSUMED


def _cost_of_failure(service: Service, job: Job, verdict: Verdict, error: DramagenError) -> tuple[Money, str]:
    usage = verdict.status.usage
    if usage is not None:
        cost, source = _cost(service, job, usage)
        if cost:
            error.billed = True
        return cost, source
    if error.billed:
        return job.reserved, "computed"
    if error.billed is None:
        return job.reserved, ASSUMED  # what is not known is never shown as nothing
    return Money.zero(job.reserved.currency), "computed"
