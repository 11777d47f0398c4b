"""What a studio is told of its jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from dramagen.catalog.route import Route
from dramagen.engine.clock import Clock
from dramagen.engine.flight import Flight
from dramagen.events import Event, Kind
from dramagen.money import Money
from dramagen.shot import Shot


class Known(Protocol):
    """A job, or the flight of one."""

    @property
    def id(self) -> str: ...
    @property
    def route(self) -> Route: ...
    @property
    def take(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Teller:
    """Makes events. ``emit`` takes them and never raises."""

    emit: Callable[[Event], None]
    clock: Clock

    def step(
        self,
        kind: Kind,
        flight: Flight,
        *,
        money: Money | None = None,
        progress: float | None = None,
        detail: str = "",
        reason: str = "",
    ) -> None:
        """A step of a flight, where it is news."""
        if flight.news(kind, progress):
            polls = flight.polls if kind in ("ready", "failed") else None
            self.note(kind, flight, flight.shot, money, progress, detail, reason, polls)

    def note(
        self,
        kind: Kind,
        job: Known,
        shot: Shot,
        money: Money | None = None,
        progress: float | None = None,
        detail: str = "",
        reason: str = "",
        polls: int | None = None,
    ) -> None:
        """Something about a job, in any case."""
        at = self.clock.now()
        self.emit(Event(
            kind, shot, job.take, at, job.route.id, job.id, progress, money, detail, reason, polls=polls,
        ))  # fmt: skip
