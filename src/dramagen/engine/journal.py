"""The journal: every job's life, written before it happens. Also the ledger's source and the keeper of bindings.

A binding ties (shot hash, take, generation) to one job, in the transaction that reserves the money, so that no
two calls, tasks or processes ever buy the same take twice. The journal row is the truth; everything else
(result index, receipts) can be made again from it and the files.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from dramagen.adapters.base import Ticket
from dramagen.engine import bindings, judgements
from dramagen.engine.caps import Caps
from dramagen.engine.database import Transaction
from dramagen.engine.entries import COLUMNS, Entry, Which, entry_of
from dramagen.engine.jobs import Intent, Job, job_of, moved, reserved
from dramagen.engine.ledger import Ledger, ledger_of
from dramagen.engine.state import MOVES, JobState
from dramagen.errors import DefectiveClip, DramagenError
from dramagen.money import Money, Rates

EVERY = Which()
"""All jobs."""

T = TypeVar("T")


class Database(Protocol):
    """What the journal needs of a database."""

    def transaction(self) -> AbstractContextManager[Transaction]: ...
    def reading(self) -> AbstractContextManager[Transaction]: ...
    def close(self) -> None: ...


class Journal:
    """All jobs. Every method is one transaction and blocks: call it from a worker thread."""

    def __init__(self, database: Database, now: Callable[[], float], rates: Rates) -> None:
        self._db = database
        self._now = now
        self._caps = Caps(rates, now)

    def identity(self) -> str:
        """A random name of this very journal, made when first asked for: the same wherever it is opened from."""
        with self._db.reading() as tx:
            found = tx.rows("SELECT id FROM journal")
        if not found:
            with self._db.transaction() as tx:
                found = tx.rows("SELECT id FROM journal")  # another process may have been faster
                if not found:
                    found = [{"id": secrets.token_hex(8)}]
                    tx.execute("INSERT INTO journal (id) VALUES (?)", (found[0]["id"],))
        return str(found[0]["id"])

    # --- looking ---------------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job | None:
        """One job, by its id or an unambiguous beginning of it."""
        with self._db.reading() as tx:
            rows = tx.rows("SELECT * FROM jobs WHERE id = ?", (job_id,))
            if not rows and job_id:
                rows = tx.rows("SELECT * FROM jobs WHERE substr(id, 1, ?) = ? LIMIT 2", (len(job_id), job_id))
        return job_of(rows[0]) if len(rows) == 1 else None

    def jobs(self, which: Which | Iterable[JobState] = EVERY) -> list[Job]:
        """Those jobs, whole, oldest first: of a choice, or in those states."""
        chosen = which if isinstance(which, Which) else Which(states=frozenset(which))
        with self._db.reading() as tx:
            rows = tx.rows(*chosen.select("*"))
        return [job_of(row) for row in reversed(rows)]

    def entries(self, which: Which = EVERY) -> list[Entry]:
        """Those jobs without their orders, oldest first: quick, also for very many."""
        with self._db.reading() as tx:
            rows = tx.rows(*which.select(COLUMNS))
        return [entry_of(row) for row in reversed(rows)]

    def bound(self, shot_hash: str, take: int, pin: str | None = None) -> Job | None:
        """The job that holds this take of this shot, in its newest generation, if one does.

        Unpinned, that is the job bound to it; pinned, any job of it that satisfies the pin, a finished one first.
        """
        with self._db.reading() as tx:
            return bindings.holder(tx, shot_hash, take, pin)

    def failures(self, shot_hash: str, take: int) -> list[Job]:
        """Failed jobs of this take, in its newest generation: their routes are not tried again."""
        with self._db.reading() as tx:
            return bindings.failed(tx, shot_hash, take)

    def timeline(self, job_id: str) -> list[dict[str, Any]]:
        """Everything that happened to a job: ``{"at", "kind", ...}``, in order."""
        with self._db.reading() as tx:
            rows = tx.rows("SELECT at, kind, data FROM events WHERE job = ? ORDER BY seq", (job_id,))
        return [{"at": row["at"], "kind": row["kind"], **json.loads(row["data"])} for row in rows]

    def reviews(self, job_id: str) -> list[dict[str, Any]]:
        """What people said of a job's clip: ``{"at", "accepted", "reason"}``, in order."""
        with self._db.reading() as tx:
            rows = tx.rows(
                "SELECT at, accepted, reason FROM reviews WHERE job = ? AND source = ? ORDER BY seq",
                (job_id, judgements.PERSON),
            )
        return [row | {"accepted": bool(row["accepted"])} for row in rows]

    def ledger(self, which: Which = EVERY) -> Ledger:
        """Where the money of those jobs is."""
        return ledger_of(self.entries(which))

    # --- buying ----------------------------------------------------------------------------------------

    def reserve(self, intent: Intent) -> tuple[Job, bool]:
        """Bind the take and reserve its upper bound, or find that somebody already did.

        Returns the job, and whether it is new. Raises, before anything is written, ``BudgetExceeded``, or
        ``ConfigError`` where no exchange rate is stated for a currency.
        """
        with self._db.transaction() as tx:
            generation = bindings.newest(tx, intent.shot_hash, intent.take)
            if intent.fresh:
                generation += 1 if bindings.begun(tx, intent.shot_hash, intent.take, generation) else 0
            else:
                holder = bindings.holder(tx, intent.shot_hash, intent.take, intent.pin, generation)
                if holder is not None and (not _over(holder, intent) or _same_try(holder, intent)):
                    return holder, False
                if intent.again:
                    same = bindings.repeated(tx, intent.order_hash, intent.take, generation, intent.after)
                else:
                    same = bindings.same_order(tx, intent.order_hash, intent.take, generation)
                if same is not None:
                    bindings.bind(tx, intent.shot_hash, intent.take, generation, same.id)
                    return same, False
            most = intent.quote.price.most
            rate = self._caps.rate(most.currency, intent.cap_currency)
            self._caps.check(tx, intent, most.amount * rate)
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
            insert = f"INSERT INTO jobs ({names}) VALUES ({_marks(columns)})"  # noqa: S608 - names of ours, no values
            tx.execute(insert, list(columns.values()))
            bindings.bind(
                tx, intent.shot_hash, intent.take, generation, job_id,
                only_if_vacant=intent.pin is not None, after=intent.after,
            )  # fmt: skip
            if intent.decision:
                judgements.explain(tx, job_id, intent.decision)
            self._event(tx, job_id, "reserved", {"route": intent.quote.route.id, "money": most.to_json()})
        return reserved(columns), True

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
        within: Callable[[Transaction], None] | None = None,
    ) -> Job:
        """Write the next state of a job, and what is known with it.

        ``adopted``: the ticket was found, not given; it must not belong to another job already. ``alike``: it
        was found by likeness, not by name, so it may be about to be given to another create under way. ``within``
        is called once the job is known to be ours, in the same transaction.

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
                f"UPDATE jobs SET {assignments} WHERE id = ? AND owner = ? AND epoch = ? AND state = ?",  # noqa: S608 - likewise
                [*kept.values(), job.id, job.owner, job.epoch, job.state.value],
            )
            if changed != 1:
                raise JobMoved(job.id, to)
            if within is not None:
                within(tx)
            data = dict(detail or {})
            if error is not None:
                data |= {"error": error.to_json()}
            if cost is not None:
                data |= {"money": cost.to_json(), "source": cost_source}
            if ticket is not None:
                data |= {"vendor_id": ticket.id}
            if isinstance(error, DefectiveClip):
                judgements.keep(tx, job.id, False, error.message, self._now(), judgements.CHECK)
            self._event(tx, job.id, to.value, data)
        # The row is as it was but for these: whoever else had changed it would have changed its state or epoch too.
        return moved(job, kept)

    def correct(self, job: Job, cost: Money, source: str) -> Job:
        """Write down what a job that ended really cost; its state stays.

        Raises ``JobMoved`` where the row is no longer as ``job`` has it, ``ValueError`` for a job that is not over.
        """
        if job.open:
            raise ValueError(f"a job that is {job.state.value} has no final cost yet")
        with self._db.transaction() as tx:
            changed = tx.execute(
                "UPDATE jobs SET cost = ?, cost_currency = ?, cost_source = ?, updated = ? "
                "WHERE id = ? AND owner = ? AND epoch = ? AND state = ?",
                (str(cost.amount), cost.currency, source, self._now(),
                 job.id, job.owner, job.epoch, job.state.value),
            )  # fmt: skip
            if changed != 1:
                raise JobMoved(job.id, job.state)
            before = {"before": job.cost.to_json(), "known": job.cost_source} if job.cost is not None else {}
            self._event(tx, job.id, "settled", {"money": cost.to_json(), "source": source} | before)
            return self._one(tx, job.id)

    def note(self, job: Job, kind: str, data: Mapping[str, Any]) -> None:
        """Add a line to a job's timeline without moving it."""
        with self._db.transaction() as tx:
            self._event(tx, job.id, kind, data)

    def take_over(
        self, job: Job, owner: str, gone: Callable[[Transaction, str], bool] | None = None
    ) -> Job | None:
        """Make a dead owner's job ours; None if it already is, or somebody else was faster.

        A create that was in flight becomes unknown. ``gone`` says inside the transaction whether the old owner is
        still dead: between machines one that was only out of touch may have come back.
        """
        if job.owner == owner:
            return None
        with self._db.transaction() as tx:
            if gone is not None and not gone(tx, job.owner):
                return None
            changed = tx.execute(
                "UPDATE jobs SET owner = ?, epoch = epoch + 1 WHERE id = ? AND owner = ? AND epoch = ?",
                (owner, job.id, job.owner, job.epoch),
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
            judgements.keep(tx, job_id, accepted, reason, self._now())

    def consult(self, question: Callable[[Transaction], T]) -> T:
        """The answer to a question about what :meth:`transact` wrote; waits for no writer."""
        with self._db.reading() as tx:
            return question(tx)

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Do ``work`` in one transaction: for what must agree with the jobs and is not about one of them."""
        with self._db.transaction() as tx:
            return work(tx)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # --- inside a transaction ----------------------------------------------------------------------------

    def _one(self, tx: Transaction, job_id: str) -> Job:
        (row,) = tx.rows("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return job_of(row)

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


class JobMoved(Exception):
    """A job is not ours to move any more: another owner took it over, or it already ended."""

    def __init__(self, job_id: str, to: JobState) -> None:
        super().__init__(f"job {job_id} cannot become {to.value}: it moved meanwhile")


class TicketContested(Exception):
    """A vendor's job that was found by likeness may belong to a create that is still under way."""


class TicketTaken(Exception):
    """A vendor's job that was found for a lost create already belongs to another job of ours."""


def _over(holder: Job, intent: Intent) -> bool:
    """Whether the take may go to another job. A defective clip was paid for: only past it by name."""
    if holder.state == JobState.DEFECTIVE:
        return holder.id == intent.after
    return holder.state == JobState.FAILED


def _same_try(failed: Job, intent: Intent) -> bool:
    """A failed job is not sent again on its route, unless it was changed since, or the caller asks for just that."""
    if failed.route != intent.quote.route or intent.again:
        return False
    return not intent.changed or failed.order_hash == intent.order_hash


def _tag() -> str:
    return secrets.token_hex(12)


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)
