"""The results of many shots as they come."""

import logging
import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Self

import anyio
import anyio.abc
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from dramagen.clip import Clip
from dramagen.engine.interrupts import unbroken
from dramagen.errors import ConfigError, DramagenError
from dramagen.events import Result
from dramagen.shot import Shot

log = logging.getLogger("dramagen.studio")

Film = Callable[[Shot], Awaitable[Clip]]


class Results(AsyncIterator[Result]):
    """An async iterator over the results of ``shots``, filmed side by side in ``group``.

    Filming starts with the first step. Leaving the loop, by whatever way, lets go of what was not sent yet and
    of nothing that is running: at the end of the loop where nobody keeps the iterator, else with ``aclose()``.
    It is no async generator, because one that is left half-way is finished at a time nobody chose.
    """

    def __init__(self, group: anyio.abc.TaskGroup, film: Film, shots: Sequence[Shot]) -> None:
        self._group = group
        self._film = film
        self._shots = shots
        self._left = len(shots)
        self._scope = anyio.CancelScope()
        self._receive: MemoryObjectReceiveStream[Result] | None = None
        self._thread = threading.get_ident()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result:
        if self._left == 0:
            raise StopAsyncIteration
        if self._receive is None:
            send, self._receive = anyio.create_memory_object_stream[Result](math.inf)
            self._group.start_soon(unbroken(_film_all), self._film, self._shots, send, self._scope)
        try:
            result = await self._receive.receive()
        except anyio.EndOfStream:
            self._leave()
            raise ConfigError("the studio was closed before every shot had ended") from None
        except BaseException:
            self._leave()
            raise
        self._left -= 1
        if not self._left:
            self._leave()
        return result

    async def aclose(self) -> None:
        """Leave: what was not sent yet is let go, what is running goes on."""
        self._leave()

    def _leave(self) -> None:
        self._left = 0
        self._scope.cancel()
        if self._receive is not None:
            self._receive.close()

    def __del__(self) -> None:
        # Garbage may be collected in any thread, and a scope belongs to its own.
        if self._left and self._receive is not None and threading.get_ident() == self._thread:
            self._leave()


async def _film_all(
    film: Film, shots: Sequence[Shot], send: MemoryObjectSendStream[Result], scope: anyio.CancelScope
) -> None:
    @unbroken
    async def one(shot: Shot) -> None:
        result = await _result(film, shot)
        with suppress(anyio.BrokenResourceError):  # nobody listens any more
            send.send_nowait(result)

    with send, scope:
        async with anyio.create_task_group() as group:
            for shot in shots:
                group.start_soon(one, shot)


async def _result(film: Film, shot: Shot) -> Result:
    try:
        return Result(shot, clip=await film(shot))
    except DramagenError as error:
        return Result(shot, error=error)
    except Exception as bug:  # one shot's accident must not take the others down
        log.exception("%s stopped unexpectedly", shot.name)
        what = f"{shot.name!r} stopped unexpectedly ({type(bug).__name__}: {bug})"
        accident = DramagenError(what, billed=None)
        accident.__cause__ = bug
        return Result(shot, error=accident)
