"""Closing a studio tells everybody who waits, wherever the job is at that moment."""

from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from dramagen import Studio
from dramagen.errors import ConfigError

pytestmark = pytest.mark.anyio


async def told(studio: Studio, shot: Any, take: int) -> None:
    with anyio.fail_after(20), pytest.raises(ConfigError, match="closed"):
        await studio.shoot(shot, take=take)


async def test_a_create_that_is_answered_while_the_studio_closes_leaves_nobody_waiting(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with anyio.create_task_group() as group:
        async with lot.open(vendor, virtual=False) as studio:
            inside = studio._running().engine.group.cancel_scope
            group.start_soon(told, studio, lot.shot, 1)
            await lot.until(lambda: [str(job.state) for job in studio.jobs()] == ["accepted"])
            vendor.opened, vendor.arrived = anyio.Event(), anyio.Event()
            group.start_soon(told, studio, lot.shot, 2)
            await vendor.arrived.wait()

            async def answer() -> None:
                await lot.until(lambda: inside.cancel_called)
                vendor.opened.set()

            group.start_soon(answer)
        assert [str(job.state) for job in studio.jobs()] == ["accepted", "accepted"]
    vendor.release()
    async with lot.open(vendor, virtual=False) as studio:
        assert sorted(result.clip.take for result in await studio.resume()) == [1, 2]
    assert len(vendor.jobs) == 2


async def test_whoever_stands_in_line_is_told_and_holds_no_money(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with (
        anyio.create_task_group() as group,
        lot.open(vendor, virtual=False, limits={"seedance": 1}) as studio,
    ):
        for take in (1, 2, 3):
            group.start_soon(told, studio, lot.shot, take)
        await lot.until(lambda: len(studio.jobs()) == 3 and len(vendor.jobs) == 1)
        flights = studio._running().engine.flights
        # No task of ours stands there with them.
        assert sorted(flight.leg is None and flight.scope is None for flight in flights.values())[1:]
    assert sorted(str(job.state) for job in studio.jobs()) == ["accepted", "refused", "refused"]


@pytest.mark.parametrize("steps", range(5))
async def test_whoever_lines_up_at_the_last_moment_is_told_that_the_studio_closes(
    lot: Any, steps: int
) -> None:
    """A line of its own needs a task, and a group that is closing takes none."""
    vendor = lot.vendor()
    vendor.hold(jobs=True)

    async def late(engine: Any, job: Any) -> None:
        service = engine.services.service(job.route.model_copy(update={"model": "seedance-1.5-pro"}))
        with anyio.CancelScope(shield=True):
            while not engine.group.cancel_scope.cancel_called:
                await anyio.lowlevel.cancel_shielded_checkpoint()
            for _ in range(steps):
                await anyio.lowlevel.cancel_shielded_checkpoint()
            with suppress(anyio.ClosedResourceError):
                engine.submitter.gate.join(job, service, lambda *_: None, lambda: None)

    async with anyio.create_task_group() as group, lot.open(vendor, virtual=False) as studio:
        group.start_soon(told, studio, lot.shot, 1)
        await lot.until(lambda: [str(job.state) for job in studio.jobs()] == ["accepted"])
        engine = studio._running().engine
        engine.group.start_soon(late, engine, studio.jobs()[0])
