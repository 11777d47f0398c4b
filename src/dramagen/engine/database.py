"""A small database: transactions and statements, so that the journal is written once for every engine under it.

SQLite in WAL mode with ``synchronous=FULL``: a committed transaction is on the disk. Every call blocks, so
callers go through a worker thread, and may raise :class:`JournalUnavailable`.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from dramagen.errors import ConfigError, DramagenError

Row = dict[str, Any]


class JournalUnavailable(DramagenError):
    """The journal could not be read or written (disk full, locked, damaged). Nothing of the try is in it."""

    retryable = True
    billed = None


class CommitUnknown(JournalUnavailable):
    """The answer to a commit was lost and the server cannot be asked about it: the try is in it whole, or not at all.

    Whoever sees it looks at the row again before doing anything; nobody sends a create because of it.
    """


class Transaction(Protocol):
    """Statements that happen together or not at all."""

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement with ``?`` placeholders; the number of rows it changed."""
        ...

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run a query; every row as a mapping."""
        ...


class SQLite:
    """One file, one connection, one writer at a time in this process; other processes wait their turn."""

    def __init__(self, path: Path, migrations: Sequence[str], busy: float = 30.0) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = sqlite3.connect(
                path, timeout=busy, isolation_level=None, check_same_thread=False, cached_statements=256
            )
        except (sqlite3.Error, OSError) as problem:
            raise _unusable(path, problem) from None
        try:
            self._connection.row_factory = sqlite3.Row
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._files: tuple[object, ...] | None = None
            self._migrate(migrations)
            path.chmod(0o600)
            self._files = self._in_place()
        except ConfigError:
            self._connection.close()
            raise
        except (sqlite3.Error, OSError, JournalUnavailable) as problem:
            self._connection.close()
            raise _unusable(path, problem) from None

    def _migrate(self, migrations: Sequence[str]) -> None:
        with self.transaction() as tx:
            (row,) = tx.rows("PRAGMA user_version")
            version = int(row["user_version"])
            if version > len(migrations):
                raise ConfigError(
                    f"{self.path} was written by a newer dramagen (version {version}, this one knows "
                    f"{len(migrations)}): upgrade dramagen"
                )
            for number, script in enumerate(migrations[version:], start=version + 1):
                for statement in script.split(";"):
                    if statement.strip():
                        tx.execute(statement)
                tx.execute(f"PRAGMA user_version = {number}")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Take the write lock, run the block, commit; roll back if it raises."""
        with self._lock, self._typed():
            if self._files and self._in_place() not in (self._files, None):
                # SQLite would go on with a file nobody else will ever read, and another process buy everything again.
                raise JournalUnavailable(
                    f"the journal {self.path} was deleted, moved or replaced while it was in use. It holds what was "
                    "paid for: put the file back, or start again with the one that is there"
                )
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield _SQLiteTransaction(self._connection)
                self._connection.execute("COMMIT")
            finally:
                # A full disk may have rolled back by itself already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Run queries on one consistent state, without the write lock."""
        with self._lock, self._typed():
            self._connection.execute("BEGIN")
            try:
                yield _SQLiteTransaction(self._connection)
            finally:
                self._connection.execute("ROLLBACK")

    def _in_place(self) -> tuple[object, ...] | None:
        """Which files are found under the names of this journal now; None where that cannot be seen."""
        try:
            found = [os.stat(name) for name in (self.path, f"{self.path}-wal")]
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError:
            return None  # a folder that may not be entered any more, say: that is no proof of a loss
        return tuple((file.st_dev, file.st_ino) for file in found)

    @contextmanager
    def _typed(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            raise JournalUnavailable(f"the journal {self.path} cannot be used now: {problem}") from problem

    def close(self) -> None:
        """Close the connection; the file stays complete."""
        with self._lock:
            self._connection.close()


def _unusable(path: Path, problem: Exception) -> ConfigError:
    return ConfigError(
        f"cannot open the journal {path}: {problem}. It holds what was paid for: restore it or move it "
        "aside by hand; nothing was changed"
    )


class _SQLiteTransaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self._connection.execute(statement, parameters).rowcount

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return [dict(row) for row in self._connection.execute(statement, parameters)]
