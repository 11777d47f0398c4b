"""One shot without a studio of one's own: a coroutine, and a plain function for scripts and notebooks."""

from typing import Any

from anyio.from_thread import BlockingPortalProvider

from dramagen.clip import Clip
from dramagen.config import Config
from dramagen.shot import Shot
from dramagen.studio import Studio

_PORTAL = BlockingPortalProvider("asyncio")
"""One event loop in one thread for every synchronous call: started by the first, stopped after the last."""


async def shoot(shot: Shot, *, config: Config | None = None, **options: Any) -> Clip:
    """Film one shot in a studio of its own; ``options`` are those of :meth:`Studio.shoot`."""
    async with Studio(config) as studio:
        return await studio.shoot(shot, **options)


def shoot_sync(shot: Shot, *, config: Config | None = None, **options: Any) -> Clip:
    """:func:`shoot` for scripts and notebooks, also under a running event loop.

    Ctrl-C detaches: a job that was sent goes on, and the same call again picks it up. Where a create is just
    under way its answer is waited for, so that it is known what was bought.
    """

    async def call() -> Clip:
        return await shoot(shot, config=config, **options)

    with _PORTAL as portal:
        future = portal.start_task_soon(call)
        try:
            return future.result()
        finally:
            future.cancel()
