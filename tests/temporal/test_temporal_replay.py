"""Histories that earlier versions wrote still replay: an episode that is being filmed outlives an upgrade.

``DRAMAGEN_RECORD=tests/temporal/histories pytest tests/temporal -k "history or asked_for"`` records them anew, under
the date of the day; the older ones stay for as long as episodes of that time may be running.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("temporalio", reason="pip install 'dramagen[temporal]'")

from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from dramagen.temporal.records import Taken, TakeOrder
from dramagen.temporal.workflows import FilmEpisode, FilmShot

pytestmark = pytest.mark.anyio

RECORDED = sorted((Path(__file__).parent / "histories").glob("*.json"))


def recorded(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(file.stem, file.read_text("utf-8"))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    await Replayer(workflows=[FilmShot, FilmEpisode]).replay_workflow(recorded(file))


def test_shots_episodes_words_and_continuations_are_recorded() -> None:
    said = [file.read_text("utf-8") for file in RECORDED]
    kinds = {event["eventType"] for text in said for event in json.loads(text)["events"]}
    assert {
        "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED",
        "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
        "EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED",
        "EVENT_TYPE_ACTIVITY_TASK_COMPLETED",
        "EVENT_TYPE_MARKER_RECORDED",
    } <= kinds
    assert any('"FilmShot"' in text for text in said)
    assert any('"FilmEpisode"' in text for text in said)


@workflow.defn(name="FilmShot")
class Changed:
    """A change that would break what is running: another activity comes first."""

    @workflow.run
    async def run(self, order: TakeOrder) -> Taken:
        """As before, but for the first step."""
        await workflow.execute_activity("review", order, start_to_close_timeout=timedelta(minutes=1))
        taken: Taken = await workflow.execute_activity(
            "film", order, result_type=Taken, start_to_close_timeout=timedelta(days=2)
        )
        return taken


async def test_a_change_that_breaks_what_is_running_is_noticed() -> None:
    shot = next(file for file in RECORDED if file.stem.startswith("shot"))
    replayer: Any = Replayer(workflows=[Changed], workflow_runner=UnsandboxedWorkflowRunner())
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(recorded(shot))
