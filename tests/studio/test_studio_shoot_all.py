"""Many shots at once: results as they come, never one failure for all, and a loop that may be left."""

import gc
import warnings
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

import anyio
import pytest

from dramagen.errors import ConfigError, ContentRejected, DramagenError
from dramagen.events import Result
from dramagen.studio.filming import Filming

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def nothing_unclosed() -> Any:
    """Whatever a test leaves half-way is collected inside it, where a warning fails it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
        gc.collect()


def shots(lot: Any, number: int) -> list[Any]:
    return [lot.shot.changed(prompt=f"第{n}镜", id=f"s{n}", pin=lot.PIN) for n in range(number)]


async def test_every_shot_has_one_result_whatever_becomes_of_the_others(lot: Any) -> None:
    vendor = lot.vendor("succeed", "reject_input", "fail", "succeed")
    listed = [
        *shots(lot, 4),
        lot.shot.changed(prompt="无路", pin="kling"),
        lot.shot.changed(first_frame="no.png"),
    ]
    async with lot.open(vendor, limits={"seedance": 1}) as studio:
        results = [result async for result in studio.shoot_all(listed)]
        assert len(results) == len(listed)
        assert {id(r.shot) for r in results} == {id(s) for s in listed}
        assert all((r.clip is None) != (r.error is None) for r in results)
        assert sum(r.clip is not None for r in results) == 2
        assert all(r.clip is None or r.clip.shot == r.shot for r in results)
        again = [result async for result in studio.shoot_all(listed[:4])]
    assert sum(r.clip is not None and r.clip.cached for r in again) == 2
    assert vendor.billed == 3  # the refused one was filmed the second time; the failed one was not sent again


async def test_results_come_as_they_come(lot: Any) -> None:
    vendor = lot.vendor()
    first, second = shots(lot, 2)
    async with lot.open(vendor, virtual=False) as studio:
        await studio.shoot(second)
        vendor.hold(jobs=True)
        order = []
        async for result in studio.shoot_all([first, second]):
            order.append(result.shot.id)
            vendor.release()
    assert order == ["s1", "s0"]


async def test_an_accident_in_one_shot_leaves_the_others_and_the_studio_alone(
    lot: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = Filming.fetch

    async def clumsy(self: Any, shot: Any) -> None:
        if shot.id == "s0":
            raise ZeroDivisionError("a bug")
        await fetch(self, shot)

    monkeypatch.setattr(Filming, "fetch", clumsy)
    async with lot.open() as studio:
        results = {r.shot.id: r async for r in studio.shoot_all(shots(lot, 2))}
        assert type(results["s0"].error) is DramagenError
        assert isinstance(results["s0"].error.__cause__, ZeroDivisionError)
        assert results["s1"].clip is not None
        await studio.shoot(lot.shot)
    assert "s0 stopped unexpectedly" in caplog.text


async def test_no_shots_no_results_and_nothing_is_filmed_before_the_first_step(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        assert [r async for r in studio.shoot_all([])] == []
        studio.shoot_all(shots(lot, 2))
        await anyio.lowlevel.checkpoint()
        assert studio.jobs() == []


async def test_equal_shots_are_one_job(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        results = [r async for r in studio.shoot_all([lot.shot.changed(id=f"s{n}") for n in range(3)])]
    assert {r.clip.shot.id for r in results} == {"s0", "s1", "s2"}
    assert [r.clip.cached for r in results].count(False) == 1
    assert len(vendor.jobs) == 1


class Left(Exception):
    pass


async def _break(results: AsyncIterator[Result]) -> None:
    async for _ in results:
        break


async def _raise(results: AsyncIterator[Result]) -> None:
    with suppress(Left):
        async for _ in results:
            raise Left


async def _aclose(results: Any) -> None:
    async with aclosing(results):
        await anext(results)
    with pytest.raises(StopAsyncIteration):
        await anext(results)


async def _cancel(results: AsyncIterator[Result]) -> None:
    with anyio.CancelScope() as scope:
        async for _ in results:
            scope.cancel()


@pytest.mark.parametrize("leave", [_break, _raise, _aclose, _cancel])
async def test_leaving_lets_go_of_the_unsent_and_of_nothing_that_runs(lot: Any, leave: Any) -> None:
    vendor = lot.vendor("reject_input")  # a first result at once
    vendor.hold(jobs=True)
    async with lot.open(vendor, virtual=False, limits={"seedance": 2}) as studio:
        await leave(studio.shoot_all(shots(lot, 6)))
        await lot.until(lambda: all(job.state != "intended" for job in studio.jobs()))
        states = [str(job.state) for job in studio.jobs()]
        running = states.count("accepted") + states.count("sending")
        assert running <= 2
        vendor.release()
        await studio.resume()
        await lot.until(lambda: not studio.jobs(open_only=True))
        done = [job for job in studio.jobs() if job.state == "done"]
        assert (
            len(done) == len(vendor.jobs) >= running
        )  # what was sent was brought home, and nothing more was
        assert not any(studio.ledger().reserved)
        assert studio._running().engine.flights == {}


async def test_a_first_result_that_is_cancelled_while_awaited_is_left_too(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    async with lot.open(vendor, virtual=False, limits={"seedance": 1}) as studio:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:

                async def stop() -> None:
                    await lot.until(lambda: vendor.jobs)
                    scope.cancel()

                group.start_soon(stop)
                async for _ in studio.shoot_all(shots(lot, 3)):
                    raise AssertionError("nothing is done yet")
        await lot.until(lambda: [str(j.state) for j in studio.jobs()].count("accepted") == 1)
        await lot.until(lambda: not any(j.state == "intended" for j in studio.jobs()))
        vendor.release()
        await lot.until(lambda: not studio.jobs(open_only=True))
    assert len(vendor.jobs) == 1


async def test_a_loop_over_a_studio_that_closes_ends_with_a_word(lot: Any) -> None:
    vendor = lot.vendor()
    vendor.hold(jobs=True)
    caught: list[Exception] = []
    async with anyio.create_task_group() as group, lot.open(vendor, virtual=False) as studio:

        async def loop() -> None:
            try:
                async for _ in studio.shoot_all(shots(lot, 2)):
                    pass
            except ConfigError as error:
                caught.append(error)

        group.start_soon(loop)
        await lot.until(lambda: len(vendor.jobs) == 2)
    assert "closed" in str(caught[0])


async def test_two_loops_do_not_disturb_each_other(lot: Any) -> None:
    vendor = lot.vendor("reject_input")
    async with lot.open(vendor) as studio:
        one, two = studio.shoot_all(shots(lot, 1)), studio.shoot_all([lot.shot])
        assert isinstance((await anext(one)).error, ContentRejected | type(None))
        assert (await anext(two)).clip is not None
        for results in (one, two):
            with pytest.raises(StopAsyncIteration):
                await anext(results)
