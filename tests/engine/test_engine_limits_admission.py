"""Who goes next, by a model: never more than may run, the episode with the fewest first, and nobody starves."""

import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from dramagen.adapters.base import Ticket
from dramagen.catalog.order import Order, Price, Quote
from dramagen.catalog.route import Route
from dramagen.engine.database import SQLite, Transaction
from dramagen.engine.jobs import Intent, Job
from dramagen.engine.journal import Database, Journal
from dramagen.engine.limits import admission
from dramagen.engine.limits.admission import FRESH, Crowd, Decision, decide, full, turned_away
from dramagen.engine.limits.line import Line, running
from dramagen.engine.schema import MIGRATIONS
from dramagen.engine.state import JobState
from dramagen.money import Money, Rates

S = JobState
ROUTE = Route(provider="seedance", region="cn", model="seedance-2.0")
RATES = Rates({"CNY": Decimal("7.14")}, date(2026, 10, 8))
LINE = Line("l#c", "a#c", ROUTE.id, "c", at_once=3, creates=None, lasts=3600.0, mine=None, scale=1.0)


@pytest.fixture(autouse=True)
def no_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process says of its waiting jobs is not older because a test is slow."""
    monkeypatch.setattr(admission, "time", SimpleNamespace(time=lambda: 1_795_000_000.0))


class TakenBack(Exception):
    """The transaction found no room."""


class House:
    """Some processes on one journal, each with jobs that wait."""

    def __init__(self, database: Database) -> None:
        self.now = 1_795_000_000.0
        self.journal = Journal(database, self.tick, RATES)
        self.waiting: dict[str, dict[str, list[Job]]] = {"me": {}, "you": {}}
        self.crowds = {"me": Crowd(), "you": Crowd()}
        self.numbers = itertools.count()

    def tick(self) -> float:
        self.now += 0.001
        return self.now

    def order(self, owner: str, episode: str) -> None:
        order = Order(
            route=ROUTE, wire={"model": "m"}, mode="text", prompt=str(next(self.numbers)), duration=Decimal(5),
            resolution="720p", audio=False,
        )  # fmt: skip
        quote = Quote(route=ROUTE, order=order, price=Price(expected=Money("1 CNY"), most=Money("1 CNY")))
        job, _ = self.journal.reserve(
            Intent(
                shot_hash=f"s1:{order.prompt}", take=1, quote=quote, order_hash=order.hash, shot={}, shot_id=None,
                episode=episode or None, credential="c", owner=owner,
            )
        )  # fmt: skip
        self.waiting[owner].setdefault(episode, []).append(job)

    def decide(self, owner: str, leaving: Any = ()) -> Decision:
        queues = {e: [j.created for j in jobs[:3]] for e, jobs in self.waiting[owner].items() if jobs}
        crowd = self.crowds[owner]
        return self.journal.transact(lambda tx: decide(tx, LINE, owner, queues, leaving, crowd, self.now))

    def counts(self) -> Counter[str]:
        return self.journal.transact(lambda tx: running(tx, LINE, self.now))

    def send(self, job: Job) -> Job:
        def within(tx: Transaction) -> None:
            if full(tx, LINE, self.now):
                raise TakenBack

        return self.journal.move(job, S.SENDING, within=within)

    def would_go(self, job: Job, leaving: Any) -> bool:
        """Whether it would be let go if it alone were asked about now."""
        queues = {job.episode or "": [job.created]}
        said = []

        def ask(tx: Transaction) -> None:
            said.append(decide(tx, LINE, job.owner, queues, leaving, Crowd(), self.now))
            raise TakenBack  # nothing of it stays written

        with suppress(TakenBack):
            self.journal.transact(ask)
        return bool(said[0].go)

    def send_unasked(self, job: Job, leaving: Any) -> Job:
        def within(tx: Transaction) -> None:
            if turned_away(tx, LINE, job.owner, job.episode or "", job.created, leaving, self.now):
                raise TakenBack

        return self.journal.move(job, S.SENDING, within=within)


class Admission(RuleBasedStateMachine):
    """Any order of arrivals, decisions, sends and ends, in two processes."""

    opened: Callable[[], Database]
    """A new database."""
    going = Bundle("going")

    def __init__(self) -> None:
        super().__init__()
        self.house = House(self.opened())
        self.let_go: list[Job] = []
        self.sent: list[Job] = []

    def teardown(self) -> None:
        self.house.journal.close()

    @rule(owner=st.sampled_from(["me", "you"]), episode=st.sampled_from(["", "e1", "e2"]))
    def arrive(self, owner: str, episode: str) -> None:
        self.house.order(owner, episode)

    @rule(owner=st.sampled_from(["me", "you"]))
    def look(self, owner: str) -> None:
        mine = [job for job in self.let_go if job.owner == owner]
        leaving = [SimpleNamespace(episode=job.episode or "", sent=False) for job in mine]
        before = self.house.counts() + Counter(each.episode for each in leaving)
        queues = {e: len(jobs) for e, jobs in self.house.waiting[owner].items() if jobs}
        decision = self.house.decide(owner, leaving)
        assert len(decision.go) <= max(0, LINE.at_once - before.total())  # type: ignore[operator]  # it is three
        counts = before.copy()
        for episode in decision.go:
            fewest = min(counts[each] for each in queues if queues[each])
            assert counts[episode] == fewest  # of those that wait here, the one with the fewest
            counts[episode] += 1
            queues[episode] -= 1
            self.let_go.append(self.house.waiting[owner][episode].pop(0))

    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        if not self.let_go:
            return
        job = self.let_go.pop(data.draw(st.integers(0, len(self.let_go) - 1)))
        try:
            self.sent.append(self.house.send(job))
        except TakenBack:
            assert self.house.counts().total() == LINE.at_once
            again = self.house.journal.get(job.id)
            assert again is not None
            assert again.state == S.INTENDED
            queue = self.house.waiting[job.owner].setdefault(job.episode or "", [])
            queue.append(job)
            queue.sort(key=lambda each: each.created)

    @rule(owner=st.sampled_from(["me", "you"]), episode=st.sampled_from(["", "e1", "e2"]))
    def send_unasked(self, owner: str, episode: str) -> None:
        queue = self.house.waiting[owner].get(episode)
        if not queue:
            return
        mine = [job for job in self.let_go if job.owner == owner]
        leaving = [SimpleNamespace(episode=job.episode or "", sent=False) for job in mine]
        may = self.house.would_go(queue[0], leaving)
        try:
            self.sent.append(self.house.send_unasked(queue[0], leaving))
        except TakenBack:
            assert not may
        else:
            assert may
            queue.pop(0)

    @rule(data=st.data(), to=st.sampled_from([S.ACCEPTED, S.UNKNOWN, S.REFUSED, S.INTENDED]))
    def answer(self, data: st.DataObject, to: JobState) -> None:
        fresh = [job for job in self.sent if job.state == S.SENDING]
        if not fresh:
            return
        job = data.draw(st.sampled_from(fresh))
        self.sent.remove(job)
        ticket = Ticket(id=job.id, route=ROUTE) if to == S.ACCEPTED else None
        moved = self.house.journal.move(job, to, ticket=ticket)
        if to in (S.ACCEPTED, S.UNKNOWN):
            self.sent.append(moved)
        elif to == S.INTENDED:
            self.house.waiting[job.owner].setdefault(job.episode or "", []).insert(0, moved)

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        over = [job for job in self.sent if job.state in (S.ACCEPTED, S.UNKNOWN)]
        if over:
            job = data.draw(st.sampled_from(over))
            self.sent.remove(job)
            self.house.journal.move(job, S.FAILED if job.state == S.ACCEPTED else S.UNPAID)

    @invariant()
    def never_more_than_may(self) -> None:
        assert self.house.counts().total() == len(self.sent) <= 3


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Database]:
    """A new database each time."""
    numbers = itertools.count()
    return lambda: SQLite(tmp_path / f"{next(numbers)}.sqlite", MIGRATIONS)


def test_any_order_of_arrivals_and_ends(fresh: Callable[[], Database]) -> None:
    class Here(Admission):
        opened = staticmethod(fresh)

    run_state_machine_as_test(Here, settings=settings(max_examples=10, stateful_step_count=30, deadline=None))


def test_another_processs_episode_gets_its_place(opening: Callable[..., Database]) -> None:
    house = House(opening())
    for _ in range(6):
        house.order("me", "big")
    house.order("you", "small")
    sent = []
    for _ in range(3):
        sent += [house.send(house.waiting["me"][e].pop(0)) for e in house.decide("me").go]
    assert house.counts() == {"big": 3}
    assert house.decide("you").go == []  # full; but it is written down that somebody waits
    house.journal.move(sent[0], S.REFUSED)
    kept = house.decide("me")
    assert kept.go == []
    assert "another episode" in kept.why
    assert house.decide("you").go == ["small"]


def test_what_a_dead_process_said_is_not_believed_for_long(
    opening: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(opening())
    for _ in range(4):
        house.order("me", "big")
    house.order("you", "small")
    sent = [house.send(house.waiting["me"][e].pop(0)) for e in house.decide("me").go]
    assert house.decide("you").go == []
    house.journal.move(sent[0], S.REFUSED)
    assert house.decide("me").go == []
    monkeypatch.setattr(admission, "time", SimpleNamespace(time=lambda: 1_795_000_000.0 + FRESH + 1))
    assert house.decide("me").go == ["big"]


def test_jobs_nobody_hears_of_any_more_stop_counting(opening: Callable[..., Database]) -> None:
    house = House(opening())
    for _ in range(3):
        house.order("me", "e")
    for state, episode in ((S.ACCEPTED, "e"), (S.UNKNOWN, "e"), (S.SENDING, "e")):
        job = house.send(house.waiting["me"][episode].pop(0))
        if state != S.SENDING:
            house.journal.move(
                job, state, ticket=Ticket(id="t", route=ROUTE) if state == S.ACCEPTED else None
            )
    assert house.counts().total() == 3
    house.now += 901
    assert house.counts().total() == 1  # a lost create is no longer taken for a running job
    house.now += 2700
    assert house.counts().total() == 0  # nor one that was accepted, beyond its card's patience


def test_who_runs_is_counted_without_reading_what_is_over(tmp_path: Path) -> None:
    database = SQLite(tmp_path / "j.sqlite", MIGRATIONS)
    house = House(database)
    house.order("me", "e")
    house.send(house.waiting["me"]["e"].pop(0))

    def steps() -> int:
        """Instructions of the database's machine for the question."""
        taken = itertools.count()
        database._connection.set_progress_handler(lambda: next(taken) < 0, 1)
        assert house.counts() == {"e": 1}
        database._connection.set_progress_handler(None, 1)
        return next(taken)

    before = steps()
    with database.transaction() as tx:
        names = [row["name"] for row in tx.rows("PRAGMA table_info(jobs)")]
        values = ", ".join({"id": "'old' || n", "state": "'done'"}.get(name, name) for name in names)
        tx.execute(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000) "
            f"INSERT INTO jobs ({', '.join(names)}) SELECT {values} FROM jobs, numbers"
        )
    assert steps() <= before + 10
    house.journal.close()
