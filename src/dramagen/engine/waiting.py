"""One job that is waited for, and what ends the wait."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dramagen.adapters.base import Status, Ticket
from dramagen.catalog.cards import Watch
from dramagen.engine.forecast import Forecast


@dataclass(frozen=True, slots=True)
class Verdict:
    """A vendor's last word, and how long the job took by its clock: more than ``after`` seconds, ``by`` at most."""

    status: Status
    after: float
    by: float


Word = Status | Verdict | Exception
"""What is said of a job: an answer on the way; at the end, once, the verdict, or why there will be none."""
Hears = Callable[[Word], None]


@dataclass(eq=False, slots=True)
class Waiting:
    """One job. Moments are the clock's monotonic seconds."""

    ticket: Ticket
    watch: Watch
    forecasts: Sequence[Forecast]
    since: float
    due: float
    interval: float
    deadline: float
    hears: Hears
    woken: float = math.inf
    """When to look because somebody says the job changed."""
    patience: float = 0.0
    """No such look before this: words from outside may not make the vendor be asked more often than it likes."""
    between: bool = False
    """Whether the look under way lies between two regular ones."""
    missing_since: float | None = None
    alive: float = -math.inf
    """The last moment at which it was not over yet."""
    scouts_for: Forecast | None = None
    """What nothing is known of yet, where this is one of the jobs that find out."""
    looked_at: float = -math.inf
    """When it was last looked at, if at all: the next look is counted from there."""
    held: float = -math.inf
    """No look before this: one that gave no answer is not soon tried again."""
    doubts: bool = False
    """Whether it is looked at before any other was ever over."""
    place: int = -1
    """Which entry of the lane's queue is the valid one; none while a look is under way, or after the end."""
    over: bool = False

    @property
    def next(self) -> float:
        """When to look."""
        return min(self.due, self.woken)

    def looked(self, now: float) -> None:
        """A look begins: it also answers every word heard so far, and none that comes while it is under way."""
        self.between = self.woken < self.due
        if self.between:
            self.patience = now + self.watch.interval
        self.woken = math.inf
