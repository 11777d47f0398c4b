"""What the plan of an episode says to people, and to machines."""

import math
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from math import prod
from typing import TYPE_CHECKING, Any

from dramagen.money import Money
from dramagen.routing.episode_plan import assumed_pace
from dramagen.routing.episode_reasons import why_not

if TYPE_CHECKING:
    from dramagen.routing.episode_items import Offer
    from dramagen.routing.plan import Plan

SHORT = {"price": "no price is known (the plan as JSON says how to state yours)", "retired": "retired"}
"""What is said of a rule where a reason of its own for each route would fill pages."""


def takes_of(plan: "Plan", place: int) -> list[tuple[int, "Offer", float, float]]:
    """The takes of a shot: (number, offer, its chance once it is made, what it adds to the expected cost)."""
    filmed = plan.solution.filmed.get(str(place))
    if filmed is None:
        return []
    reached, told = 1.0, []
    for number, (offer, chance) in enumerate(zip(filmed.takes, filmed.chances, strict=True), 1):
        told.append((number, offer, chance, reached * offer.cost))
        reached *= 1 - chance
    return told


def take_lines(plan: "Plan", place: int) -> list[str]:
    """One line for each take that would be made until one is accepted."""
    return [
        f"    take {number}: {offer.name}, {_percent(chance)} accepted, adds {_money(cost, plan)}"
        for number, offer, chance, cost in takes_of(plan, place)
    ]


def sum_lines(plan: "Plan") -> list[str]:
    """The episode as a whole."""
    found, missing = plan.solution, [shot.shot.name for shot in plan.unfilmable]
    open_shots = sum(plan.shots[int(name)].choice is not None for name in found.filmed)
    if not open_shots:
        return []
    wall = "" if found.seconds is None else f", about {max(1, round(found.seconds / 60))} min without reviews"
    takes = max((len(f.takes) for f in found.filmed.values() if f is not None), default=0)
    lines = []
    if missing:
        said = f"{len(missing)} shot(s) cannot be filmed as things stand, and are in none of these figures: "
        lines.append(said + ", ".join(missing))
    chance = prod(
        (0.0 if filmed is None else filmed.way.chance)
        for name, filmed in found.filmed.items()
        if plan.shots[int(name)].choice is not None
    )
    lines += [
        f"until accepted: expected {_money(found.expected, plan)}, at worst {_money(found.worst, plan)}{wall}",
        f"{'the other' if missing else 'all'} {open_shots} shot(s) are accepted within {takes} take(s) each with a "
        f"chance of {_percent(chance)}; {found.accepted:.1f} of them are expected to be",
    ]
    if plan.budget is not None:
        if found.bound:
            lines.append(f"at this budget one accepted clip is worth {_money(found.value, plan)}")
        if found.reserve > 0.005:
            lines.append(f"{_money(found.reserve, plan)} of the budget is held back for bad luck")
    where = "" if plan.switch is None else " but where leaving it pays"
    lines += [f"{group} keeps {model}{where}" for group, model in sorted((found.models or {}).items())]
    lines += [
        f"{group}: no model can film all its shots, so each is planned by itself" for group in found.split
    ]
    if found.short:
        left = [shot.shot.name for shot in plan.left_out]
        lines.append(f"the budget does NOT film every shot once; left out: {', '.join(left)}")
    if found.late:
        lines.append(_late(found.seconds, plan.deadline))
    if plan.deadline is not None and (slow := _paceless(plan)):
        unknown = f"how long a take lasts is not known of {', '.join(slow)}"
        pace = assumed_pace(plan)
        lines.append(
            f"whether it is in time is not known: {unknown}"
            if pace is None
            else f"{unknown}: {_minutes(pace)} is assumed, the middle of the others"
        )
    return lines


def _late(seconds: float | None, deadline: float | None) -> str:
    """By how much the quickest plan misses the deadline."""
    said = "NOT in time: no plan found is expected to meet the deadline; this is the quickest"
    if seconds is None or deadline is None:
        return said
    return f"{said}, {_minutes(seconds - deadline)} over the {_minutes(deadline)} it has"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds < 600 else f"{seconds / 60:.0f} min"


def _paceless(plan: "Plan") -> list[str]:
    """Which of the routes that film it have no known pace."""
    unknown = {quote.route.id for shot in plan.shots for quote in shot.attempts if quote.seconds is None}
    done = [filmed for filmed in plan.solution.filmed.values() if filmed is not None]
    return [
        name for name in dict.fromkeys(o.name for filmed in done for o in filmed.takes) if name in unknown
    ]


def lost_lines(plan: "Plan") -> list[str]:
    """Why every other route has no take. What holds for every shot is said once."""
    places = [place for place, shot in enumerate(plan.shots) if shot.held is None and shot.ended is None]
    by_shot = [list(_short(plan, place)) for place in places]
    names = [plan.shots[place].shot.name for place in places]
    if not by_shot:
        return []
    counts = Counter(each for said in by_shot for each in set(said))
    always = [each for each in by_shot[0] if counts[each] == len(by_shot)]
    lines = [f"    {line}" for line in _grouped(always)]
    if lines:
        lines.insert(0, "not taken, for every shot:" if len(by_shot) > 1 else "not taken:")
    for name, said in zip(names, by_shot, strict=True):
        own = [each for each in said if counts[each] < len(by_shot)]
        if own:
            lines += [f"not taken for {name}:", *(f"    {line}" for line in _grouped(own))]
    return lines


def _short(plan: "Plan", place: int) -> Iterator[tuple[str, str]]:
    """The reasons, with a word or two in the place of what the catalogue says of a route at length."""
    shot = plan.shots[place]
    rules = {refusal.route.id: refusal.rule for refusal in shot.refusals}
    routes = [quote.route for quote in shot.quotes] + [refusal.route for refusal in shot.refusals]
    meant = {route.id for route in routes if route.satisfies(shot.shot.pin)}
    for route, reason in why_not(plan, place):
        if route not in meant:
            continue  # the pin says so itself
        yield route, SHORT.get(rules.get(route, ""), reason)


def _grouped(said: list[tuple[str, str]]) -> list[str]:
    routes: dict[str, list[str]] = {}
    for route, reason in said:
        routes.setdefault(reason, []).append(route)
    return [f"{reason}: {', '.join(names)}" for reason, names in routes.items()]


def episode_json(plan: "Plan") -> dict[str, Any]:
    """The solution for machines: chances 0 to 1, seconds, money as ``{"amount", "currency"}``."""
    found = plan.solution
    return {
        "value": _json(found.value, plan) if math.isfinite(found.value) else None,
        "expected": _json(found.expected, plan), "worst": _json(found.worst, plan),
        "reserve": _json(found.reserve, plan), "chance": found.chance, "accepted": found.accepted,
        "seconds": found.seconds, "deadline": plan.deadline, "short": found.short, "late": found.late,
        "seconds_assumed": assumed_pace(plan), "models": dict(found.models or {}), "split": list(found.split),
    }  # fmt: skip


def shot_json(plan: "Plan", place: int) -> dict[str, Any]:
    """The takes of one shot, and why the other routes have none."""
    return {
        "takes": [
            {"route": offer.name, "chance": chance, "adds": _json(cost, plan)}
            for _, offer, chance, cost in takes_of(plan, place)
        ],
        "lost": [{"route": route, "reason": reason} for route, reason in why_not(plan, place)],
    }


def _percent(chance: float) -> str:
    return f"{chance:.0%}" if chance >= 0.01 or chance == 0 else "under 1%"


def _money(amount: float, plan: "Plan") -> str:
    return str(_of(amount, plan))


def _json(amount: float, plan: "Plan") -> dict[str, str]:
    return _of(amount, plan).to_json()


def _of(amount: float, plan: "Plan") -> Money:
    return Money(Decimal(f"{amount:.2f}"), plan.currency)
