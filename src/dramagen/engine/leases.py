"""Which process a job belongs to, between machines: a lease in the shared database, by the database's clock.

The lease is renewed from a thread and a connection of its own: a busy event loop, or a journal that waits for its
turn, must not look like a death. A process that was stopped, or cut off, for longer than its lease may find its jobs
taken over; what it still holds of them can write nothing (see :meth:`Journal.move`), and it sends no create.
"""

import logging
import platform
import threading
import time
from pathlib import Path

import psycopg

from dramagen.engine.database import JournalUnavailable, Transaction
from dramagen.engine.owner import HomeOwner, LeaseLost, Pledge
from dramagen.engine.postgres import SCHEMA, Connection, Postgres
from dramagen.engine.schema import MIGRATIONS
from dramagen.errors import ConfigError

log = logging.getLogger("dramagen.engine")

LENGTH = 60.0
"""Seconds a lease lasts. Longer than any stall of a machine that still works; a crash is waited out that long."""

# Made where there is none (it was swept away), and never with an epoch that was there before.
_HOLD = f"""
    INSERT INTO {SCHEMA}.owners AS mine (id, host, epoch, expires)
    VALUES (?, ?, ?, extract(epoch FROM clock_timestamp()) + ?)
    ON CONFLICT (id) DO UPDATE SET expires = excluded.expires,
        epoch = mine.epoch + (mine.expires <= extract(epoch FROM clock_timestamp()))::int
    RETURNING epoch
"""  # noqa: S608 - only a name of ours
_STANDING = f"""
    SELECT host, expires > extract(epoch FROM clock_timestamp()) AS valid FROM {SCHEMA}.owners WHERE id = ?
"""  # noqa: S608 - only a name of ours
_DELETE = f"DELETE FROM {SCHEMA}.owners WHERE id = ?"  # noqa: S608 - only a name of ours
_SWEEP = f"DELETE FROM {SCHEMA}.owners WHERE expires < extract(epoch FROM clock_timestamp()) - 86400"  # noqa: S608 - likewise


class LeaseOwner:
    """An owner among several machines. It also holds the lock of its home, so that a process that died on this very
    machine need not be waited for.

    Raises ``ConfigError`` where the home cannot be written or the database cannot be reached.
    """

    def __init__(self, url: str, home: Path, length: float | None = None) -> None:
        self._database = Postgres(url, MIGRATIONS)
        self._server = self._database.server
        self._home = HomeOwner(home)
        self.id = self._home.id
        self._host = platform.node()
        self._length = LENGTH if length is None else length
        self._epoch = 0
        self._connection: Connection | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="dramagen-lease", daemon=True)
        try:
            self._renew()
            with self._database.transaction() as tx:
                tx.execute(_SWEEP)
        except (psycopg.Error, JournalUnavailable) as problem:
            self._let_go()
            said = self._server.say(problem)
            raise ConfigError(f"cannot take a lease in {self._server.place}: {said}") from None
        self._thread.start()

    # --- others ------------------------------------------------------------------------------------------

    def alive(self, owner: str) -> bool:
        """Whether that owner's lease is valid. Raises ``JournalUnavailable``: trouble is no proof of a death."""
        if owner == self.id:
            return True
        with self._database.reading() as tx:
            return self._valid(tx, owner)

    def gone(self, tx: Transaction, owner: str) -> bool:
        """Whether its lease has run out, or its lock in this home is free."""
        if owner == self.id or self._valid(tx, owner):
            return False
        tx.execute(_DELETE, (owner,))
        self._home.forget(owner)
        return True

    def _valid(self, tx: Transaction, owner: str) -> bool:
        rows = tx.rows(_STANDING, (owner,))
        if not rows or not rows[0]["valid"]:
            return False
        # Only a lock that was taken on this machine says anything: a home on a network disk may be another's.
        return rows[0]["host"] != self._host or not self._home.freed(owner)

    # --- this one ----------------------------------------------------------------------------------------

    def pledge(self, tx: Transaction) -> Pledge:
        """A lease of full length from now on, even if the last one had run out: the job in this transaction is ours,
        so nobody took it over, and nobody can before this one has run out."""
        until = _Deadline(self._length * 0.75)
        ((row),) = tx.rows(_HOLD, (self.id, self._host, self._epoch + 1, self._length))
        self._note(row["epoch"])

        def last() -> None:
            if until.passed():
                raise LeaseLost(
                    "this process was stopped right before a create was sent, for longer than its lease lasts. "
                    "Nothing was sent",
                    refused=True,
                )

        return last

    def _note(self, epoch: int) -> None:
        if epoch > self._epoch > 0:
            log.warning(
                "out of touch with %s for longer than the lease: another may have taken jobs over",
                self._server.place,
            )
        self._epoch = epoch

    def _renew(self) -> None:
        connection = self._connection = self._connection or self._server.connect()
        row = connection.execute(
            _HOLD.replace("?", "%s").encode(), (self.id, self._host, self._epoch + 1, self._length)
        ).fetchone()
        assert row is not None
        self._note(row["epoch"])

    def _keep(self) -> None:
        """Renew until released. In an outage more often, so that the lease is back as soon as the database is."""
        pause = self._length / 4
        while not self._over.wait(pause):
            try:
                self._renew()
                pause = self._length / 4
            except Exception as problem:
                # Whatever it was: a thread that ends here would end the lease.
                log.warning("the lease could not be renewed: %s", self._server.say(problem))
                self._drop()
                pause = min(1.0, self._length / 20)

    def release(self) -> None:
        """Give the jobs up: another process may take them over at once."""
        self._over.set()
        self._thread.join()
        try:
            connection = self._connection or self._server.connect()
            connection.execute(_DELETE.replace("?", "%s").encode(), (self.id,))
            connection.close()
        except psycopg.Error as problem:
            log.warning("the lease runs on to its end: %s", self._server.say(problem))
        self._let_go()

    def _let_go(self) -> None:
        self._drop()
        self._database.close()
        self._home.release()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Deadline:
    """A moment after so many seconds, however they pass: while the machine sleeps one of the two clocks may stand."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._wall, self._steady = time.time(), time.monotonic()

    def passed(self) -> bool:
        gone = max(time.time() - self._wall, time.monotonic() - self._steady)
        return gone >= self._seconds
