"""What is held of a job that waits, in line or for the vendor: its order stays on the disk meanwhile."""

import gc
from functools import partial
from typing import Any

import anyio
import pytest

from dramagen.engine.jobs import Intent, Job
from dramagen.engine.limits.admission import AT_HAND

pytestmark = pytest.mark.anyio


def held(shot: Any) -> list[object]:
    """The jobs of a shot, and what is about to be bought for it, that anything in this process still refers to."""
    gc.collect()
    orders = [each for each in gc.get_objects() if isinstance(each, Job | Intent)]
    return [each for each in orders if dict(each.shot).get("prompt") == shot.prompt]


async def test_what_waits_holds_neither_its_order_nor_a_task(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    shot = lot.shot.changed(prompt="她在雨里等了一夜")
    clips: list[Any] = []
    async with (
        lot.open(vendor, virtual=False, limits={"seedance": 3}) as studio,
        anyio.create_task_group() as group,
    ):
        flights = studio._running().engine.flights

        async def one(take: int) -> None:
            clips.append(await studio.shoot(shot, take=take))

        for take in range(1, 8):
            group.start_soon(one, take)
        await lot.until(lambda: len(vendor.jobs) == 3 and len(flights) == 7)
        await lot.until(
            lambda: all(flight.leg is None and flight.scope is None for flight in flights.values())
        )
        await lot.until(lambda: held(shot) == [])
        vendor.release()
    assert sorted(clip.take for clip in clips) == list(range(1, 8))
    assert len(vendor.jobs) == 7


@pytest.mark.matrix
async def test_of_very_many_without_a_limit_few_are_on_their_way_at_once(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(creates=True)
    many = AT_HAND + 8
    async with (
        lot.open(vendor, virtual=False, limits={"seedance": 1000}) as studio,
        anyio.create_task_group() as group,
    ):
        for take in range(1, many + 1):
            group.start_soon(partial(studio.shoot, lot.shot, take=take))
        await lot.until(lambda: len(studio.jobs()) == many)
        await lot.until(lambda: sum(str(job.state) == "sending" for job in studio.jobs()) == AT_HAND)
        vendor.release()
    assert len(vendor.jobs) == many
    assert "waiting" not in {event.kind for event in lot.events}, "nobody is told of a wait of a moment"
