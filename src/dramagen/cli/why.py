"""Why a job was ordered where it was, as people read it."""

from typing import Any

from rich.table import Table

from dramagen.cli.screen import say
from dramagen.cli.tables import plain_table
from dramagen.routing.decision import Decision
from dramagen.routing.doubts import halved
from dramagen.routing.outlook import Candidate

LISTED = 3
"""Routes that are named of those a rule put out of the question."""


def say_why(decision: Decision | None, chosen: str) -> None:
    """The numbers of a decision; ``chosen`` is the route the job was ordered on."""
    if decision is None:
        say("why it was ordered there was not written down: the job is of an older version")
        return
    outlook = decision.outlook
    say(f"policy {decision.policy}: an accepted clip is worth {_number(outlook.value)} {outlook.currency} "
        f"({outlook.basis}), takes ahead {outlook.takes}, rho {outlook.rho:.2f}"
        + (f", floor {decision.floor:.2f}" if decision.floor is not None else ""))  # fmt: skip
    for model, takes in outlook.failed.items():
        say(f"{takes} rejected of {model} on this shot already")
    for model, times in outlook.held_back.items():
        say(f"moderation held back {times} of {model} on this take already: its chance x {halved(times):.3g}")
    say(_table(decision, chosen))
    if decision.steps:
        last = decision.steps[-1]
        plan = ", ".join(f"{step.name} ({step.chance:.2f})" for step in decision.steps)
        say(f"the plan until one is accepted: {plan}; chance {last.accepted:.2f}, "
            f"expected {_number(last.expected_cost)} {outlook.currency}")  # fmt: skip
    for rule, routes in decision.filtered.items():
        more = f" and {len(routes) - LISTED} more" if len(routes) > LISTED else ""
        say(f"out, {rule}: {', '.join(routes[:LISTED])}{more}")
    if decision.unlisted:
        say(f"out, and not written down which: {decision.unlisted}")


def why_json(decision: Decision | None) -> dict[str, Any] | None:
    """The same for machines: what the journal has, in words rather than places, and the plan that follows from it."""
    if decision is None:
        return None
    outlook = decision.outlook
    return decision.to_json() | {
        "order": list(decision.order),
        "candidates": [
            {
                "route": each.route, "model": each.model, "cost": each.cost, "chance": each.chance,
                "rejected": outlook.failed.get(each.model, 0), "chance_now": outlook.now[each.route],
                "per_accepted": outlook.per_accepted(each) if outlook.now[each.route] else None,
            }
            for each in outlook.candidates
        ],
        "steps": [
            {
                "route": step.name, "chance": step.chance, "cost": step.cost,
                "accepted": step.accepted, "expected_cost": step.expected_cost,
            }
            for step in decision.steps
        ],
    }  # fmt: skip


def _table(decision: Decision, chosen: str) -> Table:
    outlook = decision.outlook
    per_take, per_clip = f"{outlook.currency} a take", f"{outlook.currency} per accepted"
    table = plain_table("", "route", per_take, "chance", per_clip, "")
    places = {route: place for place, route in enumerate(decision.order, 1)}
    ranked = sorted(outlook.candidates, key=lambda each: places.get(each.route, len(places) + 1))
    for each in ranked:
        table.add_row(
            str(places.get(each.route, "-")), each.route, _number(each.cost), f"{outlook.now[each.route]:.2f}",
            _number(outlook.per_accepted(each)), _remark(decision, each, chosen),
        )  # fmt: skip
    return table


def _remark(decision: Decision, each: Candidate, chosen: str) -> str:
    remarks = []
    if each.route == chosen:
        remarks.append("ordered here")
    elif each.route in decision.tried:
        remarks.append("gave its verdict before")
    elif each.route not in decision.order:
        remarks.append("left out by the policy")
    if each.route in decision.doubts:
        remarks.append(f"chance x {decision.doubts[each.route]:.2f} for what it refused in this run")
    return ", ".join(remarks)


def _number(value: float) -> str:
    return f"{value:.2f}"
