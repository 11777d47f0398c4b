"""A shot as a workflow: filmed once, whoever dies."""

import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("temporalio", reason="pip install 'dramagen[temporal]'")

from dramagen import Budget, Shot, Studio
from dramagen.errors import BudgetExceeded, ConfigError
from dramagen.temporal import connect, start_shot
from dramagen.temporal.client import result

pytestmark = pytest.mark.anyio

SHOT = Shot("雨夜,街口", duration=5, resolution="480p", pin="seedance/seedance-1.0-pro-fast", id="s01")
PATIENCE = 1.5
"""Seconds after which a worker without a sign of life is dead."""


async def film(team: Any, shot: Shot = SHOT, **options: Any) -> Any:
    """The handle of a shot's workflow."""
    client = await connect(team.address)
    async with Studio(team.config) as studio:
        return await start_shot(client, studio, shot, queue=team.queue, dead_after=PATIENCE, **options)


async def test_a_shot_is_filmed_and_billed_once_however_often_it_is_asked_for(team: Any) -> None:
    async with team.working():
        one, other = await film(team), await film(team)
        assert one.id == other.id
        taken = await result(one)
        team.record("shot", await one.fetch_history())
        again = await result(await film(team))
    [row] = team.paid()
    assert Decimal(taken.cost["amount"]) == Decimal(row["amount"])
    assert (taken.cached, again.cached) == (False, True)
    assert (again.sha256, again.job_id) == (taken.sha256, taken.job_id)
    assert await anyio.Path(taken.clip).is_file()


@pytest.mark.matrix(few=0)  # the two workers' test kills one in every run
@pytest.mark.parametrize("moment", ["before the verdict", "before the create is answered"])
async def test_a_killed_workers_shot_moves_to_another_worker_and_is_paid_once(team: Any, moment: str) -> None:
    if moment == "before the verdict":
        team.vendor.faults(provider="seedance", on="poll", kind="status", status=500, times=1000)
    else:
        team.vendor.faults(provider="seedance", on="create", kind="slow", after_accept=True, seconds=10**6)
    first = team.worker()
    handle = await film(team)
    await team.until(team.paid)
    first.send_signal(signal.SIGKILL)
    await anyio.to_thread.run_sync(first.wait)
    asked = len(team.vendor.requests())
    team.worker()
    await team.until(lambda: len(team.vendor.requests()) > asked)
    team.vendor._control("DELETE", "faults")
    taken = await result(handle)
    [row] = team.paid()
    assert (row["state"], taken.cached) == ("succeeded", True)
    tries = [
        event.activity_task_started_event_attributes
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_started_event_attributes")
    ]
    assert tries[-1].attempt >= 2
    assert "eartbeat" in tries[-1].last_failure.message


async def test_a_worker_beside_another_journal_films_nothing(team: Any, tmp_path: Path) -> None:
    async with team.working(tmp_path / "elsewhere"):
        with pytest.raises(ConfigError, match="another journal"):
            await result(await film(team))
    assert team.paid() == []


async def test_a_verdict_is_not_asked_for_again_and_an_outage_is(team: Any) -> None:
    team.vendor.faults(provider="seedance", on="create", kind="status", status=429, times=2)
    async with team.working():
        taken = await result(await film(team))
        assert len(team.paid()) == 1
        with pytest.raises(BudgetExceeded):
            await result(await film(team, take=2, budgets=[Budget("0.10 CNY", "shot")]))
    assert len(team.paid()) == 1
    assert taken.route == "seedance:cn/seedance-1.0-pro-fast"


async def test_cancelling_detaches(team: Any) -> None:
    from temporalio.client import WorkflowFailureError

    team.vendor.faults(provider="seedance", on="poll", kind="status", status=500, times=5)
    async with team.working():
        handle = await film(team)
        await team.until(team.paid)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        studio = Studio(team.config)
        await team.until(lambda: [job for job in studio.jobs() if job.state == "done"])
    assert len(team.paid()) == 1
