"""Clocks that are set: a lost create is looked for as long as promised, and a day's budget is of the whole day."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from dramagen.engine.caps import midnight
from dramagen.engine.clock import VirtualClock
from dramagen.errors import OutcomeUnknown
from dramagen.testing import FakeProvider
from dramagen.testing.fake import TASKS

PATIENCE = 60.0
"""Seconds the card of Seedance has a lost create looked for."""


class Jumping(VirtualClock):
    """Unix time jumps by ``off``, what only goes forward does not."""

    off = 0.0

    def now(self) -> float:
        return super().now() + self.off

    def since(self, moment: float) -> float:
        return self.now() - moment


class Slow(httpx.AsyncBaseTransport):
    """A vendor whose list is behind, and a clock that is set when the list is first asked for."""

    def __init__(self, vendor: FakeProvider, clock: Jumping, by: float, behind: float) -> None:
        self.vendor, self.clock, self.by, self.behind = vendor, clock, by, behind
        self.looks: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and request.url.path == TASKS:
            if not self.looks:
                self.clock.off += self.by
            self.looks.append(self.clock.monotonic())
            if self.looks[-1] - self.looks[0] < self.behind:
                return httpx.Response(200, json={"total": 0, "items": []})
        return await self.vendor.handle_async_request(request)


@pytest.mark.anyio
@pytest.mark.parametrize("by", [-3600.0, 3600.0, 86_400.0])
async def test_a_late_list_is_waited_for_whatever_the_clock_says(stage: Any, by: float) -> None:
    stage.clock = clock = Jumping()
    vendor = FakeProvider(stage.film, ["lose"], now=lambda: clock.now() - clock.off)
    async with stage.studio(transport=Slow(vendor, clock, by, behind=30.0)) as studio:
        clip = await studio.shoot(stage.shot)
        assert studio.ledger().spent == (clip.cost,)
    assert vendor.billed == 1


@pytest.mark.anyio
@pytest.mark.parametrize("by", [-3600.0, 3600.0])
async def test_patience_is_neither_cut_short_nor_drawn_out(stage: Any, by: float) -> None:
    stage.clock = clock = Jumping()
    slow = Slow(FakeProvider(stage.film, ["drop"], now=clock.now), clock, by, behind=1e9)
    async with stage.studio(transport=slow) as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(stage.shot)
    assert PATIENCE <= slow.looks[-1] - slow.looks[0] < 2 * PATIENCE


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of a process cannot be set here")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-23", 24)],
    ids=["autumn", "spring", "any"],
)
def test_a_day_has_all_its_hours(day: str, hours: int) -> None:
    begins = datetime.fromisoformat(f"{day}T00:00:00").astimezone().timestamp()
    for hour in range(hours):
        assert midnight(begins + 3600.0 * hour + 1800.0) == begins
    assert midnight(begins + 3600.0 * hours) == begins + 3600.0 * hours
