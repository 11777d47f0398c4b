"""Ctrl-C in the very moment a create is under way: the create ends, and nobody has to ask the vendor's bill."""

import signal
from typing import Any

import anyio
import httpx
import pytest

from dramagen.testing import FakeProvider
from dramagen.testing.fake import TASKS


class Interrupting(FakeProvider):
    """A vendor at whom somebody presses Ctrl-C while the first create is on its way."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path == TASKS and not self.jobs:
            signal.raise_signal(signal.SIGINT)
            await anyio.sleep(0.01)
        return await super().handle_async_request(request)


class Pressed(list[Any]):
    """Events; at the first of a kind somebody presses Ctrl-C."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def append(self, event: Any) -> None:
        if event.kind == self.kind and not self:
            super().append(event)
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_create_under_way_is_not_torn_by_ctrl_c(lot: Any, backend: str) -> None:
    vendor = Interrupting(lot.film, now=lot.clock.now)

    async def film() -> None:
        async with lot.open(vendor) as studio:
            await studio.shoot(lot.shot)

    async def again() -> str:
        async with lot.open(vendor) as studio:
            await studio.resume()
            return str((await studio.shoot(lot.shot)).job_id)

    with pytest.raises(KeyboardInterrupt):
        anyio.run(film, backend=backend)
    (job,) = lot.open().jobs()
    assert job.state != "unknown"
    assert anyio.run(again, backend=backend) == job.id
    assert vendor.billed == 1


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.matrix(few=3)
@pytest.mark.parametrize("step", ["planned", "reserved", "submitted", "verified"])
def test_ctrl_c_reaches_the_program_as_it_is_whatever_step_of_a_shot_it_comes_at(
    lot: Any, backend: str, step: str
) -> None:
    vendor = lot.vendor()
    shots = [lot.shot.changed(prompt=f"雨夜 {number}") for number in range(3)]

    lot.events = Pressed(step)

    async def film() -> None:
        async with lot.open(vendor) as studio:
            async for _ in studio.shoot_all(shots):
                pass

    async def again() -> None:
        lot.events = []
        async with lot.open(vendor) as studio:
            await studio.resume()
            assert [result.error async for result in studio.shoot_all(shots)] == [None] * 3
            assert not studio.ledger().unknown

    with pytest.raises(KeyboardInterrupt):
        anyio.run(film, backend=backend)
    anyio.run(again, backend=backend)
    assert vendor.billed == 3
