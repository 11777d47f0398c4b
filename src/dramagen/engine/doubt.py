"""Before a create that was refused for the moment is sent again: has the vendor made its job all the same?

A refusal in the vendor's own words is all but always true. It is not where a gateway answers 429 for a service behind
it that films. So the vendor is asked once, just before the create goes out again:

* it shows the job, by name or by its words: the job is ours, and nothing is sent;
* it shows nothing that could be it, or cannot be asked: the refusal is believed;
* it shows a job of those very seconds that no order has, and does not say whose: the order is unknown until it does.
  It gives up its turn meanwhile, so that nobody else waits. That the vendor cannot be asked any more ends no such
  doubt: only its word does.
"""

from dataclasses import dataclass

import anyio
import anyio.to_thread

from dramagen.adapters.base import Absent, Ticket, Unsure
from dramagen.engine.held import Held, move
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal, TicketContested, TicketTaken
from dramagen.engine.limits.gate import Turn
from dramagen.engine.lookup import Lookup, Patience, lost
from dramagen.engine.service import Service
from dramagen.engine.state import JobState
from dramagen.errors import ConcurrencyLimited, DramagenError, RateLimited

REFUSED = "refused"
"""In the line of the timeline that says why a job is unknown: when its create was refused, Unix seconds."""

ASKING = 20.0
"""Real seconds for one look: whoever takes it may keep others waiting, and what has no answer by then has none."""

PARTING = 5.0
"""Real seconds for the last look at a job that is let go: somebody wants to leave."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """Looks for jobs that vendors say they did not make."""

    journal: Journal
    lookup: Lookup

    async def believed(self, held: Held, service: Service, turn: Turn | None = None) -> bool:
        """Whether nothing was made, as the vendor said; else the job goes from intended to accepted, or unknown.

        One look. ``turn``: the one it is taken in, where it is in one.
        """
        if not _answered(held.job.error) or held.job.sent_at is None or not service.find.findable:
            return True
        refused = held.job.sent_until or held.job.updated
        found: Ticket | Absent | Unsure = Unsure("no answer")
        with anyio.move_on_after(ASKING):
            found = await self.lookup.glance(held.job, service, refused=refused)
        if isinstance(found, Unsure) and found.maybe:
            await self._doubted(held, found.why, refused)
            return False
        if not isinstance(found, Ticket):
            return True
        try:
            await self._adopted(held, found, service, turn)
        except TicketContested:
            await self._doubted(held, _contested(found), refused)
        except TicketTaken:
            return True
        return False

    async def left(self, held: Held, service: Service, within: float | None = None) -> bool:
        """Whether nothing was made of a job that nobody wants any more: a short look, whatever is cancelled.

        ``within``: real seconds, by default ``PARTING``.
        """
        with anyio.move_on_after(PARTING if within is None else within, shield=True):
            await self.believed(held, service)
        return held.job.state == JobState.INTENDED

    async def settle(self, held: Held, service: Service) -> bool:
        """Whether the job was unknown because of such a doubt; it is then accepted, or intended again.

        Raises ``OutcomeUnknown`` where the vendor does not say whose job it is for as long as the card's patience.
        """
        refused = await anyio.to_thread.run_sync(self._refused, held.job)
        if refused is None:
            return False
        patience = Patience(self.lookup.clock, None, service.find.patience)
        while True:
            found = await self.lookup.glance(held.job, service, refused=refused)
            # A list that cannot be read is no word on the job it showed before.
            why = found.why if isinstance(found, Unsure) and (found.maybe is None or found.maybe) else ""
            if isinstance(found, Ticket):
                try:
                    with anyio.CancelScope(shield=True):
                        await self._adopted(held, found, service)
                    return True
                except TicketContested:
                    why = _contested(found)
                except TicketTaken:
                    pass  # another order's, whose ticket came meanwhile
            if not why:
                with anyio.CancelScope(shield=True):
                    detail = {"why": "the vendor has no job that could be its"}
                    await move(self.journal, held, JobState.INTENDED, detail=detail)
                return True
            if patience.over:
                raise lost(held.job, why, "was refused, but its job may have been made all the same,")
            await patience.pause()

    async def _adopted(self, held: Held, found: Ticket, service: Service, turn: Turn | None = None) -> None:
        """Raises ``TicketTaken`` where another order has that job, ``TicketContested`` where it may come to."""
        await move(
            self.journal, held, JobState.ACCEPTED, ticket=found, detail={"found": True}, adopted=True,
            alike=service.find.tag != "unique", within=None if turn is None else turn.found,
        )  # fmt: skip

    async def _doubted(self, held: Held, why: str, refused: float) -> None:
        await move(
            self.journal, held, JobState.UNKNOWN, sent_until=refused, detail={"why": why, REFUSED: refused}
        )

    def _refused(self, job: Job) -> float | None:
        """When the create was refused whose job is doubted; None where its answer was lost."""
        lines = [line for line in self.journal.timeline(job.id) if line["kind"] == JobState.UNKNOWN]
        return lines[-1].get(REFUSED) if lines else None


def _contested(found: Ticket) -> str:
    return f"{found.id} may be its job, or that of a create under way"


def _answered(error: DramagenError | None) -> bool:
    """Whether it is a vendor's answer to a create: without a connection there was nobody to make anything."""
    if error is None:
        return False
    return isinstance(error, ConcurrencyLimited | RateLimited) or (error.refused and error.code is not None)
