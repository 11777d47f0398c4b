"""The workflows: durable, and the same whenever they are replayed. What they decide is in :mod:`.board`.

This module is loaded inside Temporal's sandbox: it must import nothing that reads the environment or the network.
"""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from temporalio.workflow import ActivityCancellationType

from dramagen.temporal.board import Board
from dramagen.temporal.records import JSON, CutOrder, EpisodeOrder, Taken, TakeOrder, Word

LONGEST = timedelta(days=2)
"""Of one try at a take. A new try asks the journal and goes on where the last one was."""
PATIENTLY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
"""Whatever may pass is waited for; the activity says which errors will not."""
ONCE = "said-once"
"""Since 2026-11-23 a word that is sent twice films nothing twice. Runs from before replay as they went."""
REMARKS = 20
"""The newest words that meant nothing, kept for whoever wonders why."""


async def _film(order: TakeOrder) -> Taken:
    taken: Taken = await workflow.execute_activity(
        "film",
        order,
        result_type=Taken,
        start_to_close_timeout=LONGEST,
        heartbeat_timeout=timedelta(seconds=order.dead_after),
        retry_policy=PATIENTLY,
        cancellation_type=ActivityCancellationType.TRY_CANCEL,
    )
    return taken


@workflow.defn(name="FilmShot")
class FilmShot:
    """Films one take. Cancelling it detaches: a job that was sent goes on, and the journal keeps it."""

    @workflow.run
    async def run(self, order: TakeOrder) -> Taken:
        """The take, or the typed error of filming it."""
        return await _film(order)


@workflow.defn(name="FilmEpisode")
class FilmEpisode:
    """Films an episode, waits for people's picks for as long as they take, and cuts it together."""

    @workflow.init
    def __init__(self, order: EpisodeOrder) -> None:
        self._order = order
        self._board = Board(order)
        self._under_way: list[asyncio.Task[None]] = []
        self._remarks: list[str] = []
        self._cutting = False
        self._cut_problem: JSON | None = None

    @workflow.run
    async def run(self, order: EpisodeOrder) -> JSON:
        """What ``manifest.json`` says of the cut, the ``folder`` it is in and the ``host`` of that."""
        try:
            while True:
                seen = self._board.changes
                self._tidy()
                if self._over():
                    cut = await self._cut()
                    if cut is not None and seen == self._board.changes:
                        return cut | {"takes": self._board.to_json()}
                else:
                    self._start()
                    if self._too_long() and not self._under_way:
                        workflow.continue_as_new(self._from_here())
                await workflow.wait_condition(lambda seen=seen: self._moved(seen))  # type: ignore[misc]  # mypy does not infer a default
        finally:
            for task in self._under_way:
                task.cancel()

    # --- signals and the query -----------------------------------------------------------------------------

    # Whatever is sent arrives: what has no such arguments, or others, would else stop the workflow for good, or be
    # dropped without a word. ``more``, and types that say nothing, are for that.

    @workflow.signal
    def pick(self, shot: Any = None, take: Any = None, *more: Any) -> None:
        """This take it is: the id of a shot, and a number."""
        self._remark(_senseless("pick", shot, take, *more) or self._board.pick(shot, take))

    @workflow.signal
    def reject(self, shot: Any = None, take: Any = None, reason: Any = "", *more: Any) -> None:
        """Not this one, and why; another is filmed."""
        self._remark(
            _senseless("reject", shot, take, *more, reason=reason)
            or self._board.reject(shot, take, reason, once=workflow.patched(ONCE))
        )

    @workflow.signal
    def retake(self, shot: Any = None, after: Any = None, *more: Any) -> None:
        """Film what failed again, or one more take than ``after``: sent twice with the same number, it is one wish.

        Without a number nothing more is filmed while a take of the shot is under way.
        """
        self._remark(
            _senseless("retake", shot, 1 if after is None else after, *more)
            or self._board.retake(shot, after, once=workflow.patched(ONCE))
        )

    @workflow.query
    def state(self) -> JSON:
        """Everything a person needs to pick: the phase, every shot and take, and words that meant nothing."""
        told: JSON = {
            "episode": self._order.title,
            "phase": self._phase(),
            "wait": self._order.wait,
            "shots": self._board.to_json(),
        }
        if self._remarks:
            told["ignored"] = self._remarks
        if self._cut_problem is not None:
            told["cut_problem"] = self._cut_problem
        return told

    def _phase(self) -> str:
        if self._cutting:
            return "cutting"
        return "filming" if self._under_way or self._board.due() else "waiting"

    def _remark(self, problem: str | None) -> None:
        if problem is not None:
            self._remarks = [*self._remarks, problem][-REMARKS:]

    # --- filming -------------------------------------------------------------------------------------------

    def _over(self) -> bool:
        """Nothing is left to film, and nobody is left to ask."""
        if self._under_way or self._board.words or self._board.due():
            return False
        return self._board.complete() or not self._order.wait

    def _moved(self, seen: int) -> bool:
        finished = any(task.done() for task in self._under_way)
        return finished or bool(self._board.words) or self._board.changes != seen

    def _start(self) -> None:
        words, self._board.words = self._board.words, []
        self._under_way += [asyncio.create_task(self._teach(word)) for word in words]
        while len(self._under_way) < self._order.at_once and not self._too_long():
            due = self._board.due()
            if due is None:
                return
            self._board.began(*due)
            self._under_way.append(asyncio.create_task(self._take(*due)))

    def _tidy(self) -> None:
        for task in self._under_way:
            if task.done():
                task.result()  # an accident of our own stops the workflow until it is put right
        self._under_way = [task for task in self._under_way if not task.done()]

    async def _take(self, shot_id: str, take: int) -> None:
        order = TakeOrder(
            shot=self._board.shot(shot_id, take),
            journal=self._order.journal,
            take=take,
            episode=self._order.title,
            budgets=self._order.budgets,
            folder=self._order.folder,
            wants_frame=self._board.followed(shot_id),
            dead_after=self._order.dead_after,
        )
        try:
            self._board.filmed(shot_id, take, await _film(order))
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._board.failed(shot_id, take, _record(error))

    async def _teach(self, word: Word) -> None:
        try:
            await workflow.execute_activity(
                "review", word, start_to_close_timeout=timedelta(minutes=1), retry_policy=PATIENTLY
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._remark(f"a word on job {word.job_id} was not remembered: {_record(error)['message']}")

    # --- the end, or another beginning -----------------------------------------------------------------------

    async def _cut(self) -> JSON | None:
        """The cut; None where it cannot be made now and somebody may yet change something."""
        order = CutOrder(self._order.title, self._board.chosen(), self._order.journal, self._order.folder)
        if not order.shots:
            return {"episode": order.title, "shots": []}
        self._cutting, self._cut_problem = True, None
        try:
            cut: JSON = await workflow.execute_activity(
                "cut",
                order,
                start_to_close_timeout=timedelta(hours=2),
                heartbeat_timeout=timedelta(seconds=self._order.dead_after),
                retry_policy=PATIENTLY,
            )
            return cut
        except ActivityError as error:
            if is_cancelled_exception(error) or not self._order.wait:
                raise
            self._cut_problem = _record(error)
            return None
        finally:
            self._cutting = False

    def _too_long(self) -> bool:
        return workflow.info().is_continue_as_new_suggested()

    def _from_here(self) -> EpisodeOrder:
        told = vars(self._order) | {"story": list(self._board.stories.values())}
        return EpisodeOrder(**told)


def _senseless(word: str, shot: Any, take: Any, *more: Any, reason: Any = "") -> str | None:
    """Why nothing can be made of what was sent; None where it can be read."""
    if isinstance(shot, str) and isinstance(take, int) and isinstance(reason, str) and not more:
        return None
    sent = ", ".join(repr(each)[:40] for each in (shot, take, *([reason] if reason != "" else []), *more))
    return f"{word} is said of a shot's id and the number of a take, not of {sent[:200]}"


def _record(error: ActivityError) -> JSON:
    """Why an activity failed, as ``DramagenError.to_json`` has it where it was one of ours."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.details and isinstance(cause.details[0], dict):
        return dict(cause.details[0])
    return {"error": type(cause).__name__, "message": str(cause or error)}
