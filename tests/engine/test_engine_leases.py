"""Owners between machines: alive by their lease, dead without it, and harmless when they come late."""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dramagen.engine.database import JournalUnavailable
from dramagen.engine.leases import LeaseOwner
from dramagen.engine.owner import HomeOwner, LeaseLost, Pledge
from dramagen.engine.postgres import Postgres
from dramagen.engine.schema import MIGRATIONS
from dramagen.errors import ConfigError

Owners = Callable[..., LeaseOwner]


@pytest.fixture
def owners(postgres: str, tmp_path: Path) -> Iterator[Owners]:
    """Makes owners in homes of their own (or the one named), released at the end."""
    made: list[LeaseOwner] = []

    def make(home: str | None = None, length: float = 60.0) -> LeaseOwner:
        made.append(LeaseOwner(postgres, tmp_path / (home or f"home{len(made)}"), length))
        return made[-1]

    yield make
    for owner in made:
        if not owner._over.is_set():
            owner.release()


@pytest.fixture
def database(postgres: str) -> Iterator[Postgres]:
    opened = Postgres(postgres, MIGRATIONS)
    yield opened
    opened.close()


def cut_off(owner: LeaseOwner, database: Postgres) -> None:
    """As if its process had stood still until the lease ran out."""
    owner._over.set()
    owner._thread.join()
    owner._over.clear()
    with database.transaction() as tx:
        tx.execute("UPDATE owners SET expires = 0 WHERE id = ?", (owner.id,))


def test_an_owner_lives_until_it_lets_go(owners: Owners, database: Postgres) -> None:
    one, two = owners(), owners()
    assert one.alive(one.id)
    assert one.alive(two.id)
    assert two.alive(one.id)
    assert not one.alive("nobody")
    with database.transaction() as tx:
        assert not two.gone(tx, one.id)
        assert not one.gone(tx, one.id)
    one.release()
    assert not two.alive(one.id)
    with database.transaction() as tx:
        assert two.gone(tx, one.id)


def ends(database: Postgres, owner: LeaseOwner) -> float:
    """When a lease runs out, by the database's clock."""
    with database.reading() as tx:
        ((row),) = tx.rows("SELECT expires FROM owners WHERE id = ?", (owner.id,))
    return float(row["expires"])


def wait_until(true: Callable[[], bool]) -> None:
    """For what a thread does in its own time; a busy machine may give it none for a while."""
    give_up = time.monotonic() + 60
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_lease_is_renewed_for_as_long_as_the_process_lives(owners: Owners, database: Postgres) -> None:
    one, two = owners(length=0.4), owners()
    first = ends(database, one)
    # Nobody but the thread of its own does anything for it.
    wait_until(lambda: ends(database, one) > first + 2 * 0.4)
    wait_until(lambda: two.alive(one.id))


def test_a_killed_owner_is_dead_when_its_lease_is_over(
    postgres: str, owners: Owners, database: Postgres, tmp_path: Path
) -> None:
    me, neighbour = owners(), owners(home="its")
    process = _other_process(postgres, tmp_path / "its", length=3600.0)
    assert process.stdout is not None
    other = process.stdout.readline().strip()
    assert me.alive(other)
    assert neighbour.alive(other)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    # Its own machine sees the lock it left behind, and need not wait.
    assert not neighbour.alive(other)
    assert me.alive(other)
    with database.transaction() as tx:  # an hour later
        tx.execute("UPDATE owners SET expires = expires - 3600 WHERE id = ?", (other,))
    assert not me.alive(other)


def _other_process(postgres: str, home: Path, length: float) -> "subprocess.Popen[str]":
    program = """
import os, pathlib, sys
from dramagen.engine.leases import LeaseOwner
owner = LeaseOwner(sys.stdin.readline().strip(), pathlib.Path(sys.argv[1]), float(sys.argv[2]))
print(owner.id, flush=True)
sys.stdin.read()
"""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program, str(home), str(length)]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    assert process.stdin is not None
    process.stdin.write(f"{postgres}\n")
    process.stdin.flush()
    return process


def test_a_lock_of_another_machine_says_nothing(
    owners: Owners, monkeypatch: pytest.MonkeyPatch, database: Postgres
) -> None:
    """A home on a network disk: there the lock may look free to everybody else."""
    one, two = owners(home="shared"), owners(home="shared")
    monkeypatch.setattr(HomeOwner, "freed", lambda self, owner: True)
    assert not two.alive(one.id)
    with database.transaction() as tx:
        tx.execute("UPDATE owners SET host = 'elsewhere' WHERE id = ?", (one.id,))
    assert two.alive(one.id)


def test_an_owner_that_was_cut_off_comes_back_and_says_so(
    owners: Owners, database: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = owners(), owners()
    cut_off(one, database)
    assert not two.alive(one.id)
    with caplog.at_level(logging.WARNING):
        one._renew()
    assert "out of touch" in caplog.text
    assert two.alive(one.id)
    with database.transaction() as tx:
        assert not two.gone(tx, one.id)  # looked at again before anything is taken
        assert tx.rows("SELECT epoch FROM owners WHERE id = ?", (one.id,)) == [{"epoch": 2}]


def test_an_epoch_never_comes_again(owners: Owners, database: Postgres) -> None:
    one, two = owners(), owners()
    cut_off(one, database)
    with database.transaction() as tx:
        assert two.gone(tx, one.id)  # swept away
    one._renew()
    with database.reading() as tx:
        assert tx.rows("SELECT epoch FROM owners WHERE id = ?", (one.id,)) == [{"epoch": 2}]


def test_a_create_is_announced_with_a_whole_lease(owners: Owners, database: Postgres) -> None:
    one, two = owners(), owners()
    cut_off(one, database)
    with database.transaction() as tx:
        pledge = one.pledge(tx)
    pledge()
    assert two.alive(one.id)


def test_a_process_that_stood_still_before_a_create_does_not_send_it(
    owners: Owners, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either clock may be the one that stood while the machine slept."""
    one = owners(length=60)
    for clock in ("time", "monotonic"):
        with database.transaction() as tx:
            pledge = one.pledge(tx)
        pledge()
        with monkeypatch.context() as patch:
            real = getattr(time, clock)
            patch.setattr(time, clock, lambda real=real: real() + 46)
            with pytest.raises(LeaseLost, match="Nothing was sent"):
                pledge()


def test_an_outage_of_the_database_is_no_death(owners: Owners, postgres: str) -> None:
    one, two = owners(), owners()
    two._database._patience = 0
    with psycopg.connect(postgres, autocommit=True) as plain:
        plain.execute("ALTER SCHEMA dramagen RENAME TO away")
        with pytest.raises(JournalUnavailable):
            two.alive(one.id)
        plain.execute("ALTER SCHEMA away RENAME TO dramagen")
    assert two.alive(one.id)


class Turns(threading.Event):
    """So many turns of the thread that renews, without the pauses between them."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left
        self.pauses: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        self.left -= 1
        return self.left < 0


def test_the_thread_renews_again_after_an_outage(
    owners: Owners, postgres: str, database: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = owners(), owners()
    one._over.set()
    one._thread.join()
    one._over = turns = Turns(3)
    first = ends(database, one)
    with psycopg.connect(postgres, autocommit=True) as plain:
        plain.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'dramagen'"
        )
    one._keep()
    # A quarter of a lease, then a second after the failure, then again a quarter.
    assert turns.pauses == [15, 1, 15, 15]
    assert caplog.text.count("could not be renewed") == 1
    assert ends(database, one) > first
    assert two.alive(one.id)


def test_a_server_that_is_not_there_is_a_calm_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot open the journal"):
        LeaseOwner("postgresql://x@127.0.0.1:1/y", tmp_path)


# --- in the engine ---------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_lost_lease_sends_nothing_and_the_create_is_sent_once_it_is_back(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def pledge(self: HomeOwner, tx: object) -> Pledge:
        def last() -> None:
            asked.append(stage.creates)
            if len(asked) == 1:
                raise LeaseLost("stood still", refused=True)

        return last

    monkeypatch.setattr(HomeOwner, "pledge", pledge)
    async with stage.studio() as studio:
        clip = await studio.shoot(stage.shot)
        told = [line["kind"] for line in studio.timeline(clip.job_id)]
    assert asked == [0, 0]
    assert stage.creates == 1
    assert told[:5] == ["reserved", "sending", "intended", "sending", "accepted"]
