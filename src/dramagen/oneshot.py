"""One shot without a studio of one's own: a coroutine, and a plain function for scripts and notebooks."""

import threading
from functools import partial
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

from dramagen.clip import Clip
from dramagen.config import Config
from dramagen.shot import Shot
from dramagen.studio import Studio


async def shoot(shot: Shot, *, config: Config | None = None, **options: Any) -> Clip:
    """Film one shot in a studio of its own; ``options`` are those of :meth:`Studio.shoot`."""
    async with Studio(config) as studio:
        return await studio.shoot(shot, **options)


class _Portal:
    """One event loop in one thread for every synchronous call, started at the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._portal: BlockingPortal | None = None

    def get(self) -> BlockingPortal:
        with self._lock:
            if self._portal is None:
                # Never left: the thread is a daemon, and jobs that were sent stay journaled.
                self._portal = start_blocking_portal("asyncio").__enter__()
            return self._portal


_PORTAL = _Portal()


def shoot_sync(shot: Shot, *, config: Config | None = None, **options: Any) -> Clip:
    """:func:`shoot` for scripts and notebooks, also under a running event loop.

    Ctrl-C detaches: a job that was sent goes on, and the same call again picks it up.
    """
    future = _PORTAL.get().start_task_soon(partial(shoot, shot, config=config, **options))
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        raise
