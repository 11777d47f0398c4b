"""Accounts, jobs and the bill. A job's state is computed from virtual time when somebody looks."""

import hashlib
import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from dramagen.emulator.media import ClipSpec

State = Literal["queued", "running", "succeeded", "failed", "cancelled", "expired"]
Outcome = Literal["succeeded", "failed"]

TERMINAL: frozenset[State] = frozenset({"succeeded", "failed", "cancelled", "expired"})
FREE: frozenset[State] = frozenset({"failed", "cancelled", "expired"})


@dataclass(eq=False, kw_only=True)
class Job:
    """One accepted job. Times are virtual unix seconds, ``seconds`` is how long it runs once started."""

    id: str
    model: str
    price: Decimal
    created: float
    seconds: float
    clip: ClipSpec
    tag: str = ""
    outcome: Outcome = "succeeded"
    warmup: float = 3.0
    priority: int = 0
    expires: float = math.inf
    start_by: float = math.inf
    """It expires unless it has started by then; ``expires`` ends a running job too."""
    charged_once_started: bool = False
    """Whether it is charged even where it is cancelled or expires while it runs."""
    starts: float | None = None
    cancelled: float | None = None
    deleted: bool = False
    downloads: int = 0
    detail: Any = None

    @property
    def ends(self) -> float:
        """When it leaves its slot; infinite while it waits or when it never ends."""
        if self.starts is None:
            return min(self.expires, self.start_by)
        return min(self.starts + self.seconds, self.expires)

    def history(self, now: float) -> Iterator[tuple[State, float]]:
        """Every state entered up to ``now``, and when."""
        yield "queued", self.created
        until = now if self.cancelled is None else min(now, self.cancelled)
        if self.starts is not None and self.starts <= until and self.starts < self.expires:
            yield "running", self.starts
        if self.cancelled is not None:
            if self.cancelled <= now:
                yield "cancelled", self.cancelled
            return
        if self.ends <= now:
            late = self.starts is None or self.ends == self.expires
            yield ("expired" if late else self.outcome), self.ends

    def state(self, now: float) -> State:
        return list(self.history(now))[-1][0]

    def updated(self, now: float) -> float:
        return list(self.history(now))[-1][1]

    def stall(self, now: float) -> None:
        """Make a job that has not ended yet never end."""
        if self.state(now) not in TERMINAL:
            self.seconds = self.expires = self.start_by = math.inf


class Lane:
    """Slots that jobs of one model share within an account; the rest wait, higher priority first."""

    def __init__(self, slots: float) -> None:
        self._free: list[float] = []
        self._waiting: list[Job] = []
        self.resize(slots)

    def resize(self, slots: float) -> None:
        self._unlimited = math.isinf(slots)
        while not self._unlimited and len(self._free) < slots:
            heapq.heappush(self._free, -math.inf)
        while not self._unlimited and len(self._free) > slots:
            heapq.heappop(self._free)

    def add(self, job: Job) -> None:
        self._waiting.append(job)

    def waiting(self, now: float) -> int:
        """How many jobs stand in the queue beyond those about to start."""
        self.advance(now)
        open_slots = sum(free <= now for free in self._free)
        return max(0, len(self._waiting) - open_slots)

    def advance(self, now: float) -> None:
        """Start every job whose turn has come by ``now``."""
        while True:
            self._waiting = [job for job in self._waiting if job.cancelled is None]
            if not self._waiting or not (self._unlimited or self._free):
                return
            ready = min(job.created + job.warmup for job in self._waiting)
            moment = ready if self._unlimited else max(self._free[0], ready)
            if moment > now:
                return
            turn = [job for job in self._waiting if job.created + job.warmup <= moment]
            job = min(turn, key=lambda job: (-job.priority, job.created))
            self._waiting.remove(job)
            if job.ends <= moment:
                continue  # it expired in the queue
            job.starts = moment
            if not self._unlimited:
                heapq.heapreplace(self._free, job.ends)


@dataclass(eq=False)
class Account:
    """What one key owns at one provider and region."""

    provider: str
    region: str
    currency: str
    jobs: dict[str, Job] = field(default_factory=dict)
    lanes: dict[str, Lane] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)

    def add(self, job: Job, *, lane: str, slots: float = math.inf) -> None:
        self.jobs[job.id] = job
        queue = self.lanes.setdefault(lane, Lane(slots))
        queue.resize(slots)
        queue.add(job)

    def advance(self, now: float) -> None:
        for lane in self.lanes.values():
            lane.advance(now)

    def unfinished(self, model: str, now: float) -> int:
        """How many jobs of a model have not ended."""
        self.advance(now)
        return sum(job.model == model and job.state(now) not in TERMINAL for job in self.jobs.values())

    def spent(self, now: float) -> Decimal:
        """What was or will be charged, in the account's currency."""
        self.advance(now)
        return sum((charge(job, now) for job in self.jobs.values()), Decimal(0))

    def find(self, job_id: str) -> Job | None:
        job = self.jobs.get(job_id)
        return None if job is None or job.deleted else job


def charge(job: Job, now: float) -> Decimal:
    """What the vendor bills for a job: nothing once it failed, its full price from acceptance on otherwise."""
    state = job.state(now)
    kept = job.charged_once_started and job.starts is not None and state != "failed"
    return Decimal(0) if state in FREE and not kept else job.price


def jitter(seed: str, low: float, high: float) -> float:
    """A number in [low, high) that depends on ``seed`` alone."""
    share = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6]) / 2**48
    return low + (high - low) * share
