"""Our ledger against a vendor's bill: what agrees, what differs, and what only one of the two knows of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dramagen.engine.bill import Charge
from dramagen.engine.entries import Entry
from dramagen.engine.ledger import spent
from dramagen.engine.state import NO_JOB, JobState
from dramagen.money import Money, total


@dataclass(frozen=True, slots=True)
class Pair:
    """One job as both have it.

    Attributes:
        ours: what the ledger says it cost; None while that is not known (``job.reserved`` is the most it can be).
        theirs: the sum of its rows on the bill, refunds taken off; one money for each currency.
    """

    job: Entry
    ours: Money | None
    theirs: tuple[Money, ...]

    @property
    def agrees(self) -> bool:
        """Whether both say the same, to the cent."""
        if self.ours is None:
            return False
        billed = [money.rounded() for money in self.theirs if money.rounded()]
        own = [self.ours.rounded()] if self.ours.rounded() else []
        return billed == own

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "job": self.job.id, "vendor_id": self.job.vendor_id, "tag": self.job.tag, "shot": self.job.shot_id,
            "episode": self.job.episode, "route": self.job.route.id, "state": str(self.job.state),
            "ours": None if self.ours is None else self.ours.to_json(), "known": self.job.cost_source,
            "reserved": self.job.reserved.to_json(), "theirs": [money.to_json() for money in self.theirs],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Foreign:
    """A job on the bill that is none of ours."""

    vendor_id: str
    tag: str | None
    theirs: tuple[Money, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"vendor_id": self.vendor_id, "tag": self.tag, "theirs": [m.to_json() for m in self.theirs]}


@dataclass(frozen=True, slots=True)
class BillCheck:
    """What came of the comparison.

    Attributes:
        differs: both know the job, and not the same amount; also jobs whose cost we do not know, and they do.
        only_theirs: on the bill with money, and no job of ours: somebody else's key, or a lost job that was paid.
        only_ours: we count money for it and the bill has none.
        running: ours, on the bill already and not over yet; in no total.
        unknown: our creates without an answer that the bill does not have: not paid, if the bill is complete.
        unnamed: rows of the bill without a job, such as a total; counted nowhere.
        ours, theirs: totals of the jobs compared, one for each currency, not rounded.
    """

    agrees: tuple[Pair, ...] = ()
    differs: tuple[Pair, ...] = ()
    only_theirs: tuple[Foreign, ...] = ()
    only_ours: tuple[Pair, ...] = ()
    running: tuple[Pair, ...] = ()
    unknown: tuple[Pair, ...] = ()
    unnamed: tuple[Money, ...] = ()
    ours: tuple[Money, ...] = ()
    theirs: tuple[Money, ...] = ()

    @property
    def in_order(self) -> bool:
        """Whether the bill is what the ledger says, job by job and in total, to the cent."""
        same = [m.rounded() for m in self.ours if m.rounded()] == [
            m.rounded() for m in self.theirs if m.rounded()
        ]
        return same and not (self.differs or self.only_theirs or self.only_ours)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        lists = ("agrees", "differs", "only_theirs", "only_ours", "running", "unknown")
        sums = ("unnamed", "ours", "theirs")
        return {"in_order": self.in_order} | {
            name: [item.to_json() for item in getattr(self, name)] for name in (*lists, *sums)
        }


@dataclass(slots=True)
class _Billed:
    vendor_id: str
    tag: str | None = None
    rows: list[Money] = field(default_factory=list)


def check_bill(
    charges: Iterable[Charge],
    jobs: Sequence[Entry],
    since: float | None = None,
    until: float | None = None,
) -> BillCheck:
    """Match a bill with one provider's jobs: by the vendor's id of a job, else by the tag it was sent with.

    Args:
        jobs: all jobs of that provider: a job at the edge of a bill's month may be older than the month.
        since, until: the time the bill is of, Unix seconds. What only we have counts as missing on it only where
            its money was reserved in that time.
    """
    billed: dict[str, _Billed] = {}
    unnamed: list[Money] = []
    for charge in charges:
        key = charge.vendor_id or (f"tag {charge.tag}" if charge.tag else "")
        if not key:
            unnamed.append(charge.money)
            continue
        one = billed.setdefault(key, _Billed(charge.vendor_id, charge.tag))
        one.tag = one.tag or charge.tag
        one.rows.append(charge.money)
    owners = _owners(jobs, billed)
    pairs = [
        Pair(job, _ours(job), total(m for key in owners.get(job.id, ()) for m in billed[key].rows))
        for job in jobs
    ]
    matched = [pair for pair in pairs if pair.job.id in owners]
    running = [pair for pair in matched if pair.ours is None and pair.job.state != JobState.UNKNOWN]
    compared = [pair for pair in matched if pair.ours is not None or pair.job.state == JobState.UNKNOWN]
    rest = [
        pair
        for pair in pairs
        if pair.job.id not in owners
        and (since is None or pair.job.created >= since)
        and (until is None or pair.job.created < until)
    ]
    known = {key for keys in owners.values() for key in keys}
    foreign = [
        Foreign(one.vendor_id, one.tag, sums)
        for key, one in billed.items()
        if key not in known and any(sums := total(one.rows))
    ]
    only_ours = [pair for pair in rest if pair.ours]
    return BillCheck(
        agrees=tuple(pair for pair in compared if pair.agrees),
        differs=tuple(pair for pair in compared if not pair.agrees),
        only_theirs=tuple(foreign),
        only_ours=tuple(only_ours),
        running=tuple(running),
        unknown=tuple(pair for pair in rest if pair.job.state == JobState.UNKNOWN),
        unnamed=total(unnamed),
        ours=total(pair.ours for pair in [*compared, *only_ours] if pair.ours is not None),
        theirs=total(
            [m for pair in compared for m in pair.theirs] + [m for one in foreign for m in one.theirs]
        ),
    )


def _ours(job: Entry) -> Money | None:
    return Money.zero(job.reserved.currency) if job.state in NO_JOB and not job.cost else spent(job)


def _owners(jobs: Sequence[Entry], billed: dict[str, _Billed]) -> dict[str, list[str]]:
    """Which of the bill's jobs belong to which of ours."""
    by_id = {job.vendor_id: job for job in jobs if job.vendor_id}
    by_tag = {job.tag: job for job in jobs}
    owners: dict[str, list[str]] = {}
    for key, one in billed.items():
        job = by_id.get(key) or (by_tag.get(one.tag) if one.tag else None)
        if job is not None:
            owners.setdefault(job.id, []).append(key)
    return owners
