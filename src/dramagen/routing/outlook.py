"""What a policy knows of a shot beside its quotes: chances, what an accepted clip is worth, what was rejected."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import median

from dramagen.routing.attempts import DEFAULT_RHO, Arm, Attempt, decayed, plan_attempts

TAKES = 4
"""Takes a plan looks ahead on one shot, unless a project says otherwise."""

WORTH = 4
"""An accepted clip whose value nobody stated is worth so many times what a middling model needs for one."""

_DOUBLINGS = 40
_HALVINGS = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """One route that may film the shot.

    Attributes:
        cost: of one take, in the outlook's currency: the expected price, and a person's look at it.
        chance: that its first take on such a shot is accepted.
    """

    route: str
    model: str
    cost: float
    chance: float


@dataclass(frozen=True)
class Outlook:
    """The numbers one decision is made with. Figures are floats: they weigh, they do not bill.

    Attributes:
        candidates: what may film it, in the order of the quotes.
        currency: of every cost, and of ``value``.
        value: what one accepted clip is worth; how that was found is in ``basis``.
        takes: how many more takes the plan looks ahead.
        failed: rejected takes of this shot, by model: whoever served it, it is the same model.
        rho: how alike takes of one model on one shot are.
        held_back: how often moderation held back what a model had made of this take, by model; the candidates'
            chances have it.
    """

    candidates: tuple[Candidate, ...]
    currency: str
    value: float
    basis: str = "stated"
    takes: int = TAKES
    failed: Mapping[str, int] = field(default_factory=dict)
    rho: float = DEFAULT_RHO
    held_back: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def now(self) -> Mapping[str, float]:
        """For each route the chance of its next take, its model's rejected ones counted."""
        return {c.route: decayed(c.chance, self.failed.get(c.model, 0), self.rho) for c in self.candidates}

    @cached_property
    def arms(self) -> tuple[Candidate, ...]:
        """The route on which each model costs least per accepted clip: two routes of a model miss the same shots."""
        best: dict[str, Candidate] = {}
        for candidate in self._ranked:
            best.setdefault(candidate.model, candidate)
        return tuple(best.values())

    @cached_property
    def steps(self) -> tuple[Attempt, ...]:
        """The takes to make until one is accepted, best plan first to last; an arm is called by its route."""
        failed = {c.route: n for c in self.arms if (n := self.failed.get(c.model, 0))}
        arms = [Arm(c.route, c.cost, c.chance) for c in self.arms]
        return tuple(plan_attempts(arms, self.takes, self.value, failed, self.rho))

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Every route, in the order to ask them where one after the other says no.

        Those of the plan's models come first, on each of their routes; then the rest, by what an accepted clip costs.
        """
        at_first = {step.name for step in self.steps}
        planned = {c.model for c in self.arms if c.route in at_first}
        first = [c.route for c in self._ranked if c.model in planned]
        return (*first, *(c.route for c in self._ranked if c.model not in planned))

    def per_accepted(self, candidate: Candidate) -> float:
        """What an accepted clip of this route costs on average, as things stand."""
        chance = self.now[candidate.route]
        return candidate.cost / chance if chance else float("inf")

    @cached_property
    def _ranked(self) -> list[Candidate]:
        return sorted(self.candidates, key=self._rank)

    def _rank(self, candidate: Candidate) -> tuple[float, float, str]:
        return self.per_accepted(candidate), -self.now[candidate.route], candidate.route


def worth(candidates: tuple[Candidate, ...]) -> float:
    """What an accepted clip is worth where nobody stated it: :data:`WORTH` times the median over the models of what
    one costs, each on its best route."""
    best: dict[str, float] = {}
    for candidate in candidates:
        if candidate.chance:
            cost = candidate.cost / candidate.chance
            best[candidate.model] = min(cost, best.get(candidate.model, cost))
    middle = median(best.values()) if best else 0.0
    return figure(WORTH * middle) or 1.0


def assured(outlook: Outlook, guarantee: float) -> Outlook:
    """The outlook with its value raised until the plan's chance of an accepted clip is ``guarantee``, or as high as
    these takes can make it."""

    def at(value: float) -> Outlook:
        basis = f"raised until {guarantee:.0%} of such shots are accepted"
        return replace(outlook, value=figure(value), basis=basis)

    def reaches(tried: Outlook) -> bool:
        return bool(tried.steps) and tried.steps[-1].accepted >= guarantee

    if reaches(outlook):
        return outlook
    low, high = outlook.value, outlook.value
    for _ in range(_DOUBLINGS):
        low, high = high, high * 2
        if reaches(at(high)):
            break
    else:
        return at(float("inf"))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if reaches(at(middle)) else (middle, high)
    return at(high)


def figure(number: float) -> float:
    """Six figures of a number: decisions are made with what is written down of them."""
    return float(f"{number:.6g}")
