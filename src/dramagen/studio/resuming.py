"""Picking up the jobs an earlier process left behind."""

import logging
from collections.abc import Callable
from contextlib import suppress

import anyio
import anyio.to_thread

from dramagen.engine.engine import Engine
from dramagen.engine.intake import shot_from_record
from dramagen.engine.jobs import Job
from dramagen.engine.journal import JobMoved, Journal
from dramagen.engine.state import OPEN, JobState
from dramagen.engine.submit import Submitter
from dramagen.errors import DramagenError, InvalidShot
from dramagen.events import Event, Result
from dramagen.shot import Shot

log = logging.getLogger("dramagen.studio")


async def resume(engine: Engine, emit: Callable[[Event], None]) -> list[Result]:
    """Drive every open job whose owner is gone, or that this studio stopped waiting for, to its end."""
    left = await anyio.to_thread.run_sync(engine.journal.jobs, OPEN)
    results: list[Result] = []

    async def one(job: Job) -> None:
        shot = await anyio.to_thread.run_sync(_shot_of, job, engine)
        try:
            if job.state == JobState.INTENDED:
                await _let_go(engine, job)
                return
            emit(Event("resumed", shot, job.take, engine.clock.now(), job.route.id, job.id))
            clip = await engine.clip(job, shot)
            results.append(Result(shot, clip=clip.model_copy(update={"cached": True})))
        except DramagenError as error:
            results.append(Result(shot, error=error))

    async with anyio.create_task_group() as group:
        for job in left:
            if job.owner == engine.owner.id:
                # What this studio has not sent yet is on its way, not left behind.
                if job.state != JobState.INTENDED:
                    group.start_soon(one, job)
            elif not await anyio.to_thread.run_sync(engine.owner.alive, job.owner):
                group.start_soon(one, job)
    return results


async def _let_go(engine: Engine, job: Job) -> None:
    """A job that was never sent: its money is free, and whoever wants the shot orders it anew."""
    taken = await anyio.to_thread.run_sync(engine.journal.take_over, job, engine.owner.id, engine.owner.gone)
    if taken is not None and taken.state == JobState.INTENDED:
        with suppress(JobMoved):
            await engine.submitter.give_up(taken, DramagenError("never sent: its process ended before"))


def _shot_of(job: Job, engine: Engine) -> Shot:
    try:
        return shot_from_record(dict(job.shot), engine.store)
    except InvalidShot as problem:
        # The job is paid for whatever became of its description; the clip is worth more than the words.
        log.warning("job %s: its shot cannot be read any more: %s", job.id, problem)
        return Shot(prompt=str(job.shot.get("prompt") or job.id), id=job.shot_id)


async def give_up_unsent(journal: Journal, submitter: Submitter, owner: str) -> None:
    """Free what a studio reserved and nobody drives any more: its caller was cancelled at a bad moment."""
    with anyio.CancelScope(shield=True):
        for job in await anyio.to_thread.run_sync(journal.jobs, {JobState.INTENDED}):
            if job.owner == owner:
                with suppress(JobMoved):
                    await submitter.give_up(job, DramagenError("never sent: its studio was closed before"))
