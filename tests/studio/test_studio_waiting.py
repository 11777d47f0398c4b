"""What is held of a job that waits, in line or for the vendor: its order stays on the disk meanwhile."""

import gc
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import anyio
import pytest

from dramagen.engine.jobs import Intent, Job
from dramagen.engine.limits.admission import AT_HAND

pytestmark = pytest.mark.anyio


def held(*prompts: str) -> list[object]:
    """The jobs of some shots, and what is about to be bought for them, that anything in this process refers to."""
    gc.collect()
    orders = [each for each in gc.get_objects() if isinstance(each, Job | Intent)]
    return [each for each in orders if dict(each.shot).get("prompt") in prompts]


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
        await lot.until(lambda: held(shot.prompt) == [])
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


MOST = 8 * 1024
"""Bytes of one waiting job, with its caller's task: 7,300 on asyncio and Python 3.11, when this was written. Of those
the task, its scope and its handle are 2,400. A process grows by more: tables have places for it, and arenas gaps."""


def alone(roots: Sequence[Sequence[object]], world: Sequence[object]) -> list[Counter[str]]:
    """Bytes by type of what is reached from each of the roots, and neither from another nor part of the world."""
    before = {id(each) for each in world}
    reached: list[dict[int, object]] = []
    for root in roots:
        found: dict[int, object] = {}
        left = list(root)
        while left:
            new = {id(each): each for each in left if id(each) not in before and id(each) not in found}
            new = {place: each for place, each in new.items() if not isinstance(each, CODE)}
            found |= new
            left = gc.get_referents(*new.values())
        reached.append(found)
    times = Counter(place for found in reached for place in found)
    sizes = []
    for found in reached:
        sizes.append(Counter[str]())
        for place, each in found.items():
            sizes[-1][type(each).__name__] += sys.getsizeof(each) if times[place] == 1 else 0
    return sizes


CODE = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType)


async def test_a_waiting_job_holds_little_memory(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    calls: dict[str, Any] = {}
    async with (
        lot.open(vendor, virtual=False, limits={"seedance": 100}) as studio,
        anyio.create_task_group() as group,
    ):
        lanes = studio._running().engine._watcher._lanes

        async def film(prompt: str) -> None:
            calls[prompt] = studio.shoot(lot.shot.changed(prompt=prompt))
            await calls[prompt]

        def watched() -> dict[str, Any]:
            return {each.hears.flight.shot.prompt: each for lane in lanes.values() for each in lane}

        group.start_soon(film, "她等了一夜")
        await lot.until(lambda: len(watched()) == 1)
        gc.unfreeze()
        world = gc.get_objects()  # kept, so that nothing new has the identity of what was there
        gc.freeze()
        prompts = [f"她等了{nights}夜" for nights in range(2, 6)]
        for prompt in prompts:
            group.start_soon(film, prompt)
        await lot.until(lambda: len(watched()) == 5)
        await lot.until(lambda: held(*prompts) == [])
        sizes = alone([[calls[prompt], watched()[prompt]] for prompt in prompts], world)
        del world
        vendor.release()
    for each in sizes:
        assert {"Shot", "Flight", "Waiting", "Ticket", "coroutine"} <= each.keys(), "it is found at all"
        assert each.total() < MOST, each.most_common()
