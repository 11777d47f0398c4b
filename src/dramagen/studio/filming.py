"""One take, from the shot to its clip: what is held already, else the planned routes one after the other."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import anyio
import anyio.to_thread

from dramagen.catalog.order import ORDER_VERSION, Quote
from dramagen.catalog.route import Route
from dramagen.clip import Adjustment, Clip
from dramagen.config import Budget
from dramagen.engine.engine import GIVEN_UP_UNSENT, Engine
from dramagen.engine.guard import Guard
from dramagen.engine.intake import media_of, shot_record
from dramagen.engine.jobs import Intent, Job
from dramagen.engine.journal import JobMoved
from dramagen.engine.state import JobState
from dramagen.engine.submit import GIVEN_UP
from dramagen.errors import ConfigError, DramagenError, InvalidShot
from dramagen.events import Event, Kind
from dramagen.identity import digest, shot_hash
from dramagen.money import Money
from dramagen.routing.causes import DOUBT, USUAL, cause_of, shows_faces
from dramagen.routing.policy import Chooser
from dramagen.settings import Settings
from dramagen.shot import Shot
from dramagen.studio.planning import Planner

T = TypeVar("T")

PREVIZ_ONLY = "filmed on previz: no provider has a key"
CLOSED = "the studio was closed; what was sent goes on, and resume() in the next one picks it up"

DESK = 4
"""Takes planned and reserved at once: that is work for the processor, and more of it at once would only be slower."""

Ended = Literal["stays", "vacant", "over"]
"""How a job stands once waiting for it raised: it is still somebody's to pay or settle; it was let go before it was
sent, and may be ordered again; or the vendor gave its verdict, and another route may be tried. Nothing else may."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One take of one shot, as it was asked for."""

    shot: Shot
    key: str
    take: int
    episode: str | None
    budgets: tuple[Budget, ...]
    policy: Chooser | None = None
    """Of this call; None is the studio's."""
    silent: Route | None = None
    """Filmed without sound from now on, there first: that route refused the sound."""

    @property
    def filmed(self) -> Shot:
        """What is filmed: the shot, or what a remedy made of it."""
        return self.shot if self.silent is None else self.shot.changed(audio=False)


@dataclass(frozen=True, slots=True)
class Filming:
    """Brings takes home through one engine."""

    engine: Engine
    planner: Planner
    settings: Settings
    emit: Callable[[Event], None]
    _fetching: dict[str, anyio.Lock] = field(default_factory=dict)
    _doubts: dict[str, float] = field(default_factory=dict)
    _desk: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(DESK))

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
        if take < 1:
            raise InvalidShot(
                f"take = {take}: takes are counted from 1", problems=[("take", str(take), "1 or more")]
            )
        for cap in budgets:
            self.settings.rated(cap.limit)
        try:
            await self.fetch(shot)
            async with self._desk:
                key, held = await self._ask(self._looked_up, shot, take, fresh)
        except DramagenError as error:
            self._stopped(shot, take, error)
            raise
        wanted = Wanted(shot, key, take, episode, (*self.settings.budgets, *budgets), policy)
        errors: tuple[DramagenError, ...] = ()
        tried: tuple[Route, ...] = ()
        while True:
            job, started = (held, False) if held else await self._order(wanted, fresh, tried, errors)
            held, fresh = None, False  # the generation this call asked for is there now
            job_id, route, landing = job.id, job.route, self.engine.clip(job, shot, started)
            del job  # thousands wait here, and each would hold its order
            try:
                clip = await landing
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
                if ended == "stays":
                    error.attempts = errors or error.attempts
                    raise
                if ended == "over":
                    remedied = self._remedied(wanted, route, error)
                    if remedied is None:
                        error.attempts = errors or error.attempts
                        raise
                    # Changed, the shot is another order, which its route has said nothing of yet.
                    tried = tried if remedied is not wanted else (*tried, route)
                    wanted, errors = remedied, (*errors, error)

    def _remedied(self, wanted: Wanted, route: Route, error: DramagenError) -> Wanted | None:
        """The take as it may be tried after this verdict; None where the project wants nothing tried."""
        cause = cause_of(error)
        if cause == "real_face":
            self._doubts[route.id] = self._doubts.get(route.id, 1.0) * DOUBT
        allowed = self.settings.routing.remedies.get(cause, USUAL)
        if "without_sound" in allowed and wanted.silent is None and wanted.shot.audio is not False:
            return replace(wanted, silent=route)
        return wanted if "other_route" in allowed else None

    def _stops(self, error: DramagenError | None) -> bool:
        """Whether the project wants nothing tried after that verdict."""
        return error is not None and not self.settings.routing.remedies.get(cause_of(error), USUAL)

    def _looked_up(self, shot: Shot, take: int, fresh: bool) -> tuple[str, Job | None]:
        """The shot's hash, and the job that holds the take."""
        key = shot_hash(shot, self.engine.intake.sha256)
        held = None if fresh else self.engine.journal.bound(key, take, shot.pin)
        return key, None if held is not None and held.state == JobState.FAILED else held

    async def _order(
        self, wanted: Wanted, fresh: bool, tried: Collection[Route], errors: Sequence[DramagenError]
    ) -> tuple[Job, bool]:
        """The job of the best route that gave no verdict on this take yet, and whether it is new.

        Args:
            tried: the routes that gave theirs to this very call, in ``errors``.
        """
        # The others wait where they hold next to nothing.
        async with self._desk:
            route: str | None = None
            try:
                began = self.engine.clock.now()
                quote, why = await self._ask(self._best, wanted, fresh, tried, errors)
                route = quote.route.id
                self._planned(wanted, quote, bool(errors), began)
                if self._closed:
                    raise ConfigError(CLOSED)
                job, started = await self._ask(self._reserve, wanted, quote, why, fresh)
            except DramagenError as stop:
                if stop not in errors:
                    stop.attempts = stop.attempts or tuple(errors)
                    self._stopped(wanted.shot, wanted.take, stop, route)
                raise
        if started:
            self._tell("reserved", wanted.shot, job, money=quote.price.most)
        return job, started

    def _best(
        self, wanted: Wanted, fresh: bool, tried: Collection[Route], errors: Sequence[DramagenError]
    ) -> tuple[Quote, str]:
        """The first planned route that gave no verdict yet, and why it is first, as JSON.

        Raises what they said where none is left.
        """
        # A failed job is not sent again on its route unless the caller asks for that.
        failed = [] if fresh else self.engine.journal.failures(wanted.key, wanted.take)
        if not errors and (stopped := [job for job in failed if self._stops(job.error)]):
            raise self.engine.verdict_of(stopped[-1])
        if wanted.silent is not None:
            failed = [job for job in failed if not job.quote.order.audio]
        done_with = dict.fromkeys([*tried, *(job.route for job in failed)])
        learning = self.planner.weighing.learning
        learning.refresh()
        past = learning.past(wanted.key, None if fresh else wanted.take)
        if shows_faces(wanted.shot):
            past = replace(past, doubts=dict(self._doubts))
        planned = self.planner.led_by(wanted.policy).for_filming(wanted.filmed, past, tuple(done_with))
        choice = planned.choice if wanted.silent is None else self._silent(planned.attempts, wanted.silent)
        if choice is not None:
            return choice, planned.decision.compact() if planned.decision is not None else ""
        mine = [job for job in failed if job.route.satisfies(wanted.shot.pin)]
        said = list(errors) or [self.engine.verdict_of(job) for job in mine]
        if not said:
            raise self.planner.nothing(planned)
        said[-1].attempts = tuple(said[:-1])
        raise said[-1]

    def _silent(self, attempts: Sequence[Quote], first: Route) -> Quote | None:
        """The attempt for a shot whose sound was refused: on the same route, else, where allowed, elsewhere."""
        elsewhere = "other_route" in self.settings.routing.remedies.get("audio_moderation", USUAL)
        may = [q for q in attempts if q.route == first] or (list(attempts) if elsewhere else [])
        if not may:
            return None
        why = Adjustment(
            field="audio",
            asked="sound",
            given="no sound",
            why="moderation refused the sound that was generated",
        )
        return may[0].model_copy(update={"adjustments": (*may[0].adjustments, why)})

    def _reserve(self, wanted: Wanted, quote: Quote, why: str, fresh: bool) -> tuple[Job, bool]:
        return self.engine.journal.reserve(self._intent(wanted, quote, why, fresh))

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
        )

    async def _vacate(self, job_id: str) -> None:
        """Free the money of a job whose caller left before anybody drove it."""
        with anyio.CancelScope(shield=True):
            if job_id in self.engine.flights:
                return
            last = await _thread(self.engine.journal.get, job_id)
            if last is not None and last.state == JobState.INTENDED and last.owner == self.engine.owner.id:
                with suppress(JobMoved):
                    await self.engine.submitter.give_up(last, DramagenError(GIVEN_UP_UNSENT))

    async def _ended(self, job_id: str) -> Ended:
        last = await self._ask(self.engine.journal.get, job_id)
        if last is None or last.state not in (JobState.REFUSED, JobState.FAILED):
            return "stays"
        return "vacant" if last.error is not None and last.error.code == GIVEN_UP else "over"

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

    def _planned(self, wanted: Wanted, quote: Quote, fell_back: bool, began: float) -> None:
        kind: Kind = "fell_back" if fell_back else "planned"
        at = self.engine.clock.now()
        self.emit(Event(
            kind, wanted.shot, wanted.take, at, quote.route.id, money=quote.price.expected, seconds=at - began
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
