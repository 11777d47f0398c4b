"""A person's word on a job, and what the vendor turns out to say: settling loses no clip and hides no cost."""

from typing import Any

import pytest

from dramagen.engine.database import JournalUnavailable
from dramagen.engine.journal import Journal
from dramagen.engine.state import JobState
from dramagen.errors import ConfigError

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
