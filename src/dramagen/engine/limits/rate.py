"""So many calls in a time, among all processes: the generic cell rate algorithm, one row for each limited thing.

The row holds the moment at which all that was taken has been paid back (ITU-T I.371: the theoretical arrival time).
"""

from dataclasses import dataclass
from decimal import Decimal

from dramagen.engine.database import Transaction

_NEARLY = 1e-6
"""Seconds; what a float of Unix seconds cannot tell apart."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` at once after a rest, and one every ``interval`` seconds."""

    interval: float
    burst: int = 1

    @classmethod
    def within(cls, count: int, seconds: float) -> "Rate":
        """Never more than ``count`` in any ``seconds``, and up to a tenth of them at once."""
        burst = max(1, count // 10)
        return cls(seconds / (count - burst + 1), burst)

    @classmethod
    def per_second(cls, count: Decimal | int) -> "Rate":
        """Evenly, and as much as half a second's worth taken together."""
        return cls(float(1 / Decimal(count)), max(1, int(count / 2)))

    def faster(self, scale: float) -> "Rate":
        """The same where that many of its seconds pass in one."""
        return Rate(self.interval / scale, self.burst)


def take(tx: Transaction, name: str, rate: Rate, now: float, count: int = 1) -> float:
    """Take ``count`` of what ``name`` is allowed, at most ``rate.burst``: 0.0, or the seconds to wait, nothing taken.

    ``now`` is in Unix seconds, and of the same pace as the rate.
    """
    rows = tx.rows("SELECT due FROM rates WHERE name = ?", (name,))
    known = rows[0]["due"] if rows else now
    # Never further ahead than a full burst: a clock that was set back must not stop everything until it caught up.
    due = min(max(known, now), now + rate.burst * rate.interval)
    wait: float = due + (count - rate.burst) * rate.interval - now
    if wait <= _NEARLY:
        wait = 0.0
        due += count * rate.interval
    elif due == known:
        return wait
    tx.execute(
        "INSERT INTO rates (name, due) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET due = excluded.due",
        (name, due),
    )
    return wait
