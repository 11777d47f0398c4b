"""Where the money is: a sum over jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dramagen.engine.jobs import Job
from dramagen.engine.state import RESERVED, SPENT, WASTED, JobState
from dramagen.money import Money, total


@dataclass(frozen=True, slots=True)
class Ledger:
    """Money by what became of it; one sum per currency.

    ``spent`` includes ``wasted`` (paid, no usable clip); ``unknown`` is reserved too, for creates without an answer.
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


def ledger_of(jobs: Sequence[Job]) -> Ledger:
    """The money of those jobs."""
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job.state.value] = counts.get(job.state.value, 0) + 1

    def cost(job: Job) -> Money:
        return job.cost or Money.zero(job.reserved.currency)

    return Ledger(
        spent=total(cost(j) for j in jobs if j.state in SPENT),
        reserved=total(j.reserved for j in jobs if j.state in RESERVED),
        unknown=total(j.reserved for j in jobs if j.state == JobState.UNKNOWN),
        wasted=total(cost(j) for j in jobs if j.state in WASTED),
        jobs=counts,
    )
