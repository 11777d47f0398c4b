"""What is limited together: creates of one route with one key. The journal says how many of its jobs run."""

from collections import Counter
from dataclasses import dataclass

from dramagen.engine.database import Transaction
from dramagen.engine.limits.rate import Rate
from dramagen.engine.service import Service
from dramagen.engine.state import JobState

LOST = 900.0
"""Seconds a create without an answer is taken for a running job: longer than nearly every job runs. A job that got
a ticket counts until its verdict, and at most to the end of its card's patience: its process may be gone for good."""


@dataclass(frozen=True, slots=True)
class Line:
    """One route and key.

    Attributes:
        name: what it is called in the database; tells no key.
        account: the region and key, of all their models.
        at_once: the card's or the user's limit of running jobs.
        creates: how fast creates may be sent.
        lasts: the clock's seconds a job that was accepted is counted.
        mine: the owner whose jobs alone count: a local renderer is each process's own.
        scale: how many of the clock's seconds pass in one.
    """

    name: str
    account: str
    route: str
    credential: str
    at_once: int | None
    creates: Rate | None
    lasts: float
    mine: str | None
    scale: float

    @classmethod
    def of(cls, service: Service, owner: str, scale: float) -> "Line":
        """The line of a route, as this studio sees it."""
        limits = service.limits
        creates = None if limits.creates_per_minute is None else Rate.within(limits.creates_per_minute, 60.0)
        return cls(
            name=service.line,
            account=service.account,
            route=service.route.id,
            credential=service.access.fingerprint,
            at_once=limits.concurrency,
            creates=None if creates is None else creates.faster(scale),
            lasts=service.watch.deadline,
            mine=owner if service.access.local else None,
            scale=scale,
        )


def running(tx: Transaction, line: Line, now: float) -> Counter[str]:
    """Jobs of the line the vendor may be working on, by episode; ``""`` is every shot of none."""
    rows = tx.rows(
        # The states are said once by themselves: an index is not looked into through "or".
        "SELECT episode, COUNT(*) AS jobs FROM jobs WHERE credential = ? AND route = ? AND state IN (?, ?, ?) AND "
        "((state = ? AND updated > ?) OR (state IN (?, ?) AND updated > ?)) AND (? = '' OR owner = ?) "
        "GROUP BY episode",
        (
            line.credential, line.route,
            JobState.ACCEPTED.value, JobState.SENDING.value, JobState.UNKNOWN.value,
            JobState.ACCEPTED.value, now - line.lasts / line.scale,
            JobState.SENDING.value, JobState.UNKNOWN.value, now - LOST / line.scale,
            line.mine or "", line.mine or "",
        ),
    )  # fmt: skip
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row["episode"] or ""] += row["jobs"]
    return counted
