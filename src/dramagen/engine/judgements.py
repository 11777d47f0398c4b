"""What was decided about a job and what was said of its clip: what routing learns from, and answers for.

Every function runs inside the caller's transaction.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dramagen.catalog.route import Route
from dramagen.engine.database import Transaction
from dramagen.engine.state import JobState

PERSON = "person"
CHECK = "check"
"""Who judged: a person, or the check that a clip is usable at all."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One word on a job's clip; a later word on the same job takes its place.

    Attributes:
        seq: later words have larger ones.
        shot: the shot's hash.
        record: the shot as the journal keeps it.
        at: Unix seconds.
    """

    seq: int
    job: str
    accepted: bool
    source: str
    at: float
    shot: str
    route: Route
    record: Mapping[str, Any]


def keep(tx: Transaction, job: str, accepted: bool, reason: str, at: float, source: str = PERSON) -> None:
    """Write down what was said of a job's clip."""
    tx.execute(
        "INSERT INTO reviews (job, accepted, reason, at, source) VALUES (?, ?, ?, ?, ?)",
        (job, int(accepted), reason, at, source),
    )


def said_after(tx: Transaction, seq: int) -> list[Judgement]:
    """Every word on a job after that one, oldest first."""
    rows = tx.rows(
        "SELECT r.seq, r.job, r.accepted, r.source, r.at, j.shot_hash, j.route, j.shot "
        "FROM reviews r JOIN jobs j ON j.id = r.job WHERE r.seq > ? ORDER BY r.seq",
        (seq,),
    )
    return [
        Judgement(
            seq=row["seq"],
            job=row["job"],
            accepted=bool(row["accepted"]),
            source=row["source"],
            at=row["at"],
            shot=row["shot_hash"],
            route=Route.from_id(row["route"]),
            record=json.loads(row["shot"]),
        )
        for row in rows
    ]


def newest(tx: Transaction) -> int:
    """The ``seq`` of the last word there is; 0 where nothing was said yet."""
    (row,) = tx.rows("SELECT MAX(seq) AS seq FROM reviews")
    return row["seq"] or 0


def accepted_after(tx: Transaction, seq: int) -> list[tuple[int, str, int]]:
    """Every yes after that word, oldest first: its ``seq``, the shot's hash and the take."""
    rows = tx.rows(
        "SELECT r.seq, j.shot_hash, j.take FROM reviews r JOIN jobs j ON j.id = r.job "
        "WHERE r.seq > ? AND r.accepted = 1 ORDER BY r.seq",
        (seq,),
    )
    return [(row["seq"], row["shot_hash"], row["take"]) for row in rows]


def paid_for(tx: Transaction, shot_hash: str, take: int) -> frozenset[str]:
    """The routes that have filmed this take of this shot, in its newest generation: there it costs nothing more."""
    rows = tx.rows(
        "SELECT DISTINCT route FROM jobs WHERE shot_hash = ? AND take = ? AND state = ? AND generation = "
        "(SELECT MAX(generation) FROM jobs WHERE shot_hash = ? AND take = ?)",
        (shot_hash, take, JobState.DONE.value, shot_hash, take),
    )
    return frozenset(row["route"] for row in rows)


def explain(tx: Transaction, job: str, decision: str) -> None:
    """Write down why a job was ordered where it was."""
    tx.execute("INSERT INTO decisions (job, data) VALUES (?, ?)", (job, decision))


def explained(tx: Transaction, job: str) -> dict[str, Any] | None:
    """Why it was; None for a job of a time when nothing was written down."""
    rows = tx.rows("SELECT data FROM decisions WHERE job = ?", (job,))
    record: dict[str, Any] | None = json.loads(rows[0]["data"]) if rows else None
    return record
