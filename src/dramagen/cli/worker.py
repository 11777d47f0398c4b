"""``dramagen worker``: film what a queue of a Temporal server asks for."""

import asyncio
import signal
from contextlib import suppress
from typing import Annotated

import typer

from dramagen.cli.durable import needs_temporal
from dramagen.cli.screen import note


def worker(
    temporal: Annotated[
        str, typer.Option("--temporal", metavar="HOST:PORT", help="The Temporal server to ask for work.")
    ] = "127.0.0.1:7233",
    queue: Annotated[
        str, typer.Option("--queue", metavar="NAME", help="The task queue to film for.")
    ] = "dramagen",
) -> None:
    """Film for a queue of a Temporal server until interrupted; all workers of a queue share one home or database."""
    needs_temporal()
    asyncio.run(_work(temporal, queue))


async def _work(address: str, queue: str) -> None:
    from dramagen.temporal import worker as at_work

    over = asyncio.Event()
    with suppress(NotImplementedError):  # Windows has no such handlers; Ctrl-C ends it there all the same
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with at_work(queue=queue, server=address) as studio:
        note(f"filming for queue {queue} of {address}, home {studio.settings.home}; Ctrl-C stops")
        await over.wait()
    note(
        "stopped; what was sent goes on, and another worker, or this one when it is started again, takes it up"
    )
