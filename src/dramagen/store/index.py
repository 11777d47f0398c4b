"""The result index: which clip a key has. An accelerator; the receipts can rebuild it at any time."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from diskcache import Cache, Disk, Timeout
from diskcache.core import MODE_RAW

from dramagen.errors import DramagenError
from dramagen.store.durable import private_folder

log = logging.getLogger("dramagen.store")

T = TypeVar("T")

_PATIENCE = 60.0
"""Seconds to wait for another process that is writing."""

_SETTINGS = {
    "disk_min_file_size": 2**30,  # every value stays in the database: its files would not be synced
    "eviction_policy": "none",  # a paid clip never vanishes to make room
    "cull_limit": 0,
    "size_limit": 2**62,
    "statistics": 0,
    "sqlite_synchronous": 2,  # FULL: a row that was acknowledged survives a power cut
    "sqlite_mmap_size": 0,  # reading a mapped file that another process cut short kills this one
}


class ResultIndex(Protocol):
    """Bytes by text key. Synchronous: call it from a worker thread."""

    def get(self, key: str) -> bytes | None:
        """The value, or None."""
        ...

    def set(self, key: str, value: bytes) -> None:
        """Keep the value, durably, in place of any older one."""
        ...

    def delete(self, key: str) -> None:
        """Forget the key, if it is there."""
        ...

    def __len__(self) -> int: ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class MemoryIndex:
    """An index that lasts as long as the object, for tests."""

    def __init__(self) -> None:
        self._rows: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self._rows.get(key)

    def set(self, key: str, value: bytes) -> None:
        self._rows[key] = value

    def delete(self, key: str) -> None:
        self._rows.pop(key, None)

    def __len__(self) -> int:
        return len(self._rows)

    def close(self) -> None:
        pass


class IndexUnavailable(DramagenError):
    """The index can be neither read nor written now: locked for too long, not ours to write, the disk full."""

    retryable = True
    billed = None


class RefusedRow(Exception):
    """A row this index has not written: anything but a text key with bytes stored as they are."""


class RawDisk(Disk):  # type: ignore[misc]  # diskcache has no type hints
    """Stores bytes under text keys as they are, and refuses to read anything else.

    diskcache decides by a column of the row how to read it, and one of the ways is unpickling, which runs
    whatever code the row names (CVE-2025-69872, read 2026-11-22; its JSONDisk obeys the row as well). Rows
    that name a file are refused too: the name could lead out of the folder.
    """

    def put(self, key: Any) -> tuple[str, bool]:
        _check(key)
        return str(key), True

    def get(self, key: Any, raw: Any) -> str:
        if not raw or type(key) is not str:
            raise RefusedRow("its key is not plain text")
        return key

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, None, memoryview]:
        _check("", value)
        return 0, MODE_RAW, None, memoryview(value)

    def fetch(self, mode: Any, filename: Any, value: Any, read: bool) -> bytes:
        if mode != MODE_RAW or filename is not None or type(value) is not bytes:
            raise RefusedRow(f"its value is stored in mode {mode!r}, not as plain bytes")
        return value

    def remove(self, file_path: str) -> None:
        """No row of ours has a file, so a row that names one must not get it deleted."""


class DiskIndex:
    """The index on disk, one folder, shared by several processes of one user.

    A row nobody here has written is logged and reads as missing. A damaged database is moved aside, never
    deleted; a new or empty one is filled from ``recover``.
    """

    def __init__(self, folder: Path, recover: Callable[[], Iterable[tuple[str, bytes]]] = tuple) -> None:
        """
        Args:
            folder: made at first use, closed to other users (0700).
            recover: gives every (key, value) that should be there; asked when the database is empty.
        """
        self.folder = folder
        self._recover = recover
        self._cache: Cache | None = None
        self._lock = threading.RLock()

    def get(self, key: str) -> bytes | None:
        _check(key)
        try:
            value: bytes | None = self._do(lambda cache: cache.get(key))
        except RefusedRow as problem:
            log.warning("index %s: refused the row of %r: %s", self.folder, key, problem)
            return None
        return value

    def set(self, key: str, value: bytes) -> None:
        _check(key, value)
        self._do(lambda cache: cache.set(key, value))

    def delete(self, key: str) -> None:
        _check(key)
        self._do(lambda cache: cache.delete(key))

    def __len__(self) -> int:
        return self._do(len)

    def close(self) -> None:
        with self._lock:
            self._cache = None

    def _do(self, action: Callable[[Cache], T]) -> T:
        with self._lock, _typed(self.folder):
            try:
                return self._attempt(action)
            except _DAMAGE as problem:
                if not _damaged(problem):
                    raise
                self._start_again(problem)
            return self._attempt(action)

    def _attempt(self, action: Callable[[Cache], T]) -> T:
        if self._cache is None:
            self._cache = self._opened()
        try:
            return action(self._cache)
        finally:
            # A connection belongs to the thread that opened it, and worker threads come and go.
            self._cache.close()

    def _opened(self) -> Cache:
        private_folder(self.folder)
        cache = Cache(str(self.folder), timeout=_PATIENCE, disk=RawDisk, **_SETTINGS)
        if len(cache) == 0:
            for key, value in self._recover():
                cache.set(key, value)
        return cache

    def _start_again(self, problem: Exception) -> None:
        self._cache = None
        aside = self._aside()
        log.warning("index %s is damaged (%s): moved to %s, rebuilding", self.folder, problem, aside)
        self.folder.rename(aside)

    def _aside(self) -> Path:
        count = 1
        while (place := self.folder.with_name(f"{self.folder.name}.damaged-{count}")).exists():
            count += 1
        return place


def _check(key: object, value: object = b"") -> None:
    if type(key) is not str:
        raise TypeError(f"keys are text, not {type(key).__name__}")
    if type(value) is not bytes:
        raise TypeError(f"values are bytes, not {type(value).__name__}")


# A damaged settings table makes diskcache itself stumble, over values of the wrong type among others.
_DAMAGE = (sqlite3.Error, sqlite3.Warning, TypeError, ValueError, LookupError, AttributeError, AssertionError)
_DAMAGE_CODES = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def _damaged(problem: Exception) -> bool:
    """Whether this is a fault of the database's content, and not of the disk, the rights or the moment."""
    code = getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF in _DAMAGE_CODES


@contextmanager
def _typed(folder: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, Timeout, OSError) as problem:
        why = str(problem) or "locked by another process, or not writable"
        raise IndexUnavailable(f"the index in {folder} cannot be used: {why}") from problem
