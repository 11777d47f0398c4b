"""The ledger broken down: what each episode, shot, model, route, provider or day cost, and how that is known.

Amounts are never added across currencies. One line gives all of it in the home currency, marked as converted, with
the rates it was converted at.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from dramagen.engine.entries import Entry
from dramagen.engine.ledger import COMPUTED, SOURCES, spent, wasted
from dramagen.engine.state import RESERVED, JobState
from dramagen.money import Money, Rates

By = Literal["episode", "shot", "model", "route", "provider", "day"]
BY: tuple[By, ...] = get_args(By)

NO_EPISODE = "(no episode)"


@dataclass(slots=True)
class Sums:
    """Money of one group in one currency.

    Attributes:
        jobs: how many jobs it is the money of; ``clips``: how many of them gave a usable clip.
        spent: settled, ``wasted`` included. ``sources`` splits it by how it is known.
        reserved: held for jobs under way, at their upper bound.
        unknown: held for creates without an answer; may be spent.
        wasted: paid, and no usable clip came of it. ``causes`` splits it by why.
    """

    group: str
    currency: str
    jobs: int = 0
    clips: int = 0
    spent: Decimal = Decimal()
    reserved: Decimal = Decimal()
    unknown: Decimal = Decimal()
    wasted: Decimal = Decimal()
    sources: dict[str, Decimal] = field(default_factory=dict)
    causes: dict[str, Decimal] = field(default_factory=dict)

    def count(self, job: Entry) -> None:
        """Add one job."""
        cost = spent(job)
        self.jobs += 1
        if cost is None:
            if job.state == JobState.UNKNOWN:
                self.unknown += job.reserved.amount
            else:
                self.reserved += job.reserved.amount
            return
        self.clips += job.state == JobState.DONE
        self.spent += cost.amount
        if cost:
            source = job.cost_source or COMPUTED
            self.sources[source] = self.sources.get(source, Decimal()) + cost.amount
        cause = wasted(job)
        if cause is not None:
            self.wasted += cost.amount
            self.causes[cause] = self.causes.get(cause, Decimal()) + cost.amount

    def to_json(self) -> dict[str, Any]:
        """For machines; amounts exact."""

        def money(amount: Decimal) -> dict[str, str]:
            return Money(amount, self.currency).to_json()

        return {
            "group": self.group, "currency": self.currency, "jobs": self.jobs, "clips": self.clips,
            "spent": money(self.spent), "reserved": money(self.reserved), "unknown": money(self.unknown),
            "wasted": money(self.wasted),
            "known": {source: money(self.sources[source]) for source in SOURCES if source in self.sources},
            "wasted_by": {cause: money(amount) for cause, amount in sorted(self.causes.items())},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Converted:
    """All currencies as one, at ``rates``: units of the home currency for one of each, as stated on ``stated``."""

    spent: Money
    reserved: Money
    unknown: Money
    wasted: Money
    rates: Mapping[str, Decimal]
    stated: date

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        names = ("spent", "reserved", "unknown", "wasted")
        rates = {currency: str(rate) for currency, rate in self.rates.items()}
        return {name: getattr(self, name).to_json() for name in names} | {
            "rates": rates,
            "stated": self.stated.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The ledger by one thing. ``rows`` has one for each group and currency, ``totals`` one for each currency.

    ``converted`` is None where there is one currency only, the home one, and where ``unrated`` names currencies
    nobody stated a rate for.
    """

    by: By
    rows: tuple[Sums, ...]
    totals: tuple[Sums, ...]
    converted: Converted | None = None
    unrated: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "by": self.by,
            "rows": [row.to_json() for row in self.rows],
            "totals": [row.to_json() for row in self.totals],
            "converted": None if self.converted is None else self.converted.to_json(),
            "unrated": list(self.unrated),
        }


def report(jobs: Iterable[Entry], by: By, home: str, rates: Rates) -> Report:
    """The money of those jobs, by one thing.

    Args:
        by: days are those of this machine's clock, and a job's day is the one its money was reserved on.
        home: the currency everything is converted to, once, at the end.
    """
    group_of = _GROUPS[by]
    rows: dict[tuple[str, str], Sums] = {}
    totals: dict[str, Sums] = {}
    labels: dict[str, str] = {}
    for job in jobs:
        cost = spent(job)
        if cost is None and job.state not in RESERVED and job.state != JobState.UNKNOWN:
            continue  # no job was made: there is no money to speak of
        currency = (cost or job.reserved).currency
        key, label = group_of(job)
        labels.setdefault(key, label)
        rows.setdefault((key, currency), Sums(labels[key], currency)).count(job)
        totals.setdefault(currency, Sums("total", currency)).count(job)
    ordered = sorted(rows) if by == "day" else list(rows)
    listed = tuple(totals[currency] for currency in sorted(totals))
    unrated = tuple(sums.currency for sums in listed if sums.currency not in rates.per_usd)
    converted = None
    if not unrated and any(sums.currency != home for sums in listed):
        converted = _converted(listed, home, rates)
    return Report(by, tuple(rows[key] for key in ordered), listed, converted, unrated)


def _converted(totals: Iterable[Sums], home: str, rates: Rates) -> Converted:
    listed = list(totals)
    at = {sums.currency: rates.rate(sums.currency, home) for sums in listed if sums.currency != home}

    def together(name: str) -> Money:
        amounts = (getattr(sums, name) * rates.rate(sums.currency, home) for sums in listed)
        return Money(sum(amounts, Decimal()), home)

    return Converted(
        together("spent"), together("reserved"), together("unknown"), together("wasted"), at, rates.stated
    )


def _shot(job: Entry) -> tuple[str, str]:
    where = f"{job.episode}/" if job.episode else ""
    # The same id in one episode is the same shot, also after its words were changed.
    return (
        f"{where}{job.shot_id}" if job.shot_id else f"{where} {job.shot_hash}"
    ), f"{where}{short(job.name)}"


def short(name: str) -> str:
    """A shot's id, or the beginning of its prompt."""
    return name if len(name) <= 24 else name[:23] + "…"


def _same(text: str) -> tuple[str, str]:
    return text, text


def _day(job: Entry) -> tuple[str, str]:
    return _same(datetime.fromtimestamp(job.created).astimezone().date().isoformat())


_GROUPS: Mapping[By, Callable[[Entry], tuple[str, str]]] = {
    "episode": lambda job: _same(job.episode or NO_EPISODE),
    "shot": _shot,
    "model": lambda job: _same(job.route.model),
    "route": lambda job: _same(job.route.id),
    "provider": lambda job: _same(job.route.provider),
    "day": _day,
}
