"""A home of one's own, no key but those a test gives, and a fake provider in the place of the network."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import TaskGroup
from PIL import Image

from dramagen import Config, Shot, Studio
from dramagen.engine.clock import RealClock, VirtualClock
from dramagen.events import Event
from dramagen.media.convert import video_frame
from dramagen.media.encode import samples_until, written
from dramagen.testing import FakeProvider
from dramagen.testing.fake import TASKS, Outcome


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, no setting and no ``dramagen.toml`` of the machine the tests run on."""
    for name in list(os.environ):
        if name.startswith(("DRAMAGEN_", "KLING_")) or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    place = tmp_path / "cwd"
    place.mkdir()
    monkeypatch.chdir(place)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a vendor would deliver for ``lot.shot``: five grey seconds at 480x864, six pictures in each, quiet but
    with sound."""
    path = tmp_path_factory.mktemp("film") / "grey.mp4"
    grey = video_frame(Image.new("RGB", (480, 864), (90, 90, 90)), "yuv420p")
    with written(path, width=480, height=864, fps=Fraction(6), audio=True, crf=40) as target:
        for _ in range(30):
            target.picture(grey)
        target.sound(bytes(4 * samples_until(30, Fraction(6))))
    return path.read_bytes()


class Vendor(FakeProvider):
    """A fake provider whose jobs run until ``release``, and whose creates wait for ``open``."""

    def __init__(self, clip: bytes, script: Iterable[Outcome] = (), **known: Any) -> None:
        super().__init__(clip, script, **known)
        self.released: anyio.Event | None = None
        self.opened: anyio.Event | None = None
        self.arrived = anyio.Event()

    def hold(self, *, jobs: bool = False, creates: bool = False) -> None:
        """From now on jobs stay running, or creates stay without an answer."""
        self.released = anyio.Event() if jobs else None
        self.opened = anyio.Event() if creates else None

    def release(self) -> None:
        for event in (self.released, self.opened):
            if event is not None:
                event.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        creating = request.method == "POST" and request.url.path == TASKS
        if creating and self.opened is not None:
            self.arrived.set()
            await self.opened.wait()
        response = await super().handle_async_request(request)
        if creating:
            self.arrived.set()
        if self.released is not None and not self.released.is_set() and request.method == "GET":
            body = response.json()
            for task in body.get("items", [body]):
                task["status"] = "running"
            return httpx.Response(200, json=body)
        return response


Line = tuple[TaskGroup, Callable[[], Awaitable[None]]]
"""A group for whoever else comes, and how the caller of the second take leaves."""


class Lot:
    """What a test films with. ``open`` gives a studio; ``vendor`` what stands at its other end."""

    PIN = "seedance/seedance-2.0"
    KEYS = {"seedance:cn": "a-key-of-no-account"}  # noqa: RUF012 - never changed

    def __init__(self, home: Path, film: bytes) -> None:
        self.home = home
        self.film = film
        self.shot = Shot("雨夜，女主回头", duration=5, resolution="480p")
        self.events: list[Event] = []
        self.clock = VirtualClock()

    def vendor(self, *script: Outcome) -> Vendor:
        return Vendor(self.film, script, now=self.clock.now)

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until it comes true; a test fails where it never does."""
        with anyio.fail_after(120):
            while not condition():  # noqa: ASYNC110 - it comes true in the library's own tasks
                await anyio.sleep(0.005)

    @asynccontextmanager
    async def second_in_line(self, studio: Studio, vendor: FakeProvider) -> AsyncIterator[Line]:
        """Take 1 is with the vendor, and somebody waits for take 2, which stands in line behind it."""
        scope, gone = anyio.CancelScope(), anyio.Event()

        async def second() -> None:
            with scope:
                await studio.shoot(self.shot, take=2)
            gone.set()

        async def leave() -> None:
            scope.cancel()
            await gone.wait()

        async with anyio.create_task_group() as others:
            others.start_soon(studio.shoot, self.shot)
            await self.until(lambda: vendor.jobs)
            others.start_soon(second)
            await self.until(lambda: len(studio.jobs()) == 2)
            yield others, leave

    def open(
        self,
        vendor: FakeProvider | None = None,
        *,
        keys: dict[str, Any] | None = None,
        virtual: bool = True,
        policy: Any = None,
        **settings: Any,
    ) -> Studio:
        config = Config(home=self.home, keys=self.KEYS if keys is None else keys, **settings)
        return Studio(
            config,
            on_event=self.events.append,
            policy=policy,
            clock=self.clock if virtual else RealClock(300.0),
            transports={"https": vendor or self.vendor()},
        )


@pytest.fixture
def lot(tmp_path: Path, film: bytes) -> Lot:
    """See :class:`Lot`."""
    return Lot(tmp_path / "home", film)
