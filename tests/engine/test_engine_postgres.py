"""The journal on a Postgres server: what breaks between here and there, and what nobody may read."""

import logging
import socket
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import psycopg
import pytest

from dramagen import Config, Studio
from dramagen.engine import postgres as module
from dramagen.engine.database import CommitUnknown, JournalUnavailable
from dramagen.engine.postgres import Postgres, Server
from dramagen.engine.schema import MIGRATIONS
from dramagen.errors import ConfigError, DramagenError, MissingExtra
from dramagen.studio import books

SCHEMA = ("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT)",)


class Relay:
    """Stands between a client and the server, on a socket of its own."""

    def __init__(self, upstream: str, folder: Path) -> None:
        self.upstream = upstream
        self.lose: Literal["nothing", "commit", "answer", "answer, then the server"] = "nothing"
        self.down = False
        self.refused = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.down:
                self.refused.set()
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.upstream)
            self._sockets += [client, server]
            for source, target in ((client, server), (server, client)):
                self._threads.append(
                    threading.Thread(target=self._pump, args=(source, target, source is client))
                )
                self._threads[-1].start()

    def _pump(self, source: socket.socket, target: socket.socket, asking: bool) -> None:
        try:
            while data := source.recv(65536):
                losing, commit = self.lose, asking and b"COMMIT\0" in data
                if commit and losing != "nothing":
                    self.lose = "nothing"
                    if losing == "commit":
                        break
                    self._answered = threading.Event()
                    self.down = losing == "answer, then the server"
                    self._swallow = target
                    target.sendall(data)
                    self._answered.wait(10)
                    break
                if not asking and source is getattr(self, "_swallow", None):
                    self._answered.set()  # the server has committed, and nobody hears of it
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()


@pytest.fixture
def relay(postgres: str) -> Iterator[Relay]:
    folder = postgres.partition("host=")[2]
    if not folder:
        pytest.skip("the server given is not on a socket of this machine")
    with tempfile.TemporaryDirectory(prefix="relay-") as place:
        opened = Relay(f"{unquote(folder)}/.s.PGSQL.5432", Path(place))
        yield opened
        opened.close()


@pytest.fixture
def database(postgres: str, relay: Relay) -> Iterator[Postgres]:
    place = Path(relay._listener.getsockname()).parent
    opened = Postgres(f"{postgres.partition('?')[0]}?host={place}", SCHEMA, patience=5)
    yield opened
    opened.close()


def add(database: Postgres, word: str) -> None:
    with database.transaction() as tx:
        tx.execute("INSERT INTO t (word) VALUES (?)", (word,))


def words(url: str) -> list[str]:
    with psycopg.connect(url) as plain:
        return [row[0] for row in plain.execute("SELECT word FROM dramagen.t ORDER BY id").fetchall()]


def end_the_others(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as plain:
        plain.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'dramagen'"
        )


# --- the way there breaks --------------------------------------------------------------------------------------


def test_a_connection_that_died_meanwhile_is_replaced(postgres: str, database: Postgres) -> None:
    add(database, "one")
    end_the_others(postgres)
    add(database, "two")
    end_the_others(postgres)
    with database.reading() as tx:
        assert len(tx.rows("SELECT word FROM t")) == 2


def test_a_connection_that_dies_in_a_transaction_takes_it_along(postgres: str, database: Postgres) -> None:
    def interrupted() -> None:
        with database.transaction() as tx:
            tx.execute("INSERT INTO t (word) VALUES ('half')")
            end_the_others(postgres)
            tx.execute("INSERT INTO t (word) VALUES ('whole')")

    with pytest.raises(JournalUnavailable) as caught:
        interrupted()
    assert not isinstance(caught.value, CommitUnknown)
    add(database, "after")
    assert words(postgres) == ["after"]


def test_a_lost_answer_to_a_commit_is_asked_for(postgres: str, database: Postgres, relay: Relay) -> None:
    relay.lose = "answer"
    add(database, "once")
    assert words(postgres) == ["once"]
    add(database, "more")
    assert words(postgres) == ["once", "more"]


def test_a_lost_commit_is_known_not_to_have_been(postgres: str, database: Postgres, relay: Relay) -> None:
    relay.lose = "commit"
    with pytest.raises(JournalUnavailable, match="broke before the commit") as caught:
        add(database, "lost")
    assert not isinstance(caught.value, CommitUnknown)
    add(database, "after")
    assert words(postgres) == ["after"]


def test_a_commit_nobody_can_be_asked_about_is_unknown(
    postgres: str, database: Postgres, relay: Relay
) -> None:
    database._patience = 0.2
    relay.lose = "answer, then the server"
    with pytest.raises(CommitUnknown, match="cannot be asked what became of it"):
        add(database, "somewhere")
    assert words(postgres) == ["somewhere"]


def test_a_commit_before_a_restart_is_unknown(
    postgres: str, database: Postgres, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number may be another transaction's by now, where a standby took over."""
    begin = database._begin

    def begin_elsewhere(statements: str) -> module._Begun:
        return begin(statements)._replace(server=f"{relay.lose}")

    monkeypatch.setattr(database, "_begin", begin_elsewhere)
    relay.lose = "answer"
    with pytest.raises(CommitUnknown):
        add(database, "somewhere")


def test_a_short_outage_is_waited_out(postgres: str, database: Postgres, relay: Relay) -> None:
    relay.down = True
    end_the_others(postgres)
    writing = threading.Thread(target=add, args=(database, "later"))
    writing.start()
    assert relay.refused.wait(10)
    relay.down = False
    writing.join()
    assert words(postgres) == ["later"]


def test_a_long_outage_is_typed_and_the_journal_works_after_it(
    postgres: str, database: Postgres, relay: Relay
) -> None:
    database._patience = 0.1
    relay.down = True
    end_the_others(postgres)
    for _ in range(2):
        with pytest.raises(JournalUnavailable, match="cannot be used now"):
            add(database, "never")
    relay.down = False
    add(database, "after")
    assert words(postgres) == ["after"]


def test_a_transaction_that_stands_still_is_ended_by_the_server(
    postgres: str, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that freezes with the lock in its hands keeps the others out for seconds, not for good."""
    frozen = threading.Event()
    hasty = module._WRITE.replace("'15s'", "'50ms'")
    monkeypatch.setattr(database, "_write", hasty % 5000)

    def stand_still() -> None:
        with database.transaction() as tx:
            tx.execute("INSERT INTO t (word) VALUES ('frozen')")
            other = Postgres(postgres, SCHEMA)
            add(other, "other")  # waits for the lock, and gets it
            other.close()
            frozen.set()

    with pytest.raises(JournalUnavailable):
        stand_still()
    assert frozen.is_set()
    assert words(postgres) == ["other"]


# --- what is promised ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("set_to", "used"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
def test_a_commit_is_on_the_disk_whatever_the_database_is_set_to(
    postgres: str, set_to: str, used: str
) -> None:
    name = urlsplit(postgres).path[1:]
    with psycopg.connect(postgres, autocommit=True) as plain:
        plain.execute(f"ALTER DATABASE {name} SET synchronous_commit = {set_to}")
        try:
            database = Postgres(postgres, SCHEMA)
            with database.transaction() as tx:
                assert tx.rows("SHOW synchronous_commit") == [{"synchronous_commit": used}]
            database.close()
        finally:
            plain.execute(f"ALTER DATABASE {name} RESET synchronous_commit")


def test_tables_of_other_programs_are_left_alone(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as plain:
        plain.execute("CREATE TABLE public.jobs (id int)")
        try:
            Postgres(postgres, MIGRATIONS).close()
            found = plain.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'jobs'").fetchall()
            assert sorted(found) == [("dramagen",), ("public",)]
            assert plain.execute("SELECT count(*) FROM public.jobs").fetchone() == (0,)
        finally:
            plain.execute("DROP TABLE public.jobs")


def test_a_database_that_cannot_hold_every_word_is_refused(postgres: str) -> None:
    head, _, tail = postgres.partition("?")
    with psycopg.connect(postgres, autocommit=True) as plain:
        plain.execute("CREATE DATABASE dramagen_test_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        try:
            with pytest.raises(ConfigError, match="LATIN1; it has to be in UTF8"):
                Postgres(f"{head.rpartition('/')[0]}/dramagen_test_latin?{tail}", SCHEMA)
        finally:
            plain.execute("DROP DATABASE dramagen_test_latin WITH (FORCE)")


# --- settings and secrets --------------------------------------------------------------------------------------


def test_without_the_extra_the_pip_line_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "find_spec", lambda name: None)
    studio = Studio(Config(home=tmp_path, database="postgresql://x@localhost/y"))
    with pytest.raises(MissingExtra, match=r"pip install 'dramagen\[postgres\]'"):
        studio.jobs()


WORD = "Geh3im@Wort"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://dramagen:Geh3im%40Wort@127.0.0.1:1/x",  # nobody there
        "postgresql://dramagen:Geh3im%zzWort@127.0.0.1:1/x",  # no such encoding
        "postgresql://dramagen:Geh3im%40Wort@127.0.0.1:1/x?nonsense=Geh3im",
        "postgresql://dramagen:Geh3im/Wort@Wort:port/x",  # not encoded, so it looks like a port, or a database
        "postgresql://dramagen:12/Geh3im@127.0.0.1:1/x",
        "postgresql://dramagen:x@Geh3im@127.0.0.1:1/x",
        "postgresql://dramagen:Geh3im?x@127.0.0.1:1/x",
        "mysql://dramagen:Geh3im%40Wort@127.0.0.1:1/x",
    ],
)
def test_a_password_is_in_no_error(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("DRAMAGEN_DATABASE", url)
    with pytest.raises(ConfigError) as caught:
        Studio(Config(home=tmp_path)).jobs()
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert "Geh3im" not in told
    assert "Wort" not in told
    assert "Geh3im" not in repr(Config(database=url))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql:///x", "postgresql://localhost:5432/x"),
        ("postgres://u:p%40w@db.example:5433/x?sslmode=require", "postgresql://db.example:5433/x"),
        ("postgresql://u@a:1,b:2/x?target_session_attrs=read-write", "postgresql://a,b:1,2/x"),
        ("postgresql://u@[::1]:5433/x", "postgresql://::1:5433/x"),
    ],
)
def test_every_form_of_an_address_is_understood(url: str, place: str) -> None:
    assert repr(Server(url)) == f"Server({place!r})"


def test_a_wrong_password_is_a_calm_error_without_it(postgres: str) -> None:
    wrong = postgres.replace(urlsplit(postgres).password or "", "Geh3im" + "%40Wort")
    with pytest.raises(ConfigError, match="password authentication failed") as caught:
        Postgres(wrong, SCHEMA)
    assert "Geh3im@" not in "".join(traceback.format_exception(caught.value))
    assert "Geh3im%" not in "".join(traceback.format_exception(caught.value))


def test_the_password_is_in_no_repr_and_no_later_error(
    postgres: str, database: Postgres, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    password = unquote(urlsplit(postgres).password or "")
    database._patience = 0
    relay.down = True
    end_the_others(postgres)
    with pytest.raises(DramagenError) as caught:
        add(database, "x")
    shown = [repr(database), repr(database.server), str(caught.value), caplog.text, database.server.place]
    assert password
    for text in shown:
        assert password not in text
        assert urlsplit(postgres).password not in text  # type: ignore[operator]  # it has one
    assert password not in Server(postgres).say(ValueError(f"so: {password}"))
