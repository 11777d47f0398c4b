"""The journal: every job's life, written before it happens. Also the ledger's source and the keeper of bindings.

A binding ties (shot hash, take, generation) to one job, in the transaction that reserves the money, so that no
two calls, tasks or processes ever buy the same take twice. The journal row is the truth; everything else
(result index, receipts) can be made again from it and the files.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from dramagen.adapters.base import Ticket
from dramagen.catalog.order import Quote
from dramagen.catalog.route import Route
from dramagen.config import Budget
from dramagen.engine.database import Row, Transaction
from dramagen.engine.state import MOVES, NO_JOB, OPEN, RESERVED, SPENT, WASTED, JobState
from dramagen.errors import BudgetExceeded, ConfigError, DramagenError, from_json
from dramagen.money import Money, Rates, total

MIGRATIONS = (
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        shot_hash TEXT NOT NULL, take INTEGER NOT NULL, generation INTEGER NOT NULL,
        order_hash TEXT NOT NULL, route TEXT NOT NULL, quote TEXT NOT NULL, shot TEXT NOT NULL,
        shot_id TEXT, episode TEXT,
        tag TEXT NOT NULL, credential TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL,
        reserved TEXT NOT NULL, currency TEXT NOT NULL,
        cap_currency TEXT NOT NULL, rate TEXT NOT NULL,
        cost TEXT, cost_currency TEXT, cost_source TEXT,
        body_digest TEXT, sent_at REAL, sent_until REAL,
        ticket TEXT, error TEXT, result TEXT,
        created REAL NOT NULL, updated REAL NOT NULL
    );
    CREATE INDEX jobs_by_shot ON jobs (shot_hash, take, generation);
    CREATE INDEX jobs_by_order ON jobs (order_hash, take, generation);
    CREATE INDEX jobs_by_state ON jobs (state);
    CREATE INDEX jobs_by_episode ON jobs (episode);
    CREATE TABLE bindings (
        shot_hash TEXT NOT NULL, take INTEGER NOT NULL, generation INTEGER NOT NULL,
        job TEXT NOT NULL REFERENCES jobs (id),
        PRIMARY KEY (shot_hash, take, generation)
    );
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs (id),
        at REAL NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL
    );
    CREATE INDEX events_by_job ON events (job, seq);
    CREATE TABLE reviews (
        seq INTEGER PRIMARY KEY, job TEXT NOT NULL, accepted INTEGER NOT NULL,
        reason TEXT NOT NULL, at REAL NOT NULL
    )
    """,
)


class Database(Protocol):
    """What the journal needs of a database."""

    def transaction(self) -> AbstractContextManager[Transaction]: ...
    def reading(self) -> AbstractContextManager[Transaction]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Job:
    """One order's life so far.

    Attributes:
        tag: the random word sent to the vendor, by which a lost create can be found.
        credential: a fingerprint of the key it was sent with; never the key.
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


@dataclass(frozen=True, slots=True)
class Ledger:
    """Money by what became of it; one sum per currency.

    ``spent`` includes ``wasted`` (paid, no usable clip); ``unknown`` is reserved too, for creates without an answer.
    """

    spent: tuple[Money, ...] = ()
    reserved: tuple[Money, ...] = ()
    unknown: tuple[Money, ...] = ()
    wasted: tuple[Money, ...] = ()
    jobs: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        names = ("spent", "reserved", "unknown", "wasted")
        return {n: [m.to_json() for m in getattr(self, n)] for n in names} | {"jobs": dict(self.jobs)}


class Journal:
    """All jobs. Every method is one transaction and blocks: call it from a worker thread."""

    def __init__(self, database: Database, now: Callable[[], float], rates: Rates) -> None:
        self._db = database
        self._now = now
        self._rates = rates

    # --- looking ---------------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job | None:
        """One job, by its id or an unambiguous beginning of it."""
        with self._db.reading() as tx:
            rows = tx.rows("SELECT * FROM jobs WHERE id = ?", (job_id,))
            if not rows and job_id:
                rows = tx.rows("SELECT * FROM jobs WHERE substr(id, 1, ?) = ? LIMIT 2", (len(job_id), job_id))
        return _job(rows[0]) if len(rows) == 1 else None

    def jobs(self, states: Iterable[JobState] | None = None) -> list[Job]:
        """Jobs in those states (all by default), oldest first."""
        chosen = sorted(states) if states is not None else sorted(MOVES)
        with self._db.reading() as tx:
            rows = tx.rows(
                f"SELECT * FROM jobs WHERE state IN ({_marks(chosen)}) ORDER BY created, id",  # noqa: S608 - only '?'
                chosen,
            )
        return [_job(row) for row in rows]

    def bound(self, shot_hash: str, take: int, pin: str | None = None) -> Job | None:
        """The job that holds this take of this shot, in its newest generation, if one does.

        Unpinned, that is the job bound to it; pinned, any job of it that satisfies the pin, a finished one first.
        """
        with self._db.reading() as tx:
            return self._bound(tx, shot_hash, take, pin)

    def failures(self, shot_hash: str, take: int) -> list[Job]:
        """Failed jobs of this take, in its newest generation: their routes are not tried again."""
        with self._db.reading() as tx:
            generation = self._generation(tx, shot_hash, take)
            return [j for j in self._of(tx, shot_hash, take, generation) if j.state == JobState.FAILED]

    def timeline(self, job_id: str) -> list[dict[str, Any]]:
        """Everything that happened to a job: ``{"at", "kind", ...}``, in order."""
        with self._db.reading() as tx:
            rows = tx.rows("SELECT at, kind, data FROM events WHERE job = ? ORDER BY seq", (job_id,))
        return [{"at": row["at"], "kind": row["kind"], **json.loads(row["data"])} for row in rows]

    def ledger(self, episode: str | None = None) -> Ledger:
        """Where the money is."""
        jobs = [j for j in self.jobs() if episode is None or j.episode == episode]
        return _ledger(jobs)

    # --- buying ----------------------------------------------------------------------------------------

    def reserve(self, intent: Intent) -> tuple[Job, bool]:
        """Bind the take and reserve its upper bound, or find that somebody already did.

        Returns the job, and whether it is new. Raises, before anything is written, ``BudgetExceeded``, or
        ``ConfigError`` where no exchange rate is stated for a currency.
        """
        with self._db.transaction() as tx:
            generation = self._generation(tx, intent.shot_hash, intent.take)
            if intent.fresh:
                generation += 1 if self._begun(tx, intent.shot_hash, intent.take, generation) else 0
            else:
                holder = self._bound(tx, intent.shot_hash, intent.take, intent.pin)
                if holder is not None and (
                    holder.state != JobState.FAILED or holder.route == intent.quote.route
                ):
                    return holder, False
                same = self._same_order(tx, intent.order_hash, intent.take, generation)
                if same is not None:
                    self._bind(tx, intent.shot_hash, intent.take, generation, same.id)
                    return same, False
            most = intent.quote.price.most
            rate = self._rate(most.currency, intent.cap_currency)
            self._check_budgets(tx, intent, most.amount * rate)
            now = self._now()
            job_id = secrets.token_hex(8)
            columns: dict[str, Any] = {
                "id": job_id, "shot_hash": intent.shot_hash, "take": intent.take, "generation": generation,
                "order_hash": intent.order_hash, "route": intent.quote.route.id,
                "quote": json.dumps(intent.quote.model_dump(mode="json"), ensure_ascii=False),
                "shot": json.dumps(dict(intent.shot), ensure_ascii=False),
                "shot_id": intent.shot_id, "episode": intent.episode, "tag": _tag(),
                "credential": intent.credential, "owner": intent.owner, "state": JobState.INTENDED.value,
                "reserved": str(most.amount), "currency": most.currency,
                "cap_currency": intent.cap_currency, "rate": str(rate), "created": now, "updated": now,
            }  # fmt: skip
            names = ", ".join(columns)
            tx.execute(f"INSERT INTO jobs ({names}) VALUES ({_marks(columns)})", list(columns.values()))  # noqa: S608
            self._bind(
                tx, intent.shot_hash, intent.take, generation, job_id, only_if_vacant=intent.pin is not None
            )
            self._event(tx, job_id, "reserved", {"route": intent.quote.route.id, "money": most.to_json()})
            return self._one(tx, job_id), True

    def move(
        self,
        job: Job,
        to: JobState,
        *,
        detail: Mapping[str, Any] | None = None,
        ticket: Ticket | None = None,
        error: DramagenError | None = None,
        cost: Money | None = None,
        cost_source: str | None = None,
        result: Mapping[str, Any] | None = None,
        sent_at: float | None = None,
        sent_until: float | None = None,
        body_digest: str | None = None,
        credential: str | None = None,
        adopted: bool = False,
        alike: bool = False,
    ) -> Job:
        """Write the next state of a job, and what is known with it.

        ``adopted``: the ticket was found, not given; it must not belong to another job already. ``alike``: it
        was found by likeness, not by name, so it may be about to be given to another create under way.

        Raises ``JobMoved`` where the row is no longer as ``job`` has it: somebody else moved it; ``TicketTaken``
        for a ticket another job holds; ``TicketContested`` while it may be another's.
        """
        values: dict[str, Any] = {
            "ticket": ticket.model_dump_json() if ticket else None,
            "error": json.dumps(error.to_json(), ensure_ascii=False) if error else None,
            "cost": None if cost is None else str(cost.amount),
            "cost_currency": None if cost is None else cost.currency,
            "cost_source": cost_source,
            "result": json.dumps(dict(result), ensure_ascii=False) if result else None,
            "sent_at": sent_at,
            "sent_until": sent_until,
            "body_digest": body_digest,
            "credential": credential,
        }
        kept = {name: value for name, value in values.items() if value is not None}
        kept |= {"state": to.value, "updated": self._now()}
        if to not in MOVES[job.state]:
            raise ValueError(f"a job never goes from {job.state.value} to {to.value}")
        with self._db.transaction() as tx:
            if adopted and ticket is not None:
                self._check_untaken(tx, job, ticket, alike)
            assignments = ", ".join(f"{name} = ?" for name in kept)
            changed = tx.execute(
                f"UPDATE jobs SET {assignments} WHERE id = ? AND owner = ? AND state = ?",  # noqa: S608
                [*kept.values(), job.id, job.owner, job.state.value],
            )
            if changed != 1:
                raise JobMoved(job.id, to)
            data = dict(detail or {})
            if error is not None:
                data |= {"error": error.to_json()}
            if cost is not None:
                data |= {"money": cost.to_json(), "source": cost_source}
            if ticket is not None:
                data |= {"vendor_id": ticket.id}
            self._event(tx, job.id, to.value, data)
            return self._one(tx, job.id)

    def note(self, job: Job, kind: str, data: Mapping[str, Any]) -> None:
        """Add a line to a job's timeline without moving it."""
        with self._db.transaction() as tx:
            self._event(tx, job.id, kind, data)

    def take_over(self, job: Job, owner: str) -> Job | None:
        """Make a dead owner's job ours; None if it already is, or somebody else was faster.

        A create that was in flight becomes unknown.
        """
        if job.owner == owner:
            return None
        with self._db.transaction() as tx:
            changed = tx.execute(
                "UPDATE jobs SET owner = ? WHERE id = ? AND owner = ?", (owner, job.id, job.owner)
            )
            if changed != 1:
                return None
            now = self._now()
            self._event(tx, job.id, "taken_over", {})
            lost = tx.execute(
                "UPDATE jobs SET state = ?, sent_until = ?, updated = ? WHERE id = ? AND state = ?",
                (JobState.UNKNOWN.value, now, now, job.id, JobState.SENDING.value),
            )
            if lost:
                self._event(tx, job.id, "unknown", {"why": "the process that sent the create is gone"})
            return self._one(tx, job.id)

    def review(self, job_id: str, accepted: bool, reason: str) -> None:
        """Remember what a person said of a take."""
        with self._db.transaction() as tx:
            now = self._now()
            tx.execute(
                "INSERT INTO reviews (job, accepted, reason, at) VALUES (?, ?, ?, ?)",
                (job_id, accepted, reason, now),
            )

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # --- inside a transaction ----------------------------------------------------------------------------

    def _one(self, tx: Transaction, job_id: str) -> Job:
        (row,) = tx.rows("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return _job(row)

    def _of(self, tx: Transaction, shot_hash: str, take: int, generation: int) -> list[Job]:
        rows = tx.rows(
            "SELECT * FROM jobs WHERE shot_hash = ? AND take = ? AND generation = ? ORDER BY created, id",
            (shot_hash, take, generation),
        )
        return [_job(row) for row in rows]

    def _generation(self, tx: Transaction, shot_hash: str, take: int) -> int:
        rows = tx.rows(
            "SELECT MAX(generation) AS newest FROM bindings WHERE shot_hash = ? AND take = ?",
            (shot_hash, take),
        )
        return int(rows[0]["newest"] or 0)

    def _begun(self, tx: Transaction, shot_hash: str, take: int, generation: int) -> bool:
        bound = "SELECT 1 FROM bindings WHERE shot_hash = ? AND take = ? AND generation = ?"
        return bool(tx.rows(bound, (shot_hash, take, generation))) or bool(
            self._of(tx, shot_hash, take, generation)
        )

    def _bound(self, tx: Transaction, shot_hash: str, take: int, pin: str | None) -> Job | None:
        generation = self._generation(tx, shot_hash, take)
        rows = tx.rows(
            "SELECT jobs.* FROM bindings JOIN jobs ON jobs.id = bindings.job "
            "WHERE bindings.shot_hash = ? AND bindings.take = ? AND bindings.generation = ?",
            (shot_hash, take, generation),
        )
        bound = [_job(row) for row in rows]
        if pin is None:
            held = [j for j in bound if j.state not in NO_JOB]
            return held[0] if held else None
        candidates = {j.id: j for j in [*bound, *self._of(tx, shot_hash, take, generation)]}
        held = [j for j in candidates.values() if j.state not in NO_JOB and j.route.satisfies(pin)]
        return min(held, key=lambda j: (_usefulness(j), j.created), default=None)

    def _same_order(self, tx: Transaction, order_hash: str, take: int, generation: int) -> Job | None:
        rows = tx.rows(
            "SELECT * FROM jobs WHERE order_hash = ? AND take = ? AND generation = ? ORDER BY created",
            (order_hash, take, generation),
        )
        alike = [j for j in map(_job, rows) if j.state not in NO_JOB and j.state != JobState.FAILED]
        return min(alike, key=lambda j: (_usefulness(j), j.created), default=None)

    def _bind(
        self,
        tx: Transaction,
        shot_hash: str,
        take: int,
        generation: int,
        job_id: str,
        only_if_vacant: bool = False,
    ) -> None:
        if only_if_vacant:
            rows = tx.rows(
                "SELECT jobs.state FROM bindings JOIN jobs ON jobs.id = bindings.job "
                "WHERE bindings.shot_hash = ? AND bindings.take = ? AND bindings.generation = ?",
                (shot_hash, take, generation),
            )
            if rows and JobState(rows[0]["state"]) not in NO_JOB | {JobState.FAILED}:
                return
        tx.execute(
            "INSERT INTO bindings (shot_hash, take, generation, job) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (shot_hash, take, generation) DO UPDATE SET job = excluded.job",
            (shot_hash, take, generation, job_id),
        )

    def _check_untaken(self, tx: Transaction, job: Job, ticket: Ticket, alike: bool) -> None:
        rows = tx.rows(
            "SELECT ticket FROM jobs WHERE ticket IS NOT NULL AND id <> ? AND route LIKE ?",
            (job.id, f"{job.route.provider}:%"),
        )
        if any(Ticket.model_validate_json(row["ticket"]).id == ticket.id for row in rows):
            raise TicketTaken(ticket.id)
        under_way = "SELECT id FROM jobs WHERE state = ? AND id <> ? AND route LIKE ?"
        if alike and tx.rows(under_way, (JobState.SENDING.value, job.id, f"{job.route.provider}:%")):
            raise TicketContested(ticket.id)

    def _event(self, tx: Transaction, job_id: str, kind: str, data: Mapping[str, Any]) -> None:
        tx.execute(
            "INSERT INTO events (job, at, kind, data) VALUES (?, ?, ?, ?)",
            (job_id, self._now(), kind, json.dumps(dict(data), ensure_ascii=False)),
        )

    def _check_budgets(self, tx: Transaction, intent: Intent, amount: Decimal) -> None:
        for budget in intent.budgets:
            limit = budget.limit * self._rate(budget.limit.currency, intent.cap_currency)
            limit = Money(limit.amount, intent.cap_currency)
            used = sum(
                (
                    self._claim(row) * self._rate(row["cap_currency"], intent.cap_currency)
                    for row in self._under(tx, budget, intent)
                ),
                Decimal(),
            )
            if used + amount > limit.amount:
                left = Money(max(Decimal(), limit.amount - used), intent.cap_currency)
                raise BudgetExceeded(
                    f"the budget per {budget.per} is {limit}; {left} is left and this take may cost "
                    f"{Money(amount, intent.cap_currency)}. Nothing was sent",
                    provider=intent.quote.route.provider,
                    model=intent.quote.route.model,
                )

    def _rate(self, source: str, target: str) -> Decimal:
        try:
            return self._rates.rate(source, target)
        except ValueError as problem:
            raise ConfigError(f"{problem}: state it in Config(rates=...)") from None

    def _claim(self, row: Row) -> Decimal:
        """What a job takes of a cap, in the cap's currency, at the rate written down with it."""
        state = JobState(row["state"])
        if state in RESERVED or state == JobState.UNKNOWN:
            return Decimal(row["reserved"]) * Decimal(row["rate"])
        if state not in SPENT or row["cost"] is None:
            return Decimal()
        if row["cost_currency"] != row["currency"]:  # billed in another currency than it was quoted in
            return Decimal(row["cost"]) * self._rate(row["cost_currency"], row["cap_currency"])
        return Decimal(row["cost"]) * Decimal(row["rate"])

    def _under(self, tx: Transaction, budget: Budget, intent: Intent) -> list[Row]:
        if budget.per == "shot":
            return tx.rows("SELECT * FROM jobs WHERE shot_hash = ?", (intent.shot_hash,))
        if budget.per == "day":
            midnight = (
                datetime.fromtimestamp(self._now())
                .astimezone()
                .replace(hour=0, minute=0, second=0, microsecond=0)
            )
            return tx.rows("SELECT * FROM jobs WHERE created >= ?", (midnight.timestamp(),))
        if intent.episode is None:
            return tx.rows("SELECT * FROM jobs WHERE episode IS NULL AND owner = ?", (intent.owner,))
        return tx.rows("SELECT * FROM jobs WHERE episode = ?", (intent.episode,))


class JobMoved(Exception):
    """A job is not ours to move any more: another owner took it over, or it already ended."""

    def __init__(self, job_id: str, to: JobState) -> None:
        super().__init__(f"job {job_id} cannot become {to.value}: it moved meanwhile")


class TicketContested(Exception):
    """A vendor's job that was found by likeness may belong to a create that is still under way."""


class TicketTaken(Exception):
    """A vendor's job that was found for a lost create already belongs to another job of ours."""


def _usefulness(job: Job) -> int:
    if job.state == JobState.DONE:
        return 0
    return 1 if job.open else 2


def _ledger(jobs: Sequence[Job]) -> Ledger:
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job.state.value] = counts.get(job.state.value, 0) + 1

    def cost(job: Job) -> Money:
        return job.cost or Money.zero(job.reserved.currency)

    return Ledger(
        spent=total(cost(j) for j in jobs if j.state in SPENT),
        reserved=total(j.reserved for j in jobs if j.state in RESERVED),
        unknown=total(j.reserved for j in jobs if j.state == JobState.UNKNOWN),
        wasted=total(cost(j) for j in jobs if j.state in WASTED),
        jobs=counts,
    )


def _job(row: Row) -> Job:
    cost = None if row["cost"] is None else Money(Decimal(row["cost"]), row["cost_currency"])
    return Job(
        id=row["id"], shot_hash=row["shot_hash"], take=row["take"], generation=row["generation"],
        order_hash=row["order_hash"], route=Route.from_id(row["route"]),
        quote=Quote.model_validate_json(row["quote"]), shot=json.loads(row["shot"]),
        shot_id=row["shot_id"], episode=row["episode"], tag=row["tag"], credential=row["credential"],
        owner=row["owner"], state=JobState(row["state"]),
        reserved=Money(Decimal(row["reserved"]), row["currency"]),
        cap_currency=row["cap_currency"], rate=Decimal(row["rate"]), cost=cost, cost_source=row["cost_source"],
        sent_at=row["sent_at"], sent_until=row["sent_until"],
        ticket=Ticket.model_validate_json(row["ticket"]) if row["ticket"] else None,
        error=from_json(json.loads(row["error"])) if row["error"] else None,
        result=json.loads(row["result"]) if row["result"] else None,
        created=row["created"], updated=row["updated"],
    )  # fmt: skip


def _tag() -> str:
    return secrets.token_hex(12)


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)
