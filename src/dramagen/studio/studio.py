"""The one front door: it wires the rest, and every call a user makes comes through here."""

import logging
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import anyio
import anyio.abc
import anyio.to_thread

from dramagen.catalog.access import Access, check_names
from dramagen.catalog.load import Catalog
from dramagen.clip import Clip
from dramagen.config import Budget, Config
from dramagen.engine.bill import Charge
from dramagen.engine.billcheck import BillCheck, check_bill
from dramagen.engine.callback_address import CallbackAddress
from dramagen.engine.callbacks import Callbacks
from dramagen.engine.clock import Clock, RealClock
from dramagen.engine.collect import Collector
from dramagen.engine.engine import Engine
from dramagen.engine.entries import Chosen, Entry, Which
from dramagen.engine.guard import Guard
from dramagen.engine.http import Http, Limits, LocalTransport
from dramagen.engine.intake import Intake
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal
from dramagen.engine.ledger import Ledger
from dramagen.engine.limits.breaker import closed_routes, forget
from dramagen.engine.limits.gate import Gate
from dramagen.engine.limits.pace import Pacer
from dramagen.engine.refetch import Refetcher
from dramagen.engine.renderer import Renderer
from dramagen.engine.report import By, Report, report
from dramagen.engine.service import Services
from dramagen.engine.state import JobState
from dramagen.engine.submit import Submitter
from dramagen.engine.watch import Watcher
from dramagen.errors import ConfigError, DramagenError, InvalidShot
from dramagen.events import Event, Result, Takes
from dramagen.identity import shot_hash
from dramagen.money import Money
from dramagen.routing.plan import Plan
from dramagen.routing.policy import Policy
from dramagen.routing.policy import policy as policy_of
from dramagen.settings import Settings, gather
from dramagen.shot import Shot
from dramagen.store import Store, remote_of
from dramagen.studio.asking import Asking
from dramagen.studio.books import Books
from dramagen.studio.broadcast import ROOM, Broadcast, Events
from dramagen.studio.doctor import KeyReport, examine
from dramagen.studio.filming import Filming
from dramagen.studio.packing import pack, unpack
from dramagen.studio.planning import Planner
from dramagen.studio.results import Results
from dramagen.studio.resuming import give_up_unsent, resume
from dramagen.telemetry import log_event, open_telemetry

log = logging.getLogger("dramagen.studio")


class Studio:
    """Films shots. Use it as an async context manager, under asyncio or trio::

        async with Studio() as studio:
            clip = await studio.shoot(Shot(prompt="雨夜,女主回头", duration=5))

    Planning, and looking at jobs and money, work without entering it.

    Args:
        config: settings of this program; the environment and ``dramagen.toml`` fill in the rest.
        on_event: told of every step, in the studio's own task; it must not block. :meth:`events` may be slow.
        policy: chooses among routes; the configured one (``cheapest``) by default.
        clock: time; tests give a virtual one.
        cwd: where ``dramagen.toml`` is looked for; the working directory by default.
        transports: httpx transports by URL scheme, such as ``{"https": FakeProvider(...)}`` in a test.

    Attributes:
        callbacks: hears what vendors say unasked, while the studio is open; for :mod:`dramagen.webhooks`.

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
        check_names(self.settings, self.catalog)
        self.store = Store(self.settings.home, remote=remote_of(self.settings.store))
        self._services = Services(self.catalog, self.settings)
        self._clock = clock or RealClock(self.settings.time_scale)
        self._on_event = on_event
        self._broadcast = Broadcast()
        self._transports = dict(transports or {})
        self._policy = policy_of(policy or self.settings.first("policy", None))
        self._planner = self._make_planner(Intake(self.store))
        self._books = Books(self.settings, self._clock)
        self._filming: Filming | None = None
        self.callbacks: Callbacks | None = None
        self._stack: AsyncExitStack | None = None

    # --- opening and closing -----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._stack is not None:
            raise ConfigError("this studio is already open")
        async with AsyncExitStack() as stack:
            self._filming = await self._open(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stack, self._stack, self._filming, self.callbacks = self._stack, None, None, None
        if stack is not None:
            # The caller's error is not the background tasks' business: they would hand it back in a group.
            await stack.__aexit__(None, None, None)

    async def _open(self, stack: AsyncExitStack) -> Filming:
        settings, clock = self.settings, self._clock
        telemetry = None if settings.telemetry == "off" else open_telemetry(settings.telemetry == "prompts")
        if telemetry is not None:
            stack.callback(telemetry.close)
        self._broadcast = Broadcast(log_event, telemetry, self._on_event)
        stack.callback(self._broadcast.close)
        journal = await anyio.to_thread.run_sync(self._books.open)
        stack.callback(self._books.close)
        owner = await anyio.to_thread.run_sync(self._books.owner)
        stack.callback(owner.release)
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
        intake = Intake(self.store, http)
        self._planner = self._make_planner(intake)
        address = CallbackAddress(settings.home, settings.callback_url)
        gate = Gate(journal, clock, owner.id)
        pacer = Pacer(journal, clock)
        submitter = Submitter(journal, http, clock, owner, address, gate, pacer, settings.on_unknown)
        stack.push_async_callback(give_up_unsent, journal, submitter, owner.id)
        group = await stack.enter_async_context(_background())
        group.start_soon(renderer.run)
        group.start_soon(gate.run)
        watcher = Watcher(http, clock, group, random.Random(), pacer)  # noqa: S311 - jitter, not secrets
        self.callbacks = Callbacks(self._services, watcher, http, clock, address)
        collector = Collector(http, self.store, clock)
        engine = Engine(
            services=self._services,
            journal=journal,
            store=self.store,
            intake=intake,
            submitter=submitter,
            watcher=watcher,
            collector=collector,
            refetcher=Refetcher(journal, self.store, collector, owner),
            clock=clock,
            owner=owner,
            group=group,
            emit=self._broadcast,
        )
        return Filming(engine, self._planner, settings, self._broadcast)

    def _make_planner(self, intake: Intake) -> Planner:
        asking = Asking(self._services, intake, self.settings.rates)
        return Planner(
            self._services, asking, self._policy, self.settings.rates, self._today, self._closed_routes
        )

    def _closed_routes(self) -> Mapping[str, str]:
        question = partial(closed_routes, now=self._clock.now())
        return self._books.look(lambda journal: journal.consult(question), {})

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now(), UTC).date()

    def _running(self) -> Filming:
        if self._filming is None:
            raise ConfigError("open the studio first: async with Studio() as studio")
        return self._filming

    # --- keys ----------------------------------------------------------------------------------------------

    async def doctor(self) -> list[KeyReport]:
        """Ask the provider of every key found whether it works, what is left, and what it opens.

        Costs nothing, takes a few seconds at most, and needs no open studio. What is wrong is in the reports.
        """
        return await examine(self._services, self._clock, self._transports)

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
            ConfigError: the policy or the budget's currency cannot be used.
        """
        listed = [shots] if isinstance(shots, Shot) else list(shots)
        numbers = [1] * len(listed) if takes is None else list(takes)
        if len(numbers) != len(listed):
            raise InvalidShot(f"{len(listed)} shots and {len(numbers)} takes: give one take for each shot")
        cap = None if budget is None else Money.parse(budget)
        if cap is not None and cap.currency not in self.settings.rates.per_usd:
            raise ConfigError(f"no rate is stated for {cap.currency}: give one under [rates]")
        held, closed = self._known(listed, numbers)
        planned = tuple(
            self._planner.plan(s, held=h, closed=closed) for s, h in zip(listed, held, strict=True)
        )
        routes = {quote.route for one in planned for quote in one.quotes}
        at_once = {route.id: self._services.concurrency(route) or 1000 for route in routes}
        return Plan(planned, self.settings.currency, self.settings.rates, cap, at_once)

    def _known(
        self, shots: Sequence[Shot], takes: Sequence[int]
    ) -> tuple[list[str | None], Mapping[str, str]]:
        """For each take the route of the finished or running job that holds it, if any; and the closed routes."""

        def look(journal: Journal) -> tuple[list[str | None], Mapping[str, str]]:
            held = [self._holder(journal, shot, take) for shot, take in zip(shots, takes, strict=True)]
            return held, journal.consult(partial(closed_routes, now=self._clock.now()))

        nothing: tuple[list[str | None], Mapping[str, str]] = ([None] * len(shots), {})
        return self._books.look(look, nothing)

    def _holder(self, journal: Journal, shot: Shot, take: int) -> str | None:
        try:
            job = journal.bound(shot_hash(shot, self._planner.asking.intake.sha256), take, shot.pin)
        except InvalidShot:
            return None  # not measured yet: nothing can be bound to it
        return job.route.id if job is not None and (job.open or job.state == JobState.DONE) else None

    async def prepare(self, shots: Shot | Iterable[Shot]) -> None:
        """Fetch the URLs these shots name, once, so that they can be planned by content.

        Raises ``InvalidShot`` for a private address or a dead link, ``ProviderUnavailable`` for an outage.
        """
        filming = self._running()
        for shot in [shots] if isinstance(shots, Shot) else list(shots):
            await filming.fetch(shot)

    # --- filming -------------------------------------------------------------------------------------------

    async def shoot(
        self,
        shot: Shot,
        *,
        take: int = 1,
        fresh: bool = False,
        episode: str | None = None,
        budget: Budget | Sequence[Budget] | None = None,
    ) -> Clip:
        """Film one take, or return it if it was filmed before.

        The same shot and take again is the same clip, free. Cancelling detaches: a job that was sent goes on.

        Args:
            take: 1, 2, ...: another take of the same shot is another clip.
            fresh: film this take anew, and pay again.
            episode: whose budget it counts against, and what the ledger calls it.
            budget: a cap for this call, or several, beside the configured ones.

        Raises:
            DramagenError: the typed reason; with several routes tried, the last one, the others in ``attempts``.
        """
        if take < 1:
            raise InvalidShot(
                f"take = {take}: takes are counted from 1", problems=[("take", str(take), "1 or more")]
            )
        filming = self._running()
        caps = (budget,) if isinstance(budget, Budget) else tuple(budget or ())
        for cap in caps:
            if cap.limit.currency not in self.settings.rates.per_usd:
                raise ConfigError(f"no rate is stated for {cap.limit.currency}: give one under [rates]")
        return await filming.shoot(shot, take, fresh, episode, caps)

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

    def shoot_all(
        self,
        shots: Iterable[Shot],
        *,
        take: int = 1,
        episode: str | None = None,
        budget: Budget | None = None,
    ) -> Results:
        """Film many shots side by side; results and failures as they come, in any order.

        Leaving the loop stops what was not sent yet, and nothing that is running.
        """

        async def film(shot: Shot) -> Clip:
            return await self.shoot(shot, take=take, episode=episode, budget=budget)

        return Results(self._running().engine.group, film, list(shots))

    async def resume(self) -> list[Result]:
        """Pick up the jobs an earlier process left behind, and wait for them.

        What was accepted is asked about and collected; what is unknown is looked for; what was never sent is
        let go, its money free.
        """
        return await resume(self._running().engine)

    # --- for runners that film elsewhere -------------------------------------------------------------------

    async def pack(self, shot: Shot) -> dict[str, Any]:
        """The shot as JSON for :meth:`unpack` in another process with the same store: small, and without a secret.

        Its media are kept in the store and named by the hash of their content; URLs are fetched first. Raises
        ``InvalidShot`` or ``ProviderUnavailable`` where one cannot be had.
        """
        filming = self._running()
        await filming.fetch(shot)
        return await anyio.to_thread.run_sync(pack, shot, filming.engine.intake)

    async def unpack(self, record: Mapping[str, Any]) -> Shot:
        """The shot of a record :meth:`pack` made. Raises ``InvalidShot`` where its media are not in this store."""
        return await anyio.to_thread.run_sync(unpack, record, self.store)

    def journal_id(self) -> str:
        """Which journal this is: two studios pay for nothing twice exactly where they say the same. Blocks."""
        with self._books.journal() as journal:
            return journal.identity()

    def reset_limits(self) -> None:
        """Send creates again at once, everywhere and as many as the limits allow, whatever was learnt of refusals.

        For when the cause is gone: a balance topped up, a right granted, an outage over. Every process that shares
        the journal notices within a second.
        """
        self._books.look(lambda journal: journal.transact(forget), None)

    def events(self, room: int = ROOM) -> Events:
        """Every step of every shot from now on, as an async iterator that ends when the studio closes::

            async for event in studio.events():
                print(event.kind, event.shot.name, event.progress)

        Each call gives a reader of its own. A slow one holds nothing up: where it is more than ``room`` events behind
        it loses the oldest steps, counted in its ``dropped``, but never an event that ends a job.
        """
        self._running()
        return self._broadcast.reader(room)

    # --- the person's word ---------------------------------------------------------------------------------

    def accept(self, clip: Clip | str, reason: str = "") -> None:
        """A person takes this clip, or that of the job of this id. Remembered; it teaches the router."""
        self._review(clip, True, reason)

    def reject(self, clip: Clip | str, reason: str = "") -> None:
        """A person does not take this clip, or that of the job of this id. Remembered with the reason; it is kept."""
        self._review(clip, False, reason)

    def _review(self, clip: Clip | str, accepted: bool, reason: str) -> None:
        with self._books.journal() as journal:
            journal.review(clip if isinstance(clip, str) else clip.job_id, accepted, reason)

    # --- jobs and money --------------------------------------------------------------------------------------

    def jobs(self, **chosen: Unpack[Chosen]) -> list[Job]:
        """The jobs of this home, oldest first; see :class:`dramagen.engine.entries.Chosen` for which.

        Raises ``ValueError`` for a state there is none of.
        """
        which = Which.of(**chosen)
        return self._books.look(lambda journal: journal.jobs(which), [])

    def entries(self, **chosen: Unpack[Chosen]) -> list[Entry]:
        """The same as :meth:`jobs`, each without its order: ten thousand in a moment."""
        which = Which.of(**chosen)
        return self._books.look(lambda journal: journal.entries(which), [])

    def job(self, job_id: str) -> Job | None:
        """One job, by its id or an unambiguous beginning of it."""
        return self._books.look(lambda journal: journal.get(job_id), None)

    def timeline(self, job_id: str) -> list[dict[str, Any]]:
        """Everything that happened to a job, in order."""
        return self._books.look(lambda journal: journal.timeline(job_id), [])

    def reviews(self, job_id: str) -> list[dict[str, Any]]:
        """What people said of a job's clip, ``{"at", "accepted", "reason"}``, in order."""
        return self._books.look(lambda journal: journal.reviews(job_id), [])

    def ledger(self, episode: str | None = None) -> Ledger:
        """Money spent, reserved, unknown and wasted."""
        return self._books.look(lambda journal: journal.ledger(Which(episode=episode)), Ledger())

    def ledger_report(self, by: By = "episode", **chosen: Unpack[Chosen]) -> Report:
        """The ledger by episode, shot, model, route, provider or day; of the jobs chosen as for :meth:`jobs`."""
        return report(self.entries(**chosen), by, self.settings.currency, self.settings.rates)

    def check_bill(
        self,
        charges: Iterable[Charge],
        provider: str,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> BillCheck:
        """Our ledger against a provider's bill, as :func:`dramagen.engine.bill.read_bill` read it.

        Args:
            since, until: the time the bill is of; without it, what only we have is looked for among all jobs.
        """
        span = Which.of(since=since, until=until)
        return check_bill(charges, self.entries(provider=provider), span.since, span.until)

    def settle(self, job_id: str, *, paid: bool, amount: Money | str | None = None) -> Job:
        """A person's word on what a job cost, after a look at the vendor's bill.

        An unknown job is on it (``paid``) or is not. The cost of one that ended is corrected where it was assumed, or
        where ``amount`` says what the bill has.

        Args:
            amount: what the bill says; without it a paid job cost what was reserved, or assumed.

        Raises ``ConfigError`` for a job there is nothing to decide about, or that a running process still works on.
        """
        me = self._filming.engine.owner if self._filming is not None else None
        money = None if amount is None else Money.parse(amount)
        return self._books.settle(job_id, paid=paid, amount=money, me=me)


@asynccontextmanager
async def _background() -> AsyncIterator[anyio.abc.TaskGroup]:
    """The studio's own tasks; leaving stops them. Jobs that were sent go on at the vendor and stay journaled."""
    problem: Exception | None = None
    async with anyio.create_task_group() as group:
        try:
            yield group
        except Exception as raised:
            # The caller's own error goes up as it is, not inside a group it knows nothing of.
            problem = raised
        finally:
            group.cancel_scope.cancel()
    if problem is not None:
        raise problem
