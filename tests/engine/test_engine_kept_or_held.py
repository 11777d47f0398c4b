"""A person's word on a job, and what the vendor turns out to say: settling loses no clip and hides no cost."""

import sqlite3
from typing import Any

import pytest

from dramagen import Budget, Money
from dramagen.catalog import price
from dramagen.engine.database import JournalUnavailable
from dramagen.engine.journal import Journal
from dramagen.engine.state import JobState
from dramagen.errors import BudgetExceeded, ConfigError, DramagenError

pytestmark = pytest.mark.anyio


@pytest.fixture
def without_a_line(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A journal that cannot be written once the vendor has accepted; ``undo()`` ends that."""
    original = Journal.move

    def move(self: Journal, job: Any, to: JobState, **known: Any) -> Any:
        if to == JobState.ACCEPTED:
            raise JournalUnavailable("database or disk is full")
        return original(self, job, to, **known)

    monkeypatch.setattr(Journal, "move", move)
    return monkeypatch


@pytest.mark.parametrize("paid", [True, False])
async def test_a_job_whose_ticket_was_kept_beside_the_journal_is_not_lost(
    stage: Any, without_a_line: pytest.MonkeyPatch, paid: bool
) -> None:
    async with stage.studio() as studio:
        with pytest.raises(JournalUnavailable):
            await studio.shoot(stage.shot)
        without_a_line.undo()
        (job,) = studio.jobs()
        # As a process that takes it over sees it.
        studio._running().engine.journal.move(job, JobState.UNKNOWN)
        with pytest.raises(ConfigError, match=r"accepted it as cgt-fake-1.*jobs resume"):
            studio.settle(job.id, paid=paid)
    async with stage.studio() as studio:
        (result,) = await studio.resume()
        assert result.clip is not None
    assert stage.vendor.billed == 1


async def test_a_cap_that_a_dead_process_holds_money_of_says_how_to_free_it(stage: Any) -> None:
    cap = Budget(Money("0.1 CNY"), per="episode")
    async with stage.studio() as studio:
        await studio.shoot(stage.shot, episode="e")
        with pytest.raises(BudgetExceeded) as full:
            await studio.shoot(stage.shot, take=2, episode="e", budget=cap)
        assert "held" not in str(full.value)
    with sqlite3.connect(stage.home / "journal.sqlite") as plain:
        plain.execute("UPDATE jobs SET state = 'intended', owner = 'dead', cost = NULL, cost_currency = NULL")
    plain.close()
    async with stage.studio() as studio:
        with pytest.raises(BudgetExceeded, match=r"0\.08 CNY is held .*'dramagen jobs resume'"):
            await studio.shoot(stage.shot, take=2, episode="e", budget=cap)
        await studio.resume()
        await studio.shoot(stage.shot, take=2, episode="e", budget=cap)
    assert stage.creates == 2


async def test_a_job_whose_price_is_stated_no_more_comes_home_all_the_same(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Journal.move

    def move(self: Journal, job: Any, to: JobState, **known: Any) -> Any:
        if job.state == JobState.ACCEPTED:
            raise RuntimeError("dead")
        return original(self, job, to, **known)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "move", move)
        async with stage.studio() as studio:
            with pytest.raises(DramagenError, match="dead"):
                await studio.shoot(stage.shot)
    # As where the price was a setting of the script that ordered it, and a shell resumes it.
    monkeypatch.setattr(price, "row_for", lambda card, order: None)
    async with stage.studio() as studio:
        (result,) = await studio.resume()
        assert result.clip is not None
        (job,) = studio.jobs()
        assert (job.state, job.cost, job.cost_source) == ("done", job.reserved, "assumed")
        assert studio.settle(job.id, paid=True, amount="0.08 CNY").cost == Money("0.08 CNY")
    assert stage.creates == 1
