"""The database under the journal: whole transactions, and calm words when the file cannot be used."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dramagen.engine.database import JournalUnavailable, SQLite
from dramagen.engine.journal import Database
from dramagen.engine.owner import HomeOwner
from dramagen.engine.postgres import Postgres
from dramagen.engine.schema import MIGRATIONS
from dramagen.errors import ConfigError

SCHEMA = ("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT)",)


Opening = Callable[..., Database]


@pytest.fixture
def database(opening: Opening) -> Database:
    return opening(SCHEMA)


def words(database: Database) -> list[str]:
    with database.reading() as tx:
        return [row["word"] for row in tx.rows("SELECT word FROM t ORDER BY id")]


def test_a_transaction_happens_whole_or_not_at_all(database: Database) -> None:
    with database.transaction() as tx:
        assert tx.execute("INSERT INTO t (word) VALUES (?)", ("one",)) == 1
    with suppress(ZeroDivisionError), database.transaction() as tx:
        tx.execute("INSERT INTO t (word) VALUES ('two')")
        assert 1 / 0
    assert words(database) == ["one"]


def test_a_statement_that_fails_takes_the_others_with_it(database: Database) -> None:
    def write() -> None:
        with database.transaction() as tx:
            tx.execute("INSERT INTO t (word) VALUES ('one')")
            tx.execute("INSERT INTO nowhere (word) VALUES ('two')")

    with pytest.raises(JournalUnavailable):
        write()
    assert words(database) == []


def test_what_is_read_does_not_wait_for_a_writer(database: Database, opening: Opening) -> None:
    other = opening(SCHEMA)
    with other.transaction() as tx:
        tx.execute("INSERT INTO t (word) VALUES ('unseen')")
        assert words(database) == []
    assert words(database) == ["unseen"]


def test_a_reader_sees_one_state(database: Database, opening: Opening) -> None:
    other = opening(SCHEMA)
    with database.reading() as tx:
        assert tx.rows("SELECT word FROM t") == []
        with other.transaction() as writing:
            writing.execute("INSERT INTO t (word) VALUES ('meanwhile')")
        assert tx.rows("SELECT word FROM t") == []


def test_values_come_back_as_they_went(opening: Opening) -> None:
    database = opening(("CREATE TABLE v (id INTEGER PRIMARY KEY, n INTEGER, t REAL, w TEXT)",))
    rows: list[dict[str, Any]] = [
        {"n": 2**53, "t": 1_795_000_000.123456, "w": "100% 雨夜 😀 'x'"},
        {"n": -1, "t": 0.1, "w": ""},
        {"n": None, "t": None, "w": None},
    ]
    with database.transaction() as tx:
        for row in rows:
            tx.execute("INSERT INTO v (n, t, w) VALUES (?, ?, ?)", list(row.values()))
    with database.reading() as tx:
        assert tx.rows("SELECT n, t, w FROM v ORDER BY id") == rows
        assert tx.rows("SELECT n FROM v WHERE w LIKE '100%' AND t >= ?", (1.5,)) == [{"n": 2**53}]


def test_writers_take_turns(opening: Opening) -> None:
    """Each reads, and writes what follows from it: none is lost."""
    connections = [opening(SCHEMA) for _ in range(4)]

    def count(database: Database) -> None:
        for _ in range(10):
            with database.transaction() as tx:
                (row,) = tx.rows("SELECT count(*) AS n FROM t")
                tx.execute("INSERT INTO t (word) VALUES (?)", (str(row["n"]),))

    threads = [threading.Thread(target=count, args=(database,)) for database in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert words(connections[0]) == [str(n) for n in range(40)]


def test_a_full_disk_is_typed_and_leaves_the_database_usable(tmp_path: Path) -> None:
    database = SQLite(tmp_path / "j.sqlite", SCHEMA)
    with database.transaction() as tx:
        tx.execute("INSERT INTO t (word) VALUES ('kept')")
    database._connection.execute("PRAGMA max_page_count = 3")
    with pytest.raises(JournalUnavailable, match="full"), database.transaction() as tx:
        tx.execute("INSERT INTO t (word) VALUES (?)", ("x" * 100_000,))
    database._connection.execute("PRAGMA max_page_count = 10000")
    with database.transaction() as tx:
        tx.execute("INSERT INTO t (word) VALUES ('again')")
    assert words(database) == ["kept", "again"]
    database.close()


def test_a_writer_who_never_finishes_is_not_waited_for_without_end(
    database: Database, opening: Opening
) -> None:
    hurried = opening(SCHEMA, patience=0.05)
    locked = pytest.raises(JournalUnavailable, match=r"locked|lock timeout")
    with database.transaction(), locked, hurried.transaction():
        pass
    with hurried.transaction() as tx:
        tx.execute("INSERT INTO t (word) VALUES ('now')")
    assert words(database) == ["now"]


def test_a_closed_journal_says_so(database: Database) -> None:
    database.close()
    with pytest.raises(JournalUnavailable), database.transaction():
        pass
    with pytest.raises(JournalUnavailable), database.reading():
        pass


def test_migrations_run_once_each_and_keep_what_is_there(database: Database, opening: Opening) -> None:
    with database.transaction() as tx:
        tx.execute("INSERT INTO t (word) VALUES ('old')")
    more = (*SCHEMA, "ALTER TABLE t ADD COLUMN size INTEGER; UPDATE t SET size = 3")
    for _ in range(2):
        with opening(more).reading() as tx:
            assert tx.rows("SELECT word, size FROM t") == [{"word": "old", "size": 3}]


def test_several_processes_may_open_a_new_journal_at_once(opening: Opening) -> None:
    opened: list[Database] = []
    threads = [threading.Thread(target=lambda: opened.append(opening())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6


def test_a_migration_that_fails_changes_nothing(database: Database, opening: Opening) -> None:
    with pytest.raises(ConfigError, match="othing was changed"):
        opening((*SCHEMA, "ALTER TABLE t ADD COLUMN size INTEGER; NONSENSE"))
    with database.transaction() as tx:
        tx.execute("INSERT INTO t (word) VALUES ('same')")
        assert tx.rows("SELECT * FROM t") == [{"id": 1, "word": "same"}]
    with pytest.raises(ConfigError, match=r"\(version 1, this one knows 0\)"):
        opening(())


def test_a_journal_of_a_newer_version_is_left_alone(database: Database, opening: Opening) -> None:
    with pytest.raises(ConfigError, match=r"newer dramagen \(version 1, this one knows 0\): upgrade"):
        opening(())


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_journal_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="holds what was paid for") as caught:
        SQLite(path, MIGRATIONS)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_home_that_is_a_file_is_a_calm_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(ConfigError, match="cannot open the journal"):
        SQLite(tmp_path / "home" / "journal.sqlite", MIGRATIONS)
    with pytest.raises(ConfigError, match="cannot write to"):
        HomeOwner(tmp_path / "home")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_written_is_a_calm_error(tmp_path: Path) -> None:
    SQLite(tmp_path / "journal.sqlite", MIGRATIONS).close()
    (tmp_path / "journal.sqlite").chmod(0o400)
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="cannot open the journal"):
        SQLite(tmp_path / "journal.sqlite", MIGRATIONS)
    with pytest.raises(ConfigError, match="cannot write to"):
        HomeOwner(tmp_path)


def test_only_its_owner_can_read_it_and_a_commit_is_on_the_disk(tmp_path: Path) -> None:
    database = SQLite(tmp_path / "home" / "journal.sqlite", MIGRATIONS)
    assert database.path.stat().st_mode & 0o777 == 0o600
    assert database.path.parent.stat().st_mode & 0o777 == 0o700
    with database.reading() as tx:
        assert tx.rows("PRAGMA synchronous") == [{"synchronous": 2}]  # FULL
        assert tx.rows("PRAGMA journal_mode") == [{"journal_mode": "wal"}]
    database.close()


def test_a_killed_writer_leaves_whole_transactions(
    database: Database, opening: Opening, tmp_path: Path
) -> None:
    if isinstance(database, Postgres):
        module, name, where = "postgres", "Postgres", database.server._url
    else:
        assert isinstance(database, SQLite)
        module, name, where = "database", "SQLite", str(database.path)
    writer = f"""
import itertools, os, pathlib
from dramagen.engine.{module} import {name}
where = os.environ["WHERE"]
db = {name}(pathlib.Path(where) if {name == "SQLite"} else where, {SCHEMA!r})
for n in itertools.count():
    with db.transaction() as tx:
        tx.execute("INSERT INTO t (word) VALUES (?)", (f"a{{n}}",))
        tx.execute("INSERT INTO t (word) VALUES (?)", (f"b{{n}}",))
    print(n, flush=True)
"""
    command = [sys.executable, "-c", writer]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "WHERE": where}
    ) as process:
        assert process.stdout is not None
        while (last := int(process.stdout.readline())) < 20:
            pass
        process.send_signal(signal.SIGKILL)
    with database.transaction():  # what the killed one had under way has ended
        pass
    found = words(database)
    assert len(found) % 2 == 0
    assert len(found) >= 2 * (last + 1)
    if isinstance(database, SQLite):
        plain = sqlite3.connect(database.path)
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        plain.close()


# --- owners ----------------------------------------------------------------------------------------------------


def test_an_owner_lives_until_it_lets_go(tmp_path: Path) -> None:
    one, two = HomeOwner(tmp_path), HomeOwner(tmp_path)
    assert one.id != two.id
    assert one.alive(one.id)
    assert one.alive(two.id)
    assert two.alive(one.id)  # asked twice: asking frees nothing
    assert two.alive(one.id)
    one.release()
    assert not two.alive(one.id)
    assert not two.alive("nobody")
    two.release()
    assert list(two.folder.iterdir()) == []


def test_a_killed_owner_is_dead_at_once_and_a_living_one_is_not(tmp_path: Path) -> None:
    program = f"""
import pathlib, sys
from dramagen.engine.journal import Database
from dramagen.engine.owner import HomeOwner
from dramagen.engine.postgres import Postgres
owner = HomeOwner(pathlib.Path({str(tmp_path)!r}))
print(owner.id, flush=True)
sys.stdin.read()
"""
    me = HomeOwner(tmp_path)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        other = process.stdout.readline().strip()
        assert me.alive(other)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not me.alive(other)
    me.release()


def test_trouble_with_looking_is_no_proof_of_a_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = HomeOwner(tmp_path)

    def no_handles_left(*args: object) -> int:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", no_handles_left)
        assert me.alive("somebody")
    me.release()
