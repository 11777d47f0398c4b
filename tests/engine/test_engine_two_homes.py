"""Two machines, two homes, one journal: a take is bought once, whoever asks for it and whoever dies."""

import os
import platform
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from dramagen import Config, Image, Studio
from dramagen.adapters.base import Unsure
from dramagen.emulator import running
from dramagen.engine import ownership
from dramagen.engine.database import JournalUnavailable
from dramagen.engine.journal import JobMoved, Journal
from dramagen.engine.state import JobState
from dramagen.errors import DramagenError, JobExpired, OutcomeUnknown

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "ELSEWHERE", 0.01)


class Machines:
    """Studios in homes of their own, on one journal and one vendor."""

    def __init__(self, stage: Any, url: str) -> None:
        self.stage, self.url = stage, url

    def studio(self, name: str, key: str | None = None) -> Studio:
        config = Config(
            home=self.stage.home / name, database=self.url, keys={"seedance": key or self.stage.KEY}
        )
        return Studio(config, clock=self.stage.clock, transports={"https": self.stage.vendor})


@pytest.fixture
def machines(stage: Any, postgres: str) -> Machines:
    return Machines(stage, postgres)


async def test_two_machines_ask_for_one_take_at_once(stage: Any, machines: Machines) -> None:
    clips = []
    async with (
        machines.studio("one") as one,
        machines.studio("two") as two,
        anyio.create_task_group() as group,
    ):

        async def shoot(studio: Studio) -> None:
            clips.append(await studio.shoot(stage.shot))

        for studio in (one, two, one, two):
            group.start_soon(shoot, studio)
    assert stage.creates == 1
    assert sorted(clip.cached for clip in clips) == [False, True, True, True]
    assert len({clip.path for clip in clips}) == 2
    assert len({clip.sha256 for clip in clips}) == 1
    assert all(clip.path.is_file() for clip in clips)


async def test_what_is_done_elsewhere_is_fetched_again_and_not_paid_again(
    stage: Any, machines: Machines
) -> None:
    async with machines.studio("one") as one:
        first = await one.shoot(stage.shot)
        (stored,) = [line for line in one.timeline(first.job_id) if line["kind"] == "done"]
    assert stored["home"] == str(stage.home / "one")
    async with machines.studio("two") as two:
        for _ in range(2):
            again = await two.shoot(stage.shot)
            assert again.cached
            assert again.path.is_relative_to(stage.home / "two")
            assert (again.sha256, again.cost) == (first.sha256, first.cost)
        assert two.ledger() == machines.studio("one").ledger()
    assert stage.creates == stage.vendor.billed == 1


async def test_a_ticket_that_only_the_senders_home_knows_is_asked_for_by_where_that_is(
    stage: Any, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database went away while the vendor answered."""
    original = Journal.move

    def move(self: Journal, job: Any, to: JobState, **known: Any) -> Any:
        if to in (JobState.ACCEPTED, JobState.REFUSED):
            raise JournalUnavailable("the database is away")
        return original(self, job, to, **known)

    def find(self: Any, order: Any, attempt: Any) -> Any:
        yield from ()
        return Unsure("the list cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "move", move)
        async with machines.studio("one") as one:
            with pytest.raises(JournalUnavailable, match=r"tickets\.log"):
                await one.shoot(stage.shot)
    monkeypatch.setattr("dramagen.adapters.seedance.SeedanceAdapter.find", find)
    async with machines.studio("two") as two:
        with pytest.raises(OutcomeUnknown) as caught:
            await two.shoot(stage.shot)
        assert f"sent from {platform.node()}:{stage.home / 'one'}: if tickets.log there" in str(caught.value)
        (stage.home / "two" / "tickets.log").write_bytes((stage.home / "one" / "tickets.log").read_bytes())
        (result,) = await two.resume()
        assert result.clip is not None
    assert stage.creates == stage.vendor.billed == 1


@pytest.mark.parametrize(
    ("why", "said"), [("gone", "no longer has it"), ("key", "another key"), ("file", "another file")]
)
async def test_what_cannot_be_fetched_again_says_where_it_is(
    stage: Any, machines: Machines, why: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with machines.studio("one") as one:
        await one.shoot(stage.shot)
    if why == "file":
        stage.vendor._clip += bytes(8)
    async with machines.studio("two", key="ark-another-key-0000" if why == "key" else None) as two:
        if why == "gone":

            async def gone(*args: object) -> None:
                raise JobExpired("the vendor no longer has it")

            monkeypatch.setattr(type(two._running().engine.collector), "collect", gone)
        with pytest.raises(JobExpired, match=f"stored in {stage.home / 'one'} on ") as caught:
            await two.shoot(stage.shot)
        assert caught.value.to_json()["billed"] is True
        assert said in str(caught.value)
    assert stage.creates == 1


async def test_an_order_whose_pictures_stayed_elsewhere_is_made_anew(
    stage: Any, machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process died before it sent anything."""
    pillow = pytest.importorskip("PIL.Image")
    pillow.new("RGB", (480, 864), "navy").save(tmp_path / "frame.png")
    shot = stage.shot.model_copy(update={"first_frame": Image.from_path(tmp_path / "frame.png")})

    def die(self: Journal, job: Any, to: JobState, **known: Any) -> Any:
        raise JobMoved(job.id, to) if to == JobState.REFUSED else RuntimeError("dead")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "move", die)
        async with machines.studio("one") as one:
            with pytest.raises(DramagenError):
                await one.shoot(shot)
    async with machines.studio("two") as two:
        assert [job.state for job in two.jobs()] == ["intended"]
        clip = await two.shoot(shot)
        assert not clip.cached
        assert sorted(job.state for job in two.jobs()) == ["done", "refused"]
        assert not two.ledger().reserved
    assert stage.creates == 1


# --- processes -------------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from pathlib import Path
import anyio
import anyio.to_thread
from dramagen import Config, Shot, Studio
from dramagen.engine import leases

leases.LENGTH = float(sys.argv[2])
SHOTS = [
    Shot(f"雨夜 {n}", duration=5, resolution="480p", pin="seedance/seedance-1.0-pro-fast") for n in range(2)
]

async def main():
    told = lambda event: print(event.kind, flush=True)
    async with Studio(Config(home=Path(sys.argv[1]), time_scale=60), on_event=told) as studio:
        print("open", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        done = 0
        async for event in studio.shoot_all(SHOTS, episode="e"):
            done += event.error is None
            if event.error is not None:
                print(event.error, flush=True)
        print("filmed", done, flush=True)

anyio.run(main)
"""
SHOTS = 2


def start(home: Path, url: str, database: str, lease: float = 60.0) -> "subprocess.Popen[str]":
    """A machine that waits for a line before it films; it is taken for dead after ``lease`` seconds of silence."""
    environment = {**os.environ, "DRAMAGEN_EMULATOR": url, "DRAMAGEN_DATABASE": database}
    command = [sys.executable, "-c", PROGRAM, str(home), str(lease)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
    )


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def until(process: "subprocess.Popen[str]", word: str, times: int = 1) -> None:
    assert process.stdout is not None
    said: list[str] = []
    while times:
        line = process.stdout.readline()
        assert line, "".join(said)
        said.append(line)
        times -= line == f"{word}\n"


def test_two_processes_film_the_same_shots_and_each_is_billed_once(tmp_path: Path, postgres: str) -> None:
    with running(speed=60) as emulator:
        processes = [start(tmp_path / name, emulator.url, postgres) for name in ("one", "two")]
        for process in processes:
            until(process, "open")
        for process in processes:
            go(process)
        said = [process.communicate(timeout=120)[0] for process in processes]
        rows = emulator.bill()
    assert all(f"filmed {SHOTS}\n" in words for words in said), said
    assert len(rows) == SHOTS
    billed = sum(Decimal(row["amount"]) for row in rows)
    ledger = Studio(Config(home=tmp_path / "three", database=postgres)).ledger("e")
    assert [money.amount for money in ledger.spent] == [billed]
    assert not ledger.reserved
    assert not ledger.wasted


def test_a_killed_machines_jobs_are_finished_by_the_other(tmp_path: Path, postgres: str) -> None:
    with running(speed=30) as emulator:
        # Neither job ends before its machine is killed, however late that is.
        emulator.faults(provider="seedance", on="poll", kind="status", status=503, times=10**6)
        one, two = (start(tmp_path / name, emulator.url, postgres, lease=2.0) for name in ("one", "two"))
        until(two, "open")
        go(one)
        until(one, "submitted", SHOTS)
        one.send_signal(signal.SIGKILL)
        one.communicate()
        emulator._control("DELETE", "faults")
        said = two.communicate("\n", timeout=120)[0]
        rows = emulator.bill()
    assert f"filmed {SHOTS}\n" in said
    assert len(rows) == SHOTS
    with_journal = Studio(Config(home=tmp_path / "three", database=postgres))
    assert [job.state for job in with_journal.jobs()] == ["done"] * SHOTS
    taken = [job for job in with_journal.jobs() if job.epoch]
    assert taken
    for job in taken:
        assert "taken_over" in [line["kind"] for line in with_journal.timeline(job.id)]
    ledger = with_journal.ledger("e")
    assert [money.amount for money in ledger.spent] == [sum(Decimal(row["amount"]) for row in rows)]
