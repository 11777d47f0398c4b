"""A plan's shots put to the episode's arithmetic, and its answer put into the plan."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from statistics import median
from typing import TYPE_CHECKING

from dramagen.catalog.order import Quote
from dramagen.money import Money
from dramagen.routing.beliefs import rated, unrated
from dramagen.routing.episode import solve
from dramagen.routing.episode_items import Need, Offer
from dramagen.routing.episode_solution import Solution
from dramagen.routing.outlook import TAKES

if TYPE_CHECKING:
    from dramagen.routing.plan import Plan, ShotPlan

WEIGHS = "value"
"""The policy that leaves the order of routes to these figures; any other's order is kept, and its first route is
all there is to take again."""


def solution_of(plan: "Plan") -> Solution:
    """How to film the plan's shots within its budget and deadline. Shots are called by their place in the plan."""

    def worth(money: Money | None, otherwise: float) -> float:
        return otherwise if money is None else float(plan.rates.convert(money, plan.currency).amount)

    rho = next((s.decision.outlook.rho for s in plan.shots if s.decision is not None), None)
    return solve(
        needs_of(plan),
        budget=None if plan.budget is None else float(plan.budget_converted.amount),
        deadline=plan.deadline,
        at_once=plan.concurrency,
        switch=worth(plan.switch, inf),
        human=worth(plan.review, 0.0),
        **({} if rho is None else {"rho": rho}),
    )


def needs_of(plan: "Plan") -> list[Need]:
    """What the plan's shots need, but for takes that are over. One rate is looked up for each currency."""
    currencies = {q.price.expected.currency for s in plan.shots for q in s.attempts}
    rates = {currency: float(plan.rates.rate(currency, plan.currency)) for currency in currencies}
    to_plan = [(place, shot) for place, shot in enumerate(plan.shots) if shot.ended is None]
    places = {shot.shot.id: str(place) for place, shot in to_plan if shot.shot.id is not None}
    pace = assumed_pace(plan)
    needs = []
    for place, shot in to_plan:
        own, outlook = shot.shot.id or "", shot.decision.outlook if shot.decision is not None else None
        need = Need(
            str(place),
            fixed=shot.decision is None or shot.decision.policy != WEIGHS,
            group=plan.continuity.groups.get(own),
            after=places.get(plan.continuity.after.get(own, "")),
        )
        if shot.held is not None:
            needs.append(replace(need, held=shot.held.partition("/")[2]))
            continue
        offers = _offers(shot, rates, pace)
        if outlook is not None:
            need = replace(need, takes=outlook.takes, value=outlook.value, failed=outlook.failed)
        else:
            need = replace(need, takes=TAKES)
        needs.append(replace(need, offers=offers))
    return needs


def assumed_pace(plan: "Plan") -> float | None:
    """Seconds that a take is taken to last on a route of unknown pace: the middle of the others in the plan.

    None without a deadline, where nothing depends on it, and where nobody's pace is known.
    """
    if plan.deadline is None:
        return None
    known = {q.route: q.seconds for shot in plan.shots for q in shot.attempts if q.seconds is not None}
    return median(known.values()) if known else None


def _offers(shot: "ShotPlan", rates: Mapping[str, float], pace: float | None) -> tuple[Offer, ...]:
    known = {c.route: c.chance for c in shot.decision.outlook.candidates} if shot.decision else {}
    offers = []
    for quote in shot.attempts:
        price, name = quote.price, quote.route.id
        rate = rates[price.expected.currency]
        chance = known[name] if name in known else chance_of(quote)
        cost, most = float(price.expected.amount) * rate, float(price.most.amount) * rate
        seconds = pace if quote.seconds is None else quote.seconds
        offers.append(Offer(name, quote.route.model, name, cost, most, chance, seconds))
    return tuple(offers)


def chance_of(quote: Quote) -> float:
    """What its rating alone foretells of a route's chance."""
    return (unrated() if quote.rating is None else rated(quote.rating)).chance


def following(plan: "Plan") -> "Plan":
    """The plan with every shot's attempts in the order of its solution; the routes it has no take for come after.

    Where a policy of another kind chose the order, it stays.
    """
    return replace(plan, shots=tuple(_ordered(plan, place) for place in range(len(plan.shots))))


def _ordered(plan: "Plan", place: int) -> "ShotPlan":
    shot, filmed = plan.shots[place], plan.solution.filmed.get(str(place))
    if filmed is None or filmed.need.fixed:
        return shot
    wanted = list(dict.fromkeys(offer.name for offer in filmed.takes))
    by_route = {quote.route.id: quote for quote in shot.attempts}
    first = [by_route[route] for route in wanted]
    rest = [quote for quote in shot.attempts if quote.route.id not in wanted]
    return replace(shot, attempts=(*first, *rest))
