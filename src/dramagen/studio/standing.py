"""How a take stands in the journal before it is planned, as filming it would find it: nothing is counted twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dramagen.catalog.route import Route
from dramagen.config import Cause, Remedy
from dramagen.engine import bindings
from dramagen.engine.database import Transaction
from dramagen.engine.jobs import Job
from dramagen.engine.state import JobState
from dramagen.errors import JobFailed
from dramagen.routing.causes import allowed, cause_of
from dramagen.routing.doubts import held_back

_NO_CLIP = (JobState.FAILED, JobState.DEFECTIVE)


@dataclass(frozen=True, slots=True)
class TakeStanding:
    """What there is of a take.

    Attributes:
        held: the route of the finished or running job that holds it.
        verdict: what the last of its jobs came to, where none gave a clip.
        over: filming it again buys nothing: it ends with that verdict.
        tried: routes that gave no clip of it, and are not asked again.
        again: the route on which the same order would be made once more, before any other.
        elsewhere: whether other routes may be asked.
        held_back: how often moderation held back what a model had made of it, by model.
    """

    held: str | None = None
    verdict: str | None = None
    over: bool = False
    tried: tuple[Route, ...] = ()
    again: Route | None = None
    elsewhere: bool = True
    held_back: Mapping[str, int] = field(default_factory=dict)


NEW = TakeStanding()
"""Of a take nobody has begun."""


@dataclass(frozen=True, slots=True)
class Standings:
    """Looks takes up. ``leave`` and ``failures`` are what the project allows: ``[routing]``."""

    leave: Mapping[Cause, Sequence[Remedy]]
    failures: int

    def of(self, tx: Transaction, shot_hash: str, take: int, pin: str | None) -> TakeStanding:
        """How that take stands."""
        holder = bindings.holder(tx, shot_hash, take, pin)
        if holder is not None and (holder.open or holder.state == JobState.DONE):
            return TakeStanding(held=holder.route.id)
        jobs = bindings.jobs_of(tx, shot_hash, take, bindings.newest(tx, shot_hash, take))
        gone = [job for job in jobs if job.state in _NO_CLIP]
        if holder is not None and holder.state != JobState.FAILED:
            return self._after(holder, [job for job in gone if job.id != holder.id], pin)
        mine = [job for job in gone if job.route.satisfies(pin)]
        for job in reversed(mine):
            if job.state == JobState.FAILED and "other_route" not in self._may(job):
                return TakeStanding(verdict=_said(job), over=True)
        return self._on(mine, gone)

    def _after(self, holder: Job, before: Sequence[Job], pin: str | None) -> TakeStanding:
        """Behind a clip that was paid for and cannot be used."""
        may = self._may(holder) if holder.state == JobState.DEFECTIVE else ()
        again = "again" in may and all(job.route != holder.route for job in before)
        if not (again or "other_route" in may):
            return TakeStanding(verdict=_said(holder), over=True)
        gone = [*before, holder]
        mine = [job for job in gone if job.route.satisfies(pin)]
        return self._on(mine, gone, holder.route if again else None, "other_route" in may)

    def _on(
        self, mine: Sequence[Job], gone: Sequence[Job], again: Route | None = None, elsewhere: bool = True
    ) -> TakeStanding:
        """Further jobs may be bought, unless too many were in vain."""
        return TakeStanding(
            verdict=_said(mine[-1]) if mine else None,
            over=sum(bool(job.cost) for job in mine) >= self.failures,
            tried=tuple(dict.fromkeys(job.route for job in gone if job.route != again)),
            again=again,
            elsewhere=elsewhere,
            held_back=held_back((job.route.model, job.error) for job in gone),
        )

    def _may(self, job: Job) -> Sequence[Remedy]:
        return allowed(self.leave, cause_of(job.error or JobFailed("no clip")))


def _said(job: Job) -> str:
    why = job.error.message if job.error is not None else f"no clip came, the job is {job.state.value}"
    paid = f" ({job.cost} paid)" if job.cost else ""
    return (
        f"{job.route.id}: {why.rstrip('.')}{paid}. Nothing more is bought for this take: film another, or this one "
        "with fresh=True"
    )
