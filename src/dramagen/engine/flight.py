"""A job on its way: what is kept of it while it waits, and what is held while a task moves it on."""

from dataclasses import dataclass, field
from functools import cache

import anyio

from dramagen.catalog.route import Route
from dramagen.clip import Clip
from dramagen.engine.jobs import Job
from dramagen.engine.limits.gate import Place
from dramagen.errors import DramagenError
from dramagen.events import Kind
from dramagen.shot import Shot


@dataclass(eq=False, slots=True)
class Flight:
    """One job, from its order to its clip; callers wait for it, and may leave.

    Thousands wait in line, or for the vendor: what was ordered is in the journal, and is read again when something
    happens.

    Attributes:
        epoch: the one it was in when it became ours; in a later one it is somebody else's.
        started: whether it came into being in this studio.
        caller: whose it is.
        landed: set once the flight is over, in whatever way.
        waiters: how many callers wait for it.
        scope: ends the part of the way that is under way; None while it waits.
        leg: what that holds, once it is looked up.
        place: where it stands in line, until its first turn to be sent.
        broken_off: the studio was closed meanwhile.
    """

    id: str
    route: Route
    take: int
    epoch: int
    shot: Shot
    started: bool
    caller: object = None
    landed: anyio.Event = field(default_factory=anyio.Event)
    waiters: int = 0
    scope: anyio.CancelScope | None = None
    leg: "Leg | None" = None
    place: Place | None = None
    clip: Clip | None = None
    error: DramagenError | None = None
    broken_off: bool = False
    told: tuple[Kind, ...] = ()
    progress: float = 0.0
    polls: int = 0

    @classmethod
    def of(cls, job: Job, shot: Shot, started: bool, caller: object) -> "Flight":
        """A flight of that job."""
        return cls(job.id, job.route, job.take, job.epoch, shot, started, caller)

    def news(self, kind: Kind, progress: float | None) -> bool:
        """Whether this is worth telling: each step once, in order; progress where it grows, every wait."""
        if kind == "waiting":
            return True
        if kind == "queued" and "running" in self.told:
            return False
        if kind in self.told and (kind != "running" or progress is None or progress <= self.progress):
            return False
        if kind not in self.told:
            self.told = _with(self.told, kind)
        self.progress = max(self.progress, progress or 0.0)
        return True


@cache
def _with(told: tuple[Kind, ...], kind: Kind) -> tuple[Kind, ...]:
    """Few such rows there are, and thousands of flights have one."""
    return (*told, kind)


@dataclass(eq=False, slots=True)
class Leg:
    """A part of the way, with the newest row of the job."""

    flight: Flight
    job: Job
