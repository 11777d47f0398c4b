"""Virtual time: jobs, URL lifetimes and queues run on it, so tests need not wait.

What clients read (``created_at`` and the like) is stamped in wall time, whatever the speed: a client compares those
stamps with its own clock, which the emulator does not speed up.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of virtual time."""

    @property
    def speed(self) -> float:
        """Virtual seconds per real second."""

    def now(self) -> float:
        """Virtual time, unix seconds."""

    def stamp(self, moment: float) -> float:
        """The unix time a client is shown for a virtual ``moment``."""


class ScaledClock:
    """Virtual time that starts at the wall clock's time and runs ``speed`` times as fast."""

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        self._speed = speed
        self._origin = time.time()
        self._started = time.monotonic()

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> float:
        return self._origin + (time.monotonic() - self._started) * self._speed

    def stamp(self, moment: float) -> float:
        return self._origin + (moment - self._origin) / self._speed


class ManualClock:
    """Virtual time that stands still until told to move; it may be moved from any thread."""

    speed = 1.0

    def __init__(self, start: float = 1_795_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def stamp(self, moment: float) -> float:
        return moment

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``; time never runs back."""
        if seconds < 0:
            raise ValueError(f"time cannot run back, got {seconds} s")
        self._now += seconds
