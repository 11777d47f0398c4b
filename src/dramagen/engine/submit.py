"""Sending a create: once, written down before and after, and looked for when its answer is lost.

A create has three outcomes. Refused: nothing was made, and it may be sent again. Accepted: there is a ticket,
and it is on disk before anything else happens. Unknown: everything else; it is looked for by the vendor's own
means, and sent again only where the vendor documents our tag as unique and says it has never seen it.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import anyio
import anyio.to_thread
import tenacity

from dramagen.adapters.base import Absent, Attempt, Ticket
from dramagen.engine.callback_address import CallbackAddress
from dramagen.engine.clock import Clock
from dramagen.engine.database import JournalUnavailable, Transaction
from dramagen.engine.doubt import Doubts
from dramagen.engine.given import Given
from dramagen.engine.held import Held, move
from dramagen.engine.http import Http, LostAnswer, Sent
from dramagen.engine.intake import Supply
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal
from dramagen.engine.limits.gate import Closed, Full, Gate, Place, Turn
from dramagen.engine.lookup import Lookup, lost
from dramagen.engine.owner import LeaseLost, Owner, Pledge
from dramagen.engine.rescue import SENDER, whereabouts
from dramagen.engine.service import Service
from dramagen.engine.state import JobState
from dramagen.errors import (
    ConcurrencyLimited,
    DramagenError,
    InvalidShot,
    ProviderUnavailable,
    RateLimited,
)

TRIES: dict[type[DramagenError], int] = {
    ConcurrencyLimited: 60,
    RateLimited: 10,
    ProviderUnavailable: 5,
    LeaseLost: 3,
}
"""How often a create that was refused for the moment is sent, in all."""

RESENDS = 2
"""How often a create the vendor has never seen is sent again, each time with the same tag."""

AGAIN = 15.0
"""Seconds after which the vendor is asked anew about a refused create, where it had no turn to go out meanwhile."""

GIVEN_UP = "given-up"
"""The code of the error of a job that was let go before it was sent."""

LOOKED_FOR = "its create got no answer; the vendor is asked whether it has it"

DOUBTED = "its create was refused, but the vendor has a job that may be its, and is asked whose it is"

Within = Callable[[Transaction], None] | None
"""What is written down in the same transaction as a job's next state."""

Load = Callable[[], Supply]
"""Reads the media an order sends; blocks."""

Waiting = Callable[[str, str], None]
"""Told what a create waits for: one word, ``retry`` or ``lookup``, and a sentence."""


def _nobody(reason: str, detail: str) -> None:
    """Nobody listens."""


class Again(Exception):
    """A create was refused for the moment: nothing was made, the same one may be sent again."""

    def __init__(self, cause: DramagenError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Doubted(Exception):
    """A create is not sent again: the job of the one before, though that was refused, may be at the vendor."""


class Unwritten(Exception):
    """The vendor made a job and the journal could not be written: ``ticket`` is all there is of it."""

    def __init__(self, ticket: Ticket, problem: Exception) -> None:
        super().__init__(f"job {ticket.id} was made and could not be written down: {problem}")
        self.ticket = ticket


@dataclass(frozen=True, slots=True)
class Submitter:
    """Sends creates. ``on_unknown`` is the setting of that name; ``address`` is where vendors may call."""

    journal: Journal
    http: Http
    clock: Clock
    owner: Owner
    address: CallbackAddress
    gate: Gate
    lookup: Lookup
    on_unknown: str = "hold"
    given: Given = field(default_factory=Given)

    @property
    def doubts(self) -> Doubts:
        """What is asked before a create that was refused is sent again."""
        return Doubts(self.journal, self.lookup)

    async def submit(
        self,
        held: Held,
        service: Service,
        load: Load,
        waiting: Waiting = _nobody,
        place: Place | None = None,
    ) -> None:
        """From intended to accepted. ``place``: where its turn has come; without one it is waited for.

        Raises:
            the vendor's typed refusal, once waiting no longer helps; the job is then refused, its money free.
            OutcomeUnknown: the answer is lost and the job cannot be found; its money stays reserved.
            JournalUnavailable: before the create was sent, or while its outcome was being written.
            Unwritten: the vendor made the job, and its ticket could not be written.
        """
        send = partial(self._in_turn, held, service, load, waiting, [place])
        try:
            try:
                await send()
            except Again as refused:
                # Few creates come here, and getting ready to try again costs as much as writing one down.
                await self._tried_again(refused, waiting, send)
        except (Closed, Again) as last:
            if await self._made_all_the_same(held, service, waiting):
                return
            error = last.error if isinstance(last, Closed) else last.cause
            with anyio.CancelScope(shield=True):
                await move(self.journal, held, JobState.REFUSED, error=error)
            raise error from None
        if held.job.state == JobState.UNKNOWN:
            waiting("lookup", LOOKED_FOR)
            await self._reconcile(held, service, load)

    async def _tried_again(
        self, refused: Again, waiting: Waiting, send: Callable[[], Awaitable[None]]
    ) -> None:
        """Send a create again that was refused for the moment, as often as its refusals allow. Raises the last."""
        first = [refused]

        async def attempt() -> None:
            if first:
                raise first.pop()  # the one there was: it counts, and is waited after
            await send()

        def impatient(state: tenacity.RetryCallState) -> bool:
            again = state.outcome.exception() if state.outcome else None
            kind = type(again.cause) if isinstance(again, Again) else DramagenError
            return state.attempt_number >= TRIES.get(kind, 1)

        def again(state: tenacity.RetryCallState) -> None:
            waiting("retry", str(state.outcome.exception()) if state.outcome else "")

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(Again),
            stop=impatient,
            wait=_pause,
            sleep=self.clock.sleep,
            before_sleep=again,
            reraise=True,
        )
        await retrying(attempt)

    async def _in_turn(
        self, held: Held, service: Service, load: Load, waiting: Waiting, first: list[Place | None]
    ) -> None:
        looked: float | None = (
            None  # when the vendor was asked last whether the create that was refused made a job
        )
        while True:
            with suppress(Full):
                turn_of = self.gate.turn(held.job, service, waiting, first.pop() if first else None)
                try:
                    async with turn_of as turn, self.http.creating(service.access):
                        if looked is None or self.clock.monotonic() - looked > AGAIN:
                            await self._believed(held, service, turn)
                            looked = self.clock.monotonic()
                        if held.job.state == JobState.INTENDED:
                            await self._once(held, service, load, turn)
                        return
                except Doubted:
                    waiting("lookup", DOUBTED)
                    await self.doubts.settle(held, service)
                if held.job.state == JobState.ACCEPTED:
                    return
                looked = self.clock.monotonic()

    async def _believed(self, held: Held, service: Service, turn: Turn) -> None:
        """From intended to accepted where a refused create made a job. Raises ``Doubted`` where it may have."""
        with anyio.CancelScope(shield=True):
            await self.doubts.believed(held, service, turn)
        if held.job.state == JobState.UNKNOWN:
            raise Doubted

    async def _made_all_the_same(self, held: Held, service: Service, waiting: Waiting) -> bool:
        """Whether a create that will not be sent again made a job, though it was refused to the last."""
        with anyio.CancelScope(shield=True):
            if await self.doubts.believed(held, service):
                return False
        if held.job.state == JobState.UNKNOWN:
            waiting("lookup", DOUBTED)
            await self.doubts.settle(held, service)
        return held.job.state == JobState.ACCEPTED

    async def _once(self, held: Held, service: Service, load: Load, turn: Turn) -> None:
        # The outcome reaches the disk whatever happens to the caller meanwhile.
        with anyio.CancelScope(shield=True):
            sent = self.clock.now()
            trouble = await self._send(held, service, load, turn)
            if trouble is None:
                return
            learn = None if isinstance(trouble, LeaseLost) else partial(turn.ended, error=trouble, sent=sent)
            again = trouble.retryable and type(trouble) in TRIES
            if not again:
                await move(self.journal, held, JobState.REFUSED, error=trouble, within=learn)
            elif held.job.state == JobState.SENDING:
                await move(
                    self.journal, held, JobState.INTENDED,
                    error=trouble, sent_until=self.clock.now(), within=learn,
                )  # fmt: skip
            elif learn is not None:
                await anyio.to_thread.run_sync(self.journal.transact, learn)
            raise Again(trouble) if again else trouble

    async def _send(
        self, held: Held, service: Service, load: Load, turn: Turn | None = None
    ) -> DramagenError | None:
        """Send one create. The job ends up accepted, or unknown, or where it is with the refusal returned.

        Without a turn it is one that may have been sent already, and is running as far as anybody knows.
        """
        created = self.clock.now()
        # A create sent again is looked for from the first one's time on: that one may have arrived.
        since = held.job.sent_at if held.job.state == JobState.UNKNOWN else None
        base: str | None = None
        media = Supply({})

        async def announce(sent: Sent) -> None:
            given: list[Pledge] = []

            def within(tx: Transaction) -> None:
                if turn is not None:
                    turn.sending(tx)
                given.append(self.owner.pledge(tx))

            detail = {"path": sent.path, SENDER: whereabouts(self.address.home)}
            if base:
                detail["callback"] = base
            await move(self.journal,
                held, JobState.SENDING, sent_at=since or created, body_digest=sent.body_digest,
                credential=service.access.fingerprint, detail=detail,
                within=within,
            )  # fmt: skip
            given[-1]()

        def learnt(error: DramagenError | None) -> Within:
            return None if turn is None else partial(turn.ended, error=error, sent=created)

        try:
            base, url, media = await self._enclosed(held.job, load)
            attempt = Attempt(held.job.tag, created, callback_url=url, inputs=media.contents, urls=media.urls)
            flow = service.adapter.submit(held.job.quote.order, attempt)
            ticket = await self.http.run(flow, service.adapter, service.access, on_create=announce)
        except JournalUnavailable:
            raise
        except LostAnswer as error:
            await self._unknown(held, str(error), learnt(ProviderUnavailable(str(error))))
            return None
        except DramagenError as error:
            error.hide(*media.hidden)
            if held.job.state != JobState.SENDING or error.refused:
                return error
            await self._unknown(held, str(error), learnt(error))
            return None
        # Equal renders share one local ticket; a vendor's job is only ever one of ours.
        other = None if service.access.local else self.given.to_another(ticket, held.job.id)
        if other is not None:
            why = f"it was answered with {ticket.id}, the name the vendor gave job {other} before"
            await self._unknown(held, why, learnt(None))
            return None
        await self._accept(held, ticket, learnt(None))
        return None

    async def _enclosed(self, job: Job, load: Load) -> tuple[str | None, str | None, Supply]:
        """What :meth:`_callback` says, and the media that are sent. No thread is troubled where nothing is read."""

        def read() -> tuple[str | None, str | None, Supply]:
            return *self._callback(job), load()

        if job.state == JobState.UNKNOWN or self.address.base or job.quote.order.inputs():
            return await anyio.to_thread.run_sync(read)
        return read()

    def _callback(self, job: Job) -> tuple[str | None, str | None]:
        """The address a vendor is told, without and with the home's word, which is written nowhere else.

        A create sent again tells the address it told before: it must be the same create.
        """
        base = self.address.base
        if job.state == JobState.UNKNOWN:
            sent = [line for line in self.journal.timeline(job.id) if line["kind"] == JobState.SENDING]
            base = sent[-1].get("callback") if sent else None
        return base, self.address.url(job.route.provider, job.route.region, base) if base else None

    async def _accept(self, held: Held, ticket: Ticket, within: Within) -> None:
        try:
            await move(self.journal, held, JobState.ACCEPTED, ticket=ticket, within=within)
        except Exception as problem:
            raise Unwritten(ticket, problem) from problem

    async def _unknown(self, held: Held, why: str, within: Within = None) -> None:
        await move(
            self.journal, held, JobState.UNKNOWN,
            sent_until=self.clock.now(), detail={"why": why}, within=within,
        )  # fmt: skip

    async def interrupted(self, held: Held) -> None:
        """From sending to unknown: what sent the create broke before the outcome was written down."""
        with anyio.CancelScope(shield=True):
            await self._unknown(held, "sending was interrupted")

    async def give_up(self, job: Job, error: DramagenError) -> None:
        """From intended to refused: nothing was made, and nothing will be. No vendor's verdict; marked as such."""
        error.code = GIVEN_UP
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(lambda: self.journal.move(job, JobState.REFUSED, error=error))

    async def reconcile(self, held: Held, service: Service, load: Load) -> bool:
        """From unknown to accepted: True; or ``OutcomeUnknown``. Never falls back, never releases money.

        False for one that was refused, and unknown only since its job might be there all the same: the vendor has
        nothing that could be it, and it is intended again.
        """
        if await self.doubts.settle(held, service):
            return held.job.state == JobState.ACCEPTED
        await self._reconcile(held, service, load)
        return True

    async def _reconcile(self, held: Held, service: Service, load: Load) -> None:
        for sends_left in range(RESENDS, -1, -1):
            found = await self.lookup.find(held, service)
            if found is None:
                return
            if not isinstance(found, Absent) or not self._may_resend(service):
                raise lost(held.job, found if isinstance(found, str) else "the vendor knows no such job")
            if not sends_left:
                break
            with anyio.CancelScope(shield=True):
                # Same tag: if the first create arrives after all, the vendor sees two with one name.
                refusal = await self._send(held, service, load)
                if held.job.state == JobState.ACCEPTED:
                    return
                if held.job.state == JobState.UNKNOWN and isinstance(refusal, InvalidShot):
                    # Nothing left, nor ever will: what it needs is gone, such as a URL an earlier process had.
                    why = f"the vendor knows no such job, and it cannot be sent again: {refusal}"
                    raise lost(held.job, why)
                if held.job.state == JobState.SENDING:
                    # Not believed: the refusal may be about the name, which the first create took.
                    await self._unknown(held, str(refusal))
        raise lost(held.job, f"it was sent {RESENDS} times more and cannot be found")

    def _may_resend(self, service: Service) -> bool:
        return service.find.tag == "unique" or self.on_unknown == "resend"


def _pause(state: tenacity.RetryCallState) -> float:
    """What the vendor asked for, else from one second up, doubling, with jitter."""
    again = state.outcome.exception() if state.outcome else None
    if isinstance(again, Again) and isinstance(again.cause, ConcurrencyLimited | RateLimited):
        return 0.0  # it waits for its turn, as the whole line does
    asked = again.cause.retry_after if isinstance(again, Again) else None
    if asked is not None:
        return min(max(asked, 1.0), 300.0)
    return float(tenacity.wait_random_exponential(multiplier=2, max=20)(state)) + 1.0
