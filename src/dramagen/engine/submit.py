"""Sending a create: once, written down before and after, and looked for when its answer is lost.

A create has three outcomes. Refused: nothing was made, and it may be sent again. Accepted: there is a ticket,
and it is on disk before anything else happens. Unknown: everything else; it is looked for by the vendor's own
means, and sent again only where the vendor documents our tag as unique and says it has never seen it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
import tenacity

from dramagen.adapters.base import Absent, Attempt, Ticket
from dramagen.engine.clock import Clock
from dramagen.engine.http import Http, LostAnswer, Sent
from dramagen.engine.journal import Job, Journal, TicketTaken
from dramagen.engine.service import Service
from dramagen.engine.state import JobState
from dramagen.errors import (
    ConcurrencyLimited,
    DramagenError,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
)

TRIES: dict[type[DramagenError], int] = {ConcurrencyLimited: 60, RateLimited: 10, ProviderUnavailable: 5}
"""How often a create that was refused for the moment is sent, in all."""

RESENDS = 2
"""How often a create the vendor has never seen is sent again, each time with the same tag."""

LOOKS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between looks for a lost create; the last one repeats until the vendor's look-up time is over."""


class Again(Exception):
    """A create was refused for the moment: nothing was made, the same one may be sent again."""

    def __init__(self, cause: DramagenError) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Submitter:
    """Sends creates. ``on_unknown`` is the setting of that name."""

    journal: Journal
    http: Http
    clock: Clock
    on_unknown: str = "hold"

    async def submit(self, job: Job, service: Service, inputs: Mapping[str, bytes]) -> Job:
        """From intended to accepted.

        Raises:
            the vendor's typed refusal, once waiting no longer helps; the job is then refused, its money free.
            OutcomeUnknown: the answer is lost and the job cannot be found; its money stays reserved.
        """

        def impatient(state: tenacity.RetryCallState) -> bool:
            again = state.outcome.exception() if state.outcome else None
            kind = type(again.cause) if isinstance(again, Again) else DramagenError
            return state.attempt_number >= TRIES.get(kind, 1)

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(Again),
            stop=impatient,
            wait=_pause,
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            job = await retrying(self._once, job, service, inputs)
        except Again as last:
            await self.give_up(job, last.cause)
            raise last.cause from None
        if job.state == JobState.UNKNOWN:
            return await self.reconcile(job, service, inputs)
        return job

    async def _once(self, job: Job, service: Service, inputs: Mapping[str, bytes]) -> Job:
        # The outcome reaches the disk whatever happens to the caller meanwhile.
        with anyio.CancelScope(shield=True):
            job, trouble = await self._send(job, service, inputs)
            again = trouble is not None and trouble.retryable and type(trouble) in TRIES
            if trouble is not None and again and job.state == JobState.SENDING:
                job = await self._move(job, JobState.INTENDED, error=trouble)
            elif trouble is not None and not again:
                job = await self._move(job, JobState.REFUSED, error=trouble)
        if trouble is None:
            return job
        if again:
            raise Again(trouble)
        raise trouble

    async def _send(
        self, job: Job, service: Service, inputs: Mapping[str, bytes]
    ) -> tuple[Job, DramagenError | None]:
        """Send one create. The job ends up accepted, or unknown, or where it is with the refusal."""
        order = job.quote.order
        attempt = Attempt(tag=job.tag, created=self.clock.now(), inputs=inputs)
        current = job

        async def announce(sent: Sent) -> None:
            nonlocal current
            current = await self._move(
                job, JobState.SENDING, sent_at=attempt.created, body_digest=sent.body_digest,
                detail={"path": sent.path},
            )  # fmt: skip

        try:
            flow = service.adapter.submit(order, attempt)
            ticket = await self.http.run(flow, service.adapter, service.access, on_create=announce)
        except LostAnswer as lost:
            return await self._unknown(current, str(lost)), None
        except DramagenError as error:
            if current.state == JobState.SENDING and not error.refused:
                return await self._unknown(current, str(error)), None
            return current, error
        return await self._move(current, JobState.ACCEPTED, ticket=ticket), None

    async def _unknown(self, job: Job, why: str) -> Job:
        return await self._move(job, JobState.UNKNOWN, sent_until=self.clock.now(), detail={"why": why})

    async def give_up(self, job: Job, error: DramagenError) -> None:
        """From intended to refused: nothing was made, and nothing will be."""
        with anyio.CancelScope(shield=True):
            await self._move(job, JobState.REFUSED, error=error)

    # --- looking for a lost create -------------------------------------------------------------------------

    async def reconcile(self, job: Job, service: Service, inputs: Mapping[str, bytes]) -> Job:
        """From unknown to accepted, or ``OutcomeUnknown``. Never falls back, never releases money."""
        for _ in range(RESENDS + 1):
            found = await self._look(job, service)
            if isinstance(found, Ticket):
                return await self._adopt(job, found, service)
            if not isinstance(found, Absent) or not self._may_resend(service):
                raise self._lost(job, found if isinstance(found, str) else "the vendor knows no such job")
            with anyio.CancelScope(shield=True):
                # Same tag: if the first create arrives after all, the vendor sees two with one name.
                job, refusal = await self._send(job, service, inputs)
                if job.state == JobState.ACCEPTED:
                    return job
                if job.state == JobState.SENDING:
                    job = await self._unknown(job, str(refusal))
        raise self._lost(job, "it was sent again and its answer was lost again")

    async def _adopt(self, job: Job, ticket: Ticket, service: Service) -> Job:
        # Equal renders share one local ticket; a vendor's job is only ever one of ours.
        ours_alone = not service.access.local
        try:
            with anyio.CancelScope(shield=True):
                job = await self._move(
                    job, JobState.ACCEPTED, ticket=ticket, detail={"found": True}, adopted=ours_alone
                )
        except TicketTaken:
            raise self._lost(job, "the only job found for it belongs to another shot") from None
        return job

    def _may_resend(self, service: Service) -> bool:
        return service.find.tag == "unique" or self.on_unknown == "resend"

    async def _look(self, job: Job, service: Service) -> Ticket | Absent | str:
        """A ticket; Absent once the vendor's look-up time is over; or why it cannot be said."""
        if not service.find.findable:
            return "this vendor has no way to look for it"
        order = job.quote.order
        attempt = Attempt(job.tag, job.sent_at or job.created, job.sent_until)
        lost_at = job.sent_until or self.clock.now()
        pauses = iter(LOOKS)
        answer: Ticket | Absent | str = "it was not looked for"
        while True:
            try:
                found = await self.http.run(
                    service.adapter.find(order, attempt), service.adapter, service.access
                )
                answer = found if isinstance(found, Ticket | Absent) else found.why
            except DramagenError as error:
                answer = str(error)
            if isinstance(answer, Ticket):
                return answer
            if self.clock.since(lost_at) >= service.find.patience:
                return answer
            await self.clock.sleep(next(pauses, LOOKS[-1]))

    def _lost(self, job: Job, why: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"the create got no answer and it is not known whether it was billed: {why}. "
            f"Up to {job.reserved} stays reserved; see 'dramagen jobs show {job.id}'",
            at_risk=job.reserved,
            job_id=job.id,
            provider=job.route.provider,
            model=job.route.model,
        )

    async def _move(self, job: Job, to: JobState, **known: Any) -> Job:
        return await anyio.to_thread.run_sync(lambda: self.journal.move(job, to, **known))


def _pause(state: tenacity.RetryCallState) -> float:
    """What the vendor asked for, else from one second up, doubling, with jitter."""
    again = state.outcome.exception() if state.outcome else None
    asked = again.cause.retry_after if isinstance(again, Again) else None
    if asked is not None:
        return min(max(asked, 1.0), 300.0)
    return float(tenacity.wait_random_exponential(multiplier=2, max=20)(state)) + 1.0
