"""Whether a take counts as accepted, and on whose word.

A person's word comes first. Then a vendor's verdict that there is no usable clip, and the technical checks, which
may only refuse. A judge decides where its agreement with people was shown. As long as nobody has looked at anything,
a take that passed the checks counts as accepted, and every figure says so; from the first vote on, takes nobody
looked at are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dramagen.bench.take import Take, TakeId

Basis = Literal["people", "judge", "checks"]
By = Literal["person", "vendor", "checks", "judge", "nobody"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Accepted or not, None where nothing is decided; on whose word, and why."""

    accepted: bool | None
    by: By
    why: str = ""


@dataclass(frozen=True)
class Verdicts:
    """How the takes of one benchmark are decided.

    Attributes:
        votes: what people said, by take: accepted, and why.
        judged: what a judge said; only given where it agrees with people well enough to decide.
    """

    votes: Mapping[TakeId, tuple[bool, str]]
    judged: Mapping[TakeId, tuple[bool, str]] = field(default_factory=dict)

    @property
    def basis(self) -> Basis:
        """What a take that no technical check refuses is decided by."""
        return "judge" if self.judged else "people" if self.votes else "checks"

    def of_take(self, take: Take) -> Decision:
        """The decision on one take."""
        if take.state == "failed":
            return Decision(False, "vendor", take.error[1] if take.error else "")
        if take.state != "clip":
            return Decision(None, "nobody", take.error[1] if take.error else "")
        if take.id in self.votes:
            accepted, why = self.votes[take.id]
            return Decision(accepted, "person", why)
        if take.rejects:
            return Decision(False, "checks", "; ".join(mark.message for mark in take.rejects))
        if take.id in self.judged:
            accepted, why = self.judged[take.id]
            return Decision(accepted, "judge", why)
        if self.basis == "checks":
            return Decision(True, "checks", "it passed the technical checks; nobody has looked at it")
        return Decision(None, "nobody", "nobody has looked at it")
