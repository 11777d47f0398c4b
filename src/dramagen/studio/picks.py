"""Takes that are being filmed side by side, and the word that ends them: one was accepted, here or elsewhere.

What is said in this process is told at once. What other processes and machines write into the journal is noticed by
looking, as long as somebody waits for it.
"""

import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import anyio
import anyio.to_thread
from anyio.from_thread import BlockingPortal

from dramagen.engine.database import Transaction
from dramagen.engine.judgements import accepted_after, newest
from dramagen.errors import DramagenError

log = logging.getLogger("dramagen.studio")

LOOK = 0.75
"""Real seconds between looks into the journal while takes are filmed, as of a create that waits for its turn."""

Heard = Callable[[int], None]
"""Told the take that was accepted, in the event loop's thread. It may be told twice."""


class Consult(Protocol):
    """Asks the journal; blocks."""

    def __call__(self, question: Callable[[Transaction], Any], /) -> Any: ...


@dataclass(eq=False, slots=True)
class _Waiting:
    key: str
    heard: Heard
    since: int
    """The last word that was said before, or that it was asked about."""


class Picks:
    """Who waits for a shot's accepted take, while one studio is open. :meth:`run` hears other processes.

    Args:
        portal: into the event loop the studio was opened in, from any other thread.
        consult: asks the journal.
    """

    def __init__(self, portal: BlockingPortal, consult: Consult) -> None:
        self._portal = portal
        self._consult = consult
        self._thread = threading.get_ident()
        self._waiting: list[_Waiting] = []
        self._awaited = anyio.Event()

    @asynccontextmanager
    async def heard(self, key: str, heard: Heard) -> AsyncIterator[None]:
        """Meanwhile ``heard`` is told of every take of the shot with this hash that is accepted, wherever."""
        waiting = _Waiting(key, heard, await anyio.to_thread.run_sync(self._consult, newest))
        self._waiting.append(waiting)
        self._awaited.set()
        try:
            yield
        finally:
            self._waiting.remove(waiting)

    def accepted(self, key: str, take: int) -> None:
        """A take of that shot was accepted. From another thread, those who wait are told soon."""
        if threading.get_ident() == self._thread:
            self._tell(key, take)
            return
        with suppress(RuntimeError):  # the studio closed this moment: nobody waits any more
            self._portal.start_task_soon(self._tell, key, take)

    async def run(self) -> None:
        """Tell what others say, for as long as the studio lives; nothing is asked while nobody waits."""
        while True:
            self._awaited = anyio.Event()
            if not self._waiting:
                await self._awaited.wait()
                continue
            await anyio.sleep(LOOK)
            await self._hear()

    async def _hear(self) -> None:
        asking = list(self._waiting)
        if not asking:
            return
        since = min(each.since for each in asking)
        try:
            said = await anyio.to_thread.run_sync(self._consult, lambda tx: accepted_after(tx, since))
        except DramagenError as problem:
            log.info("whether a take was accepted elsewhere is not known now: %s", problem)
            return
        for waiting in asking:
            for seq, key, take in said:
                if key == waiting.key and seq > waiting.since and waiting in self._waiting:
                    waiting.heard(take)
            waiting.since = max([waiting.since, *(seq for seq, *_ in said)])

    def _tell(self, key: str, take: int) -> None:
        for each in list(self._waiting):
            if each.key == key:
                each.heard(take)
