"""So many calls in a time: never more than promised, never waiting longer than needed, whoever takes them."""

import itertools
import math
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from dramagen.engine.clock import VirtualClock
from dramagen.engine.database import JournalUnavailable, SQLite
from dramagen.engine.journal import Database, Journal
from dramagen.engine.limits.pace import Pacer
from dramagen.engine.limits.rate import Rate, take
from dramagen.engine.schema import MIGRATIONS

START = 1_795_000_000.0


class Taking(RuleBasedStateMachine):
    """Two processes take of one rate at any moments; the clock may be set back."""

    opened: Callable[[], Database]
    """A new database."""
    rate = Rate(4.0, 3)

    def __init__(self) -> None:
        super().__init__()
        self.database = self.opened()
        self.now = START
        self.taken: list[float] = []
        self.wait = 0.0

    def teardown(self) -> None:
        self.database.close()

    @rule(seconds=st.floats(0, 30))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.floats(0, 1000))
    def the_clock_is_set_back(self, seconds: float) -> None:
        self.now -= seconds
        self.taken.clear()  # nobody can promise anything about moments that come twice

    @rule(count=st.integers(1, 3))
    def take(self, count: int) -> None:
        with self.database.transaction() as tx:
            wait = take(tx, "a", self.rate, self.now, count)
        if wait == 0:
            self.taken += [self.now] * count
            return
        assert wait <= count * self.rate.interval + 1e-6
        with self.database.transaction() as tx:
            assert take(tx, "a", self.rate, self.now + wait * 0.99 - 1e-3, count) > 0
        self.now += wait
        with self.database.transaction() as tx:
            assert take(tx, "a", self.rate, self.now, count) == 0
        self.taken += [self.now] * count

    @rule()
    def another_is_another(self) -> None:
        with self.database.transaction() as tx:
            tx.execute("DELETE FROM rates WHERE name = 'b'")
            assert take(tx, "b", self.rate, self.now, 3) == 0

    @invariant()
    def never_more_than_a_burst_and_what_time_gave(self) -> None:
        for i, begin in enumerate(self.taken):
            for j in range(i, len(self.taken)):
                allowed = self.rate.burst + (self.taken[j] - begin) / self.rate.interval
                assert j - i + 1 <= allowed + 1e-3


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Database]:
    """A new database each time."""
    numbers = itertools.count()
    return lambda: SQLite(tmp_path / f"{next(numbers)}.sqlite", MIGRATIONS)


def test_any_takers_at_any_moments(fresh: Callable[[], Database]) -> None:
    class Here(Taking):
        opened = staticmethod(fresh)

    run_state_machine_as_test(Here, settings=settings(max_examples=12, stateful_step_count=20, deadline=None))


@given(count=st.integers(1, 700), seconds=st.sampled_from([1.0, 60.0]))
@settings(max_examples=60, deadline=None)
def test_within_any_minute_never_more(count: int, seconds: float) -> None:
    rate = Rate.within(count, seconds)
    # Taken as fast as it goes: a burst, then one each interval. Half-open windows that begin at a take are the worst.
    assert rate.burst + math.ceil(round(seconds / rate.interval, 9)) - 1 <= count
    assert rate.burst >= 1


def test_two_connections_share_a_rate(opening: Callable[..., Database]) -> None:
    one, two = opening(), opening()
    rate = Rate(10.0, 2)
    given: list[float] = []
    for database in (one, two, one, two):
        with database.transaction() as tx:
            given.append(take(tx, "poll x", rate, START))
    assert given[:2] == [0, 0]
    assert given[2:] == pytest.approx([10, 10], abs=1e-3)


def _service(**limits: Any) -> Any:
    known: dict[str, Any] = {"polls_per_second": None, "list_per_second": None} | limits
    return SimpleNamespace(account="ark:cn#f", limits=SimpleNamespace(**known))


@pytest.mark.anyio
async def test_asking_is_paced_for_everybody_together(fresh: Callable[[], Database]) -> None:
    clock, moments = VirtualClock(), []
    journal = Journal(fresh(), clock.now, None)  # type: ignore[arg-type]  # no money is counted here
    service = _service(polls_per_second=Decimal(4))
    pacers = [Pacer(journal, clock), Pacer(journal, clock)]
    for turn in range(24):  # one after the other: concurrent sleepers would each move the virtual clock
        await pacers[turn % 2].pace(service, "poll")
        moments.append(clock.now())
    journal.close()
    for begin in moments:
        # At the seam of two processes' shares one may still be under way while the next begins.
        assert sum(begin <= moment < begin + 1 for moment in moments) <= 4 + 2
    assert moments[-1] - moments[0] >= (24 - 4 - 2) / 4
    assert moments[-1] - moments[0] <= 24 / 4 * 2.5


@pytest.mark.anyio
async def test_lists_and_polls_are_paced_apart_and_first_come_goes_first(
    fresh: Callable[[], Database],
) -> None:
    clock, order = VirtualClock(), []
    journal = Journal(fresh(), clock.now, None)  # type: ignore[arg-type]  # no money is counted here
    service = _service(polls_per_second=Decimal(1), list_per_second=Decimal("0.5"))
    pacer = Pacer(journal, clock)
    before = clock.now()
    for _ in range(3):
        await pacer.pace(service, "list")
    assert clock.now() - before == pytest.approx(4, abs=0.01)
    at = clock.now()
    await pacer.pace(service, "poll")
    assert clock.now() == at  # another count

    async def one(number: int) -> None:
        await pacer.pace(service, "poll")
        order.append(number)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(one, number)
            await anyio.lowlevel.checkpoint()
    journal.close()
    assert order == sorted(order)


@pytest.mark.anyio
async def test_a_broken_journal_keeps_nobody_from_asking() -> None:
    class Broken:
        def transact(self, work: Any) -> None:
            raise JournalUnavailable("the disk is full")

    clock = VirtualClock()
    pacer = Pacer(Broken(), clock)  # type: ignore[arg-type]  # what the pacer uses of it
    before = clock.now()
    for _ in range(5):
        await partial(pacer.pace, _service(polls_per_second=Decimal(2)), "poll")()
    assert clock.now() - before == pytest.approx(2, abs=0.01)
