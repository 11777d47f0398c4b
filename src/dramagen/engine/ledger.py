"""Where the money is: sums over jobs, one for each currency. Nothing is rounded, and nothing is converted here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dramagen.engine.entries import Entry
from dramagen.engine.jobs import Job
from dramagen.engine.state import NO_JOB, RESERVED, SPENT, JobState
from dramagen.money import Money, total

REPORTED, COMPUTED, ASSUMED, SETTLED = "reported", "computed", "assumed", "settled by a person"
SOURCES = (REPORTED, COMPUTED, ASSUMED, SETTLED)
"""How an amount that was spent is known: the vendor named it; it follows from what was delivered and the price;
nobody said, so it is taken to be the most it can be; somebody read it off the bill."""

CAUSES: Mapping[JobState, str] = {
    JobState.FAILED: "failed but billed",
    JobState.DEFECTIVE: "defective",
    JobState.LOST: "lost",
    JobState.PAID: "settled as paid",
    JobState.REFUSED: "refused but billed",
    JobState.UNPAID: "refused but billed",
}
"""Why money that was spent gave no usable clip."""

Line = Job | Entry


@dataclass(frozen=True, slots=True)
class Ledger:
    """Money by what became of it; one sum per currency. No money is in two of ``spent``, ``reserved``, ``unknown``.

    ``spent`` includes ``wasted`` (paid, no usable clip); ``unknown`` is held as well, for creates without an answer.
    """

    spent: tuple[Money, ...] = ()
    reserved: tuple[Money, ...] = ()
    unknown: tuple[Money, ...] = ()
    wasted: tuple[Money, ...] = ()
    jobs: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        names = ("spent", "reserved", "unknown", "wasted")
        return {n: [m.to_json() for m in getattr(self, n)] for n in names} | {"jobs": dict(self.jobs)}


def spent(job: Line) -> Money | None:
    """What a job cost; None while that is open, and where no job was made.

    A job that was never made costs nothing, unless a person read otherwise off the bill.
    """
    if job.state in SPENT:
        return job.cost or Money.zero(job.reserved.currency)
    return job.cost if job.state in NO_JOB and job.cost else None


def wasted(job: Line) -> str | None:
    """Why a job's cost is lost; None where nothing is."""
    return CAUSES.get(job.state) if spent(job) else None


def ledger_of(jobs: Iterable[Line]) -> Ledger:
    """The money of those jobs."""
    listed = list(jobs)
    counts: dict[str, int] = {}
    for job in listed:
        counts[job.state.value] = counts.get(job.state.value, 0) + 1
    costs = [(job, cost) for job in listed if (cost := spent(job)) is not None]
    return Ledger(
        spent=total(cost for _, cost in costs),
        reserved=total(j.reserved for j in listed if j.state in RESERVED),
        unknown=total(j.reserved for j in listed if j.state == JobState.UNKNOWN),
        wasted=total(cost for job, cost in costs if job.state in CAUSES),
        jobs=counts,
    )
