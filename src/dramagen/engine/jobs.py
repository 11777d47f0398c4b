"""A job as the journal keeps it: what is about to be bought, and one order's life so far."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from dramagen.adapters.base import Ticket
from dramagen.catalog.order import Quote
from dramagen.catalog.route import Route
from dramagen.config import Budget
from dramagen.engine.database import Row
from dramagen.engine.state import OPEN, JobState
from dramagen.errors import DramagenError, from_json
from dramagen.money import Money
from dramagen.sealed import Sealed


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

    What was ordered stays text until it is asked for: thousands of jobs that wait are held in memory.
    """

    id: str
    shot_hash: str
    take: int
    generation: int
    order_hash: str
    route: Route
    quote_json: str = field(repr=False)
    shot_json: str = field(repr=False)
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
    def quote(self) -> Quote:
        """What was bought."""
        return _quote(self.quote_json)

    @property
    def shot(self) -> Mapping[str, Any]:
        """The record of the shot it was bought for."""
        record: Mapping[str, Any] = json.loads(self.shot_json)
        return record

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
    """What is about to be bought, and under which caps.

    Attributes:
        decision: why there, as JSON.
        changed: a remedy changed the shot after a verdict, so its route may be asked again, for another order.
        after: the job that gave no clip and is filmed past: the project allows another in its place by name.
        again: that other one may be the very same order on the same route, once.
    """

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
    decision: str = ""
    changed: bool = False
    after: str | None = None
    again: bool = False


def usefulness(job: Job) -> int:
    """How soon it can give a clip, best first: done, then under way, then ended."""
    if job.state == JobState.DONE:
        return 0
    return 1 if job.open else 2


def moved(job: Job, columns: Mapping[str, Any]) -> Job:
    """The job with some columns of its row changed."""
    values: dict[str, Any] = {name: value for name, value in columns.items() if name in _PLAIN}
    if "state" in columns:
        values["state"] = JobState(columns["state"])
    if "cost" in columns:
        values["cost"] = Money(Decimal(columns["cost"]), columns["cost_currency"])
    if "ticket" in columns:
        values["ticket"] = _ticket(columns["ticket"], job.route)
    if "error" in columns:
        values["error"] = from_json(json.loads(columns["error"]))
    if "result" in columns:
        values["result"] = json.loads(columns["result"])
    return replace(job, **values)


_PLAIN = frozenset({"cost_source", "sent_at", "sent_until", "credential", "updated"})


def job_of(row: Row) -> Job:
    """A row of the jobs table, as what it means."""
    cost = None if row["cost"] is None else Money(Decimal(row["cost"]), row["cost_currency"])
    route = _route(row["route"])
    return Job(
        id=row["id"], shot_hash=row["shot_hash"], take=row["take"], generation=row["generation"],
        order_hash=row["order_hash"], route=route,
        quote_json=row["quote"], shot_json=row["shot"],
        shot_id=row["shot_id"], episode=row["episode"], tag=row["tag"], credential=row["credential"],
        owner=row["owner"], epoch=row["epoch"], state=JobState(row["state"]),
        reserved=Money(Decimal(row["reserved"]), row["currency"]),
        cap_currency=row["cap_currency"], rate=Decimal(row["rate"]), cost=cost, cost_source=row["cost_source"],
        sent_at=row["sent_at"], sent_until=row["sent_until"],
        ticket=_ticket(row["ticket"], route) if row["ticket"] else None,
        error=from_json(json.loads(row["error"])) if row["error"] else None,
        result=json.loads(row["result"]) if row["result"] else None,
        created=row["created"], updated=row["updated"],
    )  # fmt: skip


_NOT_YET = dict.fromkeys(("cost", "cost_source", "sent_at", "sent_until", "ticket", "error", "result"))


def reserved(columns: Mapping[str, Any]) -> Job:
    """The job of a row that was written just now with these columns, and with nothing else."""
    return job_of({**_NOT_YET, "epoch": 0, **columns})


@lru_cache(maxsize=32)
def _quote(text: str) -> Quote:
    # A job that is being sent or brought home is asked for it again and again.
    return Quote.model_validate_json(text)


@lru_cache(maxsize=256)
def _route(text: str) -> Route:
    return Route.from_id(text)


def _ticket(text: str, route: Route) -> Ticket:
    ticket = Ticket.model_validate_json(text)
    if ticket.route != route:
        return ticket
    # Thousands of tickets share one route, and mostly say the same of their protocol.
    words = all(isinstance(value, str) for value in ticket.data.values())
    data = _words(tuple(ticket.data.items())) if words else ticket.data
    return Ticket.of_checked(id=ticket.id, route=route, data=data)


@lru_cache(maxsize=256)
def _words(said: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return Sealed(said)
