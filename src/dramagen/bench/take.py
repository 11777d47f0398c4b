"""One take of a benchmark: what was asked of which route, what came back, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dramagen.media.checks_signs import Mark
from dramagen.money import Money

State = Literal["clip", "failed", "unfit", "open"]
"""``clip``: there is one. ``failed``: the vendor gave a verdict and no usable clip. ``unfit``: the route cannot film
the shot. ``open``: not filmed, for a reason that is not the model's (no money, no key, an outage, nobody knows)."""


TECHNICAL = "technical check: "
"""How the reason of a reject begins that a check gave and no person."""


@dataclass(frozen=True, slots=True)
class TakeId:
    """Which take: a shot, the route it was asked of (as given), and its number."""

    shot: str
    route: str
    take: int

    def __str__(self) -> str:
        return f"{self.shot}/{self.route}/{self.take}"


@dataclass(frozen=True, slots=True)
class Take:
    """What became of one take.

    Attributes:
        served: the route that filmed it, in full.
        clip: the file, relative to the folder.
        cost: all that was paid for this take, failures that were billed included, in the vendor's currency.
        seconds: from the vendor's yes to the verified file.
        marks: what the technical checks found; ``signs`` the figures they found it by.
        checked: by which checks, for what; a clip is not checked again for the same.
        reviews: what people said in the studio, latest last, as (accepted, reason).
        error: why there is no clip: the error's class, and in words.
    """

    id: TakeId
    state: State
    served: str = ""
    model: str = ""
    clip: str | None = None
    sha256: str | None = None
    job_id: str | None = None
    cost: Money | None = None
    cached: bool = False
    seconds: float | None = None
    marks: tuple[Mark, ...] = ()
    signs: Mapping[str, float] = field(default_factory=dict)
    checked: str | None = None
    reviews: tuple[tuple[bool, str], ...] = ()
    error: tuple[str, str] | None = None

    @property
    def rejects(self) -> tuple[Mark, ...]:
        """What the technical checks refuse it for."""
        return tuple(mark for mark in self.marks if mark.verdict == "reject")

    def to_json(self) -> dict[str, Any]:
        """Its entry in ``results.json``."""
        return {
            "shot": self.id.shot, "route": self.id.route, "take": self.id.take, "state": self.state,
            "served": self.served, "model": self.model, "clip": self.clip, "sha256": self.sha256,
            "job_id": self.job_id, "cost": None if self.cost is None else self.cost.to_json(),
            "cached": self.cached, "seconds": self.seconds, "marks": [mark.to_json() for mark in self.marks],
            "signs": dict(self.signs), "checked": self.checked,
            "reviews": [{"accepted": accepted, "reason": reason} for accepted, reason in self.reviews],
            "error": None if self.error is None else {"error": self.error[0], "message": self.error[1]},
        }  # fmt: skip

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> "Take":
        """The take of such an entry. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
        error = record["error"]
        return cls(
            id=TakeId(record["shot"], record["route"], int(record["take"])),
            state=record["state"], served=record["served"], model=record["model"], clip=record["clip"],
            sha256=record["sha256"], job_id=record["job_id"],
            cost=None if record["cost"] is None else Money.parse(record["cost"]),
            cached=record["cached"], seconds=record["seconds"],
            marks=tuple(Mark.parse(mark) for mark in record["marks"]), signs=record["signs"],
            checked=record["checked"],
            reviews=tuple((review["accepted"], review["reason"]) for review in record["reviews"]),
            error=None if error is None else (error["error"], error["message"]),
        )  # fmt: skip
