"""Events, from one studio to all who listen. Nobody who listens can hold up a job: it may be paid for."""

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Self
from weakref import WeakSet

import anyio
import anyio.lowlevel

from dramagen.events import Event

log = logging.getLogger("dramagen.studio")

Listener = Callable[[Event], None]


class Events(AsyncIterator[Event]):
    """The events of a studio from now on, in order; ends when the studio closes.

    A reader that falls behind loses its oldest steps, never an event that ends a job (:data:`dramagen.events.FINAL`).

    ``room`` events are kept for a reader that is behind.

    Attributes:
        dropped: how many events this reader lost.
    """

    def __init__(self, room: int) -> None:
        self.dropped = 0
        self._room = room
        self._number = 0
        self._steps: deque[tuple[int, Event]] = deque()
        self._final: deque[tuple[int, Event]] = deque()
        self._ended = False
        self._news = anyio.Event()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        await anyio.lowlevel.checkpoint()
        while True:
            waiting = [kept for kept in (self._steps, self._final) if kept]
            if waiting:
                return min(waiting, key=lambda kept: kept[0][0]).popleft()[1]
            if self._ended:
                raise StopAsyncIteration
            if self._news.is_set():
                self._news = anyio.Event()
            await self._news.wait()

    async def aclose(self) -> None:
        """Listen no more."""
        self._steps.clear()
        self._final.clear()
        self.end()

    def put(self, event: Event) -> None:
        """Keep an event for the reader; never waits."""
        if self._ended:
            return
        self._number += 1
        (self._final if event.final else self._steps).append((self._number, event))
        if self._steps and len(self._steps) + len(self._final) > self._room:
            self._steps.popleft()
            self.dropped += 1
        self._news.set()

    def end(self) -> None:
        """Nothing comes after what is kept."""
        self._ended = True
        self._news.set()


class Broadcast:
    """Tells every listener, and every reader, each event. Call it where the studio runs."""

    def __init__(self, *listeners: Listener | None) -> None:
        self._listeners = [listener for listener in listeners if listener is not None]
        # A reader somebody dropped in the middle of its loop is not filled for ever.
        self._readers: WeakSet[Events] = WeakSet()

    def __call__(self, event: Event) -> None:
        if self._readers:
            for reader in list(self._readers):
                reader.put(event)
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # a listener's accident must not cost a job that is paid for
                log.exception("a listener failed on %r", event.kind, extra={"job": event.job_id})

    def reader(self, room: int) -> Events:
        """A new reader of what comes."""
        events = Events(room)
        self._readers.add(events)
        return events

    def close(self) -> None:
        """Every reader ends, once it has read what is kept."""
        for reader in list(self._readers):
            reader.end()
        self._readers.clear()
