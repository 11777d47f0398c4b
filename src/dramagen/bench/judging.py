"""What a judge said of the takes, how far it agrees with people, and whether it may decide.

A judge is asked small yes-or-no questions whose yes is a defect. It sorts the takes for the person who looks. Only
where its verdicts agree with people's on enough of the same takes (Cohen's kappa) do they count as decisions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dramagen.bench.take import TakeId
from dramagen.money import Money

Said = Mapping[TakeId, tuple[bool, str]]
"""What people said, by take: accepted, and why."""

ENOUGH = 20
"""Takes that both a person and the judge have decided, before agreement means anything."""
AGREES = 0.6
"""Kappa from which the judge may decide. Two good models agree with each other about as well."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One question's answer: is the defect there, when (seconds), and what was seen."""

    question: str
    defect: bool
    at: float | None = None
    evidence: str = ""

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"question": self.question, "defect": self.defect, "at": self.at, "evidence": self.evidence}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens the judge's endpoint counted, in and out."""

    sent: int = 0
    received: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.sent + other.sent, self.received + other.received)

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.sent - other.sent, self.received - other.received)


@dataclass(frozen=True)
class Judgement:
    """Everything a judge said.

    Attributes:
        model: what the endpoint calls it.
        answers: by take; a take it could not be asked about is in ``failures`` with the reason.
        wins: by route, pairs won in both orders, and pairs asked about.
        cost: what its tokens cost, where their price was given.
    """

    model: str
    answers: Mapping[TakeId, tuple[Answer, ...]] = field(default_factory=dict)
    failures: Mapping[TakeId, str] = field(default_factory=dict)
    wins: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    usage: Usage = Usage()
    cost: Money | None = None

    def defects(self, take: TakeId) -> tuple[Answer, ...]:
        """What it finds wrong with a take."""
        return tuple(answer for answer in self.answers.get(take, ()) if answer.defect)

    def agreement(self, said: Said) -> tuple[float | None, int]:
        """Cohen's kappa with people's votes, and on how many takes; None where either always says the same."""
        both = [(not self.defects(t), said[t][0]) for t in self.answers if t in said]
        return kappa(both), len(both)

    def decides(self, said: Said) -> bool:
        """Whether its verdicts count as decisions."""
        value, on = self.agreement(said)
        return value is not None and on >= ENOUGH and value >= AGREES

    def deciding(self, said: Said) -> dict[TakeId, tuple[bool, str]]:
        """Its verdicts, where they count; else none."""
        if not self.decides(said):
            return {}
        return {take: (not (found := self.defects(take)), words(found)) for take in self.answers}

    def to_json(self, said: Said) -> dict[str, Any]:
        """For machines."""
        value, on = self.agreement(said)
        return {
            "model": self.model, "kappa": value, "compared": on, "decides": self.decides(said),
            "tokens": {"sent": self.usage.sent, "received": self.usage.received},
            "cost": None if self.cost is None else self.cost.to_json(),
            "wins": [{"route": r, "wins": w, "pairs": n} for r, (w, n) in sorted(self.wins.items())],
            "takes": [
                {"shot": t.shot, "route": t.route, "take": t.take, "answers": [a.to_json() for a in answers]}
                for t, answers in self.answers.items()
            ],
            "failures": [
                {"shot": t.shot, "route": t.route, "take": t.take, "why": why} for t, why in self.failures.items()
            ],
        }  # fmt: skip


def judgement_of(record: Mapping[str, Any]) -> Judgement:
    """The judgement of such a document. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""

    def take(entry: Mapping[str, Any]) -> TakeId:
        return TakeId(entry["shot"], entry["route"], entry["take"])

    return Judgement(
        record["model"],
        {
            take(e): tuple(Answer(a["question"], a["defect"], a["at"], a["evidence"]) for a in e["answers"])
            for e in record["takes"]
        },
        {take(e): e["why"] for e in record["failures"]},
        {e["route"]: (e["wins"], e["pairs"]) for e in record["wins"]},
        Usage(record["tokens"]["sent"], record["tokens"]["received"]),
        None if record["cost"] is None else Money.parse(record["cost"]),
    )


def words(found: tuple[Answer, ...]) -> str:
    """The defects in one line."""
    return "; ".join(
        answer.question + (f" ({answer.evidence})" if answer.evidence else "") for answer in found
    )


def kappa(pairs: list[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa of two raters: agreement beyond chance, 1 is perfect; None where chance alone explains all."""
    if not pairs:
        return None
    n = len(pairs)
    agree = sum(a == b for a, b in pairs) / n
    one, other = sum(a for a, _ in pairs) / n, sum(b for _, b in pairs) / n
    chance = one * other + (1 - one) * (1 - other)
    return None if chance == 1 else (agree - chance) / (1 - chance)
