"""A job in somebody's hands: moving it on, without ever losing sight of where it is."""

from typing import Any, Protocol

import anyio.to_thread

from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal
from dramagen.engine.state import JobState


class Held(Protocol):
    """Whoever drives a job. ``job`` is its newest row, also after a failure or a cancellation."""

    job: Job


async def move(journal: Journal, held: Held, to: JobState, **known: Any) -> None:
    """Write the next state down; ``known`` as for :meth:`Journal.move`."""

    # Assigned in the worker thread: there is no moment at which the row is written and ``held`` is behind.
    def write() -> None:
        held.job = journal.move(held.job, to, **known)

    await anyio.to_thread.run_sync(write)
