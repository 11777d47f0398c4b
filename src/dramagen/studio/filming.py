"""One take, from the shot to its clip: what is held already, else the planned routes one after the other."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import anyio
import anyio.to_thread

from dramagen.catalog.order import ORDER_VERSION, Quote
from dramagen.catalog.route import Route
from dramagen.clip import Clip
from dramagen.config import Budget
from dramagen.engine.doubt import PARTING
from dramagen.engine.engine import GIVEN_UP_UNSENT, Engine
from dramagen.engine.guard import Guard
from dramagen.engine.intake import media_of, shot_record
from dramagen.engine.jobs import Intent, Job
from dramagen.engine.state import JobState
from dramagen.engine.submit import GIVEN_UP
from dramagen.errors import ConfigError, DramagenError
from dramagen.events import Event, Kind
from dramagen.identity import digest, shot_hash
from dramagen.money import Money
from dramagen.routing.causes import cause_of
from dramagen.routing.doubts import Doubts
from dramagen.routing.policy import Chooser
from dramagen.settings import Settings
from dramagen.shot import Shot
from dramagen.studio.planning import Planner
from dramagen.studio.trying import Gone, Trying, Wanted

T = TypeVar("T")

PREVIZ_ONLY = "filmed on previz: no provider has a key"
CLOSED = "the studio was closed; what was sent goes on, and resume() in the next one picks it up"

DESK = 4
"""Takes planned and reserved at once: that is work for the processor, and more of it at once would only be slower."""

Ended = Literal["stays", "vacant", "refused", "over"]
"""How a job stands once waiting for it raised: it is still somebody's to pay or settle; it was let go before it was
sent, and may be ordered again; no job was made; or the vendor made one and gave its verdict, or what it gave is
unusable. After the last two a remedy may be tried, after nothing else."""


@dataclass(frozen=True, slots=True)
class _Booked:
    """What became of a take that was to be ordered: the job that holds it, or why there is none.

    Attributes:
        quote: where it was to be ordered; None where somebody held it already.
        planned: when that was known, Unix seconds.
        started: whether the job is new.
    """

    wanted: Wanted
    quote: Quote | None = None
    planned: float = 0.0
    job: Job | None = None
    started: bool = False
    error: DramagenError | None = None


@dataclass(frozen=True, slots=True)
class Filming:
    """Brings takes home through one engine. ``doubts``: what the verdicts of this run foretell."""

    engine: Engine
    planner: Planner
    settings: Settings
    emit: Callable[[Event], None]
    doubts: Doubts = field(default_factory=Doubts)
    _fetching: dict[str, anyio.Lock] = field(default_factory=dict)
    _desk: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(DESK, fast_acquire=True))

    async def fetch(self, shot: Shot) -> None:
        """Fetch every URL of the shot that is not known yet; each is fetched once, however many ask for it."""
        urls = {media.url for media in media_of(shot) if media.url is not None}
        async with AsyncExitStack() as held:
            for url in sorted(urls):
                await held.enter_async_context(self._fetching.setdefault(url, anyio.Lock()))
            if urls:
                await self.engine.intake.fetch(shot, Guard(self.settings.allow_private))

    async def shoot(
        self,
        shot: Shot,
        take: int,
        fresh: bool,
        episode: str | None,
        budgets: tuple[Budget, ...],
        policy: Chooser | None = None,
    ) -> Clip:
        """The clip of a take, filmed if need be. See :meth:`Studio.shoot`."""
        for cap in budgets:
            self.settings.rated(cap.limit)
        try:
            await self.fetch(shot)
        except DramagenError as error:
            self._stopped(shot, take, error)
            raise
        wanted = Wanted(shot, "", take, episode, (*self.settings.budgets, *budgets), policy)
        errors: tuple[DramagenError, ...] = ()
        tried: tuple[Route, ...] = ()
        while True:
            wanted, job, started = await self._order(wanted, fresh, tried, errors)
            fresh = False  # the generation this call asked for is there now
            job_id, route, landing = job.id, job.route, self.engine.clip(job, shot, started)
            del job  # thousands wait here, and each would hold its order
            try:
                clip = await landing
                if started:
                    self.doubts.gave(route.id)
                # Only the call that started the job paid for it now.
                return clip.model_copy(update={"cached": not started})
            except anyio.get_cancelled_exc_class():
                if started:
                    await self._vacate(job_id)
                raise
            except anyio.ClosedResourceError:
                raise ConfigError(CLOSED) from None
            except DramagenError as error:
                ended = await self._ended(job_id)
                if ended == "vacant":
                    continue
                gone = Gone(job_id, route, made=ended == "over")
                remedied = (
                    await self._remedied(wanted, gone, started, error, tried) if ended != "stays" else None
                )
                if remedied is None:
                    error.attempts = errors or error.attempts
                    raise
                # Changed, the shot is another order, which its route has said nothing of yet.
                tried = (*tried, route) if remedied.remedy == "other_route" else tried
                wanted, errors = remedied, (*errors, error)

    async def _remedied(
        self, wanted: Wanted, gone: Gone, started: bool, verdict: DramagenError, tried: Collection[Route]
    ) -> Wanted | None:
        """The take as it is tried next; None where nothing is, and the verdict says then what might have been.

        Args:
            started: this call started the job, and is the one whose studio learns from the verdict.
        """
        remedied = self._trying.remedied(wanted, gone, verdict)
        if started:
            self.doubts.refused(cause_of(verdict), gone.route.id)
        if remedied is None:
            async with self._desk:
                verdict.untried = await self._ask(self._trying.untried, wanted, gone, verdict, tried)
        return remedied

    @property
    def _trying(self) -> Trying:
        routing = self.settings.routing
        return Trying(self.engine, self.planner, routing.remedies, self.doubts, routing.failures)

    async def _order(
        self, wanted: Wanted, fresh: bool, tried: Collection[Route], errors: Sequence[DramagenError]
    ) -> tuple[Wanted, Job, bool]:
        """The job that holds the take, else that of the best route that gave no verdict on it yet; whether it is new.

        Args:
            wanted: without a key at first; it comes back with one, and who holds the take is not asked again.
            tried: the routes that gave theirs to this very call, in ``errors``.
        """
        # The others wait where they hold next to nothing.
        async with self._desk:
            began, route = self.engine.clock.now(), None
            try:
                booked = await self._ask(self._booked, wanted, fresh, tried, errors)
                wanted, quote = booked.wanted, booked.quote
                if quote is not None:
                    route = quote.route.id
                    self._planned(wanted, quote, errors, began, booked.planned)
                if booked.error is not None:
                    raise booked.error
            except DramagenError as stop:
                if stop not in errors:
                    stop.attempts = stop.attempts or tuple(errors)
                    self._stopped(wanted.shot, wanted.take, stop, route)
                raise
        assert booked.job is not None
        if quote is not None and booked.started:
            self._tell("reserved", wanted.shot, booked.job, money=quote.price.most)
        return wanted, booked.job, booked.started

    def _booked(
        self, wanted: Wanted, fresh: bool, tried: Collection[Route], errors: Sequence[DramagenError]
    ) -> _Booked:
        """Look the take up, and where nobody holds it choose its route and reserve it there. Blocks.

        One visit for all of it: going to a thread and back costs more than what is done there.
        """
        unheld = bool(wanted.key)
        if not unheld:
            wanted = replace(wanted, key=shot_hash(wanted.shot, self.engine.intake.sha256))
        said = self._trying.look(wanted, fresh, unheld=unheld)
        if isinstance(said, Job):
            return _Booked(wanted, job=said)
        quote, why = self._trying.best(wanted, said, tried, errors)
        booked = _Booked(wanted, quote, self.engine.clock.now())
        try:
            if self.engine.submitter.gate.over:
                raise ConfigError(CLOSED)
            intent = self._intent(wanted, quote, why, fresh)
            job, started = self.engine.journal.reserve(intent)
        except DramagenError as error:
            return replace(booked, error=error)
        return replace(booked, job=job, started=started)

    def _intent(self, wanted: Wanted, quote: Quote, why: str, fresh: bool) -> Intent:
        engine, shot = self.engine, wanted.shot
        access = engine.services.access(quote.route.provider)[quote.route.region]
        if access.local and shot.pin is None:
            quote = quote.model_copy(update={"warnings": (*quote.warnings, PREVIZ_ONLY)})
        engine.intake.keep(shot)
        return Intent(
            shot_hash=wanted.key,
            take=wanted.take,
            quote=quote,
            order_hash=_identity(quote),
            shot=shot_record(shot, engine.intake),
            shot_id=shot.id,
            episode=wanted.episode,
            credential=access.fingerprint,
            owner=engine.owner.id,
            fresh=fresh,
            pin=shot.pin,
            budgets=wanted.budgets,
            cap_currency=self.settings.currency,
            decision=why,
            changed=wanted.silent is not None,
            after=None if wanted.last is None else wanted.last.job,
            again=wanted.repeats(quote),
        )

    async def _vacate(self, job_id: str) -> None:
        """Free the money of a job whose caller left before anybody drove it."""
        with anyio.CancelScope(shield=True):
            if job_id in self.engine.flights:
                return
            last = await _thread(self.engine.journal.get, job_id)
            if last is not None and last.state == JobState.INTENDED and last.owner == self.engine.owner.id:
                await self.engine.parting.let_go(last, GIVEN_UP_UNSENT, PARTING)

    async def _ended(self, job_id: str) -> Ended:
        last = await self._ask(self.engine.journal.get, job_id)
        if last is None or last.state not in (JobState.REFUSED, JobState.FAILED, JobState.DEFECTIVE):
            return "stays"
        if last.state != JobState.REFUSED:
            return "over"
        return "vacant" if last.error is not None and last.error.code == GIVEN_UP else "refused"

    async def _ask(self, question: Callable[..., T], *args: Any) -> T:
        """The journal's answer. Raises ``ConfigError`` where the studio, and with it the journal, was closed."""
        try:
            return await _thread(question, *args)
        except Exception:
            if self._closed:
                raise ConfigError(CLOSED) from None
            raise

    @property
    def _closed(self) -> bool:
        return self.engine.group.cancel_scope.cancel_called

    def _planned(
        self, wanted: Wanted, quote: Quote, errors: Sequence[DramagenError], began: float, at: float
    ) -> None:
        price, reason, detail = quote.price, "", ""
        kind: Kind = "planned"
        if errors:
            kind, reason = "fell_back", wanted.taken(quote)
            detail = f"{reason} after {cause_of(errors[-1])}: {price.expected}, at most {price.most}"
        self.emit(Event(
            kind, wanted.shot, wanted.take, at, quote.route.id,
            money=price.expected, seconds=at - began, reason=reason, detail=detail,
        ))  # fmt: skip

    def _tell(self, kind: Kind, shot: Shot, job: Job, money: Money | None = None) -> None:
        self.emit(Event(kind, shot, job.take, self.engine.clock.now(), job.route.id, job.id, money=money))

    def _stopped(self, shot: Shot, take: int, error: DramagenError, route: str | None = None) -> None:
        """A take that ended without a job."""
        at, kind = self.engine.clock.now(), type(error).__name__
        self.emit(Event("failed", shot, take, at, route, detail=str(error), reason=kind))


def _identity(quote: Quote) -> str:
    """What is bought and how it is handed over. Two shots may come to one order and still not be one clip: of five
    seconds ordered one keeps all, the other four and a half."""
    if quote.trim is None and not quote.adjustments:
        return quote.order.hash
    kept = None if quote.trim is None else quote.trim.seconds
    adjusted = [a.model_dump() for a in quote.adjustments]
    return digest(ORDER_VERSION, {"order": quote.order.hash, "keep": kept, "adjusted": adjusted})


async def _thread(function: Callable[..., T], *args: Any) -> T:
    return await anyio.to_thread.run_sync(function, *args)
