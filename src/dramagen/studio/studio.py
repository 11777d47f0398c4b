"""The one front door: every call a user makes comes through here, and each loads what it needs.

So a program that speaks of a studio has loaded no client, no journal and no card; making one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, Unpack

from dramagen.errors import ConfigError
from dramagen.money import Money
from dramagen.shot import Shot

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from dramagen.catalog.access import Access
    from dramagen.clip import Clip
    from dramagen.config import Config
    from dramagen.engine.bill import Charge
    from dramagen.engine.billcheck import BillCheck
    from dramagen.engine.callbacks import Callbacks
    from dramagen.engine.clock import Clock
    from dramagen.engine.entries import Chosen, Entry
    from dramagen.engine.jobs import Job
    from dramagen.engine.ledger import Ledger
    from dramagen.engine.report import By, Report
    from dramagen.events import Event, Result, Takes
    from dramagen.routing.decision import Decision
    from dramagen.routing.episode_items import Continuity
    from dramagen.routing.plan import Plan
    from dramagen.routing.policy import Chooser, Policy
    from dramagen.settings import Settings
    from dramagen.studio.accounts import Accounts
    from dramagen.studio.asked import Caps
    from dramagen.studio.broadcast import Events
    from dramagen.studio.doctor import KeyReport
    from dramagen.studio.filming import Filming
    from dramagen.studio.learning import Learning
    from dramagen.studio.opening import Opened
    from dramagen.studio.results import Results
    from dramagen.studio.taking import Across, Until


class Studio:
    """Films shots. Use it as an async context manager, under asyncio or trio::

        async with Studio() as studio:
            clip = await studio.shoot(Shot(prompt="雨夜,女主回头", duration=5))

    Planning, and looking at jobs and money, work without entering it.

    Args:
        config: settings of this program; the environment and ``dramagen.toml`` fill in the rest.
        on_event: told of every step, in the studio's own task; it must not block. :meth:`events` may be slow.
        policy: chooses among routes; the configured one (``value``) by default.
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
        from dramagen.catalog.access import check_names
        from dramagen.catalog.load import Catalog
        from dramagen.engine.clock import RealClock
        from dramagen.engine.intake import Intake
        from dramagen.engine.service import Services
        from dramagen.routing.policy import policy as policy_of
        from dramagen.settings import gather
        from dramagen.store import Store, remote_of
        from dramagen.studio.books import Books
        from dramagen.studio.wiring import make_weighing, planner_maker

        self.settings: Settings = gather(config, cwd=cwd)
        self.catalog = Catalog.load(self.settings.card_roots, self.settings.providers)
        check_names(self.settings, self.catalog)
        self.store = Store(self.settings.home, remote=remote_of(self.settings.store))
        self._services = Services(self.catalog, self.settings)
        self._clock = clock or RealClock(self.settings.time_scale)
        self._on_event = on_event
        self._transports = dict(transports or {})
        self._policy = policy_of(policy or self.settings.first("policy", None))
        self._books = Books(self.settings, self._clock)
        self._weighing = make_weighing(self.catalog, self._books, self.settings)
        self._make_planner = planner_maker(
            self._services, self._books, self._policy, self._weighing, self._clock
        )
        self._planner = self._make_planner(Intake(self.store))
        self._opened: Opened | None = None
        self._stack: AsyncExitStack | None = None

    # --- opening and closing -----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        from dramagen.studio.opening import open_studio

        if self._stack is not None:
            raise ConfigError("this studio is already open")
        async with AsyncExitStack() as stack:
            self._opened = await open_studio(
                stack,
                self._services,
                self.store,
                self._books,
                self._clock,
                planner=self._make_planner,
                on_event=self._on_event,
                transports=self._transports,
            )
            self._planner = self._opened.filming.planner
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stack, self._stack, self._opened = self._stack, None, None
        if stack is not None:
            # The caller's error is not the background tasks' business: they would hand it back in a group.
            await stack.__aexit__(None, None, None)

    @property
    def callbacks(self) -> Callbacks | None:
        """Hears what vendors say unasked, while the studio is open; for :mod:`dramagen.webhooks`."""
        return None if self._opened is None else self._opened.callbacks

    def _running(self) -> Filming:
        return self._now_open().filming

    @property
    def _accounts(self) -> Accounts:
        from dramagen.studio.accounts import Accounts

        return Accounts(self._books, self.settings)

    def _now_open(self) -> Opened:
        if self._opened is None:
            raise ConfigError("open the studio first: async with Studio() as studio")
        return self._opened

    # --- keys ----------------------------------------------------------------------------------------------

    async def doctor(self) -> list[KeyReport]:
        """Ask the provider of every key found whether it works, what is left, and what it opens.

        Costs nothing, takes a few seconds at most, and needs no open studio. What is wrong is in the reports.
        """
        from dramagen.studio.doctor import examine

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
        deadline: float | None = None,
        without: str | Sequence[str] = (),
        takes: Sequence[int] | None = None,
        continuity: Continuity | None = None,
    ) -> Plan:
        """What these shots would cost and take, on every route. Spends nothing; ``print(plan)`` explains it.

        The shots are planned as one episode: with a budget or a deadline, what one shot may cost depends on all. An
        open studio counts what routes have refused in this run.

        Args:
            shots: one or several.
            budget: what all takes are planned within; and compared with the upper bound of all not paid for yet.
            deadline: seconds of wall time within which it should be over; dearer and quicker routes are taken for it.
            without: what if these were not there: pins of providers, models or routes.
            takes: the take of each shot; 1 by default. A take already held costs nothing more.
            continuity: which shots, by id, keep one model, and which wait for another.

        Raises:
            InvalidShot: a file cannot be read.
            InvalidNumbers: the deadline is no number of seconds from zero on.
            NoRoute: a pin means nothing.
            ConfigError: the policy or the budget cannot be used.
        """
        from dramagen.routing.doubts import Doubts
        from dramagen.routing.numeric import finite
        from dramagen.studio import asked
        from dramagen.studio.foresight import plan_shots

        if deadline is not None:
            finite("the deadline", deadline, least=0)
        caps = asked.capped(budget, per="episode")
        numbers = None if takes is None else [asked.checked_take(take) for take in takes]
        planner = self._planner.without(pins) if (pins := asked.pins_of(without)) else self._planner
        cap = caps[0].limit if caps else None
        doubts = Doubts() if self._opened is None else self._opened.filming.doubts
        return plan_shots(
            planner, self._books, asked.shots_of(shots), numbers, cap, deadline, continuity, doubts
        )

    async def prepare(self, shots: Shot | Iterable[Shot]) -> None:
        """Fetch the URLs these shots name, once, so that they can be planned by content.

        Raises ``InvalidShot`` for a private address or a dead link, ``ProviderUnavailable`` for an outage.
        """
        from dramagen.studio.asked import shots_of

        filming = self._running()
        for shot in shots_of(shots):
            await filming.fetch(shot)

    # --- filming -------------------------------------------------------------------------------------------

    async def shoot(
        self,
        shot: Shot,
        *,
        take: int = 1,
        fresh: bool = False,
        episode: str | None = None,
        budget: Caps | Sequence[Caps] | None = None,
        policy: Policy | Chooser | str | None = None,
    ) -> Clip:
        """Film one take, or return it if it was filmed before.

        The same shot and take again is the same clip, free. Cancelling detaches: a job that was sent goes on.

        Args:
            take: 1, 2, ...: another take of the same shot is another clip.
            fresh: film this take anew, and pay again.
            episode: whose budget it counts against, and what the ledger calls it.
            budget: a cap for this call, or several, beside the configured ones; an amount of money is one for all
                takes of the shot.
            policy: chooses among routes for this call, where the take is not bound to one already.

        Raises:
            DramagenError: the typed reason; with several routes tried, the last one, the others in ``attempts``.
        """
        from dramagen.routing.policy import policy as policy_of
        from dramagen.studio.asked import capped, checked_episode, checked_shot, checked_take

        filming = self._running()
        shot, take, whose = checked_shot(shot), checked_take(take), checked_episode(episode)
        chooser = None if policy is None else policy_of(policy)
        return await filming.shoot(shot, take, fresh, whose, capped(budget, per="shot"), chooser)

    async def takes(
        self,
        shot: Shot,
        n: int,
        *,
        across: Across | None = None,
        until: Until | None = None,
        episode: str | None = None,
        budget: Caps | None = None,
    ) -> Takes:
        """Takes 1 to ``n`` side by side, for a person to choose from. Failures are listed, never raised alone.

        A take that was filmed, or is being filmed, stays where it is and costs nothing more; the others are spread.
        Once ``until``, or :meth:`accept` of any take of the shot, says which is the one, what was not sent is let go,
        and a vendor that can stop a job is asked to. An accept by another process or machine with this journal is
        noticed within a second. Takes that go on are kept, and there when asked for.

        Args:
            across: ``"models"`` gives each take another model, the policy's first ones, and is what a shot without a
                pin gets; ``"seeds"`` leaves the models to the policy; a list of pins films on those in turn.
            until: told of each take as it comes; once it says True (or its awaitable does), that is the one.
            budget: one cap for all takes of the shot; an amount of money is that.

        Raises the first failure only where no take succeeded and none was accepted; ``InvalidShot`` where the shot is
        pinned and ``across`` names a route beside its pin.
        """
        from dramagen.studio import asked
        from dramagen.studio.taking import film_takes

        opened = self._now_open()
        asked.checked_across(asked.checked_shot(shot), across, self.catalog)
        asked.checked_until(until)
        caps = asked.capped(budget, per="shot")

        async def film(to_film: Shot, take: int, policy: Chooser | None) -> Clip:
            return await self.shoot(to_film, take=take, episode=episode, budget=caps, policy=policy)

        n = asked.checked_count(n)
        return await film_takes(opened.filming, opened.picks, self.plan, film, shot, n, across, until)

    def shoot_all(
        self,
        shots: Iterable[Shot],
        *,
        take: int = 1,
        episode: str | None = None,
        budget: Caps | Sequence[Caps] | None = None,
    ) -> Results:
        """Film many shots side by side; results and failures as they come, in any order.

        Leaving the loop stops what was not sent yet, and nothing that is running. An amount of money as ``budget`` is
        one cap for the episode.
        """
        from dramagen.studio.asked import capped, shots_of
        from dramagen.studio.results import Results

        caps = capped(budget, per="episode")

        async def film(shot: Shot) -> Clip:
            return await self.shoot(shot, take=take, episode=episode, budget=caps)

        return Results(self._running().engine.group, film, shots_of(shots))

    async def resume(self) -> list[Result]:
        """Pick up the jobs an earlier process left behind, and wait for them.

        What was accepted is asked about and collected; what is unknown is looked for; what was never sent is
        let go, its money free.
        """
        from dramagen.studio.resuming import resume

        return await resume(self._running().engine)

    # --- for runners that film elsewhere -------------------------------------------------------------------

    async def pack(self, shot: Shot) -> dict[str, Any]:
        """The shot as JSON for :meth:`unpack` in another process with the same store: small, and without a secret.

        Its media are kept in the store and named by the hash of their content; URLs are fetched first. Raises
        ``InvalidShot`` or ``ProviderUnavailable`` where one cannot be had.
        """
        import anyio.to_thread

        from dramagen.studio.packing import pack

        filming = self._running()
        await filming.fetch(shot)
        return await anyio.to_thread.run_sync(pack, shot, filming.engine.intake)

    async def unpack(self, record: Mapping[str, Any]) -> Shot:
        """The shot of a record :meth:`pack` made. Raises ``InvalidShot`` where its media are not in this store."""
        import anyio.to_thread

        from dramagen.studio.packing import unpack

        return await anyio.to_thread.run_sync(unpack, record, self.store)

    def journal_id(self) -> str:
        """Which journal this is: two studios pay for nothing twice exactly where they say the same. Blocks."""
        return self._accounts.journal_id()

    def reset_limits(self) -> None:
        """Send creates again at once, everywhere and as many as the limits allow, whatever was learnt of refusals.

        For when the cause is gone: a balance topped up, a right granted, an outage over. Every process that shares
        the journal notices within a second.
        """
        self._accounts.reset_limits()

    def events(self, room: int = 1000) -> Events:
        """Every step of every shot from now on, as an async iterator that ends when the studio closes::

            async for event in studio.events():
                print(event.kind, event.shot.name, event.progress)

        Each call gives a reader of its own. A slow one holds nothing up: where it is more than ``room`` events behind
        it loses the oldest steps, counted in its ``dropped``, but never an event that ends a job.
        """
        return self._now_open().broadcast.reader(room)

    # --- the person's word ---------------------------------------------------------------------------------

    def accept(self, clip: Clip | str, reason: str = "") -> None:
        """A person takes this clip, or that of the job of this id. Remembered; it teaches the router.

        It ends the :meth:`takes` of this clip's shot: at once those this studio is making, within a second those of
        another process with this journal. Any thread may say so. Raises ``ConfigError`` where no such job
        is known here, or it has no clip.
        """
        job = self._accounts.review(clip, True, reason)
        if self._opened is not None:
            self._opened.picks.accepted(job.shot_hash, job.take)

    def reject(self, clip: Clip | str, reason: str = "") -> None:
        """A person does not take this clip, or that of the job of this id. Remembered with the reason; it is kept.

        Raises ``ConfigError`` where no such job is known here, or it has no clip.
        """
        self._accounts.review(clip, False, reason)

    def learning(self) -> Learning:
        """What is believed of every model, and why: from its ratings, and from what was said of its takes here."""
        self._weighing.learning.refresh()
        return self._weighing.learning

    # --- jobs and money --------------------------------------------------------------------------------------

    def jobs(self, **chosen: Unpack[Chosen]) -> list[Job]:
        """The jobs of this home, oldest first; see :class:`dramagen.engine.entries.Chosen` for which.

        Raises ``ValueError`` for a state there is none of.
        """
        return self._accounts.jobs(**chosen)

    def entries(self, **chosen: Unpack[Chosen]) -> list[Entry]:
        """The same as :meth:`jobs`, each without its order: ten thousand in a moment."""
        return self._accounts.entries(**chosen)

    def job(self, job_id: str) -> Job | None:
        """One job, by its id or an unambiguous beginning of it."""
        return self._accounts.job(job_id)

    def timeline(self, job_id: str) -> list[dict[str, Any]]:
        """Everything that happened to a job, in order."""
        return self._accounts.timeline(job_id)

    def reviews(self, job_id: str) -> list[dict[str, Any]]:
        """What people said of a job's clip, ``{"at", "accepted", "reason"}``, in order."""
        return self._accounts.reviews(job_id)

    def decision(self, job_id: str) -> Decision | None:
        """Why a job was ordered where it was, in the numbers it was decided with; None for a job of an older version.

        ``decision.outlook.order`` is worked out anew from them.
        """
        return self._accounts.decision(job_id)

    def ledger(self, episode: str | None = None) -> Ledger:
        """Money spent, reserved, unknown and wasted."""
        return self._accounts.ledger(episode)

    def ledger_report(self, by: By = "episode", **chosen: Unpack[Chosen]) -> Report:
        """The ledger by episode, shot, model, route, provider or day; of the jobs chosen as for :meth:`jobs`."""
        return self._accounts.report(by, **chosen)

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
        return self._accounts.check_bill(charges, provider, since, until)

    def settle(self, job_id: str, *, paid: bool, amount: Money | str | None = None) -> Job:
        """A person's word on what a job cost, after a look at the vendor's bill.

        An unknown job is on it (``paid``) or is not. The cost of one that ended is corrected where it was assumed, or
        where ``amount`` says what the bill has.

        Args:
            amount: what the bill says; without it a paid job cost what was reserved, or assumed.

        Raises ``ConfigError`` for a job there is nothing to decide about, or that a running process still works on.
        """
        me = None if self._opened is None else self._opened.filming.engine.owner
        money = None if amount is None else Money.parse(amount)
        return self._accounts.settle(job_id, paid=paid, amount=money, me=me)
