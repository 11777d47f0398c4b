"""Picking up what an earlier process left: what can be lost first, within bounds, each apart from the others."""

import json
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from dramagen import Shot
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal
from dramagen.engine.state import JobState
from dramagen.errors import ConfigError, DramagenError
from dramagen.studio import resuming

pytestmark = pytest.mark.anyio


async def _leave(stage: Any, monkeypatch: pytest.MonkeyPatch, state: JobState, shots: Sequence[Shot]) -> None:
    """Have a process die with these shots in that state."""
    original = Journal.move

    def move(self: Journal, job: Job, to: JobState, **known: Any) -> Any:
        if job.state == state:
            raise RuntimeError("dead")
        return original(self, job, to, **known)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "move", move)
        # Jobs that die here keep their places at the vendor: there must be one for each.
        async with stage.studio(limits={"seedance": 10}) as studio:
            async for event in studio.shoot_all(shots, episode="e"):
                assert event.error is not None
    assert {job.state for job in stage.studio().jobs()} == {state}


def _shots(stage: Any, n: int) -> list[Shot]:
    return [stage.shot.model_copy(update={"prompt": f"雨夜 {i}", "id": f"s{i}"}) for i in range(n)]


def _change(stage: Any, statement: str, *values: Any) -> None:
    with sqlite3.connect(stage.home / "journal.sqlite") as plain:
        assert plain.execute(statement, values).rowcount == 1
    plain.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE jobs SET quote = '{' WHERE shot_id = 's1'",
        "UPDATE jobs SET shot = '{\"prompt\": 3, \"duration\": []}' WHERE shot_id = 's1'",
        "UPDATE jobs SET route = 'gone:cn/gone-1.0' WHERE shot_id = 's1'",
    ],
)
async def test_one_bad_job_keeps_no_other_from_being_picked_up(
    stage: Any, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    await _leave(stage, monkeypatch, JobState.ACCEPTED, _shots(stage, 3))
    _change(stage, damage)
    async with stage.studio() as studio:
        results = await studio.resume()
    by_name = {result.shot.id: result for result in results}
    assert set(by_name) == {"s0", "s1", "s2"}
    assert by_name["s0"].clip is not None
    assert by_name["s2"].clip is not None
    bad = by_name["s1"]
    assert bad.clip is not None or isinstance(bad.error, DramagenError)
    assert bad.clip is not None if "prompt" in damage else bad.clip is None  # its words are not its worth
    assert stage.creates == stage.vendor.billed == 3


async def test_words_that_would_be_refused_today_are_read_as_they_were_filmed(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _leave(stage, monkeypatch, JobState.ACCEPTED, _shots(stage, 1))
    reference = {"name": "林夏", "images": [{"sha256": "0" * 64}], "kind": "character"}
    record = {"prompt": "@角色A 与 @林夏 走进来", "references": [reference], "id": "s0"}
    _change(stage, "UPDATE jobs SET shot = ?", json.dumps(record))
    async with stage.studio() as studio:
        (result,) = await studio.resume()
    assert result.clip is not None
    assert result.clip.shot.prompt == record["prompt"]
    assert stage.creates == 1


async def test_files_that_die_soonest_are_fetched_first_and_before_what_is_only_asked_about(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _leave(stage, monkeypatch, JobState.READY, _shots(stage, 4))
    for shot, updated in (("s0", 400.0), ("s1", 100.0), ("s2", 300.0)):
        _change(stage, "UPDATE jobs SET updated = ? WHERE shot_id = ?", updated, shot)
    _change(stage, "UPDATE jobs SET state = 'accepted', cost = NULL WHERE shot_id = 's3'")
    monkeypatch.setattr(resuming, "AT_ONCE", dict.fromkeys(resuming.AT_ONCE, 1))
    looked_up: list[str] = []
    original = Journal.get

    def get(self: Journal, job_id: str) -> Job | None:
        job = original(self, job_id)
        assert job is not None
        if job.shot_id not in looked_up:
            looked_up.append(str(job.shot_id))
        return job

    monkeypatch.setattr(Journal, "get", get)
    async with stage.studio() as studio:
        results = await studio.resume()
    assert [name for name in looked_up if name != "s3"] == ["s1", "s2", "s0"]
    assert all(result.clip is not None for result in results)
    assert len(results) == 4
    assert stage.creates == 4


async def test_lines_are_of_one_state_and_one_region_the_urgent_ones_first(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _leave(stage, monkeypatch, JobState.ACCEPTED, _shots(stage, 4))
    _change(stage, "UPDATE jobs SET state = 'unknown', ticket = NULL WHERE shot_id = 's0'")
    _change(stage, "UPDATE jobs SET state = 'ready' WHERE shot_id = 's1'")
    _change(stage, "UPDATE jobs SET route = 'hailuo:cn/hailuo-2.3' WHERE shot_id = 's2'")
    async with stage.studio() as studio:
        engine = studio._running().engine
        lines = resuming._lines(await resuming._left(engine), engine)
        assert [[entry.shot_id for entry in line] for line in lines] == [["s1"], ["s2"], ["s3"], ["s0"]]


async def test_no_more_than_so_many_are_driven_at_a_time() -> None:
    running, most, order = 0, 0, []

    async def one(entry: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        order.append(entry)
        await anyio.lowlevel.checkpoint()
        running -= 1

    entries: Any = list(range(50))
    await resuming._side_by_side(entries, 7, one)
    assert sorted(order) == entries
    assert most == 7


async def test_a_job_whose_key_was_changed_waits_for_it_and_the_others_do_not(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _leave(stage, monkeypatch, JobState.ACCEPTED, _shots(stage, 2))
    _change(stage, "UPDATE jobs SET credential = 'of another key' WHERE shot_id = 's0'")
    async with stage.studio() as studio:
        results = {result.shot.id: result for result in await studio.resume()}
        assert "another key" in str(results["s0"].error)
        assert results["s1"].clip is not None
        (kept,) = studio.jobs(open_only=True)
        assert (kept.shot_id, kept.state) == ("s0", "accepted")


# --- a person's word -----------------------------------------------------------------------------------------------


async def test_a_person_states_what_the_bill_has(stage: Any) -> None:
    studio = stage.studio()
    async with studio:
        await studio.shoot(stage.shot)
    _change(stage, "UPDATE jobs SET state = 'unknown', ticket = NULL, cost = NULL, cost_source = NULL")
    (job,) = studio.jobs()
    for wrong in ("-1 CNY", "1 XXX"):
        with pytest.raises(ConfigError):
            studio.settle(job.id, paid=True, amount=wrong)
    with pytest.raises(ConfigError, match="no amount"):
        studio.settle(job.id, paid=False, amount="1 CNY")
    settled = studio.settle(job.id, paid=True, amount="0.05 CNY")
    assert (settled.state, settled.cost_source) == ("paid", "settled by a person")
    assert settled.cost is not None
    assert settled.cost.amount == Decimal("0.05")
    with pytest.raises(ConfigError, match="is known"):
        studio.settle(job.id, paid=True)
    again = studio.settle(job.id, paid=True, amount="0.06 CNY")
    assert again.cost is not None
    assert again.cost.amount == Decimal("0.06")
    assert again.state == "paid"
    line = studio.timeline(job.id)[-1]
    assert (line["kind"], line["money"]["amount"], line["before"]["amount"]) == ("settled", "0.06", "0.05")


async def test_an_assumed_cost_is_a_persons_to_settle(stage: Any) -> None:
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
    _change(stage, "UPDATE jobs SET state = 'lost', cost_source = 'assumed'")
    (job,) = studio.jobs()
    settled = studio.settle(job.id, paid=False)
    assert settled.cost is not None
    assert (settled.state, settled.cost.amount, settled.cost_source) == ("lost", 0, "settled by a person")
    assert studio.ledger().wasted[0].amount == 0
    with pytest.raises(ConfigError, match="is known"):
        studio.settle(job.id, paid=False)


@pytest.mark.parametrize("state", ["accepted", "ready", "intended"])
async def test_what_is_not_over_is_nobodys_to_settle(stage: Any, state: str) -> None:
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
    _change(stage, "UPDATE jobs SET state = ?", state)
    (job,) = studio.jobs()
    with pytest.raises(ConfigError, match="not waiting"):
        studio.settle(job.id, paid=True, amount="1 CNY")


async def test_a_job_that_was_never_made_and_is_on_the_bill_counts(stage: Any) -> None:
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
        _change(stage, "UPDATE jobs SET state = 'refused', cost = NULL, cost_currency = NULL")
        assert studio.ledger().spent == ()
        (job,) = studio.jobs()
        studio.settle(job.id, paid=True, amount="3 CNY")
        assert [str(money) for money in studio.ledger().wasted] == ["3.00 CNY"]
        with pytest.raises(DramagenError, match="budget"):
            await studio.shoot(stage.shot, take=2, budget=_day("3.01 CNY"))


def _day(limit: str) -> Any:
    from dramagen import Budget, Money

    return Budget(Money(limit), per="day")
