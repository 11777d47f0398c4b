"""The figures of a benchmark: what an accepted clip costs on each route, and how sure that is."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median, quantiles
from typing import Any

from dramagen.bench.suite import Suite, facets
from dramagen.bench.take import Take
from dramagen.bench.verdicts import Verdicts
from dramagen.money import Money, Rates
from dramagen.routing.beta import beta_interval

PRIOR = 0.5
"""Added to accepted and rejected takes before the interval is taken (Jeffreys), so that 2 of 2 is not certainty."""


@dataclass(frozen=True)
class Figures:
    """What one group of takes shows. Money is in one currency; intervals hold 95 %.

    Attributes:
        shots: how many shots the group's routes can film, and ``unfit`` how many they cannot.
        takes: decided takes; ``undecided`` are left out of every figure but the lag.
        rate: accepted takes over decided ones.
        per_take: mean cost of a decided take, failures that were billed included.
        per_accepted: what an accepted clip costs: ``per_take / rate``. Its ends are those of the rate's interval;
            None where nothing was accepted (then only the lower end is known).
        within: shots with an accepted take over shots with a decided one.
        lag: median and 90th percentile of the seconds from the vendor's yes to the verified file.
        defects: how many takes each check marked, as (rejected, warned).
        failed: how many takes the vendor gave no usable clip for, by the error's name.
    """

    shots: int
    unfit: int
    takes: int
    accepted: int
    undecided: int
    rate: float | None
    rate_interval: tuple[float, float]
    per_take: Money
    per_accepted: Money | None
    per_accepted_interval: tuple[Money, Money | None]
    within: float | None
    lag: tuple[float, float] | None
    defects: Mapping[str, tuple[int, int]]
    failed: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        low, high = self.per_accepted_interval
        return {
            "shots": self.shots, "unfit": self.unfit, "takes": self.takes, "accepted": self.accepted,
            "undecided": self.undecided, "rate": self.rate, "rate_interval": list(self.rate_interval),
            "per_take": self.per_take.to_json(),
            "per_accepted": self.per_accepted.to_json() if self.per_accepted is not None else None,
            "per_accepted_interval": [low.to_json(), high.to_json() if high is not None else None],
            "accepted_within": self.within,
            "lag": None if self.lag is None else {"p50": self.lag[0], "p90": self.lag[1]},
            "defects": {name: {"rejected": r, "warned": w} for name, (r, w) in self.defects.items()},
            "failed": dict(self.failed),
        }  # fmt: skip


def figures(takes: Sequence[Take], verdicts: Verdicts, rates: Rates, currency: str) -> Figures:
    """The figures of one group of takes."""
    decided = [
        (take, decision.accepted)
        for take in takes
        if (decision := verdicts.of_take(take)).accepted is not None
    ]
    accepted = sum(bool(yes) for _, yes in decided)
    paid = sum(
        (rates.convert(t.cost, currency) for t, _ in decided if t.cost is not None), Money.zero(currency)
    )
    low, high = _interval(accepted, len(decided))
    per_take = paid * (1 / Decimal(len(decided))) if decided else Money.zero(currency)
    lags = [take.seconds for take in takes if take.seconds is not None]
    by_shot: dict[str, bool] = {}
    for take, yes in decided:
        by_shot[take.id.shot] = by_shot.get(take.id.shot, False) or bool(yes)
    shots = {take.id.shot for take in takes}
    fit = {take.id.shot for take in takes if take.state != "unfit"}
    return Figures(
        shots=len(fit),
        unfit=len(shots - fit),
        takes=len(decided),
        accepted=accepted,
        undecided=sum(take.state != "unfit" for take in takes) - len(decided),
        rate=accepted / len(decided) if decided else None,
        rate_interval=(low, high),
        per_take=per_take,
        per_accepted=paid * (1 / Decimal(accepted)) if accepted else None,
        per_accepted_interval=(_over(per_take, high), _over(per_take, low) if accepted else None),
        within=sum(by_shot.values()) / len(by_shot) if by_shot else None,
        lag=_spread(lags),
        defects=_defects(takes),
        failed=Counter(take.error[0] for take in takes if take.state == "failed" and take.error),
    )


def by_route(takes: Iterable[Take]) -> dict[str, list[Take]]:
    """The takes of each route, in the order the routes were given."""
    grouped: dict[str, list[Take]] = {}
    for take in takes:
        grouped.setdefault(take.id.route, []).append(take)
    return grouped


def by_tag(suite: Suite, takes: Iterable[Take]) -> dict[tuple[str, str], dict[str, list[Take]]]:
    """For each (kind, tag) of the suite's shots, the takes of each route on them."""
    of_shot = {shot.id: tuple(facets(shot)) for shot in suite.shots}
    order = {
        facet: None
        for kind in _KINDS
        for facets_ in of_shot.values()
        for facet in facets_
        if facet[0] == kind
    }
    grouped: dict[tuple[str, str], dict[str, list[Take]]] = {facet: {} for facet in order}
    for take in takes:
        for facet in of_shot.get(take.id.shot, ()):
            grouped[facet].setdefault(take.id.route, []).append(take)
    return grouped


_KINDS = ("style", "motion", "dialogue", "mode", "prompt", "topic")


def _interval(accepted: int, takes: int) -> tuple[float, float]:
    """Jeffreys' interval of a share, 95 %: where none or all were accepted it reaches to that end, or it would not
    hold what was seen (Brown, Cai and DasGupta, Statistical Science 16, 2001, 4.1.2)."""
    low, high = beta_interval(PRIOR + accepted, PRIOR + takes - accepted)
    return low if accepted else 0.0, high if accepted < takes else 1.0


def _over(money: Money, share: float) -> Money:
    return money * (1 / Decimal(str(share))) if share > 0 else money


def _spread(values: Sequence[float]) -> tuple[float, float] | None:
    if not values:
        return None
    high = quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]
    return median(values), high


def _defects(takes: Iterable[Take]) -> dict[str, tuple[int, int]]:
    rejected: Counter[str] = Counter()
    warned: Counter[str] = Counter()
    for take in takes:
        rejected.update({mark.check for mark in take.marks if mark.verdict == "reject"})
        warned.update({mark.check for mark in take.marks if mark.verdict == "warn"})
    return {name: (rejected[name], warned[name]) for name in sorted(rejected | warned)}
