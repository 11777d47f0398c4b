"""Watching: only the vendor's terminal word ends a wait; one lane asks for all, none starves, none hangs."""

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from dramagen.adapters.base import Flow, State, Status, Ticket
from dramagen.catalog.cards import Watch
from dramagen.catalog.route import Route
from dramagen.config import Limits
from dramagen.engine.clock import VirtualClock
from dramagen.engine.lane import JITTER
from dramagen.engine.watch import EARLY, MISSING, Unwatched, Watcher
from dramagen.errors import InvalidShot, ProviderUnavailable

pytestmark = pytest.mark.anyio

ROUTE = Route(provider="seedance", region="cn", model="m")
CARD = Watch.model_construct(first_poll=15.0, interval=10.0, interval_max=30.0, deadline=1000.0)


@dataclass
class Vendor:
    """Answers polls: ``answers`` maps a ticket's id to what it says, ``script`` comes first."""

    clock: VirtualClock
    batch: int = 100
    script: list[Any] = field(default_factory=list)
    answers: dict[str, State] = field(default_factory=dict)
    asked: list[tuple[float, list[str]]] = field(default_factory=list)
    polls_per_second: Decimal | None = None
    list_per_second: Decimal | None = None

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        yield from ()
        self.asked.append((self.clock.now(), [ticket.id for ticket in tickets]))
        said = self.script.pop(0) if self.script else None
        if isinstance(said, Exception):
            raise said
        told: dict[str, State] = said if said is not None else self.answers
        return {t.id: Status(t, told[t.id]) for t in tickets if t.id in told}

    def service(self, watch: Watch = CARD, region: str = "cn") -> Any:
        return SimpleNamespace(
            adapter=self, watch=watch, access=None,
            route=ROUTE.model_copy(update={"region": region}),
            limits=Limits(polls_per_second=self.polls_per_second, list_per_second=self.list_per_second),
        )  # fmt: skip


class Http:
    async def run(self, flow: Flow[Any], adapter: Any, access: Any, pace: None = None) -> Any:
        await anyio.lowlevel.checkpoint()
        try:
            next(flow)
        except StopIteration as end:
            return end.value
        raise AssertionError("this vendor yields nothing")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def vendor(clock: VirtualClock) -> Vendor:
    return Vendor(clock)


@asynccontextmanager
async def watching(clock: VirtualClock) -> Any:
    async with anyio.create_task_group() as group:
        yield Watcher(Http(), clock, group, random.Random(1))  # type: ignore[arg-type]  # what the watcher uses of it
        group.cancel_scope.cancel()


def ticket(name: str) -> Ticket:
    return Ticket(id=name, route=ROUTE)


async def ask(
    watcher: Watcher,
    vendor: Vendor,
    name: str = "a",
    *,
    seen: Callable[[Status], None] | None = None,
    **known: Any,
) -> Status:
    since = known.pop("since", vendor.clock.now())
    return await watcher.verdict(ticket(name), vendor.service(**known), since, seen or (lambda status: None))


async def test_looks_begin_when_the_card_says_and_slow_down_to_its_limit(
    clock: VirtualClock, vendor: Vendor
) -> None:
    start = clock.now()
    vendor.script = [{"a": "running"}] * 15 + [{"a": "succeeded"}]
    async with watching(clock) as watcher:
        assert (await ask(watcher, vendor)).state == "succeeded"
    times = [at - start for at, _ in vendor.asked]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert times[0] == pytest.approx(15, abs=0.1)
    assert all(10 * (1 - JITTER) <= gap <= 30 * (1 + JITTER) + 1 for gap in gaps)
    assert sum(gaps[-3:]) > 2 * sum(gaps[:3])
    assert len({round(gap, 3) for gap in gaps[-3:]}) == 3  # jittered


async def test_a_job_accepted_long_ago_is_asked_about_at_once(clock: VirtualClock, vendor: Vendor) -> None:
    vendor.answers = {"a": "failed"}
    start = clock.now()
    async with watching(clock) as watcher:
        assert (await ask(watcher, vendor, since=start - 5000)).state == "failed"
    assert vendor.asked[0][0] - start < 1


@pytest.mark.parametrize("trouble", [ProviderUnavailable("down"), KeyError("a bug"), {}])
async def test_trouble_while_asking_is_no_verdict(clock: VirtualClock, vendor: Vendor, trouble: Any) -> None:
    vendor.script = [trouble] * 5 + [{"a": "succeeded"}]
    async with watching(clock) as watcher:
        assert (await ask(watcher, vendor)).state == "succeeded"
    assert len(vendor.asked) == 6


async def test_without_a_verdict_the_wait_ends_and_says_the_job_does_not(
    clock: VirtualClock, vendor: Vendor
) -> None:
    vendor.answers = {"a": "running"}
    start = clock.now()
    async with watching(clock) as watcher:
        with pytest.raises(ProviderUnavailable, match="not over") as caught:
            await ask(watcher, vendor)
        assert caught.value.billed is None
        assert 1000 <= clock.now() - start < 1100
        # Asked again, it is asked about again.
        vendor.answers = {"a": "succeeded"}
        assert (await ask(watcher, vendor, since=start)).state == "succeeded"


async def test_missing_is_believed_only_when_it_lasts(clock: VirtualClock, vendor: Vendor) -> None:
    vendor.script = [
        {"a": "missing"},
        {"a": "missing"},
        {"a": "running"},
        {"a": "missing"},
        {"a": "succeeded"},
    ]
    async with watching(clock) as watcher:
        assert (await ask(watcher, vendor)).state == "succeeded"
        vendor.asked.clear()
        vendor.answers = {"b": "missing"}
        assert (await ask(watcher, vendor, "b")).state == "missing"
    assert vendor.asked[-1][0] - vendor.asked[0][0] >= MISSING


async def test_a_vendor_that_asks_for_too_much_patience_is_asked_all_the_same(
    clock: VirtualClock, vendor: Vendor
) -> None:
    vendor.script = [ProviderUnavailable("later", retry_after=1e9), {"a": "succeeded"}]
    start = clock.now()
    async with watching(clock) as watcher:
        await ask(watcher, vendor)
    assert clock.now() - start < 400


async def test_jobs_due_together_are_asked_about_together_and_all_get_their_turn(
    clock: VirtualClock, vendor: Vendor
) -> None:
    vendor.batch = 3
    names = [f"j{n}" for n in range(8)]
    vendor.answers = dict.fromkeys(names, "running")
    ended: list[str] = []
    async with watching(clock) as watcher, anyio.create_task_group() as group:

        async def one(name: str) -> None:
            await ask(watcher, vendor, name)
            ended.append(name)

        for name in names:
            group.start_soon(one, name)
        with anyio.fail_after(60):
            while len(vendor.asked) < 60:
                await anyio.lowlevel.checkpoint()
        counts = {name: sum(name in asked for _, asked in vendor.asked) for name in names}
        assert max(counts.values()) - min(counts.values()) <= 3, counts
        assert max(len(asked) for _, asked in vendor.asked) <= 3
        first_round = [asked for _, asked in vendor.asked[:3]]
        assert [len(asked) for asked in first_round] == [3, 3, 2]
        assert sorted(name for asked in first_round for name in asked) == names
        vendor.answers = dict.fromkeys(names, "succeeded")
    assert sorted(ended) == names


async def test_the_vendors_rate_of_questions_is_kept() -> None:
    clock = Steered()
    vendor = Vendor(clock, batch=1, polls_per_second=Decimal("0.5"))
    names = [f"j{n}" for n in range(6)]
    vendor.answers = dict.fromkeys(names, "succeeded")
    async with watching(clock) as watcher, anyio.create_task_group() as group:
        for name in names:
            group.start_soon(ask, watcher, vendor, name)
        for _ in range(60):
            await clock.move(0.5)
    times = [at for at, _ in vendor.asked]
    assert len(times) == 6
    assert all(b - a >= 2 - 1e-6 for a, b in itertools.pairwise(times))


async def test_a_new_job_is_not_kept_waiting_by_an_old_ones_pause(
    vendor: Vendor, clock: VirtualClock
) -> None:
    class Waiting(VirtualClock):
        """A sleep that ends only when the lane is told of something new."""

        async def sleep(self, seconds: float) -> None:
            await (anyio.sleep_forever() if seconds > 1 else super().sleep(seconds))

    still = Waiting()
    vendor.clock = still
    vendor.answers = {"old": "running", "new": "succeeded"}
    async with watching(still) as watcher, anyio.create_task_group() as group:
        group.start_soon(ask, watcher, vendor, "old")
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(60):
            assert (await ask(watcher, vendor, "new", since=still.now() - 100)).state == "succeeded"
        assert vendor.asked == [(still.now(), ["new"])]
        # A word from outside wakes the old one too.
        vendor.answers = {"old": "succeeded"}
        assert not watcher.wake("nobody", "seedance")
        assert not watcher.wake("old", "kling")
        assert not watcher.wake("old", "seedance", "intl")
        assert watcher.wake("old", "seedance", "cn")


class Steered(VirtualClock):
    """Time that only the test moves: a sleep lasts until ``move`` has passed its end."""

    def __init__(self) -> None:
        super().__init__()
        self._moved = anyio.Event()

    async def sleep(self, seconds: float) -> None:
        end = self.now() + seconds
        while self.now() < end:
            await self._moved.wait()

    async def move(self, seconds: float) -> None:
        await self._settled()
        self._now += seconds
        moved, self._moved = self._moved, anyio.Event()
        moved.set()
        await self._settled()

    async def _settled(self) -> None:
        for _ in range(30):  # many more than any of these tasks takes to its next wait
            await anyio.lowlevel.checkpoint()


async def test_a_storm_of_words_is_one_look_for_each_interval() -> None:
    clock = Steered()
    vendor = Vendor(clock, answers={"a": "running"})
    slow = CARD.model_copy(update={"first_poll": 900.0})
    start = clock.now()
    async with watching(clock) as watcher, anyio.create_task_group() as group:

        async def one() -> None:
            await ask(watcher, vendor, watch=slow)

        group.start_soon(one)
        await clock.move(1)
        for _ in range(300):  # five minutes of a word every second
            for _ in range(10):
                watcher.wake("a", "seedance")
            await clock.move(1)
        assert 29 <= len(vendor.asked) <= 31, "one for each ten seconds of the card"
        # The last word was heard a while ago; the next one is heard at once.
        for _ in range(2):
            await clock.move(60)
        before = len(vendor.asked)
        vendor.answers = {"a": "succeeded"}
        watcher.wake("a", "seedance")
        await clock.move(1)
        assert len(vendor.asked) == before + 1
    assert clock.now() - start < slow.first_poll


async def test_a_word_does_not_outrun_the_patience_a_vendor_asked_for() -> None:
    clock = Steered()
    vendor = Vendor(clock, script=[ProviderUnavailable("later", retry_after=120.0)])
    vendor.answers = {"a": "succeeded"}
    async with watching(clock) as watcher, anyio.create_task_group() as group:
        group.start_soon(ask, watcher, vendor)
        await clock.move(20)
        assert len(vendor.asked) == 1
        watcher.wake("a", "seedance")
        for _ in range(100):
            await clock.move(1)
        assert len(vendor.asked) == 1
        for _ in range(40):
            await clock.move(1)
        assert len(vendor.asked) == 2


async def test_a_word_that_comes_before_the_job_is_watched_is_kept_for_it() -> None:
    clock = Steered()
    vendor = Vendor(clock, answers={"a": "succeeded", "b": "succeeded"})
    async with watching(clock) as watcher, anyio.create_task_group() as group:
        for number in range(EARLY):
            watcher.wake("a" if number == EARLY // 2 else f"stranger-{number}", "seedance")
        group.start_soon(ask, watcher, vendor, "a")
        group.start_soon(ask, watcher, vendor, "b")
        await clock.move(1)
        assert vendor.asked == [(clock.now() - 1, ["a"])]
        for number in range(10 * EARLY):
            watcher.wake(f"stranger-{number}", "seedance")
        assert len(watcher._early) == EARLY
        await clock.move(20)


async def test_a_word_that_comes_while_the_vendor_is_being_asked_is_not_lost() -> None:
    clock = Steered()
    vendor = Vendor(clock, answers={"a": "running"})
    slow = CARD.model_copy(update={"interval": 600.0, "interval_max": 600.0})
    async with watching(clock) as watcher, anyio.create_task_group() as group:

        def seen(status: Status) -> None:
            if status.state == "running":
                # The answer under way still says running; the word came after it was given.
                watcher.wake("a", "seedance")
                vendor.answers = {"a": "succeeded"}

        async def one() -> None:
            await ask(watcher, vendor, seen=seen, watch=slow)

        group.start_soon(one)
        await clock.move(16)
        await clock.move(1)
        assert [len(asked) for _, asked in vendor.asked] == [1, 1]


async def test_a_waiter_who_leaves_is_not_asked_about_any_more(clock: VirtualClock, vendor: Vendor) -> None:
    vendor.answers = {"stays": "running", "leaves": "running"}
    async with watching(clock) as watcher, anyio.create_task_group() as group:
        with anyio.CancelScope() as leaving:

            def seen(status: Status) -> None:
                leaving.cancel()

            group.start_soon(ask, watcher, vendor, "stays")
            await ask(watcher, vendor, "leaves", seen=seen)
        before = len(vendor.asked)
        while len(vendor.asked) < before + 5:
            await anyio.lowlevel.checkpoint()
        assert all("leaves" not in asked for _, asked in vendor.asked[before + 1 :])
        vendor.answers = {"stays": "succeeded"}


async def test_regions_have_lanes_of_their_own(clock: VirtualClock, vendor: Vendor) -> None:
    vendor.answers = {"a": "succeeded", "b": "succeeded"}
    async with watching(clock) as watcher, anyio.create_task_group() as group:
        group.start_soon(ask, watcher, vendor, "a")

        async def abroad() -> None:
            await ask(watcher, vendor, "b", region="intl")

        group.start_soon(abroad)
    assert sorted(asked for _, asked in vendor.asked) == [["a"], ["b"]]


async def test_jobs_like_others_are_looked_at_when_those_ended() -> None:
    clock = Steered()
    vendor = Vendor(clock, answers={"a": "running"})
    async with watching(clock) as watcher, anyio.create_task_group() as group:
        for _ in range(10):
            watcher.learn("such jobs", 39.8, 40.2)

        async def one() -> None:
            await watcher.verdict(ticket("a"), vendor.service(), clock.now(), kinds=["these", "such jobs"])

        start = clock.now()
        group.start_soon(one)
        while clock.now() < start + 39.5:
            await clock.move(0.5)
        early = [at - start for at, _ in vendor.asked]
        assert len(early) == 2, "half-way, and before the others' first end: jobs may have become quicker"
        vendor.answers = {"a": "succeeded"}
        for _ in range(30):
            await clock.move(0.1)
    assert 19 <= early[0] <= 21
    assert 39 <= early[1] <= 39.8
    assert len(vendor.asked) == 3
    assert 39.5 <= vendor.asked[2][0] - start <= 40.5


async def test_a_vendor_that_does_not_answer_for_so_many_is_asked_about_fewer(
    clock: VirtualClock, vendor: Vendor
) -> None:
    names = [f"j{n}" for n in range(8)]
    vendor.script = [InvalidShot("too many ids"), InvalidShot("too many ids")]
    vendor.answers = dict.fromkeys(names, "succeeded")
    async with watching(clock) as watcher, anyio.create_task_group() as group:
        for name in names:
            group.start_soon(ask, watcher, vendor, name)
    assert len(vendor.asked[0][1]) == 8
    assert max(len(asked) for _, asked in vendor.asked[2:]) <= 4
    assert sorted(name for _, asked in vendor.asked[2:] for name in asked) == names


async def test_lists_are_asked_for_as_seldom_as_the_vendor_says() -> None:
    clock = Steered()
    vendor = Vendor(clock, polls_per_second=Decimal(5), list_per_second=Decimal("0.5"))
    names = [f"j{n}" for n in range(40)]
    vendor.answers = dict.fromkeys(names, "running")
    quick = CARD.model_copy(update={"first_poll": 1.0, "interval": 1.0, "interval_max": 1.0})
    async with watching(clock) as watcher, anyio.create_task_group() as group:

        async def one(name: str) -> None:
            await ask(watcher, vendor, name, watch=quick)

        for name in names:
            group.start_soon(one, name)
        for _ in range(200):
            await clock.move(0.1)
        lists = [at for at, asked in vendor.asked if len(asked) > 1]
        vendor.answers = dict.fromkeys(names, "succeeded")
        for _ in range(200):
            await clock.move(0.1)
    assert len(lists) >= 8
    assert all(b - a >= 2 - 1e-6 for a, b in itertools.pairwise(lists))


async def test_a_vendor_that_does_not_answer_keeps_no_other_waiting() -> None:
    clock = Steered()
    vendor = Vendor(clock, answers={"quick": "succeeded", "slow": "succeeded"})

    class Stuck(Http):
        async def run(self, flow: Flow[Any], adapter: Any, access: Any, pace: None = None) -> Any:
            if access == "slow":
                await anyio.sleep_forever()
            return await super().run(flow, adapter, access)

    def place(region: str) -> Any:
        service = vendor.service(region=region)
        service.access = region
        return service

    ended: list[str] = []
    async with anyio.create_task_group() as group:
        watcher = Watcher(Stuck(), clock, group, random.Random(1))  # type: ignore[arg-type]  # likewise
        for name in ("slow", "quick"):

            def over(word: object, name: str = name) -> None:
                if not isinstance(word, Status):
                    ended.append(name)

            watcher.watch(ticket(name), place(name), clock.now(), over)
        await clock.move(20)
        assert ended == ["quick"]
        group.cancel_scope.cancel()
    assert ended == ["quick", "slow"], "told that nobody asks any more"


async def test_after_the_end_nothing_is_watched_any_more(clock: VirtualClock, vendor: Vendor) -> None:
    vendor.answers = {"a": "succeeded"}
    async with watching(clock) as watcher:
        await ask(watcher, vendor)
    with pytest.raises(Unwatched):
        watcher.watch(ticket("b"), vendor.service(), clock.now(), lambda word: None)
