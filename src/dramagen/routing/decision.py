"""A decision as it is written down: the numbers it was made with, and enough of them to make it again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dramagen.catalog.order import Refusal
from dramagen.routing.attempts import Arm, Attempt, decayed
from dramagen.routing.outlook import Candidate, Outlook

VERSION = 1
MOST = 4000
"""Bytes a decision takes in the journal at most; of what was filtered the end is left off where it would be more."""


@dataclass(frozen=True)
class Decision:
    """Why these routes, in this order.

    Attributes:
        policy: the name of the policy that ordered them.
        order: routes in the order they are tried where one after the other refuses or fails.
        filtered: routes that were not among the candidates, by the rule they fell to.
        unlisted: how many more of those there were than ``filtered`` lists.
        floor: the least chance a model had to be sure of, if the project has such a floor.
        tried: routes that gave a verdict on this take before this decision.
        doubts: what was left of a route's chance after what it refused in that run; the candidates' chances have it.
    """

    policy: str
    outlook: Outlook
    order: tuple[str, ...]
    filtered: Mapping[str, tuple[str, ...]]
    unlisted: int = 0
    floor: float | None = None
    tried: tuple[str, ...] = ()
    doubts: Mapping[str, float] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[Attempt, ...]:
        """The takes to make, in order, until one is accepted, with the figures of each.

        Of the policy ``value`` the plan itself; of any other its routes one after the other.
        """
        return self.outlook.steps if self.policy == "value" else _in_turn(self.outlook, self.order)

    def candidate(self, route: str) -> Candidate | None:
        """The numbers of one route."""
        return next((each for each in self.outlook.candidates if each.route == route), None)

    def to_json(self) -> dict[str, Any]:
        """Small and whole: :meth:`from_json` gives a decision that comes to the same order."""
        outlook = self.outlook
        return {
            "v": VERSION, "policy": self.policy, "currency": outlook.currency,
            "value": str(outlook.value), "basis": outlook.basis, "takes": outlook.takes, "rho": outlook.rho,
            "floor": self.floor, "failed": dict(outlook.failed), "tried": list(self.tried),
            "order": [_place(outlook, route) for route in self.order],
            "candidates": [[c.route, c.cost, c.chance] for c in outlook.candidates],
            "filtered": {rule: list(routes) for rule, routes in self.filtered.items()},
            "unlisted": self.unlisted,
        } | {
            name: dict(told)
            for name, told in (("doubts", self.doubts), ("held_back", outlook.held_back)) if told
        }  # fmt: skip

    def compact(self) -> str:
        """The same as text of at most :data:`MOST` bytes, unless the candidates alone are more."""
        record = self.to_json()
        room = MOST - len(_text(record | {"filtered": {}}).encode())
        kept: dict[str, list[str]] = {}
        for rule, routes in self.filtered.items():
            for route in routes:
                room -= len(route) + 3 + (0 if rule in kept else len(rule) + 6)
                if room < 0:
                    record["unlisted"] += 1
                else:
                    kept.setdefault(rule, []).append(route)
        return _text(record | {"filtered": kept})

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Decision":
        """The decision :meth:`to_json` wrote down."""
        candidates = tuple(
            Candidate(route, route.partition("/")[2], cost, chance)
            for route, cost, chance in record["candidates"]
        )
        outlook = Outlook(
            candidates=candidates,
            currency=record["currency"],
            value=float(record["value"]),
            basis=record["basis"],
            takes=record["takes"],
            failed=record["failed"],
            rho=record["rho"],
            held_back=record.get("held_back", {}),
        )
        return cls(
            policy=record["policy"],
            outlook=outlook,
            order=tuple(candidates[place].route for place in record["order"]),
            filtered={rule: tuple(routes) for rule, routes in record["filtered"].items()},
            unlisted=record["unlisted"],
            floor=record["floor"],
            tried=tuple(record["tried"]),
            doubts=record.get("doubts", {}),
        )


def filtered(refusals: Sequence[Refusal], keyless: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The routes that were out of the question, by rule; those without a key last."""
    rules: dict[str, list[str]] = {}
    for refusal in refusals:
        if refusal.keyed:
            rules.setdefault(refusal.rule, []).append(refusal.route.id)
    if without := [*(r.route.id for r in refusals if not r.keyed), *keyless]:
        rules["no key"] = without
    return {rule: tuple(routes) for rule, routes in rules.items()}


def _in_turn(outlook: Outlook, order: Sequence[str]) -> tuple[Attempt, ...]:
    known = {candidate.route: candidate for candidate in outlook.candidates}
    failed, reached, spent, steps = dict(outlook.failed), 1.0, 0.0, []
    for route in order[: outlook.takes]:
        candidate = known[route]
        before = failed.get(candidate.model, 0)
        chance = decayed(candidate.chance, before, outlook.rho)
        spent += reached * candidate.cost
        each = candidate.cost / chance if chance else float("inf")
        steps.append(Attempt(
            arm=Arm(route, candidate.cost, candidate.chance), chance=chance, failed=before, reached=reached,
            cost=candidate.cost, cost_per_accepted=each, accepted=1 - reached * (1 - chance),
            expected_cost=spent,
        ))  # fmt: skip
        failed[candidate.model] = before + 1
        reached *= 1 - chance
    return tuple(steps)


def _place(outlook: Outlook, route: str) -> int:
    return next(place for place, each in enumerate(outlook.candidates) if each.route == route)


def _text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))
