"""The one front door: it wires the rest, and every call a user makes comes through here."""

import math
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
import anyio.abc
import anyio.to_thread

from dramagen.catalog.access import Access
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Quote
from dramagen.clip import Clip
from dramagen.config import Budget, Config
from dramagen.engine.clock import Clock, RealClock
from dramagen.engine.collect import Collector
from dramagen.engine.database import SQLite
from dramagen.engine.engine import Engine
from dramagen.engine.guard import Guard
from dramagen.engine.http import Http, Limits, LocalTransport
from dramagen.engine.intake import Intake, shot_from_record, shot_record
from dramagen.engine.journal import MIGRATIONS, Intent, Job, Journal, Ledger
from dramagen.engine.owner import Owner
from dramagen.engine.renderer import Renderer
from dramagen.engine.service import Services
from dramagen.engine.state import OPEN, JobState
from dramagen.engine.submit import Submitter
from dramagen.engine.watch import Watcher
from dramagen.errors import ConfigError, DramagenError, InvalidShot
from dramagen.events import Event, Kind, Result, Takes
from dramagen.identity import shot_hash
from dramagen.money import Money
from dramagen.planning import Planner
from dramagen.routing.plan import Plan, ShotPlan
from dramagen.routing.policy import Policy
from dramagen.routing.policy import policy as policy_of
from dramagen.settings import Settings, gather
from dramagen.shot import Shot
from dramagen.store import Store

T = TypeVar("T")

PREVIZ_ONLY = "filmed on previz: no provider has a key"


class Studio:
    """Films shots. Use it as an async context manager, under asyncio or trio::

        async with Studio() as studio:
            clip = await studio.shoot(Shot(prompt="雨夜,女主回头", duration=5))

    Args:
        config: settings of this program; the environment and ``dramagen.toml`` fill in the rest.
        on_event: told of every step, in the studio's own task; it must not block.
        policy: chooses among routes; the configured one (``cheapest``) by default.
        clock: time; tests give a virtual one.
        cwd: where ``dramagen.toml`` is looked for; the working directory by default.
        transports: httpx transports by URL scheme, such as ``{"https": FakeProvider(...)}`` in a test.

    Raises:
        ConfigError: a setting, a card or the home cannot be used.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        on_event: Callable[[Event], None] | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        cwd: Path | None = None,
        transports: Mapping[str, Any] | None = None,
    ) -> None:
        self.settings: Settings = gather(config, cwd=cwd)
        self.catalog = Catalog.load(self.settings.card_roots, self.settings.providers)
        self.store = Store(self.settings.home)
        self._services = Services(self.catalog, self.settings)
        self._clock = clock or RealClock(self.settings.time_scale)
        self._on_event = on_event
        self._transports = dict(transports or {})
        self._policy = policy_of(policy or self.settings.first("policy", None))
        self._planner = self._make_planner(Intake(self.store))
        self._journal: Journal | None = None
        self._engine: Engine | None = None
        self._stack: AsyncExitStack | None = None

    # --- opening and closing -----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._stack is not None:
            raise ConfigError("this studio is already open")
        async with AsyncExitStack() as stack:
            self._engine = await self._open(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stack, self._stack, self._engine = self._stack, None, None
        if stack is not None:
            await stack.__aexit__(kind, error, trace)

    async def _open(self, stack: AsyncExitStack) -> Engine:
        settings, clock = self.settings, self._clock
        owner = await anyio.to_thread.run_sync(Owner, settings.home)
        stack.callback(owner.release)
        journal = await anyio.to_thread.run_sync(self._open_journal)
        stack.callback(self._close_journal)
        stack.callback(self.store.close)
        renderer = Renderer(self.store.renders, self.store.inputs.read, workers=2)
        scale = max(1.0, settings.time_scale)
        http = Http(
            guard=Guard(settings.allow_private),
            limits=Limits(read=max(3.0, 30.0 / scale), create=max(3.0, 120.0 / scale)),
            transports={"previz": LocalTransport(renderer.handle), **self._transports},
            now=clock.now,
        )
        stack.push_async_callback(http.aclose)
        group = await stack.enter_async_context(_background())
        group.start_soon(renderer.run)
        intake = Intake(self.store, http)
        self._planner = self._make_planner(intake)
        return Engine(
            services=self._services,
            journal=journal,
            store=self.store,
            intake=intake,
            submitter=Submitter(journal, http, clock, settings.on_unknown),
            watcher=Watcher(http, clock, group, random.Random()),  # noqa: S311 - jitter, not secrets
            collector=Collector(http, self.store, clock),
            clock=clock,
            owner=owner,
            group=group,
            emit=self._emit,
        )

    def _make_planner(self, intake: Intake) -> Planner:
        return Planner(self._services, intake, self._policy, self.settings.rates, self._today)

    def _open_journal(self) -> Journal:
        if self._journal is None:
            database = SQLite(self.settings.home / "journal.sqlite", MIGRATIONS)
            self._journal = Journal(database, self._clock.now, self.settings.rates)
        return self._journal

    def _close_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now(), UTC).date()

    def _emit(self, event: Event) -> None:
        if self._on_event is not None:
            self._on_event(event)

    def _running(self) -> Engine:
        if self._engine is None:
            raise ConfigError("open the studio first: async with Studio() as studio")
        return self._engine

    # --- planning ------------------------------------------------------------------------------------------

    @property
    def access(self) -> Mapping[tuple[str, str], Access]:
        """Every (provider, region): its address, and whether a key was found."""
        names = self.catalog.providers()
        return {(n, r): a for n in names for r, a in self._services.access(n).items()}

    def plan(
        self,
        shots: Shot | Iterable[Shot],
        budget: Money | str | None = None,
        *,
        takes: Sequence[int] | None = None,
    ) -> Plan:
        """What these shots would cost and take, on every route. Spends nothing; ``print(plan)`` explains it.

        Args:
            shots: one or several.
            budget: compared with the upper bound of everything not paid for yet.
            takes: the take of each shot; 1 by default. A take already held costs nothing more.

        Raises:
            InvalidShot: a file cannot be read.
            NoRoute: a pin means nothing.
        """
        listed = [shots] if isinstance(shots, Shot) else list(shots)
        numbers = list(takes) if takes is not None else [1] * len(listed)
        planned = tuple(self._plan_one(shot, take) for shot, take in zip(listed, numbers, strict=True))
        at_once = {q.route.id: self._services.concurrency(q.route) or 1000 for s in planned for q in s.quotes}
        return Plan(
            planned,
            self.settings.currency,
            self.settings.rates,
            None if budget is None else Money.parse(budget),
            at_once,
        )

    def _plan_one(self, shot: Shot, take: int) -> ShotPlan:
        job = self._holder(shot, take)
        return self._planner.plan(shot, held=job.route.id if job is not None else None)

    def _holder(self, shot: Shot, take: int) -> Job | None:
        """The finished or running job that holds this take, if any."""
        if self._journal is None and not (self.settings.home / "journal.sqlite").is_file():
            return None
        opened_here = self._journal is None
        try:
            key = shot_hash(shot, self._planner.intake.sha256)
            job = self._open_journal().bound(key, take, shot.pin)
        except InvalidShot:
            return None  # not measured yet: nothing can be bound to it
        finally:
            if opened_here:
                self._close_journal()
        return job if job is not None and (job.open or job.state == JobState.DONE) else None

    async def prepare(self, shots: Shot | Iterable[Shot]) -> None:
        """Fetch the URLs these shots name, once, so that they can be planned by content.

        Raises ``InvalidShot`` for a private address or a dead link, ``ProviderUnavailable`` for an outage.
        """
        engine = self._running()
        for shot in [shots] if isinstance(shots, Shot) else list(shots):
            await engine.intake.fetch(shot, Guard(self.settings.allow_private))

    # --- filming -------------------------------------------------------------------------------------------

    async def shoot(
        self,
        shot: Shot,
        *,
        take: int = 1,
        fresh: bool = False,
        episode: str | None = None,
        budget: Budget | None = None,
    ) -> Clip:
        """Film one take, or return it if it was filmed before.

        The same shot and take again is the same clip, free. Cancelling detaches: a job that was sent goes on.

        Args:
            take: 1, 2, ...: another take of the same shot is another clip.
            fresh: film this take anew, and pay again.
            episode: whose budget it counts against, and what the ledger calls it.
            budget: a cap for this call, beside the configured ones.

        Raises:
            DramagenError: the typed reason; with several routes tried, the last one, the others in ``attempts``.
        """
        if take < 1:
            raise InvalidShot(
                f"take = {take}: takes are counted from 1", problems=[("take", str(take), "1 or more")]
            )
        engine = self._running()
        await engine.intake.fetch(shot, Guard(self.settings.allow_private))
        key = await anyio.to_thread.run_sync(shot_hash, shot, engine.intake.sha256)
        if not fresh:
            held = await anyio.to_thread.run_sync(engine.journal.bound, key, take, shot.pin)
            if held is not None and held.state != JobState.FAILED:
                return await self._land(engine, held, shot, started=False)
        planned = await anyio.to_thread.run_sync(partial(self._planner.plan, shot, planning=False))
        attempts = await self._untried(engine, planned, key, take, fresh)
        errors: list[DramagenError] = []
        for number, quote in enumerate(attempts):
            kind: Kind = "planned" if not number else "fell_back"
            at = engine.clock.now()
            self._emit(Event(kind, shot, take, at, quote.route.id, money=quote.price.expected))
            intent = await self._intent(engine, shot, key, take, quote, fresh and not errors, episode, budget)
            job, started = await anyio.to_thread.run_sync(engine.journal.reserve, intent)
            if started:
                money = quote.price.most
                self._emit(
                    Event("reserved", shot, take, engine.clock.now(), quote.route.id, job.id, money=money)
                )
            try:
                return await self._land(engine, job, shot, started)
            except DramagenError as error:
                last = await anyio.to_thread.run_sync(engine.journal.get, job.id)
                if last is None or last.state not in (JobState.REFUSED, JobState.FAILED):
                    error.attempts = tuple(errors)
                    raise
                errors.append(error)
        errors[-1].attempts = tuple(errors[:-1])
        raise errors[-1]

    async def _untried(
        self, engine: Engine, planned: ShotPlan, key: str, take: int, fresh: bool
    ) -> Sequence[Quote]:
        if not planned.attempts:
            raise self._planner.nothing(planned)
        if fresh:
            return planned.attempts
        failed = await anyio.to_thread.run_sync(engine.journal.failures, key, take)
        routes = {job.route for job in failed}
        left = [quote for quote in planned.attempts if quote.route not in routes]
        if not left:
            # A failed job is not sent again on its route unless the caller asks for that.
            raise engine.verdict_of(failed[-1])
        return left

    async def _intent(
        self,
        engine: Engine,
        shot: Shot,
        key: str,
        take: int,
        quote: Quote,
        fresh: bool,
        episode: str | None,
        budget: Budget | None,
    ) -> Intent:
        def kept() -> dict[str, object]:
            engine.intake.keep(shot)
            return shot_record(shot, engine.intake)

        access = self._services.access(quote.route.provider)[quote.route.region]
        if access.local and shot.pin is None:
            quote = quote.model_copy(update={"warnings": (*quote.warnings, PREVIZ_ONLY)})
        return Intent(
            shot_hash=key,
            take=take,
            quote=quote,
            order_hash=quote.order.hash,
            shot=await anyio.to_thread.run_sync(kept),
            shot_id=shot.id,
            episode=episode,
            credential=access.fingerprint,
            owner=engine.owner.id,
            fresh=fresh,
            pin=shot.pin,
            budgets=(*self.settings.budgets, *((budget,) if budget else ())),
            cap_currency=self.settings.currency,
        )

    async def _land(self, engine: Engine, job: Job, shot: Shot, started: bool) -> Clip:
        clip = await engine.clip(job, shot, started)
        if clip.cached:
            self._emit(Event("cached", shot, clip.take, engine.clock.now(), clip.route, clip.job_id))
        return clip

    async def takes(
        self, shot: Shot, n: int, *, episode: str | None = None, budget: Budget | None = None
    ) -> Takes:
        """Takes 1 to ``n`` side by side, for a person to choose from. Failures are listed, never raised alone.

        Raises the first failure only where no take succeeded.
        """
        if n < 1:
            raise InvalidShot(f"{n} takes: ask for one or more", problems=[("n", str(n), "1 or more")])
        clips: dict[int, Clip] = {}
        failures: dict[int, DramagenError] = {}

        async def one(take: int) -> None:
            try:
                clips[take] = await self.shoot(shot, take=take, episode=episode, budget=budget)
            except DramagenError as error:
                failures[take] = error

        async with anyio.create_task_group() as group:
            for take in range(1, n + 1):
                group.start_soon(one, take)
        if not clips:
            raise failures[min(failures)]
        return Takes([clips[t] for t in sorted(clips)], [(t, failures[t]) for t in sorted(failures)])

    async def shoot_all(
        self,
        shots: Iterable[Shot],
        *,
        take: int = 1,
        episode: str | None = None,
        budget: Budget | None = None,
    ) -> AsyncIterator[Result]:
        """Film many shots side by side; results and failures as they come, in any order.

        Leaving the loop stops what was not sent yet, and nothing that is running.
        """
        listed = list(shots)
        engine = self._running()
        send, receive = anyio.create_memory_object_stream[Result](math.inf)
        scope = anyio.CancelScope()

        async def one(shot: Shot) -> None:
            try:
                clip = await self.shoot(shot, take=take, episode=episode, budget=budget)
                send.send_nowait(Result(shot, clip=clip))
            except DramagenError as error:
                send.send_nowait(Result(shot, error=error))

        async def every() -> None:
            with scope:
                async with anyio.create_task_group() as group:
                    for shot in listed:
                        group.start_soon(one, shot)

        engine.group.start_soon(every)
        try:
            for _ in listed:
                yield await receive.receive()
        finally:
            scope.cancel()
            send.close()
            receive.close()

    # --- the person's word ---------------------------------------------------------------------------------

    def accept(self, clip: Clip, reason: str = "") -> None:
        """A person takes this clip. Remembered; it teaches the router."""
        self._review(clip, True, reason)

    def reject(self, clip: Clip, reason: str = "") -> None:
        """A person does not take this clip. Remembered with the reason; the clip is kept."""
        self._review(clip, False, reason)

    def _review(self, clip: Clip, accepted: bool, reason: str) -> None:
        opened_here = self._journal is None
        try:
            self._open_journal().review(clip.job_id, accepted, reason)
        finally:
            if opened_here:
                self._close_journal()

    # --- jobs and money --------------------------------------------------------------------------------------

    def jobs(self, *, open_only: bool = False) -> list[Job]:
        """Every job of this home, oldest first."""
        nothing: list[Job] = []
        return self._look(lambda journal: journal.jobs(OPEN if open_only else None), nothing)

    def job(self, job_id: str) -> Job | None:
        """One job, by its id or an unambiguous beginning of it."""
        nothing: Job | None = None
        return self._look(lambda journal: journal.get(job_id), nothing)

    def timeline(self, job_id: str) -> list[dict[str, Any]]:
        """Everything that happened to a job, in order."""
        nothing: list[dict[str, Any]] = []
        return self._look(lambda journal: journal.timeline(job_id), nothing)

    def ledger(self, episode: str | None = None) -> Ledger:
        """Money spent, reserved, unknown and wasted."""
        return self._look(lambda journal: journal.ledger(episode), Ledger())

    def _look(self, question: Callable[[Journal], T], empty: T) -> T:
        if self._journal is not None:
            return question(self._journal)
        if not (self.settings.home / "journal.sqlite").is_file():
            return empty
        try:
            return question(self._open_journal())
        finally:
            self._close_journal()

    def settle(self, job_id: str, *, paid: bool) -> Job:
        """A person decides an unknown: the vendor's bill shows it (``paid``), or does not.

        Raises ``ConfigError`` for a job that is not unknown, or that a running process still works on.
        """

        def decide(journal: Journal) -> Job:
            job = journal.get(job_id)
            if job is None or job.state != JobState.UNKNOWN:
                raise ConfigError(f"job {job_id} is not waiting for a decision")
            owner = Owner(self.settings.home)
            try:
                if owner.alive(job.owner) and (self._engine is None or job.owner != self._engine.owner.id):
                    raise ConfigError(
                        f"job {job_id} belongs to a process that is still running; stop it first"
                    )
                state = JobState.PAID if paid else JobState.UNPAID
                cost = job.reserved if paid else Money.zero(job.reserved.currency)
                return journal.move(job, state, cost=cost, cost_source="settled by a person")
            finally:
                owner.release()

        if self.job(job_id) is None:
            raise ConfigError(f"no job is called {job_id}")
        opened_here = self._journal is None
        try:
            return decide(self._open_journal())
        finally:
            if opened_here:
                self._close_journal()

    async def resume(self) -> list[Result]:
        """Pick up the jobs an earlier process left behind, and wait for them.

        What was accepted is asked about and collected; what is unknown is looked for; what was never sent is
        let go, its money free.
        """
        engine = self._running()
        left = await anyio.to_thread.run_sync(engine.journal.jobs, OPEN)
        results: list[Result] = []

        async def one(job: Job) -> None:
            shot = await anyio.to_thread.run_sync(shot_from_record, dict(job.shot), self.store)
            try:
                if job.state == JobState.INTENDED:
                    taken = await anyio.to_thread.run_sync(engine.journal.take_over, job, engine.owner.id)
                    if taken is not None:
                        await engine.submitter.give_up(
                            taken, DramagenError("never sent: its process ended before")
                        )
                    return
                self._emit(Event("resumed", shot, job.take, engine.clock.now(), job.route.id, job.id))
                results.append(Result(shot, clip=await engine.clip(job, shot)))
            except DramagenError as error:
                results.append(Result(shot, error=error))

        async with anyio.create_task_group() as group:
            for job in left:
                alive = await anyio.to_thread.run_sync(engine.owner.alive, job.owner)
                if not alive or job.owner == engine.owner.id:
                    group.start_soon(one, job)
        return results


@asynccontextmanager
async def _background() -> AsyncIterator[anyio.abc.TaskGroup]:
    """The studio's own tasks; leaving stops them. Jobs that were sent go on at the vendor and stay journaled."""
    async with anyio.create_task_group() as group:
        try:
            yield group
        finally:
            group.cancel_scope.cancel()
