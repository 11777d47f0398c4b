"""A journal that cannot be written: nothing is sent before it could be, and no ticket is lost after."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from dramagen.adapters.base import Ticket
from dramagen.catalog.route import Route
from dramagen.engine.database import JournalUnavailable
from dramagen.engine.journal import Journal
from dramagen.engine.rescue import Rescue
from dramagen.engine.state import JobState
from dramagen.engine.watch import Watcher
from dramagen.errors import DramagenError, ProviderUnavailable

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]

Break = Callable[..., None]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Make writing these states fail, as a full disk does."""

    def fail(*states: JobState) -> None:
        original = Journal.move

        def move(self: Journal, job: Any, to: JobState, **known: Any) -> Any:
            if to in states:
                raise JournalUnavailable("database or disk is full")
            return original(self, job, to, **known)

        monkeypatch.setattr(Journal, "move", move)

    return fail


async def test_nothing_is_sent_that_could_not_be_written_down(
    stage: Any, full: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(JobState.SENDING)
    async with stage.studio() as studio:
        with pytest.raises(JournalUnavailable, match="full"):
            await studio.shoot(stage.shot)
        assert stage.creates == 0
        monkeypatch.undo()
        await studio.shoot(stage.shot)
        assert len(studio.jobs()) == 1
    assert stage.creates == 1


async def test_a_ticket_the_journal_cannot_take_is_kept_and_used(
    stage: Any, full: Break, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full(JobState.ACCEPTED)
    async with stage.studio() as studio:
        with pytest.raises(JournalUnavailable, match=r"cgt-fake-1.*tickets\.log, run again"):
            await studio.shoot(stage.shot)
    assert "cgt-fake-1" in caplog.text
    monkeypatch.undo()
    async with stage.studio() as studio:
        (result,) = await studio.resume()
        assert result.clip is not None
    assert stage.creates == stage.vendor.billed == 1
    assert not [r for r in stage.vendor.requests if r.url.path.endswith("/tasks") and r.method == "GET"]


async def test_where_nothing_can_be_written_the_vendors_id_is_shouted(
    stage: Any, full: Break, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full(JobState.ACCEPTED, JobState.UNKNOWN)
    monkeypatch.setattr(
        Rescue, "path", property(lambda self: Path("/proc/no/such/place"), lambda self, v: None)
    )
    async with stage.studio() as studio:
        with pytest.raises(JournalUnavailable, match=r"cgt-fake-1.*NOTE ITS ID"):
            await studio.shoot(stage.shot)
        monkeypatch.undo()
        critical = [r for r in caplog.records if r.levelno == logging.CRITICAL]
        assert "cgt-fake-1" in critical[0].getMessage()
        # The same process asks again: its create is unknown, and found.
        await studio.shoot(stage.shot)
    assert stage.creates == 1


async def test_an_outcome_that_cannot_be_written_is_unknown_later(
    stage: Any, full: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.make_vendor(["lose"])
    full(JobState.UNKNOWN)
    async with stage.studio() as studio:
        with pytest.raises(JournalUnavailable):
            await studio.shoot(stage.shot)
        assert [job.state for job in studio.jobs()] == ["sending"]
    monkeypatch.undo()
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
    assert stage.creates == stage.vendor.billed == 1


@pytest.mark.parametrize("state", [JobState.READY, JobState.DONE])
async def test_what_breaks_after_the_create_is_only_late(
    stage: Any, full: Break, state: JobState, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(state)
    async with stage.studio() as studio:
        with pytest.raises(JournalUnavailable):
            await studio.shoot(stage.shot)
    monkeypatch.undo()
    downloads = sum(r.url.host == "clips.fake.invalid" for r in stage.vendor.requests)
    async with stage.studio() as studio:
        clip = await studio.shoot(stage.shot)
        assert clip.cost.amount == stage.COST
    assert stage.creates == 1
    # A file whose receipt was written is not fetched again.
    again = sum(r.url.host == "clips.fake.invalid" for r in stage.vendor.requests)
    assert again == (downloads if state == JobState.DONE else 1)


async def test_a_deadline_is_no_verdict(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def watch(self: Watcher, ticket: Any, service: Any, since: float, ended: Any, *rest: Any) -> Any:
        ended(ProviderUnavailable("no verdict in time", billed=None))

    with monkeypatch.context() as patch:
        patch.setattr(Watcher, "watch", watch)
        async with stage.studio() as studio:
            with pytest.raises(ProviderUnavailable, match="no verdict"):
                await studio.shoot(stage.shot)
            assert [job.state for job in studio.jobs()] == ["accepted"]
            assert studio.ledger().reserved
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
    assert stage.creates == 1


async def test_an_accident_inside_a_flight_is_typed_and_leaves_the_others(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Journal.move
    broken: list[str] = []

    def move(self: Journal, job: Any, to: JobState, **known: Any) -> Any:
        if to == JobState.READY and job.take == 1 and not broken:
            broken.append(job.id)
            raise RuntimeError("a bug")
        return original(self, job, to, **known)

    monkeypatch.setattr(Journal, "move", move)
    async with stage.studio() as studio, anyio.create_task_group() as group:

        async def first() -> None:
            with pytest.raises(DramagenError, match="stays in the journal"):
                await studio.shoot(stage.shot)

        group.start_soon(first)
        await studio.shoot(stage.shot, take=2)
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
    assert stage.creates == 2


def test_the_file_of_kept_tickets_survives_what_a_killed_writer_left(tmp_path: Path) -> None:
    rescue = Rescue(tmp_path / "tickets.log")
    route = Route(provider="kling", region="cn", model="kling-3.0")
    assert rescue.find("j1") is None
    assert rescue.keep("j1", Ticket(id="v1", route=route, data={"protocol": "new"}))
    with rescue.path.open("ab") as file:
        file.write(b'{"job": "j2", "tick\xff')
    assert rescue.keep("j3", Ticket(id="v3", route=route))
    assert rescue.find("j1") == Ticket(id="v1", route=route, data={"protocol": "new"})
    assert rescue.find("j2") is None
    assert rescue.find("j3") == Ticket(id="v3", route=route)
    assert rescue.path.stat().st_mode & 0o777 == 0o600
    assert [
        json.loads(line)["job"]
        for line in rescue.path.read_text(errors="replace").split("\n")
        if '"v' in line
    ]
