"""The journal's database on a Postgres server, for several machines; the same statements as on SQLite.

Writers take turns by one advisory lock, held to the end of the transaction: what SQLite's ``BEGIN IMMEDIATE`` does.
SERIALIZABLE would need every transaction to be run again from its start after a conflict, which a block of the
caller's cannot be, and reservations under one cap conflict always. Everything a transaction sets is set for it alone,
so a pooler that hands out a connection for each transaction may stand in between.

A commit is on the server's disk when it returns (``synchronous_commit`` is never off; ``fsync`` is the server's own).
"""

import logging
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from dramagen.engine.database import CommitUnknown, JournalUnavailable, Row, Transaction
from dramagen.errors import ConfigError
from dramagen.redact import redact

log = logging.getLogger("dramagen.engine")

SCHEMA = "dramagen"
"""All tables live in it, so that a database can be shared with other programs."""

Connection = psycopg.Connection[Row]

_DEFAULTS: dict[str, str | int] = {
    "application_name": SCHEMA,
    "connect_timeout": 10,
    # A server that vanished is noticed within a minute, not within two hours.
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 40_000,
}

# One round trip. A process that is stopped in the middle of a transaction keeps everyone out: not for long.
_SETTLED = f"SET LOCAL search_path = {SCHEMA}; SET LOCAL idle_in_transaction_session_timeout = '15s'; "
_READ = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_SETTLED}"
_WRITE = (
    # Each statement sees what was committed before it: so also what the lock's last holder wrote.
    f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_SETTLED} SET LOCAL lock_timeout = %d; "
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'; "
    f"SELECT pg_advisory_xact_lock(hashtext('{SCHEMA} journal')); "
    "SELECT pg_current_xact_id()::text AS xid, pg_postmaster_start_time()::text AS server"
)


# A password that was not encoded would be read as a host, a port or a name, and then shown as one.
_HOST = r"([^/?#@:,\[\]]*|\[[\da-f:.]+\])(:\d+)?"
_ADDRESS = re.compile(rf"postgres(ql)?://([^/?#@]*@)?{_HOST}(,{_HOST})*(/[^/?#@:]*)?(\?[^#]*)?")


class Server:
    """Where the database is. The password is in no text, error or repr made from it.

    Raises ``ConfigError`` for what is no Postgres address.
    """

    def __init__(self, url: str) -> None:
        try:
            known = conninfo_to_dict(url) if _ADDRESS.fullmatch(url) else {}
        except psycopg.Error:
            known = {}
        if not known:
            # libpq's own words quote the part it could not read, which may be the password.
            raise ConfigError(
                "the database address cannot be read; it looks like postgresql://user@host:5432/name, with "
                "all but letters and digits of a password percent-encoded"
            )
        self._url = url
        self._secret = str(known.get("password") or "")
        self._extra = {name: value for name, value in _DEFAULTS.items() if name not in known}
        where = f"{known.get('host') or 'localhost'}:{known.get('port') or 5432}"
        self.place = f"postgresql://{where}/{known.get('dbname') or ''}"

    def __repr__(self) -> str:
        return f"Server({self.place!r})"

    def connect(self) -> Connection:
        """A new connection, outside any transaction. Raises ``psycopg.Error``; see :meth:`say`."""
        connection: Connection = psycopg.connect(
            self._url,
            autocommit=True,
            row_factory=dict_row,
            prepare_threshold=None,  # prepared statements stay behind in a pooler's connection
            **self._extra,  # type: ignore[arg-type]  # connection parameters, as libpq has them
        )
        return connection

    def say(self, problem: Exception) -> str:
        """An error's words, without the password, on one line."""
        return redact(" ".join(str(problem).split()) or type(problem).__name__, self._secret, limit=400)


class _Begun(NamedTuple):
    """A transaction under way; ``xid`` and ``server`` name it where a commit's answer is lost."""

    connection: Connection
    xid: str
    server: str


class Postgres:
    """One database, one connection, one writer at a time among all machines.

    Args:
        url: ``postgresql://user:password@host:port/name?sslmode=...``, as libpq reads it.
        migrations: the journal's steps, written for SQLite; see :func:`ddl`.
        patience: seconds an outage, or the other writers, are waited for before a call raises ``JournalUnavailable``.

    Raises:
        ConfigError: the server cannot be reached, or the database cannot be used.
    """

    def __init__(self, url: str, migrations: Sequence[str], patience: float = 30.0) -> None:
        self.server = Server(url)
        self._patience = patience
        self._write = _WRITE % max(1, round(patience * 1000))
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._closed = False
        self._down_since: float | None = None
        try:
            self._connection = self.server.connect()
            self._migrate(migrations)
        except ConfigError:
            self.close()
            raise
        except (psycopg.Error, JournalUnavailable) as problem:
            self.close()
            raise ConfigError(
                f"cannot open the journal {self.server.place}: {self.server.say(problem)}. Nothing was changed"
            ) from None

    def __repr__(self) -> str:
        return f"Postgres({self.server.place!r})"

    # --- versions ----------------------------------------------------------------------------------------

    def _migrate(self, migrations: Sequence[str]) -> None:
        with self.reading() as tx:
            version = self._version(tx)
        if version == len(migrations):
            return
        with self.transaction() as tx:
            tx.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            tx.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
            version = self._version(tx)  # another machine may have been faster
            if version > len(migrations):
                raise ConfigError(
                    f"{self.server.place} was written by a newer dramagen (version {version}, this one knows "
                    f"{len(migrations)}): upgrade dramagen"
                )
            for script in migrations[version:]:
                for statement in script.split(";"):
                    if statement.strip():
                        tx.execute(ddl(statement))
            tx.execute("DELETE FROM schema_version")
            tx.execute("INSERT INTO schema_version (version) VALUES (?)", (len(migrations),))

    def _version(self, tx: Transaction) -> int:
        (encoding,) = tx.rows("SELECT current_setting('server_encoding') AS name")
        if encoding["name"] != "UTF8":
            raise ConfigError(f"{self.server.place} is encoded in {encoding['name']}; it has to be in UTF8")
        (there,) = tx.rows("SELECT to_regclass(?) IS NOT NULL AS yes", (f"{SCHEMA}.schema_version",))
        found = tx.rows("SELECT version FROM schema_version") if there["yes"] else []
        return int(found[0]["version"]) if found else 0

    # --- transactions ------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Wait for the other writers, run the block, commit; roll back if it raises.

        Raises ``CommitUnknown`` where the connection broke at the commit and the server cannot be asked about it.
        """
        with self._lock, self._typed():
            begun = self._begin(self._write)
            try:
                yield _Statements(begun.connection)
            except BaseException:
                self._undo(begun.connection)
                raise
            self._commit(begun)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Run queries on one consistent state; no writer is waited for."""
        with self._lock, self._typed():
            connection = self._begin(_READ).connection
            try:
                yield _Statements(connection)
            finally:
                self._undo(connection)

    def _begin(self, words: str) -> _Begun:
        """A transaction on a connection that works. Nothing was asked of it yet, so a dead one is replaced."""
        while True:
            if self._closed:
                raise psycopg.OperationalError("it was closed")
            try:
                connection = self._connection = self._connection or self.server.connect()
            except psycopg.OperationalError:
                if not self._patient():
                    raise
                continue
            try:
                cursor = connection.execute(words.encode())
                while cursor.nextset():
                    pass
                row = cursor.fetchone() if words == self._write else None
            except psycopg.Error:
                if not connection.broken:
                    self._undo(connection)
                    raise
                self._drop()
                if not self._patient():
                    raise
            except BaseException:  # Ctrl-C while waiting for the lock
                self._drop()
                raise
            else:
                self._down_since = None
                return _Begun(connection, row["xid"] if row else "", row["server"] if row else "")

    def _patient(self) -> bool:
        """Wait a moment in an outage; False once it has lasted too long."""
        now = time.monotonic()
        self._down_since = self._down_since or now
        if now - self._down_since >= self._patience:
            return False
        time.sleep(min(0.5, self._patience / 10))
        return True

    def _commit(self, begun: _Begun) -> None:
        try:
            said = begun.connection.execute(b"COMMIT").statusmessage
        except psycopg.Error:
            if not begun.connection.broken:
                self._undo(begun.connection)
                raise
            self._drop()
            self._ask_after(begun)
            return
        if said != "COMMIT":  # a statement failed and the block went on regardless
            raise psycopg.OperationalError("the transaction was rolled back")

    def _ask_after(self, lost: _Begun) -> None:
        """Return if the lost commit arrived, raise ``OperationalError`` if it did not, else ``CommitUnknown``."""
        became = None
        with suppress(psycopg.Error):
            # The lost one held the lock: once it is ours, that one has ended, this way or the other.
            again = self._begin(self._write)
            if again.server == lost.server:  # after a restart or a failover the number may mean another one
                row = again.connection.execute(
                    b"SELECT pg_xact_status(%s::text::xid8) AS became", (lost.xid,)
                ).fetchone()
                became = row and row["became"]
            self._undo(again.connection)
        if became == "aborted":
            raise psycopg.OperationalError("the connection broke before the commit")
        if became != "committed":
            raise CommitUnknown(
                f"the journal {self.server.place} did not answer a commit, and cannot be asked what became of it"
            )

    def _undo(self, connection: Connection) -> None:
        try:
            connection.execute(b"ROLLBACK")
        except psycopg.Error:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _typed(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as problem:
            raise JournalUnavailable(
                f"the journal {self.server.place} cannot be used now: {self.server.say(problem)}"
            ) from None

    def close(self) -> None:
        """Close the connection; calls after it raise ``JournalUnavailable``."""
        with self._lock:
            self._closed = True
            self._drop()


# --- the dialect -------------------------------------------------------------------------------------------


class _Statements:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self._connection.execute(_marked(statement), _plain(parameters)).rowcount

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(_marked(statement), _plain(parameters)).fetchall()


@lru_cache(maxsize=256)
def _marked(statement: str) -> bytes:
    """``?`` as psycopg's ``%s``. The journal's statements have no question mark that means anything else."""
    return statement.replace("%", "%%").replace("?", "%s").encode()


def _plain(parameters: Sequence[Any]) -> list[Any]:
    """Truth is a number in the journal's tables, as SQLite has it."""
    return [int(value) if isinstance(value, bool) else value for value in parameters]


_TYPES = (
    (re.compile(r"\bINTEGER PRIMARY KEY\b"), "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
    (re.compile(r"\bINTEGER\b"), "BIGINT"),
    (re.compile(r"\bREAL\b"), "DOUBLE PRECISION"),  # Postgres' own REAL has six digits: no time of day fits
)


def ddl(statement: str) -> str:
    """A migration's statement in Postgres' names of the same types."""
    for pattern, name in _TYPES:
        statement = pattern.sub(name, statement)
    return statement
