"""Which job holds which take: (shot hash, take, generation) is bound to one job, so no take is bought twice.

Every function runs inside the caller's transaction. A generation is made by asking for a take afresh.
"""

from dramagen.engine.database import Transaction
from dramagen.engine.jobs import Job, job_of, usefulness
from dramagen.engine.state import NO_JOB, JobState

_BOUND = (
    "SELECT jobs.* FROM bindings JOIN jobs ON jobs.id = bindings.job "
    "WHERE bindings.shot_hash = ? AND bindings.take = ? AND bindings.generation = ?"
)


def newest(tx: Transaction, shot_hash: str, take: int) -> int:
    """The newest generation of a take; 0 where there is none."""
    rows = tx.rows(
        "SELECT MAX(generation) AS newest FROM bindings WHERE shot_hash = ? AND take = ?", (shot_hash, take)
    )
    return int(rows[0]["newest"] or 0)


def begun(tx: Transaction, shot_hash: str, take: int, generation: int) -> bool:
    """Whether anything was ever ordered in that generation."""
    key = (shot_hash, take, generation)
    bound = "SELECT 1 FROM bindings WHERE shot_hash = ? AND take = ? AND generation = ?"
    return bool(tx.rows(bound, key)) or bool(jobs_of(tx, *key))


def jobs_of(tx: Transaction, shot_hash: str, take: int, generation: int) -> list[Job]:
    """Every job of a take, bound or not, oldest first."""
    rows = tx.rows(
        "SELECT * FROM jobs WHERE shot_hash = ? AND take = ? AND generation = ? ORDER BY created, id",
        (shot_hash, take, generation),
    )
    return [job_of(row) for row in rows]


def failed(tx: Transaction, shot_hash: str, take: int) -> list[Job]:
    """Failed jobs of a take, in its newest generation: their routes are not tried again."""
    jobs = jobs_of(tx, shot_hash, take, newest(tx, shot_hash, take))
    return [job for job in jobs if job.state == JobState.FAILED]


def holder(
    tx: Transaction, shot_hash: str, take: int, pin: str | None, generation: int | None = None
) -> Job | None:
    """The job that holds a take in its newest generation, if one does; ``generation``: that one, where it is known.

    Unpinned, that is the job bound to it; pinned, any job of it that satisfies the pin, a finished one first.
    """
    generation = newest(tx, shot_hash, take) if generation is None else generation
    bound = [job_of(row) for row in tx.rows(_BOUND, (shot_hash, take, generation))]
    if pin is None:
        return next((job for job in bound if job.state not in NO_JOB), None)
    candidates = {job.id: job for job in [*bound, *jobs_of(tx, shot_hash, take, generation)]}
    held = [job for job in candidates.values() if job.state not in NO_JOB and job.route.satisfies(pin)]
    return min(held, key=lambda job: (usefulness(job), job.created), default=None)


def same_order(tx: Transaction, order_hash: str, take: int, generation: int) -> Job | None:
    """A job that bought, or is buying, exactly that order for that take."""
    rows = tx.rows(
        "SELECT * FROM jobs WHERE order_hash = ? AND take = ? AND generation = ? ORDER BY created",
        (order_hash, take, generation),
    )
    alike = [job for job in map(job_of, rows) if job.state not in NO_JOB and job.state != JobState.FAILED]
    return min(alike, key=lambda job: (usefulness(job), job.created), default=None)


def repeated(tx: Transaction, order_hash: str, take: int, generation: int, first: str | None) -> Job | None:
    """The job that bought, or is buying, the same order once more after ``first``: there is one such at most."""
    rows = tx.rows(
        "SELECT * FROM jobs WHERE order_hash = ? AND take = ? AND generation = ? ORDER BY created",
        (order_hash, take, generation),
    )
    others = [job for job in map(job_of, rows) if job.state not in NO_JOB and job.id != first]
    return min(others, key=lambda job: (usefulness(job), job.created), default=None)


def bind(
    tx: Transaction, shot_hash: str, take: int, generation: int, job_id: str,
    only_if_vacant: bool = False, after: str | None = None,
) -> None:  # fmt: skip
    """Give a take to a job; with ``only_if_vacant``, not from a job that has or may still give a clip.

    ``after`` is a job that gave none, whatever its state says.
    """
    key = (shot_hash, take, generation)
    if only_if_vacant:
        rows = tx.rows(_BOUND, key)
        if rows and rows[0]["id"] != after and JobState(rows[0]["state"]) not in NO_JOB | {JobState.FAILED}:
            return
    tx.execute(
        "INSERT INTO bindings (shot_hash, take, generation, job) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (shot_hash, take, generation) DO UPDATE SET job = excluded.job",
        (*key, job_id),
    )
