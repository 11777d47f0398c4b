"""Takes that are being filmed side by side, and the word that ends them: one was accepted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from anyio.from_thread import BlockingPortal

Heard = Callable[[int], None]
"""Told the take that was accepted, in the event loop's thread."""


class Picks:
    """Who waits for a shot's accepted take, while one studio is open.

    Args:
        portal: into the event loop the studio was opened in, from any other thread.
    """

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal
        self._thread = threading.get_ident()
        self._waiting: list[tuple[str, Heard]] = []

    @contextmanager
    def heard(self, key: str, heard: Heard) -> Iterator[None]:
        """Meanwhile ``heard`` is told of every take of the shot with this hash that is accepted."""
        waiting = (key, heard)
        self._waiting.append(waiting)
        try:
            yield
        finally:
            self._waiting.remove(waiting)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def accepted(self, key: str, take: int) -> None:
        """A take of that shot was accepted. From another thread, those who wait are told soon."""
        if threading.get_ident() == self._thread:
            self._tell(key, take)
            return
        with suppress(RuntimeError):  # the studio closed this moment: nobody waits any more
            self._portal.start_task_soon(self._tell, key, take)

    def _tell(self, key: str, take: int) -> None:
        for each, heard in list(self._waiting):
            if each == key:
                heard(take)
