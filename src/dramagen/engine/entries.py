"""Jobs as lists and sums need them: which ones, and of each the facts without its order.

An order is most of a row and most of the work of reading one; ten thousand entries are read in a moment.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypedDict, Unpack

from dramagen.catalog.route import Route
from dramagen.engine.database import Row
from dramagen.engine.state import OPEN, JobState
from dramagen.money import Money

COLUMNS = (
    "id, shot_hash, shot_id, episode, take, generation, route, state, owner, tag, reserved, currency, "
    "cost, cost_currency, cost_source, ticket, error, result, created, updated, "
    "CASE WHEN shot_id IS NULL THEN shot END AS shot"
)
"""What :func:`entry_of` reads of a row."""


class Chosen(TypedDict, total=False):
    """Which jobs are meant; what is not said lets all of them through."""

    open_only: bool
    """Only those that something still happens to."""
    states: Iterable[JobState | str] | None
    episode: str | None
    provider: str | None
    """``kling``, or one region of it: ``kling:intl``."""
    since: datetime | None
    """Reserved at this time or later. A time without a zone is this machine's."""
    until: datetime | None
    """Reserved before this time."""
    limit: int | None
    """So many of them, the newest."""


@dataclass(frozen=True, slots=True)
class Which:
    """The same for the journal; times are Unix seconds."""

    states: frozenset[JobState] | None = None
    episode: str | None = None
    provider: str | None = None
    since: float | None = None
    until: float | None = None
    limit: int | None = None

    @classmethod
    def of(cls, **chosen: Unpack[Chosen]) -> "Which":
        """As a caller says it. Raises ``ValueError`` for a state there is none of."""
        said = chosen.get("states")
        states = None if said is None else frozenset(JobState(state) for state in said)
        if chosen.get("open_only"):
            states = OPEN if states is None else states & OPEN
        since, until = chosen.get("since"), chosen.get("until")
        return cls(
            states,
            chosen.get("episode"),
            chosen.get("provider"),
            since.timestamp() if since is not None else None,
            until.timestamp() if until is not None else None,
            chosen.get("limit"),
        )

    def select(self, columns: str) -> tuple[str, list[Any]]:
        """A query of these jobs, newest first, and its parameters."""
        conditions: list[tuple[str, list[Any]]] = []
        if self.states is not None:
            marks = ", ".join("?" for _ in self.states)
            conditions.append((f"state IN ({marks})", sorted(self.states)) if marks else ("1 = 0", []))
        if self.episode is not None:
            conditions.append(("episode = ?", [self.episode]))
        if self.provider is not None:
            # Not LIKE: it takes no notice of case on one database, and of "_" on both.
            start = f"{self.provider}/" if ":" in self.provider else f"{self.provider}:"
            conditions.append(("substr(route, 1, ?) = ?", [len(start), start]))
        if self.since is not None:
            conditions.append(("created >= ?", [self.since]))
        if self.until is not None:
            conditions.append(("created < ?", [self.until]))
        where = " WHERE " + " AND ".join(text for text, _ in conditions) if conditions else ""
        limit, at_most = ("", []) if self.limit is None else (" LIMIT ?", [max(0, self.limit)])
        query = f"SELECT {columns} FROM jobs{where} ORDER BY created DESC, id DESC{limit}"  # noqa: S608 - only '?'
        return query, [value for _, values in conditions for value in values] + at_most


@dataclass(frozen=True, slots=True)
class Entry:
    """One job without its order.

    Attributes:
        name: its shot's id, or its prompt where the shot has none.
        reserved: the most it can cost, in the route's currency.
        cost: what it cost, once settled; ``cost_source`` says how that is known.
        vendor_id: what the vendor calls it.
    """

    id: str
    shot_hash: str
    shot_id: str | None
    name: str
    episode: str | None
    take: int
    generation: int
    route: Route
    state: JobState
    owner: str
    tag: str
    reserved: Money
    cost: Money | None
    cost_source: str | None
    vendor_id: str | None
    error: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    created: float
    updated: float

    @property
    def open(self) -> bool:
        """Whether something still happens to it."""
        return self.state in OPEN

    def to_json(self) -> dict[str, Any]:
        """For machines; the same document as the whole job's."""
        return {
            "id": self.id, "shot": self.shot_id, "episode": self.episode, "take": self.take,
            "generation": self.generation, "route": self.route.id, "state": str(self.state), "tag": self.tag,
            "reserved": self.reserved.to_json(), "cost": None if self.cost is None else self.cost.to_json(),
            "cost_source": self.cost_source, "vendor_id": self.vendor_id,
            "error": self.error, "result": self.result,
            "created": self.created, "updated": self.updated,
        }  # fmt: skip


def entry_of(row: Row) -> Entry:
    """A row of :data:`COLUMNS`, as what it means."""
    return Entry(
        id=row["id"], shot_hash=row["shot_hash"], shot_id=row["shot_id"], name=_name(row),
        episode=row["episode"], take=row["take"], generation=row["generation"],
        route=_route(row["route"]), state=JobState(row["state"]), owner=row["owner"], tag=row["tag"],
        reserved=Money(Decimal(row["reserved"]), row["currency"]),
        cost=None if row["cost"] is None else Money(Decimal(row["cost"]), row["cost_currency"]),
        cost_source=row["cost_source"],
        vendor_id=json.loads(row["ticket"])["id"] if row["ticket"] else None,
        error=json.loads(row["error"]) if row["error"] else None,
        result=(json.loads(row["result"]) if row["result"] else None) or None,
        created=row["created"], updated=row["updated"],
    )  # fmt: skip


def _name(row: Row) -> str:
    return str(row["shot_id"] or json.loads(row["shot"] or "{}").get("prompt") or "")


@lru_cache(maxsize=256)
def _route(text: str) -> Route:
    return Route.from_id(text)
