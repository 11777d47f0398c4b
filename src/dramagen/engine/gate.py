"""How many jobs of one key and model run at once. A slot is held from before the create to the verdict."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class Gate:
    """One limiter per key and model, made when first needed, inside the running event loop."""

    def __init__(self) -> None:
        self._slots: dict[str, anyio.Semaphore] = {}

    @asynccontextmanager
    async def slot(self, name: str, at_once: int | None) -> AsyncIterator[None]:
        """Wait for a slot and hold it. No limit when ``at_once`` is None."""
        if at_once is None:
            yield
            return
        semaphore = self._slots.setdefault(name, anyio.Semaphore(at_once, fast_acquire=True))
        async with semaphore:
            yield
