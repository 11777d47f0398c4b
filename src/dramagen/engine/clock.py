"""Time, so that tests can share a virtual one."""

import time
from typing import Protocol

import anyio


class Clock(Protocol):
    """Unix seconds, seconds that never go back, and waiting."""

    @property
    def scale(self) -> float:
        """How many of the clock's seconds pass in one Unix second."""
        ...

    def now(self) -> float:
        """Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds from some start, never going back, at the clock's own pace."""
        ...

    def since(self, moment: float) -> float:
        """Seconds, at the clock's own pace, since a moment in Unix seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many of the clock's seconds."""
        ...


class RealClock:
    """The machine's time; waits pass ``scale`` times faster, for emulators that do too."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale

    @property
    def scale(self) -> float:
        return self._scale

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic() * self.scale

    def since(self, moment: float) -> float:
        return (time.time() - moment) * self.scale

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds) / self.scale)


class VirtualClock:
    """Time that moves only by sleeping: a wait is over at once, and the clock has moved."""

    def __init__(self, start: float = 1_795_000_000.0) -> None:
        self._now = start

    @property
    def scale(self) -> float:
        return 1.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def since(self, moment: float) -> float:
        return self._now - moment

    async def sleep(self, seconds: float) -> None:
        self._now += max(0.0, seconds)
        await anyio.lowlevel.checkpoint()
