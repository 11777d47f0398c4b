"""Cancelling, closing, and coming back: what was sent is never lost and never sent twice."""

import asyncio
from typing import Any

import anyio
import pytest

from dramagen import Studio
from dramagen.errors import ConfigError, NoRoute

pytestmark = pytest.mark.anyio


async def test_cancelling_a_call_detaches_and_the_job_comes_home_by_itself(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with lot.open(vendor, virtual=False) as studio:
        async with anyio.create_task_group() as group:
            group.start_soon(studio.shoot, lot.shot)
            await lot.until(lambda: [j.state for j in studio.jobs()] == ["accepted"])
            group.cancel_scope.cancel()
        assert studio.jobs()[0].state == "accepted"
        vendor.release()
        await lot.until(lambda: studio.jobs()[0].state == "done")
        assert (await studio.shoot(lot.shot)).cached
    assert len(vendor.jobs) == 1


async def test_a_create_under_way_is_written_down_whoever_leaves(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(creates=True)
    async with lot.open(vendor, virtual=False) as studio:
        async with anyio.create_task_group() as group:
            group.start_soon(studio.shoot, lot.shot)
            await vendor.arrived.wait()
            group.cancel_scope.cancel()
        assert studio.jobs()[0].state == "sending"
        vendor.release()
        await lot.until(lambda: studio.jobs()[0].state == "done")
    assert len(vendor.jobs) == 1


async def test_what_waits_for_a_slot_is_let_go_and_its_money_free(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with lot.open(vendor, virtual=False, limits={"seedance": 1}) as studio:
        async with lot.second_in_line(studio, vendor) as (_, leave):
            await leave()
            await lot.until(lambda: [str(j.state) for j in studio.jobs()] == ["accepted", "refused"])
            vendor.release()
        assert len(vendor.jobs) == 1
        assert (await studio.shoot(lot.shot, take=2)).take == 2  # nobody's verdict stands against it


@pytest.mark.parametrize("late", [False, True])
async def test_a_caller_who_joins_what_another_lets_go_still_gets_the_clip(lot: Any, late: bool) -> None:
    """Who joins while the other leaves, or when it has left and its job is being let go."""
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    clips: list[Any] = []
    async with lot.open(vendor, virtual=False, limits={"seedance": 1}) as studio:

        async def wants() -> None:
            clips.append(await studio.shoot(lot.shot, take=2))

        async with lot.second_in_line(studio, vendor) as (others, leave):
            if late:
                await leave()
                others.start_soon(wants)
            else:
                others.start_soon(wants)
                await leave()
            vendor.release()
        assert (await studio.shoot(lot.shot, take=2)).cached
    assert [clip.take for clip in clips] == [2]
    assert len(vendor.jobs) == 2
    assert {job.body["model"] for job in vendor.jobs} == {vendor.jobs[0].body["model"]}  # not a fallback


async def test_closing_with_running_jobs_and_resuming_in_the_next_studio(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with (
        anyio.create_task_group() as group,
        lot.open(vendor, virtual=False, limits={"seedance": 2}) as studio,
    ):
        for take in (1, 2, 3):
            group.start_soon(_expect_closed, studio, lot.shot, take)
        await lot.until(lambda: [str(j.state) for j in studio.jobs()].count("accepted") == 2)
        await lot.until(lambda: len(studio.jobs()) == 3)
    closed = lot.open()
    assert sorted(str(j.state) for j in closed.jobs()) == ["accepted", "accepted", "refused"]
    vendor.release()
    async with lot.open(vendor, virtual=False) as studio:
        results = await studio.resume()
        assert sorted(r.clip.take for r in results) == sorted(
            j.take for j in studio.jobs() if j.state == "done"
        )
        assert all(r.clip.cached and r.clip.shot.prompt == lot.shot.prompt for r in results)
        assert len(results) == len(vendor.jobs) == 2
        assert await studio.resume() == []
        assert [e.kind for e in lot.events].count("resumed") == 2


async def _expect_closed(studio: Studio, shot: Any, take: int) -> None:
    with pytest.raises(ConfigError, match="closed"):
        await studio.shoot(shot, take=take)


async def test_resuming_lets_what_this_studio_is_about_to_send_alone(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    clips: list[Any] = []
    async with lot.open(vendor, virtual=False, limits={"seedance": 1}) as studio:

        async def one(take: int) -> None:
            clips.append(await studio.shoot(lot.shot.pinned(lot.PIN), take=take))

        async with anyio.create_task_group() as group:
            group.start_soon(one, 1)
            await lot.until(lambda: vendor.jobs)
            group.start_soon(one, 2)
            await lot.until(lambda: len(studio.jobs()) == 2)
            group.start_soon(studio.resume)
            # It waits for the first one too, and leaves the second alone.
            await lot.until(lambda: any(f.waiters == 2 for f in studio._running().engine.flights.values()))
            vendor.release()
    assert sorted(clip.take for clip in clips) == [1, 2]
    assert len(vendor.jobs) == 2


async def test_a_living_studios_jobs_are_its_own(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with (
        lot.open(vendor, virtual=False) as first,
        lot.open(vendor, virtual=False) as second,
        anyio.create_task_group() as group,
    ):
        group.start_soon(first.shoot, lot.shot)
        await lot.until(lambda: vendor.jobs)
        assert await second.resume() == []
        vendor.release()
    assert len(vendor.jobs) == 1


async def test_a_job_whose_shot_cannot_be_read_any_more_is_still_brought_home(lot: Any) -> None:
    import sqlite3

    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with anyio.create_task_group() as group, lot.open(vendor, virtual=False) as studio:
        group.start_soon(_expect_closed, studio, lot.shot, 1)
        await lot.until(lambda: [j.state for j in studio.jobs()] == ["accepted"])
    database = sqlite3.connect(lot.home / "journal.sqlite")
    with database:
        database.execute("UPDATE jobs SET shot = json_set(shot, '$.mood', 'a field of another version')")
    database.close()
    vendor.release()
    async with lot.open(vendor, virtual=False) as studio:
        (result,) = await studio.resume()
    assert result.clip is not None
    assert result.clip.shot.prompt == lot.shot.prompt


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncios_own_cancellation_leaves_nothing_reserved(lot: Any) -> None:
    """``task.cancel()`` at every step of a call: no shield of anyio's stands in its way."""
    vendor = lot.vendor()
    for steps in range(0, 60, 3):
        async with lot.open(vendor) as studio:
            task = asyncio.create_task(studio.shoot(lot.shot.changed(prompt=f"第{steps}镜")))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    closed = lot.open()
    assert all(job.state != "intended" for job in closed.jobs())
    async with lot.open(vendor) as studio:
        await studio.resume()
        assert studio.jobs(open_only=True) == []
    ids = [job.id for job in vendor.jobs]
    assert len(ids) == len([j for j in closed.jobs() if j.ticket])


async def test_an_error_leaves_the_studio_as_it_is_in_no_group(lot: Any) -> None:
    with pytest.raises(NoRoute):
        async with lot.open() as studio:
            await studio.shoot(lot.shot.pinned("kling"))
    with pytest.raises(ZeroDivisionError):
        async with lot.open():
            raise ZeroDivisionError


async def test_a_cancelled_block_ends_quietly(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    with anyio.CancelScope() as scope:
        async with lot.open(vendor, virtual=False) as studio, anyio.create_task_group() as group:
            group.start_soon(studio.shoot, lot.shot)
            await lot.until(lambda: [j.state for j in studio.jobs()] == ["accepted"])
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert [j.state for j in lot.open().jobs()] == ["accepted"]
