"""Looking for the job of a create whose answer was lost: asked of the vendor, and made ours if it is found.

Nothing is sent here that could make a job.
"""

import json
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread

from dramagen.adapters.base import Absent, Attempt, Ticket, Unsure
from dramagen.engine.clock import Clock
from dramagen.engine.database import Transaction
from dramagen.engine.held import Held, move
from dramagen.engine.http import Http
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal, TicketContested, TicketTaken
from dramagen.engine.limits.pace import Pacer
from dramagen.engine.service import Service
from dramagen.engine.state import JobState
from dramagen.errors import DramagenError, OutcomeUnknown

CONTESTED = 60
"""How often a job that may be another create's is left alone before a person is asked."""

LOOKS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between looks for a lost create; the last one repeats until the vendor's look-up time is over."""


HOUR, DAY = 3600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks for jobs by the means a vendor has: a tag, a list, a search."""

    journal: Journal
    http: Http
    clock: Clock
    pacer: Pacer

    async def find(self, held: Held, service: Service) -> Absent | str | None:
        """None once the job is found and ours; else the last word of the look-up."""
        for _ in range(CONTESTED):
            found = await self._look(held.job, service)
            if not isinstance(found, Ticket):
                return found
            try:
                await self.adopt(held, found, service, alike=service.find.tag != "unique")
            except TicketContested:
                # Another create is on its way, and this may be its job: its answer will tell.
                await self.clock.sleep(LOOKS[1])
            else:
                return None
        return "other creates were on their way all the while"

    async def adopt(self, held: Held, ticket: Ticket, service: Service, *, alike: bool = False) -> None:
        """From unknown to accepted, with a ticket that was found. Raises ``OutcomeUnknown`` if another job has it."""
        # Equal renders share one local ticket; a vendor's job is only ever one of ours.
        ours_alone = not service.access.local
        try:
            with anyio.CancelScope(shield=True):
                await move(
                    self.journal, held, JobState.ACCEPTED, ticket=ticket, detail={"found": True},
                    adopted=ours_alone, alike=alike,
                )  # fmt: skip
        except TicketTaken:
            raise lost(held.job, "the only job found for it belongs to another shot") from None

    async def _look(self, job: Job, service: Service) -> Ticket | Absent | str:
        """A ticket; Absent once the vendor's look-up time is over; or why it cannot be said."""
        if not service.find.findable:
            return "this vendor has no way to look for it"
        patience = Patience(self.clock, job.sent_until, service.find.patience)
        while True:
            answer = await self.glance(job, service)
            if isinstance(answer, Ticket):
                return answer
            if patience.over:
                return answer.why if isinstance(answer, Unsure) else answer
            await patience.pause()

    async def glance(
        self, job: Job, service: Service, *, refused: float | None = None
    ) -> Ticket | Absent | Unsure:
        """One look for the job of a create; ``refused``: when the vendor said that it made none."""
        others = await anyio.to_thread.run_sync(self.journal.consult, partial(_others, job=job))
        attempt = Attempt(
            job.tag,
            job.sent_at or job.created,
            (job.sent_until or self.clock.now()) if refused is None else refused,
            refused=refused is not None,
            others=others,
            ahead=None if refused is None else self.http.ahead(service.access),
        )
        try:
            return await self.http.run(
                service.adapter.find(job.quote.order, attempt), service.adapter, service.access,
                pace=partial(self.pacer.pace, service, "list"),
            )  # fmt: skip
        except DramagenError as error:
            return Unsure(str(error))


class Patience:
    """How long a look-up goes on, and how often it looks.

    ``since``: Unix seconds from which ``seconds`` count; None for now.
    """

    def __init__(self, clock: Clock, since: float | None, seconds: float) -> None:
        self._clock = clock
        # Counted on from here by what only goes forward: a clock that is set meanwhile is no patience.
        age = 0.0 if since is None else max(0.0, clock.since(since))
        self._end = clock.monotonic() + seconds - age
        self._pauses = iter(LOOKS)

    @property
    def over(self) -> bool:
        """Whether to look no more."""
        return self._clock.monotonic() >= self._end

    async def pause(self) -> None:
        """Wait until it is time to look again."""
        await self._clock.sleep(next(self._pauses, LOOKS[-1]))


def _others(tx: Transaction, job: Job) -> frozenset[str]:
    """The vendor's jobs of about that time that are known to be other orders'."""
    rows = tx.rows(
        "SELECT ticket FROM jobs "
        "WHERE created >= ? AND sent_at >= ? AND ticket IS NOT NULL AND id <> ? AND route LIKE ?",
        (job.created - DAY, (job.sent_at or job.created) - HOUR, job.id, f"{job.route.provider}:%"),
    )
    return frozenset(str(json.loads(row["ticket"])["id"]) for row in rows)


def lost(job: Job, why: str, what: str = "got no answer") -> OutcomeUnknown:
    """What is raised of a create that cannot be found: what is at risk, and why it cannot be said."""
    return OutcomeUnknown(
        f"the create {what} and it is not known whether it was billed: {why}. "
        f"Up to {job.reserved} stays reserved; see 'dramagen jobs show {job.id}'",
        at_risk=job.reserved,
        job_id=job.id,
        provider=job.route.provider,
        model=job.route.model,
    )
