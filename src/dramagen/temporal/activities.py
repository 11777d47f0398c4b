"""What a worker does: film a take, remember a person's word, cut an episode together. Each may be asked twice."""

import logging
import platform
from asyncio import CancelledError
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
from temporalio import activity
from temporalio.exceptions import ApplicationError

from dramagen.clip import Clip
from dramagen.config import Budget
from dramagen.episode.assemble import cut_again
from dramagen.episode.frames import last_frame
from dramagen.episode.model import Episode, EpisodeShot
from dramagen.episode.names import escape
from dramagen.episode.picks import Picks
from dramagen.episode.reel import NotFilmed, Reel
from dramagen.errors import ConfigError, DramagenError
from dramagen.money import Money
from dramagen.studio import Studio
from dramagen.temporal.failures import told, unforeseen
from dramagen.temporal.records import JSON, CutOrder, Taken, TakeOrder, Word

log = logging.getLogger("dramagen.temporal")


class Activities:
    """The activities of one open studio."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @activity.defn
    async def film(self, order: TakeOrder) -> Taken:
        """Film a take, or say what became of it: the journal is asked before anything is sent."""
        async with _kindly():
            await self._same_journal(order.journal)
            shot = await self._studio.unpack(order.shot)
            budgets = [Budget(Money.parse(cap["limit"]), cap["per"]) for cap in order.budgets]
            clip = await self._studio.shoot(shot, take=order.take, episode=order.episode, budget=budgets)
            frame = await last_frame(self._studio, clip.sha256, clip.path) if order.wants_frame else None
            file = clip.path
            if order.folder is not None:
                file = await _into(Path(order.folder), shot.id or shot.name, clip)
            return _taken(clip, file, frame.sha256 if frame else None)

    @activity.defn
    async def review(self, word: Word) -> None:
        """Teach the router what a person said. Heard twice, it is remembered once."""
        async with _kindly():
            await anyio.to_thread.run_sync(self._review, word)

    def _review(self, word: Word) -> None:
        said = {"accepted": word.accepted, "reason": word.reason}
        before = self._studio.reviews(word.job_id)
        if before and {key: before[-1][key] for key in said} == said:
            return
        (self._studio.accept if word.accepted else self._studio.reject)(word.job_id, word.reason)

    @activity.defn
    async def cut(self, order: CutOrder) -> JSON:
        """Cut takes that are there together; never films one."""
        async with _kindly():
            await self._same_journal(order.journal)
            folder = self._folder(order)
            shots, picks, before = [], Picks(), None
            for each in order.shots:
                shot = await self._studio.unpack(each.shot)
                if self._studio.plan(shot, takes=[each.take]).shots[0].held is None:
                    raise NotFilmed(f"take {each.take} of {each.id} is not in the journal")
                clip = await self._studio.shoot(shot, take=each.take, episode=order.title)
                await _onto_the_reel(folder, each.id, clip)
                shots.append(EpisodeShot(each.id, shot))
                picks = picks.picked(each.id, each.take, before)
            episode = Episode(order.title, tuple(shots))
            manifest = await cut_again(episode, folder, picks, lambda step: None)
            return manifest.to_json() | {"folder": str(folder), "host": platform.node()}

    def _folder(self, order: CutOrder) -> Path:
        if order.folder is not None:
            return Path(order.folder)
        return self._studio.settings.home / "episodes" / escape(order.title)

    async def _same_journal(self, journal: str) -> None:
        """A worker beside another journal knows nothing of what is paid for, and would pay again."""
        mine = await anyio.to_thread.run_sync(self._studio.journal_id)
        if mine != journal:
            where = f"the one of {self._studio.settings.home} on {platform.node()}"
            raise ConfigError(
                f"this worker has another journal ({where}) than whoever ordered the shot, so it films nothing: all "
                "workers of a queue share one home, or one database"
            )


@asynccontextmanager
async def _kindly() -> AsyncIterator[None]:
    """Signs of life until the block ends, and errors as Temporal keeps them."""
    try:
        async with _alive():
            yield
    except CancelledError:
        if activity.is_worker_shutdown():
            raise _stopped() from None
        raise
    except DramagenError as error:
        raise (_stopped() if activity.is_worker_shutdown() else told(error)) from None
    except ApplicationError:
        raise
    except Exception as bug:
        log.exception("an activity stopped unexpectedly")
        raise unforeseen(bug) from None


def _stopped() -> ApplicationError:
    """Not a cancellation of the work: another worker, or this one after its restart, goes on with it."""
    return ApplicationError("the worker was stopped", type="WorkerStopped")


@asynccontextmanager
async def _alive() -> AsyncIterator[None]:
    timeout = activity.info().heartbeat_timeout
    problem: Exception | None = None
    async with anyio.create_task_group() as group:
        if timeout is not None:
            group.start_soon(_beat, timeout.total_seconds() / 4)
        try:
            yield
        except Exception as raised:
            problem = raised  # as it is, not inside a group
        group.cancel_scope.cancel()
    if problem is not None:
        raise problem


async def _beat(pause: float) -> None:
    while True:
        activity.heartbeat()
        await anyio.sleep(pause)


def _taken(clip: Clip, file: Path, frame: str | None) -> Taken:
    return Taken(
        clip=str(file), host=platform.node(), sha256=clip.sha256, job_id=clip.job_id, route=clip.route,
        duration=clip.media.duration, width=clip.media.width, height=clip.media.height, fps=clip.media.fps,
        cost=clip.cost.to_json(), cached=clip.cached, warnings=list(clip.warnings), frame=frame,
    )  # fmt: skip


async def _into(folder: Path, shot_id: str, clip: Clip) -> Path:
    """A copy of the clip for people to look at."""
    try:
        kept = await anyio.to_thread.run_sync(Reel(folder).copy_in, shot_id, clip)
    except OSError as problem:
        raise ConfigError(
            f"cannot write to {folder} on {platform.node()}: {problem.strerror or problem}"
        ) from None
    return folder / kept.clip


async def _onto_the_reel(folder: Path, shot_id: str, clip: Clip) -> None:
    reel = Reel.load(folder)
    try:
        kept = await anyio.to_thread.run_sync(reel.copy_in, shot_id, clip)
        reel.keep(shot_id, clip.take, kept)
    except OSError as problem:
        raise ConfigError(
            f"cannot write to {folder} on {platform.node()}: {problem.strerror or problem}"
        ) from None
