"""A job as the journal keeps it: what is about to be bought, and one order's life so far."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dramagen.adapters.base import Ticket
from dramagen.catalog.order import Quote
from dramagen.catalog.route import Route
from dramagen.config import Budget
from dramagen.engine.database import Row
from dramagen.engine.state import OPEN, JobState
from dramagen.errors import DramagenError, from_json
from dramagen.money import Money


@dataclass(frozen=True, slots=True)
class Job:
    """One order's life so far.

    Attributes:
        tag: the random word sent to the vendor, by which a lost create can be found.
        credential: a fingerprint of the key it was sent with; never the key.
        epoch: how often it was taken over; what an earlier epoch still holds of it can write nothing.
        reserved: the most it can cost, in the route's currency.
        cost: what it cost, once settled; ``cost_source`` says who reckoned it.
        result: the facts of the file as stored: sha256, trimmed sha256, seed, warnings.
    """

    id: str
    shot_hash: str
    take: int
    generation: int
    order_hash: str
    route: Route
    quote: Quote
    shot: Mapping[str, Any]
    shot_id: str | None
    episode: str | None
    tag: str
    credential: str
    owner: str
    epoch: int
    state: JobState
    reserved: Money
    cap_currency: str
    rate: Decimal
    cost: Money | None
    cost_source: str | None
    sent_at: float | None
    sent_until: float | None
    ticket: Ticket | None
    error: DramagenError | None
    result: Mapping[str, Any] | None
    created: float
    updated: float

    @property
    def open(self) -> bool:
        """Whether something still happens to it."""
        return self.state in OPEN

    def to_json(self) -> dict[str, Any]:
        """For machines; no secret in it."""
        return {
            "id": self.id, "shot": self.shot_id, "episode": self.episode, "take": self.take,
            "generation": self.generation, "route": self.route.id, "state": str(self.state), "tag": self.tag,
            "reserved": self.reserved.to_json(), "cost": None if self.cost is None else self.cost.to_json(),
            "cost_source": self.cost_source, "vendor_id": self.ticket.id if self.ticket else None,
            "error": self.error.to_json() if self.error else None, "result": dict(self.result or {}) or None,
            "created": self.created, "updated": self.updated,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be bought, and under which caps."""

    shot_hash: str
    take: int
    quote: Quote
    order_hash: str
    shot: Mapping[str, Any]
    shot_id: str | None
    episode: str | None
    credential: str
    owner: str
    fresh: bool = False
    pin: str | None = None
    budgets: tuple[Budget, ...] = ()
    cap_currency: str = "CNY"


def usefulness(job: Job) -> int:
    """How soon it can give a clip, best first: done, then under way, then ended."""
    if job.state == JobState.DONE:
        return 0
    return 1 if job.open else 2


def job_of(row: Row) -> Job:
    """A row of the jobs table, as what it means."""
    cost = None if row["cost"] is None else Money(Decimal(row["cost"]), row["cost_currency"])
    return Job(
        id=row["id"], shot_hash=row["shot_hash"], take=row["take"], generation=row["generation"],
        order_hash=row["order_hash"], route=Route.from_id(row["route"]),
        quote=Quote.model_validate_json(row["quote"]), shot=json.loads(row["shot"]),
        shot_id=row["shot_id"], episode=row["episode"], tag=row["tag"], credential=row["credential"],
        owner=row["owner"], epoch=row["epoch"], state=JobState(row["state"]),
        reserved=Money(Decimal(row["reserved"]), row["currency"]),
        cap_currency=row["cap_currency"], rate=Decimal(row["rate"]), cost=cost, cost_source=row["cost_source"],
        sent_at=row["sent_at"], sent_until=row["sent_until"],
        ticket=Ticket.model_validate_json(row["ticket"]) if row["ticket"] else None,
        error=from_json(json.loads(row["error"])) if row["error"] else None,
        result=json.loads(row["result"]) if row["result"] else None,
        created=row["created"], updated=row["updated"],
    )  # fmt: skip
