"""Picking up the jobs an earlier process left behind.

What can be lost goes first: files whose URL dies soonest, then jobs that may be over by now. Every vendor has lines
of its own, so that one that is down, or slow to look for a lost create, keeps no other waiting; and a line has so
many places, so that ten thousand jobs are not ten thousand tasks.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

import anyio
import anyio.to_thread

from dramagen.engine.doubt import ASKING, PARTING
from dramagen.engine.engine import Engine
from dramagen.engine.entries import Entry, Which
from dramagen.engine.intake import shot_from_record
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal
from dramagen.engine.parting import Parting
from dramagen.engine.state import OPEN, JobState
from dramagen.errors import DramagenError, InvalidShot
from dramagen.events import Result
from dramagen.shot import Shot

log = logging.getLogger("dramagen.studio")

AT_ONCE: Mapping[JobState, int] = {
    JobState.READY: 16,
    JobState.ACCEPTED: 1000,
    JobState.UNKNOWN: 64,
    JobState.SENDING: 64,
    JobState.INTENDED: 8,
}
"""Jobs picked up at a time, for one region of one vendor, by where they stand. In this order they begin."""

URL_LIFE = 24 * 3600.0
"""Seconds a result is taken to be kept by a vendor that does not say."""


async def resume(engine: Engine) -> list[Result]:
    """Drive every open job whose owner is gone, or that this studio stopped waiting for, to its end.

    What becomes of one, however bad, keeps no other from being picked up.
    """
    left = await _left(engine)
    results: list[Result] = []

    async def one(entry: Entry) -> None:
        shot = Shot(prompt=entry.name or entry.id, id=entry.shot_id)
        try:
            job = await anyio.to_thread.run_sync(engine.journal.get, entry.id)
            if job is None:
                return
            if job.state == JobState.INTENDED:
                job = await _let_go(engine, job)
            if job is None:
                return
            shot = await anyio.to_thread.run_sync(_shot_of, job, shot, engine)
            clip = await engine.clip(job, shot)
            results.append(Result(shot, clip=clip.model_copy(update={"cached": True})))
        except DramagenError as error:
            results.append(Result(shot, error=error))
        except anyio.ClosedResourceError:
            raise  # the studio was closed meanwhile
        except Exception as bug:  # one job's accident keeps no other from being picked up
            log.exception("job %s cannot be picked up", entry.id)
            problem = DramagenError(
                f"job {entry.id} cannot be picked up ({type(bug).__name__}: {bug}); it stays in the journal",
                provider=entry.route.provider, model=entry.route.model, billed=None,
            )  # fmt: skip
            results.append(Result(shot, error=problem))

    async with anyio.create_task_group() as group:
        for line in _lines(left, engine):
            group.start_soon(_side_by_side, line, AT_ONCE[line[0].state], one)
    return results


async def _left(engine: Engine) -> list[Entry]:
    """The open jobs nobody drives."""
    entries = await anyio.to_thread.run_sync(engine.journal.entries, Which(states=OPEN))
    others = {entry.owner for entry in entries} - {engine.owner.id}
    living = {owner for owner in others if await anyio.to_thread.run_sync(engine.owner.alive, owner)}
    return [
        entry
        for entry in entries
        if entry.owner not in living
        # What this studio has not sent yet is on its way, not left behind.
        and (entry.owner != engine.owner.id or entry.state != JobState.INTENDED)
    ]


def _lines(entries: Sequence[Entry], engine: Engine) -> list[list[Entry]]:
    """The jobs of each state of each region, the most urgent first."""
    lines: dict[tuple[JobState, str, str], list[Entry]] = {}
    for entry in entries:
        key = (entry.state, entry.route.provider, entry.route.region)
        lines.setdefault(key, []).append(entry)
    begin = list(AT_ONCE)
    return [
        sorted(lines[key], key=lambda entry: _expires(entry, engine))
        for key in sorted(lines, key=lambda key: (begin.index(key[0]), *key[1:]))
    ]


def _expires(entry: Entry, engine: Engine) -> float:
    """When its result may be gone, Unix seconds."""
    try:
        life = engine.services.catalog.provider(entry.route.provider).result.url_life
    except DramagenError:
        life = None  # its card is gone; picking it up will say so
    since = entry.updated if entry.state == JobState.READY else entry.created
    return since + float(life or URL_LIFE)


async def _side_by_side(
    entries: Sequence[Entry], at_once: int, one: Callable[[Entry], Awaitable[None]]
) -> None:
    waiting = iter(entries)

    async def place(waiting: Iterator[Entry]) -> None:
        for entry in waiting:
            await one(entry)

    async with anyio.create_task_group() as group:
        for _ in range(min(at_once, len(entries))):
            group.start_soon(place, waiting)


async def _let_go(engine: Engine, job: Job) -> Job | None:
    """A job that was not sent: its money is free, and whoever wants the shot orders it anew.

    Or it was sent, and refused for the moment, and the vendor shows what is or may be its job all the same: then that
    is what is gone on with.
    """
    taken = await anyio.to_thread.run_sync(engine.journal.take_over, job, engine.owner.id, engine.owner.gone)
    if taken is None or taken.state != JobState.INTENDED:
        return taken
    return await engine.parting.let_go(taken, "never sent: its process ended before", ASKING)


def _shot_of(job: Job, otherwise: Shot, engine: Engine) -> Shot:
    try:
        return shot_from_record(dict(job.shot), engine.store)
    except (InvalidShot, ValueError) as problem:
        # The job is paid for whatever became of its description; the clip is worth more than the words.
        log.warning("job %s: its shot cannot be read any more: %s", job.id, problem)
        return otherwise


async def give_up_unsent(journal: Journal, parting: Parting, owner: str) -> None:
    """Free what a studio reserved and nobody drives any more: its caller was cancelled at a bad moment.

    What the vendor shows to be made all the same stays, for the next studio. All looks together take ``PARTING``.
    """
    with anyio.CancelScope(shield=True):
        until = anyio.current_time() + PARTING
        unsent = Which(states=frozenset({JobState.INTENDED}))
        for entry in await anyio.to_thread.run_sync(journal.entries, unsent):
            job = await anyio.to_thread.run_sync(journal.get, entry.id) if entry.owner == owner else None
            if job is not None and job.state == JobState.INTENDED:
                why = "never sent: its studio was closed before"
                await parting.let_go(job, why, max(0.0, until - anyio.current_time()))
