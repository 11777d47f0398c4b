"""From the order to the vendor's ticket."""

from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread

from dramagen.adapters.base import Ticket
from dramagen.engine.database import JournalUnavailable
from dramagen.engine.flight import Leg
from dramagen.engine.intake import Intake
from dramagen.engine.jobs import Job
from dramagen.engine.limits.gate import Place
from dramagen.engine.rescue import NAME, Rescue, sender, whereabouts
from dramagen.engine.service import Service
from dramagen.engine.state import JobState
from dramagen.engine.submit import LOOKED_FOR, Submitter, Unwritten
from dramagen.engine.telling import Teller
from dramagen.errors import AuthError, DramagenError, JobFailed, OutcomeUnknown
from dramagen.store import Store


@dataclass(frozen=True, slots=True)
class Outbound:
    """Sends what was not sent yet, and looks for what was lost on the way."""

    store: Store
    intake: Intake
    submitter: Submitter
    teller: Teller

    async def ticket(self, leg: Leg, service: Service, place: Place | None = None) -> Ticket:
        """The vendor's ticket of a job that is on its way; ``place``: where its turn has come.

        Raises as :meth:`Submitter.submit` does; but a ticket that could not be written is kept beside the journal if
        that is possible at all, and ``JournalUnavailable`` says where.
        """
        if leg.job.state == JobState.SENDING:
            # A flight of this very process that broke: whether its create left is not known.
            await self.submitter.interrupted(leg)
        if leg.job.state in (JobState.INTENDED, JobState.UNKNOWN):
            try:
                await self._accepted(leg, service, place)
            except Unwritten as lost:
                raise await self._rescued(leg.job, lost) from lost
            self.teller.step("submitted", leg.flight)
        ticket = leg.job.ticket
        if ticket is None:
            raise JobFailed(f"job {leg.job.id} has no ticket", billed=None)
        return ticket

    async def _accepted(self, leg: Leg, service: Service, place: Place | None) -> None:
        load = partial(self.intake.supply, leg.job.quote.order.inputs())

        def waiting(reason: str, detail: str) -> None:
            self.teller.step("waiting", leg.flight, reason=reason, detail=detail)

        if leg.job.state == JobState.INTENDED:
            await self.submitter.submit(leg, service, load, waiting, place)
            return
        kept = await anyio.to_thread.run_sync(self._rescue.find, leg.job.id)
        if kept is not None:
            await self.submitter.lookup.adopt(leg, kept, service)
            return
        waiting("lookup", LOOKED_FOR)
        try:
            if await self.submitter.reconcile(leg, service, load):
                return
        except OutcomeUnknown as unknown:
            await anyio.to_thread.run_sync(self._tell_where, leg.job.id, unknown)
            raise
        if not leg.flight.waiters:
            unwanted = DramagenError("given up before it was sent again")
            await self.submitter.give_up(leg.job, unwanted)
            raise unwanted
        await self.submitter.submit(leg, service, load, waiting)

    def _tell_where(self, job_id: str, unknown: OutcomeUnknown) -> None:
        """Another home may know what this one cannot: its ticket, if it came and the journal could not be written."""
        there = sender(self.submitter.journal.timeline(job_id))
        if there is not None and there != whereabouts(self.store.home):
            unknown.args = (
                f"{unknown.message}. It was sent from {there}: if {NAME} there names the job, copy that line into "
                f"{self._rescue.path} and run again",
            )

    @property
    def _rescue(self) -> Rescue:
        return Rescue(self.store.home / NAME)

    async def _rescued(self, job: Job, lost: Unwritten) -> JournalUnavailable:
        with anyio.CancelScope(shield=True):
            kept = await anyio.to_thread.run_sync(self._rescue.keep, job.id, lost.ticket)
        what = (
            f"its id is kept in {self._rescue.path.name}, run again"
            if kept
            else "NOTE ITS ID, it is kept nowhere"
        )
        return JournalUnavailable(f"{lost}; {what}", provider=job.route.provider, model=job.route.model)


def same_key(job: Job, service: Service) -> None:
    """A job can only be asked about with the key it was sent with: to any other it does not exist.

    Raises ``AuthError`` where that is not the one there is now.
    """
    if job.state == JobState.INTENDED or job.credential == service.access.fingerprint:
        return
    raise AuthError(
        f"job {job.id} was sent with another key or host; set that one again to go on with it. "
        f"Up to {job.reserved} stays reserved",
        provider=job.route.provider, model=job.route.model, billed=None, retryable=True,
    )  # fmt: skip
