"""Why a route is not in a shot's plan: one reason each, the one that decided."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dramagen.catalog.order import Quote
from dramagen.routing.attempts import decayed
from dramagen.routing.episode_plan import chance_of

if TYPE_CHECKING:
    from dramagen.routing.episode_items import Filmed
    from dramagen.routing.plan import Plan, ShotPlan


def why_not(plan: "Plan", place: int) -> Iterator[tuple[str, str]]:
    """(route, reason) of every route that the plan of this shot has no take on; refusals last."""
    shot = plan.shots[place]
    if shot.held is not None or shot.ended is not None:
        return
    filmed = plan.solution.filmed.get(str(place))
    planned = {offer.name for offer in filmed.takes} if filmed is not None else set()
    figures = _Figures(plan, shot, filmed)
    for quote in shot.quotes:
        if quote.route.id not in planned:
            yield quote.route.id, figures.reason(quote)
    for refusal in shot.refusals:
        yield refusal.route.id, refusal.reason


_A_LITTLE = 1.005
"""What would be shown as 0 % dearer is no cheaper."""


class _Figures:
    """What the routes of one shot are compared by."""

    def __init__(self, plan: "Plan", shot: "ShotPlan", filmed: "Filmed | None") -> None:
        self._plan, self._shot, self._filmed = plan, shot, filmed
        self._tried = {quote.route.id for quote in shot.attempts}
        outlook = shot.decision.outlook if shot.decision is not None else None
        self._chances: Mapping[str, float] = (
            {c.route: c.chance for c in outlook.candidates} if outlook is not None else {}
        )
        self._failed: Mapping[str, int] = outlook.failed if outlook is not None else {}
        self._rho = outlook.rho if outlook is not None else None

    def reason(self, quote: Quote) -> str:
        """The one that decided."""
        pin = self._shot.shot.pin
        if not quote.route.satisfies(pin):
            return f"the shot is pinned to {pin}"
        if not quote.keyed:
            return "no key"
        if quote.route.id not in self._tried:
            if self._shot.decision is not None and quote.route.id in self._shot.decision.tried:
                return "gave no clip of this take already"
            if self._shot.decision is not None and quote.route.id not in self._chances:
                return "films only when pinned, or when no provider has a key"
            return "the policy left it out"
        if self._filmed is None or not self._filmed.takes:
            return "the budget leaves this shot out"
        return self._against(quote)

    def _against(self, quote: Quote) -> str:
        """Compared with the plan, whose best take per accepted clip is the measure."""
        assert self._filmed is not None
        kept = (self._plan.solution.models or {}).get(self._filmed.need.group or "")
        if kept is not None and quote.route.model != kept and self._plan.switch is None:
            return f"the shots it belongs with keep {kept}"
        cost = self._cost(quote)
        same = next((o for o in self._filmed.takes if o.model == quote.route.model), None)
        if same is not None:
            return f"the same model {_dearer(cost, same.cost)} than on {same.name}"
        if self._filmed.need.fixed:
            return f"the policy prefers {self._filmed.takes[0].name}"
        chance = self._chance(quote)
        first = min(o.cost / q for o, q in zip(self._filmed.takes, self._filmed.chances, strict=True) if q)
        if chance == 0:
            return "no chance to be accepted"
        if cost / chance > first:
            return f"{_dearer(cost / chance, first)} per accepted clip"
        if cost > self._plan.solution.value * chance:
            return "dearer per accepted clip than a clip is worth at this budget"
        return f"accepted only {chance:.0%} of the time: it would waste one of the takes"

    def _chance(self, quote: Quote) -> float:
        chance = self._chances.get(quote.route.id)
        chance = chance_of(quote) if chance is None else chance
        rejected = self._failed.get(quote.route.model, 0)
        return chance if self._rho is None else decayed(chance, rejected, self._rho)

    def _cost(self, quote: Quote) -> float:
        return float(self._plan.rates.convert(quote.price.expected, self._plan.currency).amount)


def _dearer(cost: float, than: float) -> str:
    if cost <= than * _A_LITTLE:
        return "no cheaper"
    if than <= 0:
        return "costs money"
    more = cost / than - 1
    return f"{more:.0%} dearer" if more < 1 else f"{cost / than:.1f} times as dear"
