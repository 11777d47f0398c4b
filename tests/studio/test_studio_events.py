"""What a studio tells: each step once, in order, on every way a take can go; and readers that hold nothing up."""

import json
import logging
from typing import Any
from unittest.mock import Mock

import anyio
import pytest

from dramagen import Budget, Studio
from dramagen.catalog.route import Route
from dramagen.errors import BudgetExceeded, ConfigError, DramagenError, NoRoute, OutcomeUnknown
from dramagen.events import Event, to_json
from dramagen.shot import Shot
from dramagen.studio.broadcast import Broadcast, Events

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]

FILMED = ["planned", "reserved", "submitted", "ready", "collected", "verified"]
ORDER = ["planned", "fell_back", "reserved", "resumed", "submitted", "queued", "running", *FILMED[3:]]


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def told(events: list[Event]) -> list[str]:
    """Kinds, waits by their reason."""
    return [f"{e.kind}:{e.reason}" if e.kind == "waiting" else e.kind for e in events]


async def test_a_job_is_told_step_by_step(lot: Any) -> None:
    async with lot.open() as studio:
        began = lot.clock.now()
        clip = await studio.shoot(lot.shot)
    planned, reserved, submitted, ready, _, verified = lot.events
    assert kinds(lot.events) == FILMED
    assert [event.at for event in lot.events] == sorted(event.at for event in lot.events)
    assert planned.seconds is not None
    assert planned.at - planned.seconds == began
    assert reserved.money is not None
    assert ready.money == verified.money == clip.cost
    assert {event.route for event in lot.events} == {clip.route}
    assert (submitted.polls, ready.polls) == (None, 1)
    assert [event.final for event in lot.events] == [False] * 5 + [True]
    assert json.loads(json.dumps(to_json(ready)))["polls"] == 1


async def test_progress_is_told_where_it_grows_and_a_queue_once(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with lot.open(vendor, virtual=False) as studio, anyio.create_task_group() as group:
        group.start_soon(studio.shoot, lot.shot)
        await lot.until(lambda: sum(r.method == "GET" for r in vendor.requests) > 3)
        vendor.release()
    assert kinds(lot.events) == [*FILMED[:3], "running", *FILMED[3:]]
    assert lot.events[4].polls > 3


async def test_of_a_flight_each_step_is_news_once() -> None:
    from dramagen.engine.flight import Flight

    route = Route(provider="seedance", region="cn", model="m")
    flight = Flight("a-job", route, 1, 0, Shot("雨夜"), started=True)
    steps = [("queued", None), ("queued", None), ("running", 0.2), ("running", 0.2), ("running", 0.1)]
    steps += [("running", 0.3), ("running", None), ("queued", None), ("ready", None), ("ready", None)]
    news = [(kind, value) for kind, value in steps if flight.news(kind, value)]  # type: ignore[arg-type]  # as Kind
    assert news == [("queued", None), ("running", 0.2), ("running", 0.3), ("ready", None)]


async def test_what_is_there_already_is_cached_and_nothing_else(lot: Any) -> None:
    async with lot.open() as studio:
        await studio.shoot(lot.shot)
        lot.events.clear()
        await studio.shoot(lot.shot)
    assert kinds(lot.events) == ["cached"]


async def test_of_many_calls_for_one_take_one_is_told_its_way_and_the_others_that_it_is_there(
    lot: Any,
) -> None:
    async with lot.open() as studio, anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(studio.shoot, lot.shot.changed(id=f"s{number}"))
    ends = [event for event in lot.events if event.final]
    assert sorted(kinds(ends)) == ["cached"] * 4 + ["verified"]
    assert sorted(event.shot.id for event in ends) == [f"s{number}" for number in range(5)]
    for kind in FILMED[1:]:
        assert kinds(lot.events).count(kind) == 1


async def test_a_fall_back_is_told_between_two_jobs(lot: Any) -> None:
    async with lot.open(lot.vendor("fail")) as studio:
        await studio.shoot(lot.shot)
    assert kinds(lot.events) == [*FILMED[:3], "failed", "fell_back", *FILMED[1:]]
    failed, fell_back = lot.events[3:5]
    assert (failed.reason, failed.polls, failed.money.amount) == ("JobFailed", 1, 0)
    assert fell_back.route != failed.route


async def test_a_create_refused_for_the_moment_is_waited_for(lot: Any) -> None:
    async with lot.open(lot.vendor("rate_limit", "rate_limit")) as studio:
        await studio.shoot(lot.shot.pinned(lot.PIN))
    waits = [event for event in lot.events if event.kind == "waiting" and event.reason == "retry"]
    assert len(waits) == 2
    assert kinds([e for e in lot.events if e.kind != "waiting"]) == FILMED


@pytest.mark.parametrize(("outcome", "end"), [("lose", FILMED[2:]), ("drop", ["unknown"])])
async def test_a_lost_create_is_looked_for_and_found_or_unknown(
    lot: Any, outcome: Any, end: list[str]
) -> None:
    async with lot.open(lot.vendor(outcome)) as studio:
        if outcome == "lose":
            await studio.shoot(lot.shot.pinned(lot.PIN))
        else:
            with pytest.raises(OutcomeUnknown) as unknown:
                await studio.shoot(lot.shot.pinned(lot.PIN))
            assert lot.events[-1].money == unknown.value.at_risk
    assert told(lot.events) == [*FILMED[:2], "waiting:lookup", *end]


async def test_what_another_process_left_is_resumed(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with anyio.create_task_group() as group, lot.open(vendor, virtual=False) as studio:

        async def shoot(here: Studio) -> None:
            with pytest.raises(ConfigError, match="closed"):
                await here.shoot(lot.shot)

        group.start_soon(shoot, studio)
        await lot.until(lambda: "submitted" in kinds(lot.events))
    assert not lot.events[-1].final  # it goes on at the vendor
    vendor.release()
    lot.events.clear()
    async with lot.open(vendor) as studio:
        await studio.resume()
        assert await studio.resume() == []
    assert kinds(lot.events) == ["resumed", *FILMED[3:]]
    lot.events.clear()


async def test_a_call_takes_a_dead_process_job_over(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        collector = studio._running().engine.collector
        broken = Mock(side_effect=DramagenError("the line is cut", billed=True))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(collector), "collect", broken)
            with pytest.raises(DramagenError, match="cut"):
                await studio.shoot(lot.shot)
    assert kinds(lot.events)[-2:] == ["ready", "failed"]
    lot.events.clear()
    async with lot.open(vendor) as studio:
        clip = await studio.shoot(lot.shot)
    assert kinds(lot.events) == ["resumed", "collected", "verified"]
    assert lot.events[0].money == clip.cost  # spent before
    assert len(vendor.jobs) == 1


async def test_a_job_of_a_living_process_is_waited_for(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    heard: list[Event] = []
    async with (
        lot.open(vendor, virtual=False) as first,
        lot.open(vendor, virtual=False) as second,
        anyio.create_task_group() as group,
    ):
        group.start_soon(first.shoot, lot.shot)
        await lot.until(lambda: vendor.jobs)
        lot.events.clear()
        second._now_open().broadcast._listeners.append(heard.append)
        group.start_soon(second.shoot, lot.shot)
        await lot.until(lambda: heard)
        vendor.release()
    assert told(heard) == ["waiting:elsewhere", "cached"]


async def test_a_call_that_ends_without_a_job_says_so(lot: Any) -> None:
    async with lot.open() as studio:
        with pytest.raises(BudgetExceeded):
            await studio.shoot(lot.shot, budget=Budget("0.01 CNY", "shot"))
        with pytest.raises(NoRoute):
            await studio.shoot(lot.shot.changed(duration=500))
    assert kinds(lot.events) == ["planned", "failed", "failed"]
    assert [e.reason for e in lot.events[1:]] == ["BudgetExceeded", "NoRoute"]
    assert {e.job_id for e in lot.events} == {None}


async def test_a_caller_that_leaves_before_anything_is_sent_ends_its_job(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with (
        lot.open(vendor, virtual=False, limits={"seedance": 1}) as studio,
        anyio.create_task_group() as group,
    ):
        group.start_soon(studio.shoot, lot.shot.pinned(lot.PIN))
        await lot.until(lambda: vendor.jobs)
        async with anyio.create_task_group() as other:
            other.start_soon(lambda: studio.shoot(lot.shot.pinned(lot.PIN), take=2))
            await lot.until(lambda: [e for e in lot.events if e.take == 2 and e.kind == "reserved"])
            other.cancel_scope.cancel()
        await lot.until(lambda: [e for e in lot.events if e.take == 2 and e.final])
        vendor.release()
    (end,) = [event for event in lot.events if event.take == 2 and event.final]
    assert (end.kind, end.reason) == ("failed", "given-up")


# --- readers ---------------------------------------------------------------------------------------------------


def event(kind: Any, number: int = 0) -> Event:
    return Event(kind, Shot("雨夜"), 1, float(number))


async def read(events: Events) -> list[Event]:
    return [each async for each in events]


async def test_every_reader_hears_everything_and_ends_with_the_studio(lot: Any) -> None:
    heard: list[list[Event]] = []

    async def listen(events: Events) -> None:
        heard.append(await read(events))

    async with anyio.create_task_group() as group, lot.open() as studio:
        for _ in range(3):
            group.start_soon(listen, studio.events())
        await studio.shoot(lot.shot)
        late = studio.events()
        await studio.shoot(lot.shot)
    assert heard == [lot.events] * 3
    assert kinds(await read(late)) == ["cached"]
    with pytest.raises(ConfigError, match="open the studio"):
        studio.events()


async def test_a_reader_that_is_behind_loses_steps_and_never_an_end() -> None:
    broadcast = Broadcast()
    slow, quick = broadcast.reader(4), broadcast.reader(1000)
    sent = [event("verified" if n % 3 == 0 else "running", n) for n in range(30)]
    for each in sent:
        broadcast(each)
    broadcast.close()
    kept = await read(slow)
    assert [e.at for e in kept] == sorted(e.at for e in kept)
    assert [e for e in kept if e.final] == [e for e in sent if e.final]
    assert slow.dropped == len(sent) - len(kept) > 0
    assert (await read(quick), quick.dropped) == (sent, 0)


async def test_a_reader_nobody_reads_holds_nothing_up(lot: Any) -> None:
    async with lot.open() as studio:
        stuck = studio.events(room=1)
        await studio.takes(lot.shot, 5)
        assert stuck.dropped > 10
    assert kinds(await read(stuck)).count("verified") == 5


async def test_several_tasks_share_a_reader_and_each_event_is_read_once() -> None:
    broadcast = Broadcast()
    events = broadcast.reader(100)
    heard: list[float] = []

    async def worker() -> None:
        heard.extend([each.at async for each in events])

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(worker)
        for number in range(20):
            broadcast(event("running", number))
            await anyio.lowlevel.checkpoint()
        broadcast.close()
    assert sorted(heard) == list(range(20))


async def test_a_reader_that_was_left_is_forgotten() -> None:
    broadcast = Broadcast()
    events = broadcast.reader(10)
    broadcast(event("running"))
    await events.aclose()
    assert await read(events) == []
    del events
    gone = broadcast.reader(10)
    del gone
    assert not [reader for reader in broadcast._readers if not reader._ended]


# --- logs ------------------------------------------------------------------------------------------------------


async def test_events_are_logged_with_their_facts_and_without_prompts(
    lot: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "dramagen")
    async with lot.open() as studio:
        clip = await studio.shoot(lot.shot.changed(id="s01"))
    records: list[Any] = [r for r in caplog.records if r.name == "dramagen.events"]
    assert [record.state for record in records] == FILMED
    last = records[-1]
    assert (last.job, last.route, last.shot, last.take) == (clip.job_id, clip.route, "s01", 1)
    assert last.levelno == logging.INFO
    assert {record.levelno for record in records[:-1]} == {logging.DEBUG}
    assert "雨夜" not in caplog.text
    assert not logging.getLogger("dramagen").handlers
