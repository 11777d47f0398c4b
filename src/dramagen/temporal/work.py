"""A worker: one open studio that films what a queue of a Temporal server asks for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from dramagen.config import Config
from dramagen.studio import Studio
from dramagen.temporal import QUEUE
from dramagen.temporal.activities import Activities
from dramagen.temporal.client import connect
from dramagen.temporal.workflows import FilmEpisode, FilmShot

AT_ONCE = 500
"""Takes one worker waits for at a time. The vendors' limits are kept by the journal, not here."""

STICKS = timedelta(seconds=3)
"""How long a workflow waits for the worker that last ran it, which may be dead, before any other may run it."""


@asynccontextmanager
async def worker(
    config: Config | None = None, queue: str = QUEUE, *, server: Client | str, at_once: int = AT_ONCE
) -> AsyncIterator[Studio]:
    """Work for a queue until the block ends; what was sent by then goes on, and is taken up by another worker.

    One worker a process, and under asyncio, since Temporal's library knows nothing else.

    Args:
        config: of the studio; every worker of the queue shares its journal and its store.
        server: a client, or the ``host:port`` of one.
        at_once: takes being waited for at a time.

    Raises:
        ConfigError: the studio cannot be opened, or no server answers.
    """
    client = await connect(server) if isinstance(server, str) else server
    async with Studio(config) as studio:
        hands = Activities(studio)
        async with Worker(
            client,
            task_queue=queue,
            workflows=[FilmShot, FilmEpisode],
            activities=[hands.film, hands.review, hands.cut],
            max_concurrent_activities=at_once,
            sticky_queue_schedule_to_start_timeout=STICKS,
        ):
            yield studio
