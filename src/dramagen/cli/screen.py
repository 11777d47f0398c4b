"""Where words go: results to standard output, everything else to standard error; one calm line for an error."""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import typer
from rich.console import Console
from rich.table import Table

from dramagen.cli import exits
from dramagen.errors import DramagenError
from dramagen.redact import redact

P = ParamSpec("P")

FILE_WIDTH = 120
"""Columns of tables that go to a file or a pipe."""


def console(*, error: bool = False) -> Console:
    """Standard output, or standard error, as it is now."""
    stream = sys.stderr if error else sys.stdout
    known = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        file=stream,
        width=None if known else FILE_WIDTH,
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=False,
    )


def say(what: str | Table) -> None:
    """A result, for standard output."""
    console().print(what, soft_wrap=isinstance(what, str))


def note(text: str) -> None:
    """Anything that is not the result."""
    console(error=True).print(text, soft_wrap=True)


def emit(document: Any) -> None:
    """A result for machines."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


@contextmanager
def counted(what: str, of: int) -> Iterator[Callable[[], None]]:
    """Shows how far long work is; what it gives is called once a step, from any thread.

    On a terminal a line that counts, gone afterwards; anywhere else a line at each quarter.
    """
    screen, done, lock = console(error=True), 0, threading.Lock()
    if screen.is_terminal:
        with screen.status(f"0 of {of} {what}") as status:

            def shown() -> None:
                nonlocal done
                with lock:
                    done += 1
                    status.update(f"{done} of {of} {what}")

            yield shown
        return

    def told() -> None:
        nonlocal done
        with lock:
            before, done = done, done + 1
            if of and done * 4 // of > before * 4 // of:
                note(f"{done} of {of} {what}")

    yield told


_DETACHED = (
    "Interrupted. Jobs that were sent go on at the provider: "
    "run the same command again, or `dramagen jobs resume`."
)
_ENDINGS = (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError, SystemExit)
"""How a command may end without being wrong."""


def calmly(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose errors are one calm line and an exit code. ``DRAMAGEN_DEBUG=1`` shows tracebacks."""

    @wraps(command)
    def calm(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BaseException as problem:
            cause = _cause(problem)
            if isinstance(cause, _ENDINGS):
                raise cause from None
            if isinstance(cause, KeyboardInterrupt):
                note(_DETACHED)
                raise typer.Exit(exits.INTERRUPTED) from None
            if os.environ.get("DRAMAGEN_DEBUG") == "1":
                raise
            if kwargs.get("as_json"):
                emit({"error": _record(cause)})
            note(_line(cause))
            raise typer.Exit(_code(cause)) from None

    return calm


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(record.getMessage())


def calm_logs() -> None:
    """Warnings of the library are one line each; with ``DRAMAGEN_DEBUG=1`` everything is said, with tracebacks."""
    if os.environ.get("DRAMAGEN_DEBUG") == "1":
        logging.basicConfig(level=logging.INFO)
        return
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_OneLine())
    logger = logging.getLogger("dramagen")
    logger.addHandler(handler)
    logger.propagate = False


def _cause(problem: BaseException) -> BaseException:
    """The first real error inside the groups that task groups make."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return problem


def _line(cause: BaseException) -> str:
    if isinstance(cause, DramagenError):
        return str(cause)
    if isinstance(cause, OSError):
        return f"{cause.filename}: {cause.strerror}" if cause.filename else str(cause)
    return f"unexpected {type(cause).__name__}: {cause} (DRAMAGEN_DEBUG=1 shows where)"


def _code(cause: BaseException) -> int:
    return exits.code_of(cause) if isinstance(cause, DramagenError) else exits.FAILED


def _record(cause: BaseException) -> dict[str, Any]:
    if isinstance(cause, DramagenError):
        return cause.to_json()
    return {"error": type(cause).__name__, "message": str(cause)}
