"""A plan: what each shot would cost and take, where, and why. Making one spends nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dramagen.catalog.order import Quote, Refusal
from dramagen.money import Money, Rates
from dramagen.routing.decision import Decision
from dramagen.routing.episode_items import Continuity
from dramagen.routing.episode_plan import solution_of
from dramagen.routing.episode_solution import Solution
from dramagen.routing.episode_text import episode_json, lost_lines, shot_json, sum_lines, take_lines
from dramagen.shot import Shot


@dataclass(frozen=True, slots=True)
class ShotPlan:
    """One shot: the attempts in order, and every route's answer.

    Attributes:
        attempts: the quotes to try, best first; empty when no route can film it.
        quotes: every route that could, with or without a key.
        refusals: every route that could not, with its reason.
        held: the route a finished or running job already binds this take to; filming it costs nothing more.
        decision: the numbers the attempts were ordered by; None where there are none.
        ended: what came of the take, where it gave no clip and nothing more is bought for it; without attempts.
    """

    shot: Shot
    attempts: tuple[Quote, ...]
    quotes: tuple[Quote, ...]
    refusals: tuple[Refusal, ...]
    held: str | None = None
    decision: Decision | None = None
    ended: str | None = None

    @property
    def choice(self) -> Quote | None:
        """The route that would be tried first."""
        return self.attempts[0] if self.attempts else None


@dataclass(frozen=True, slots=True)
class RouteTotal:
    """The whole episode on one route.

    Attributes:
        prices: expected price of each shot in the route's currency, None where it refuses.
        seconds: expected wall time in seconds at the route's concurrency, None where latency is not known.
        refused: how many shots the route cannot film.
    """

    route: str
    keyed: bool
    prices: tuple[Money | None, ...]
    total: Money | None
    total_converted: Money | None
    seconds: float | None
    refused: int


@dataclass(frozen=True)
class Plan:
    """All shots, with totals in the caps' currency. ``print(plan)`` explains it.

    ``currency`` and ``rates`` are those of the caps; ``concurrency`` has the jobs at once, by route.
    ``deadline`` is in seconds of wall time; ``review`` is what it costs that a person looks at one take, ``switch``
    that one leaves the model its group keeps: None where none may.
    """

    shots: tuple[ShotPlan, ...]
    currency: str
    rates: Rates
    budget: Money | None = None
    concurrency: Mapping[str, int] = field(default_factory=dict)
    deadline: float | None = None
    review: Money | None = None
    switch: Money | None = None
    continuity: Continuity = field(default_factory=Continuity)

    @cached_property
    def solution(self) -> Solution:
        """The episode solved: the takes of every shot until one is accepted, within the budget and the deadline."""
        return solution_of(self)

    @property
    def expected(self) -> Money:
        """Expected price of everything not yet paid for."""
        return self._sum([s.choice.price.expected for s in self._open() if s.choice])

    @property
    def most(self) -> Money:
        """The most everything not yet paid for can cost on the first attempts: what would be reserved."""
        return self._sum([s.choice.price.most for s in self._open() if s.choice])

    @property
    def unfilmable(self) -> tuple[ShotPlan, ...]:
        """Shots no route can film as things stand."""
        return tuple(s for s in self._open() if s.choice is None)

    @property
    def left_out(self) -> tuple[ShotPlan, ...]:
        """Shots that could be filmed, and have no part in the solution: the budget does not film every shot once."""
        # Solving takes a while for thousands of shots, and where all first attempts fit nothing is left out.
        if self.budget is None or self.most <= self.budget_converted or not self.solution.short:
            return ()
        without = [self.shots[int(place)] for place, filmed in self.solution.filmed.items() if filmed is None]
        return tuple(shot for shot in without if shot.choice is not None)

    @property
    def idle(self) -> bool:
        """There are shots to film, and no route can film any of them as things stand."""
        return bool(self.unfilmable) and len(self.unfilmable) == len(self._open())

    @property
    def feasible(self) -> bool:
        """Every shot has a route, and the budget covers the upper bound."""
        return not self.unfilmable and (self.budget is None or self.most <= self.budget_converted)

    @property
    def budget_converted(self) -> Money:
        """The budget in the caps' currency (zero when none was given)."""
        return self.rates.convert(self.budget, self.currency) if self.budget else Money.zero(self.currency)

    @property
    def seconds(self) -> float | None:
        """Expected wall time in seconds of what can be filmed: routes work side by side, each at its own concurrency.

        None where the pace of a route is not known, and where nothing can be filmed.
        """
        if self.idle:
            return None
        per_route: dict[str, list[float | None]] = {}
        for shot in self._open():
            if shot.choice:
                per_route.setdefault(shot.choice.route.id, []).append(shot.choice.seconds)
        spans = [self._wall(route, times) for route, times in per_route.items()]
        known = [s for s in spans if s is not None]
        return max(known) if known and len(known) == len(spans) else (0.0 if not spans else None)

    def routes(self) -> tuple[RouteTotal, ...]:
        """The same shots on every route that answers at least one of them, cheapest whole episode first."""
        names = sorted({q.route.id for s in self.shots for q in s.quotes})
        totals = [self._on(name) for name in names]
        return tuple(
            sorted(totals, key=lambda t: (t.refused, t.total_converted.amount if t.total_converted else 0))
        )

    def _open(self) -> list[ShotPlan]:
        return [s for s in self.shots if s.held is None]

    def _sum(self, amounts: list[Money]) -> Money:
        total = Money.zero(self.currency)
        for money in amounts:
            total += self.rates.convert(money, self.currency)
        return total

    def _wall(self, route: str, times: list[float | None]) -> float | None:
        known = [t for t in times if t is not None]
        if len(known) < len(times):
            return None
        at_once = max(1, self.concurrency.get(route, 1))
        return sum(known) / len(known) * math.ceil(len(known) / at_once) if known else 0.0

    def _on(self, name: str) -> RouteTotal:
        quotes = [next((q for q in s.quotes if q.route.id == name), None) for s in self.shots]
        found = [q for q in quotes if q is not None]
        total = found[0].price.expected - found[0].price.expected
        for quote in found:
            total += quote.price.expected
        return RouteTotal(
            route=name,
            keyed=found[0].keyed,
            prices=tuple(q.price.expected if q else None for q in quotes),
            total=total,
            total_converted=self.rates.convert(total, self.currency),
            seconds=self._wall(name, [q.seconds for q in found]),
            refused=len(quotes) - len(found),
        )

    def to_json(self) -> dict[str, Any]:
        """The plan for machines; money as ``{"amount", "currency"}``."""
        return {
            "currency": self.currency,
            "budget": self.budget.to_json() if self.budget else None,
            "expected": self.expected.to_json(),
            "most": self.most.to_json(),
            "seconds": self.seconds,
            "feasible": self.feasible,
            "episode": episode_json(self),
            "shots": [_shot_json(s) | shot_json(self, place) for place, s in enumerate(self.shots)],
            "routes": [
                {
                    "route": t.route, "keyed": t.keyed, "refused": t.refused, "seconds": t.seconds,
                    "prices": [p.to_json() if p else None for p in t.prices],
                    "total": t.total.to_json() if t.total else None,
                    "total_converted": t.total_converted.to_json() if t.total_converted else None,
                }
                for t in self.routes()
            ],
        }  # fmt: skip

    def __str__(self) -> str:
        lines = []
        for place, shot in enumerate(self.shots):
            lines += [_line(shot), *take_lines(self, place)]
        if self.idle:
            lines.append(
                f"nothing can be filmed: {len(self.unfilmable)} shot(s) cannot be filmed as things stand"
            )
            return "\n".join([*lines, *lost_lines(self)])
        wall = f", about {self.seconds / 60:.0f} min" if self.seconds else ""
        lines.append(f"expected {self.expected}, at most {self.most}{wall}")
        if self.budget is not None:
            verdict = "covers it" if self.most <= self.budget_converted else "does NOT cover the upper bound"
            lines.append(f"budget {self.budget}: {verdict}")
        lines += [*sum_lines(self), *lost_lines(self)]
        return "\n".join(lines)


def _line(planned: ShotPlan) -> str:
    head = planned.shot.name
    if planned.held:
        return f"{head}: {planned.held} already holds this take; nothing more to pay"
    quote = planned.choice
    if planned.ended is not None:
        return f"{head}: {planned.ended}"
    if quote is None:
        reasons = [f"    {r.route.id}: {r.reason}" for r in planned.refusals]
        reasons += [f"    {q.route.id}: {q.price.expected}, no key" for q in planned.quotes if not q.keyed]
        return "\n".join([f"{head}: no route", *reasons])
    lines = [f"{head}: {quote.route.id}, {quote.price.expected}"]
    lines += [f"    {adjustment}" for adjustment in quote.adjustments]
    return "\n".join(lines)


def _shot_json(planned: ShotPlan) -> dict[str, Any]:
    return {
        "shot": planned.shot.id or planned.shot.name,
        "held": planned.held,
        "ended": planned.ended,
        "attempts": [q.route.id for q in planned.attempts],
        "quotes": [
            {
                "route": q.route.id, "keyed": q.keyed, "expected": q.price.expected.to_json(),
                "most": q.price.most.to_json(), "seconds": q.seconds, "rating": q.rating,
                "adjustments": [a.model_dump() for a in q.adjustments], "warnings": list(q.warnings),
            }
            for q in planned.quotes
        ],
        "refusals": [{"route": r.route.id, "rule": r.rule, "reason": r.reason} for r in planned.refusals],
    }  # fmt: skip
