"""How late finished jobs are noticed, and at how many questions a job: a whole watcher and a vendor, no time passing.

The event loop's clock jumps to whatever is due next, so that minutes take milliseconds and come out the same each
time.
"""

import asyncio
import bisect
import math
import random
import selectors
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.adapters.base import Flow, Status, Ticket
from dramagen.catalog.cards import Watch
from dramagen.catalog.route import Route
from dramagen.config import Limits
from dramagen.engine.lane import Lane
from dramagen.engine.limits.pace import UNSAID
from dramagen.engine.turns import LONGEST_WAIT, SLOWER, Turns
from dramagen.engine.waiting import Hears, Verdict, Waiting, Word
from dramagen.engine.watch import Watcher
from dramagen.errors import RateLimited

ROUTE = Route(provider="p", region="r", model="m")
SERVER = 0.15
"""Seconds a vendor takes to look."""


class Jumping(asyncio.SelectorEventLoop):
    """Its time is that of the next thing that is due."""

    def __init__(self) -> None:
        super().__init__(_Never(self))
        self.at = 1000.0

    def time(self) -> float:
        return self.at


class _Never(selectors.SelectSelector):
    """Waits for nothing."""

    def __init__(self, loop: Jumping) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing is due: somebody waits for ever"
        # A float of a thousand seconds tells no less than this apart.
        self._loop.at += max(timeout, 1e-9)
        return []


class LoopClock:
    """The loop's time."""

    scale = 1.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    now = monotonic

    def since(self, moment: float) -> float:
        return self.monotonic() - moment

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds))


@dataclass
class Vendor:
    """Jobs that end when they do, and how often it was asked. It refuses what comes faster than it says."""

    card: Watch
    limits: Limits = field(default_factory=Limits)
    batch: int = 1
    strict: Limits = field(default_factory=Limits)
    """What it holds to without having said so."""
    ends: dict[str, float] = field(default_factory=dict)
    asked: list[tuple[float, int]] = field(default_factory=list)
    refused: int = 0

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        yield from ()
        now = asyncio.get_running_loop().time()
        over = {ticket.id: self.ends[ticket.id] <= now for ticket in tickets}
        self.asked.append((now, len(tickets)))
        rate = self.strict.polls_per_second
        if rate and sum(at > now - 1 for at, _ in self.asked) > rate:
            self.refused += 1
            raise RateLimited("too often")
        return {t.id: Status(t, "succeeded" if over[t.id] else "running") for t in tickets}

    @property
    def service(self) -> Any:
        return SimpleNamespace(adapter=self, watch=self.card, access=None, route=ROUTE, limits=self.limits)


class Network:
    """Brings a question after the server's time and a little that differs from one to the next."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    async def run(self, flow: Flow[Any], adapter: Any, access: Any, pace: None = None) -> Any:
        await anyio.sleep(SERVER + self._rng.uniform(0, 0.05))
        try:
            next(flow)
        except StopIteration as end:
            return end.value
        raise AssertionError("this vendor yields nothing")


@dataclass(frozen=True)
class Wave:
    """What came of some jobs."""

    vendor: Vendor
    lags: list[float]

    @property
    def lag(self) -> float:
        """Seconds, the mean."""
        return sum(self.lags) / len(self.lags)

    @property
    def late(self) -> float:
        """Seconds, the 99th percentile."""
        return sorted(self.lags)[len(self.lags) * 99 // 100]

    @property
    def polls(self) -> float:
        return len(self.vendor.asked) / len(self.lags)


def wave(
    vendor: Vendor,
    takes: Callable[[random.Random], float],
    jobs: int = 300,
    over: float = 60.0,
    warm: int = 20,
) -> Wave:
    """So many jobs sent evenly over so many seconds, after as many as ``warm`` that are not counted."""
    rng = random.Random(1)
    lags: list[float] = []

    async def sent(count: int, watcher: Watcher, name: str) -> None:
        clock = LoopClock()
        left, done = count, asyncio.Event()

        def ended(job: str) -> Hears:
            def told(word: Word) -> None:
                nonlocal left
                if isinstance(word, Status):
                    return
                if isinstance(word, Verdict):
                    lags.append(clock.now() - vendor.ends[job])
                left -= 1
                if not left:
                    done.set()

            return told

        for number in range(count):
            job = f"{name}{number}"
            # Its create takes as long as a question, and the vendor begins before that is answered.
            vendor.ends[job] = clock.now() + takes(rng)
            await clock.sleep(0.05)
            ticket = Ticket(id=job, route=ROUTE)
            watcher.watch(ticket, vendor.service, clock.now(), ended(job), kinds=["such", "all"])
            await clock.sleep(over / jobs - 0.05)
        await done.wait()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            watcher = Watcher(Network(rng), LoopClock(), group, rng)  # type: ignore[arg-type]  # what it uses of it
            if warm:
                await sent(warm, watcher, "warm")
                lags.clear()
                vendor.asked.clear()
            await sent(jobs, watcher, "job")
            group.cancel_scope.cancel()

    with asyncio.Runner(loop_factory=Jumping) as runner:
        runner.run(main())
    assert len(lags) == jobs
    return Wave(vendor, lags)


def card(first: float, interval: float, most: float) -> Watch:
    return Watch.model_construct(first_poll=first, interval=interval, interval_max=most, deadline=7200.0)


MAKES: dict[str, Callable[[], Vendor]] = {
    "one": lambda: Vendor(card(5.0, 3.0, 10.0)),
    "late": lambda: Vendor(card(20.0, 10.0, 20.0)),
    "ten": lambda: Vendor(card(15.0, 15.0, 30.0), Limits(polls_per_second=Decimal(10))),
    "list": lambda: Vendor(
        card(15.0, 10.0, 30.0), Limits(polls_per_second=Decimal(20), list_per_second=Decimal(1)), batch=100
    ),
    "batch": lambda: Vendor(card(10.0, 6.0, 20.0), batch=200),
}
"""Vendors as their cards have them: asked one by one, first asked when all are over, with a rate, with a rate of
lists, and asked about many at once."""

LIMIT = {"list": 2.0, "batch": 2.0}
"""Questions a job, at most; 4 where there are no lists."""


def kept(vendor: Vendor) -> None:
    """It was never asked faster than it says, however long each question took to arrive."""
    rate = vendor.limits.polls_per_second or UNSAID["poll"]
    times = [at for at, _ in vendor.asked]
    most = max(bisect.bisect_left(times, at + 1) - place for place, at in enumerate(times))
    assert most <= rate if vendor.limits.polls_per_second else most <= rate + 2
    if vendor.limits.list_per_second:
        lists = [at for at, several in vendor.asked if several > 1]
        assert all(later - earlier >= 1 for earlier, later in pairwise(lists))


@pytest.mark.parametrize(("make", "warm"), [*((make, 20) for make in MAKES), ("one", 0), ("list", 0)])
def test_what_all_takes_as_long_is_noticed_at_once_and_asked_about_little(make: str, warm: int) -> None:
    seen = wave(MAKES[make](), lambda rng: 20.0, warm=warm)
    assert seen.lag <= 0.5
    assert seen.polls <= LIMIT.get(make, 4.0)
    kept(seen.vendor)


@pytest.mark.parametrize("make", ["one", "list"])
def test_what_differs_by_seconds_is_noticed_within_one(make: str) -> None:
    seen = wave(MAKES[make](), lambda rng: rng.uniform(18.5, 21.5))
    assert seen.lag <= 1.0
    assert seen.polls <= LIMIT.get(make, 4.0)
    kept(seen.vendor)


@pytest.mark.matrix
@pytest.mark.parametrize(("make", "lag", "polls"), [("one", 8, 15), ("list", 1.5, 3), ("batch", 1.0, 3)])
def test_what_takes_minutes_is_noticed_in_a_fraction_of_them(make: str, lag: float, polls: float) -> None:
    seen = wave(MAKES[make](), lambda rng: min(300.0, max(60.0, rng.lognormvariate(math.log(130), 0.35))))
    assert seen.lag <= lag
    assert seen.polls <= polls
    kept(seen.vendor)


def test_a_vendor_that_got_quicker_is_followed() -> None:
    count = iter(range(10_000))
    seen = wave(MAKES["one"](), lambda rng: 20.0 if next(count) < 170 else 9.0)
    assert sum(seen.lags[-100:]) / 100 <= 0.5
    assert seen.polls <= 4


def test_a_vendor_that_allows_less_than_it_says_is_asked_ever_less_until_it_is_content() -> None:
    vendor = Vendor(card(5.0, 3.0, 10.0), strict=Limits(polls_per_second=Decimal(10)))
    seen = wave(vendor, lambda rng: 20.0)
    assert 0 < seen.vendor.refused <= len(seen.vendor.asked) / 10
    assert seen.lag <= 1
    assert seen.late <= 5


def test_more_jobs_than_a_vendor_may_be_asked_about_are_all_noticed_in_their_turn() -> None:
    vendor = Vendor(card(5.0, 3.0, 10.0), Limits(polls_per_second=Decimal(2)))
    seen = wave(vendor, lambda rng: rng.uniform(20, 80), jobs=120, over=10.0)
    kept(seen.vendor)
    assert max(seen.lags) <= 120


def turns(**limits: str) -> Turns:
    return Turns(Limits(**{name: Decimal(rate) for name, rate in limits.items()}))


def test_a_list_is_not_asked_for_while_the_vendor_may_not_have_seen_the_last_one_for_as_long_as_it_says() -> (
    None
):
    each = turns(polls_per_second="20", list_per_second="1")
    each.sent(10.0, True, 0.0)
    assert each.list_wait(10.5) > 0.5
    assert each.list_wait(12.0) > 0, "under way still"
    each.came(12.5, True)
    assert each.list_wait(13.4) > 0
    assert each.list_wait(13.6) == 0


def test_a_job_waits_for_the_next_list_and_not_for_one_that_hangs() -> None:
    lane = Lane(MAKES["list"]().service, random.Random(1))

    def add(name: str, now: float) -> None:
        ticket = Ticket(id=name, route=ROUTE)
        lane.add(Waiting(ticket, lane.service.watch, (), 0.0, now, 10.0, 7200.0, lambda word: None), now)

    add("a", 100.0)
    add("b", 100.0)
    assert len(lane.take(100.0)) == 2
    add("c", 100.1)
    for moment in (
        100.6,
        101.0,
        101.5,
    ):  # the next may be asked for from 101.11 on, once this one is answered
        assert not lane.take(moment)
    assert [waiting.ticket.id for waiting in lane.take(101.8)] == ["c"]


def test_refusals_of_what_was_sent_before_the_first_of_them_slow_down_once() -> None:
    each = turns(polls_per_second="9")
    before = each.gap
    for sent in (1.0, 1.1, 1.2):
        each.refused(sent, 1.3, None)
    assert each.gap == pytest.approx(before * SLOWER)
    assert each.free == pytest.approx(2.3)
    for _ in range(1000):
        each.answered()
    assert each.gap == before


@pytest.mark.parametrize(("said", "seconds"), [(7.0, 7.0), (1e9, LONGEST_WAIT)])
def test_a_vendor_is_left_alone_for_as_long_as_it_says_within_reason(said: float, seconds: float) -> None:
    each = turns()
    each.refused(0.0, 5.0, said)
    assert each.free == 5.0 + seconds


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=50))
def test_a_question_never_costs_less_than_one_or_has_no_price(waits: list[tuple[float, bool]]) -> None:
    each = turns(list_per_second="1")
    for number, (waited, several) in enumerate(waits):
        each.sent(float(number), several, waited)
    assert 1 <= each.price < math.inf


def test_a_list_that_comes_soon_is_waited_for() -> None:
    """A request about one job costs as much as one about all: with lists once a second most jobs share one."""
    seen = wave(MAKES["list"](), lambda rng: 20.0)
    single = sum(several == 1 for _, several in seen.vendor.asked) / len(seen.lags)
    assert single <= 0.75
    assert seen.lag <= 0.4
