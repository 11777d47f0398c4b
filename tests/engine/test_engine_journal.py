"""The journal against a simple model of itself: money is never made, lost or counted twice."""

import itertools
import threading
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from dramagen import Budget, Money
from dramagen.adapters.base import Ticket
from dramagen.catalog.order import Order, Price, Quote
from dramagen.catalog.route import Route
from dramagen.engine.database import SQLite, Transaction
from dramagen.engine.jobs import Intent, Job
from dramagen.engine.journal import Database, JobMoved, Journal, TicketContested, TicketTaken
from dramagen.engine.judgements import accepted_after, newest
from dramagen.engine.postgres import Postgres
from dramagen.engine.schema import MIGRATIONS
from dramagen.engine.state import MOVES, NO_JOB, OPEN, RESERVED, SPENT, WASTED, JobState
from dramagen.errors import BudgetExceeded, ConfigError, ContentRejected
from dramagen.money import Rates, total

RATES = Rates({"CNY": Decimal("7.14")}, date(2026, 10, 8))
ROUTES = (
    Route(provider="seedance", region="cn", model="seedance-2.0"),
    Route(provider="kling", region="intl", model="kling-3.0"),
)


def quote(route: Route = ROUTES[0], most: str = "1 CNY", prompt: str = "雨夜") -> Quote:
    order = Order(
        route=route, wire={"model": "m"}, mode="text", prompt=prompt, duration=Decimal(5), resolution="720p",
        audio=False,
    )  # fmt: skip
    return Quote(route=route, order=order, price=Price(expected=Money(most), most=Money(most)))


def intent(shot: str = "s1:a", take: int = 1, **known: Any) -> Intent:
    known = {"quote": quote(prompt=shot)} | known
    rest: dict[str, Any] = {"episode": None, "credential": "c", "owner": "me"} | known
    return Intent(
        shot_hash=shot, take=take, order_hash=known["quote"].order.hash, shot={}, shot_id=None,
        **rest,
    )  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.time = 1_795_000_000.0

    def __call__(self) -> float:
        self.time += 1
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(opening: Callable[..., Database], clock: Clock) -> Journal:
    return Journal(opening(), clock, RATES)


def walk(journal: Journal, job: Job, *states: JobState, **known: Any) -> Job:
    for state in states[:-1]:
        job = journal.move(job, state)
    return journal.move(job, states[-1], **known)


S = JobState
ACCEPTED = (S.SENDING, S.ACCEPTED)


def ticket(job_id: str, route: Route = ROUTES[0]) -> Ticket:
    return Ticket(id=job_id, route=route)


# --- the model ---------------------------------------------------------------------------------------------


class Books(RuleBasedStateMachine):
    """Any order of reservations and moves, by two owners, in two currencies."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.journal = Journal(self.opened(), Clock(), RATES)
        self.known: dict[str, Job] = {}

    opened: Callable[[], Database]
    """A new database."""

    def teardown(self) -> None:
        self.journal.close()

    def claimed(self) -> Decimal:
        """What all jobs take of a cap in CNY, by the model."""
        return sum((self.in_cny(self.claim(job)) for job in self.known.values()), Decimal())

    @staticmethod
    def claim(job: Job) -> Money:
        if job.state in RESERVED | {S.UNKNOWN}:
            return job.reserved
        return job.cost if job.state in SPENT and job.cost is not None else Money.zero("CNY")

    @staticmethod
    def in_cny(money: Money) -> Decimal:
        return money.amount * (Decimal("7.14") if money.currency == "USD" else 1)

    @rule(
        target=jobs,
        shot=st.sampled_from(["s1:a", "s1:b", "s1:c"]),
        take=st.integers(1, 2),
        route=st.sampled_from(ROUTES),
        cents=st.integers(0, 300),
        fresh=st.booleans(),
        pinned=st.booleans(),
        cap=st.none() | st.integers(0, 1000),
    )
    def reserve(
        self, shot: str, take: int, route: Route, cents: int, fresh: bool, pinned: bool, cap: int | None
    ) -> str:
        currency = "CNY" if route is ROUTES[0] else "USD"
        most = Money(Decimal(cents) / 100, currency)
        budgets = () if cap is None else (Budget(Money(Decimal(cap) / 100, "CNY"), per="day"),)
        pin = route.id if pinned else None
        wanted = intent(
            shot, take, quote=quote(route, f"{most.amount} {currency}", shot), fresh=fresh, pin=pin,
            budgets=budgets,
        )  # fmt: skip
        held = None if fresh else self.journal.bound(shot, take, pin)
        try:
            job, new = self.journal.reserve(wanted)
        except BudgetExceeded:
            assert cap is not None
            assert self.claimed() + self.in_cny(most) > Decimal(cap) / 100
            return next(iter(self.known), "")
        if new:
            assert job.state == S.INTENDED
            assert job.reserved == most
            if cap is not None:
                assert self.claimed() + self.in_cny(most) <= Decimal(cap) / 100
            if held is not None:  # only a failure of another route makes room
                assert held.state == S.FAILED
                assert held.route != route
        else:
            assert not fresh or self.known[job.id].state not in NO_JOB
            assert job == self.known[job.id]
            assert pin is None or job.route == route
        self.known[job.id] = job
        return job.id

    @rule(job_id=jobs, data=st.data(), cents=st.integers(0, 300))
    def move(self, job_id: str, data: st.DataObject, cents: int) -> None:
        job = self.known.get(job_id)
        if job is None or not MOVES[job.state]:
            return
        to = data.draw(st.sampled_from(sorted(MOVES[job.state])))
        cost = None
        if to in SPENT and job.cost is None:
            cost = Money(Decimal(cents) / 100, job.reserved.currency)
        self.known[job_id] = self.journal.move(job, to, cost=cost)

    @rule(job_id=jobs)
    def move_what_moved(self, job_id: str) -> None:
        job = self.known.get(job_id)
        if job is None or job.state == S.INTENDED:
            return
        stale = self.journal.get(job_id)
        assert stale is not None
        for state, targets in MOVES.items():
            if state != job.state and targets:
                behind = Job(**{n: getattr(stale, n) for n in Job.__slots__} | {"state": state})
                with pytest.raises(JobMoved):
                    self.journal.move(behind, min(targets))

    @rule(job_id=jobs, to=st.sampled_from(S))
    def move_where_no_job_goes(self, job_id: str, to: JobState) -> None:
        job = self.known.get(job_id)
        if job is not None and to not in MOVES[job.state]:
            with pytest.raises(ValueError, match="never goes"):
                self.journal.move(job, to)

    @rule(job_id=jobs, owner=st.sampled_from(["me", "you"]))
    def take_over(self, job_id: str, owner: str) -> None:
        job = self.known.get(job_id)
        if job is None:
            return
        taken = self.journal.take_over(job, owner)
        if job.owner == owner:
            assert taken is None
            return
        assert taken is not None
        assert taken.state == (S.UNKNOWN if job.state == S.SENDING else job.state)
        assert self.journal.take_over(job, owner) is None  # the slower one gets nothing
        self.known[job_id] = taken

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        ledger = self.journal.ledger()
        jobs = list(self.known.values())

        def cost(job: Job) -> Money:
            return job.cost or Money.zero(job.reserved.currency)

        assert ledger.reserved == total(j.reserved for j in jobs if j.state in RESERVED)
        assert ledger.unknown == total(j.reserved for j in jobs if j.state == S.UNKNOWN)
        assert ledger.spent == total(cost(j) for j in jobs if j.state in SPENT)
        assert ledger.wasted == total(cost(j) for j in jobs if j.state in WASTED)
        assert sum(ledger.jobs.values()) == len(jobs)

    @invariant()
    def every_row_is_as_it_was_left(self) -> None:
        assert {job.id: job for job in self.journal.jobs()} == self.known


STEPS = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_any_history_on_sqlite(tmp_path: Path) -> None:
    numbers = itertools.count()

    class OnSQLite(Books):
        opened = staticmethod(lambda: SQLite(tmp_path / f"{next(numbers)}.sqlite", MIGRATIONS))

    run_state_machine_as_test(OnSQLite, settings=STEPS)


def test_any_history_on_postgres(postgres: str) -> None:
    def opened() -> Postgres:
        database = Postgres(postgres, MIGRATIONS)
        with database.transaction() as tx:
            for table in ("events", "bindings", "jobs"):
                tx.execute(f"DELETE FROM {table}")
        return database

    class OnPostgres(Books):
        pass

    OnPostgres.opened = staticmethod(opened)
    run_state_machine_as_test(OnPostgres, settings=settings(STEPS, max_examples=8))


# --- bindings ------------------------------------------------------------------------------------------------


def test_a_take_is_bought_once(journal: Journal) -> None:
    first, new = journal.reserve(intent())
    assert new
    assert journal.reserve(intent()) == (first, False)
    assert journal.reserve(intent(take=2))[1]
    assert journal.reserve(intent(fresh=True))[1]


def test_an_order_is_shared_by_shots_that_come_to_the_same(journal: Journal) -> None:
    same = quote()
    first, _ = journal.reserve(intent("s1:a", quote=same))
    shared, new = journal.reserve(intent("s1:b", quote=same))
    assert not new
    assert shared.id == first.id
    assert journal.bound("s1:b", 1) == first


def test_fresh_films_anew_what_was_only_shared(journal: Journal) -> None:
    same = quote()
    first, _ = journal.reserve(intent("s1:a", quote=same))
    journal.reserve(intent("s1:b", quote=same))
    anew, new = journal.reserve(intent("s1:b", quote=same, fresh=True))
    assert new
    assert anew.generation == 1
    assert journal.bound("s1:a", 1) == first
    assert journal.bound("s1:b", 1) == anew


def test_an_unpinned_call_follows_the_binding_whatever_is_cheapest_now(journal: Journal) -> None:
    first, _ = journal.reserve(intent())
    other, new = journal.reserve(intent(quote=quote(ROUTES[1], "0.01 USD")))
    assert not new
    assert other == first


def test_a_pinned_call_takes_what_satisfies_the_pin_and_leaves_the_binding(journal: Journal) -> None:
    bound, _ = journal.reserve(intent())
    pinned, new = journal.reserve(intent(quote=quote(ROUTES[1], "1 USD"), pin="kling"))
    assert new
    assert journal.bound("s1:a", 1) == bound
    assert journal.bound("s1:a", 1, "kling") == pinned
    assert journal.bound("s1:a", 1, "seedance-2.0") == bound
    assert journal.bound("s1:a", 1, "kling-9") is None


def test_a_pinned_call_binds_a_take_nobody_holds(journal: Journal) -> None:
    pinned, _ = journal.reserve(intent(pin="seedance"))
    assert journal.bound("s1:a", 1) == pinned


def test_a_refusal_makes_room_and_a_failure_only_elsewhere(journal: Journal) -> None:
    job, _ = journal.reserve(intent())
    walk(journal, job, S.REFUSED)
    job, new = journal.reserve(intent())
    assert new
    failed = walk(journal, job, *ACCEPTED, S.FAILED, cost=Money.zero("CNY"))
    assert journal.reserve(intent()) == (failed, False)
    assert [j.id for j in journal.failures("s1:a", 1)] == [failed.id]
    assert journal.reserve(intent(quote=quote(ROUTES[1], "1 USD")))[1]


def test_a_found_job_belongs_to_one_order_only(journal: Journal) -> None:
    first, _ = journal.reserve(intent())
    walk(journal, first, *ACCEPTED, ticket=ticket("v1"))
    second, _ = journal.reserve(intent("s1:b"))
    lost = walk(journal, second, S.SENDING, S.UNKNOWN)
    with pytest.raises(TicketTaken):
        journal.move(lost, S.ACCEPTED, ticket=ticket("v1"), adopted=True)
    # Also where the other order went to another model of that vendor.
    other, _ = journal.reserve(
        intent("s1:c", quote=quote(Route(provider="seedance", region="cn", model="seedance-2.5")))
    )
    lost = walk(journal, other, S.SENDING, S.UNKNOWN)
    with pytest.raises(TicketTaken):
        journal.move(lost, S.ACCEPTED, ticket=ticket("v1"), adopted=True)
    assert journal.move(lost, S.ACCEPTED, ticket=ticket("v2"), adopted=True).state == S.ACCEPTED


def test_a_job_found_by_likeness_waits_for_the_creates_under_way(journal: Journal) -> None:
    """The one found may be the other's, whose answer is not on disk yet."""
    lost = walk(journal, journal.reserve(intent())[0], S.SENDING, S.UNKNOWN)
    other, _ = journal.reserve(intent("s1:b"))
    other = walk(journal, other, S.SENDING)
    with pytest.raises(TicketContested):
        journal.move(lost, S.ACCEPTED, ticket=ticket("v1"), adopted=True, alike=True)
    # Once the other has its answer, this one is the other's, or it is ours.
    walk(journal, other, S.ACCEPTED, ticket=ticket("v1"))
    with pytest.raises(TicketTaken):
        journal.move(lost, S.ACCEPTED, ticket=ticket("v1"), adopted=True, alike=True)
    assert journal.move(lost, S.ACCEPTED, ticket=ticket("v2"), adopted=True, alike=True).state == S.ACCEPTED


def test_a_job_is_found_by_the_beginning_of_its_id_if_that_is_enough(journal: Journal) -> None:
    jobs = [journal.reserve(intent(take=take))[0] for take in range(1, 20)]
    assert journal.get(jobs[0].id) == jobs[0]
    assert journal.get("") is None
    assert journal.get("%") is None
    for length in range(1, 16):
        mine = [job for job in jobs if job.id.startswith(jobs[0].id[:length])]
        assert journal.get(jobs[0].id[:length]) == (jobs[0] if len(mine) == 1 else None)


def test_everything_that_happened_is_told_in_order(journal: Journal) -> None:
    job, _ = journal.reserve(intent())
    job = walk(journal, job, *ACCEPTED, ticket=ticket("v1"))
    refusal = ContentRejected("no", stage="output")
    journal.move(job, S.FAILED, error=refusal, cost=Money.zero("CNY"), cost_source="reported")
    told = journal.timeline(job.id)
    assert [line["kind"] for line in told] == ["reserved", "sending", "accepted", "failed"]
    assert told[0]["money"] == {"amount": "1", "currency": "CNY"}
    assert told[2]["vendor_id"] == "v1"
    assert told[3]["error"]["stage"] == "output"
    read = journal.get(job.id)
    assert read is not None
    assert isinstance(read.error, ContentRejected)


def test_states_that_end_have_no_money_pending() -> None:
    for state, moves in MOVES.items():
        assert (state in OPEN) == bool(moves)
        assert state in RESERVED | SPENT | NO_JOB | {S.UNKNOWN}
    # Unknown is left only by what is known: found, sent again, refused and nowhere at the vendor, or a person's word.
    assert MOVES[S.UNKNOWN] == {S.ACCEPTED, S.SENDING, S.INTENDED, S.PAID, S.UNPAID}


# --- budgets -------------------------------------------------------------------------------------------------


def test_a_cap_holds_at_the_upper_bound_of_everything_under_way(journal: Journal) -> None:
    cap = (Budget("2.5 CNY", per="episode"),)
    for take in (1, 2):
        journal.reserve(intent(take=take, episode="e1", budgets=cap))
    with pytest.raises(BudgetExceeded, match=r"0\.50 CNY is left"):
        journal.reserve(intent(take=3, episode="e1", budgets=cap))
    journal.reserve(intent(take=3, episode="e2", budgets=cap))
    # Settled for less, there is room again; unknown keeps its whole claim.
    one, two = [job for job in journal.jobs() if job.episode == "e1"]
    walk(journal, one, *ACCEPTED, S.READY, cost=Money("0.2 CNY"))
    walk(journal, two, S.SENDING, S.UNKNOWN)
    journal.reserve(intent(take=4, episode="e1", budgets=cap))
    with pytest.raises(BudgetExceeded):
        journal.reserve(intent(take=5, episode="e1", budgets=cap))


def test_what_is_held_already_needs_no_budget(journal: Journal) -> None:
    job, _ = journal.reserve(intent())
    assert journal.reserve(intent(budgets=(Budget("0 CNY"),))) == (job, False)


def test_a_budget_a_shot_counts_all_takes_of_it(journal: Journal) -> None:
    cap = (Budget("2 CNY", per="shot"),)
    for take in (1, 2):
        journal.reserve(intent(take=take, budgets=cap))
    with pytest.raises(BudgetExceeded):
        journal.reserve(intent(take=3, budgets=cap))
    journal.reserve(intent("s1:b", budgets=cap))


def test_a_day_ends_at_midnight_here(journal: Journal, clock: Clock) -> None:
    midnight = datetime(2026, 11, 23).astimezone().timestamp()
    cap = (Budget("1 CNY", per="day"),)
    clock.time = midnight - 60
    journal.reserve(intent(budgets=cap))
    with pytest.raises(BudgetExceeded):
        journal.reserve(intent(take=2, budgets=cap))
    clock.time = midnight
    journal.reserve(intent(take=2, budgets=cap))


def test_a_cap_in_another_currency_uses_the_rate_written_down(
    opening: Callable[..., Database], clock: Clock
) -> None:
    cap = (Budget("10 CNY"),)
    dollars = quote(ROUTES[1], "1 USD")
    database = opening()
    journal = Journal(database, clock, RATES)
    job, _ = journal.reserve(intent(quote=dollars, episode="e", budgets=cap))
    assert job.rate == Decimal("7.14")
    with pytest.raises(BudgetExceeded, match=r"2\.86 CNY is left"):
        journal.reserve(intent(take=2, quote=dollars, episode="e", budgets=cap))
    # The dollar has halved since: what was reserved at the old rate stays at the old rate.
    later = Journal(database, clock, Rates({"CNY": Decimal("3.57")}, date(2026, 11, 1)))
    with pytest.raises(BudgetExceeded, match=r"2\.86 CNY is left"):
        later.reserve(intent(take=2, quote=dollars, episode="e", budgets=cap))
    later.reserve(intent(take=2, quote=quote(ROUTES[1], "0.8 USD"), episode="e", budgets=cap))
    walk(later, job, *ACCEPTED, S.READY, cost=Money("0.9 USD"))
    with pytest.raises(BudgetExceeded, match=r"0\.72 CNY is left"):  # 10 - 0.9 * 7.14 - 0.8 * 3.57
        later.reserve(intent(take=3, quote=dollars, episode="e", budgets=cap))


def test_what_was_billed_in_another_currency_than_quoted_is_converted(journal: Journal) -> None:
    cap = (Budget("10 CNY"),)
    job, _ = journal.reserve(intent(quote=quote(ROUTES[1], "1 USD"), episode="e", budgets=cap))
    walk(journal, job, *ACCEPTED, S.READY, cost=Money("7 CNY"))
    with pytest.raises(BudgetExceeded, match=r"3\.00 CNY is left"):
        journal.reserve(intent(take=2, quote=quote(most="4 CNY"), episode="e", budgets=cap))


def test_a_currency_without_a_rate_is_refused_before_anything_is_written(journal: Journal) -> None:
    with pytest.raises(ConfigError, match="EUR"):
        journal.reserve(intent(quote=quote(most="1 EUR")))
    with pytest.raises(ConfigError, match="EUR"):
        journal.reserve(intent(budgets=(Budget("1 EUR"),)))
    assert journal.jobs() == []


def at_once(count: int, work: Callable[[int], None]) -> None:
    start = threading.Barrier(count)

    def one(number: int) -> None:
        start.wait()
        work(number)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("connections", [1, 8])
def test_a_crowd_never_passes_a_cap_and_never_buys_twice(
    opening: Callable[..., Database], connections: int
) -> None:
    journals = [Journal(opening(), Clock(), RATES) for _ in range(connections)]
    won: list[str] = []
    lost: list[BudgetExceeded] = []

    def buy(number: int) -> None:
        wanted = intent(f"s1:{number % 4}", budgets=(Budget("3 CNY", per="day"),), owner=f"o{number}")
        try:
            job, new = journals[number % connections].reserve(wanted)
        except BudgetExceeded as no:
            lost.append(no)
            return
        if new:
            won.append(job.id)

    at_once(16, buy)
    assert len(won) == 3
    assert len(lost) == 4
    assert journals[0].ledger().reserved == (Money("3 CNY"),)


def test_of_many_heirs_one_takes_over(opening: Callable[..., Database]) -> None:
    journals = [Journal(opening(), Clock(), RATES) for _ in range(6)]
    job, _ = journals[0].reserve(intent(owner="dead"))
    job = journals[0].move(job, S.SENDING)
    heirs: list[Job] = []

    def inherit(number: int) -> None:
        taken = journals[number].take_over(job, f"heir{number}")
        if taken is not None:
            heirs.append(taken)

    at_once(6, inherit)
    assert len(heirs) == 1
    assert heirs[0].state == S.UNKNOWN
    assert heirs[0].sent_until is not None
    with pytest.raises(JobMoved):  # were the dead owner to wake up, it can write nothing
        journals[0].move(job, S.ACCEPTED, ticket=ticket("v1"))


def test_what_an_earlier_epoch_holds_of_a_job_writes_nothing(journal: Journal) -> None:
    """Also where the job came back to the same owner in the same state meanwhile."""
    stale = walk(journal, journal.reserve(intent(owner="a"))[0], S.SENDING, S.UNKNOWN)
    between = journal.take_over(stale, "b")
    assert between is not None
    back = journal.take_over(between, "a")
    assert back is not None
    assert (back.owner, back.state, back.epoch) == (stale.owner, stale.state, stale.epoch + 2)
    with pytest.raises(JobMoved):
        journal.move(stale, S.ACCEPTED, ticket=ticket("v1"))
    assert journal.take_over(stale, "c") is None
    assert journal.move(back, S.ACCEPTED, ticket=ticket("v1")).state == S.ACCEPTED


def test_an_owner_that_came_back_keeps_its_jobs(journal: Journal) -> None:
    job, _ = journal.reserve(intent(owner="a"))
    assert journal.take_over(job, "b", lambda tx, owner: False) is None
    assert journal.get(job.id) == job
    taken = journal.take_over(job, "b", lambda tx, owner: owner == "a")
    assert taken is not None
    assert taken.owner == "b"


def test_what_is_done_within_a_move_happens_with_it_or_not_at_all(journal: Journal) -> None:
    job, _ = journal.reserve(intent())

    def refuse(tx: Transaction) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.move(job, S.SENDING, within=refuse)
    assert journal.get(job.id) == job
    asked: list[Transaction] = []
    sending = journal.move(job, S.SENDING, within=asked.append)
    with pytest.raises(JobMoved):  # not ours any more: nothing else is done for it
        journal.move(job, S.SENDING, within=asked.append)
    assert len(asked) == 1
    assert sending.state == S.SENDING


# --- what is said of clips ---------------------------------------------------------------------------------


def test_every_yes_is_heard_once_by_who_was_there_before(journal: Journal) -> None:
    """Takes that are filmed side by side end by it, whichever process said so."""
    assert journal.consult(newest) == 0
    jobs = [journal.reserve(intent(shot, take))[0] for shot, take in (("s1:a", 1), ("s1:a", 2), ("s1:b", 1))]
    journal.review(jobs[0].id, True, "before anybody listened")
    since = journal.consult(newest)
    for job, accepted in zip(jobs, (False, True, True), strict=True):
        journal.review(job.id, accepted, "")
    heard = journal.consult(lambda tx: accepted_after(tx, since))
    assert [(shot, take) for _, shot, take in heard] == [("s1:a", 2), ("s1:b", 1)]
    last, *_ = heard[-1]
    assert journal.consult(lambda tx: accepted_after(tx, last)) == []
    assert journal.consult(newest) == last
