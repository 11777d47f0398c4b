"""Several takes of one shot side by side, and finding the clip of one of them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from dramagen.clip import Clip
from dramagen.episode.choose import choose, free_takes
from dramagen.episode.crew import Crew
from dramagen.episode.frames import last_frame
from dramagen.episode.manifest import Failure, ManifestShot, entry_of
from dramagen.episode.model import Episode, EpisodeShot
from dramagen.episode.outlook import finished, ready_shot
from dramagen.episode.picks import Picks, remember_start
from dramagen.episode.progress import Listener, Progress
from dramagen.episode.reel import Reel
from dramagen.errors import DramagenError
from dramagen.routing.leading import across_models, as_planned
from dramagen.routing.plan import Plan
from dramagen.shot import Shot


@dataclass(frozen=True)
class TakesAhead:
    """Takes that are about to be filmed. ``before``: the take of the other shot they start on."""

    shot: EpisodeShot
    ready: Shot
    takes: tuple[int, ...]
    before: int | None
    plan: Plan


async def takes_ahead(
    crew: Crew, episode: Episode, shot_id: str, count: int, picks: Picks, out: Path
) -> TakesAhead:
    """Plan the first ``count`` takes of a shot, each on another model unless it is pinned; those there are already
    stay as they are and cost nothing.

    Raises ``InvalidShot`` for an unknown shot, ``NotFilmed`` where the shot it continues from has no clip yet.
    """
    shot = episode.shot(shot_id)
    reel = Reel.load(out)
    await crew.prepare([shot.shot])
    choices = choose(episode, picks, reel.numbers())
    ready = await ready_shot(crew, episode, shot, choices, reel)
    before = choices[shot.continues].take if shot.continues else None
    takes = free_takes(picks.of(shot_id), reel.takes.get(shot_id, ()), before, count)
    plan = crew.plan([ready] * len(takes), takes=takes)
    return TakesAhead(shot, ready, takes, before, plan if ready.pin else across_models(plan))


async def film_takes(
    crew: Crew, episode: Episode, ahead: TakesAhead, out: Path, tell: Listener
) -> tuple[Sequence[ManifestShot], Sequence[Failure]]:
    """Film the takes side by side into ``out``; what came of each, in order."""
    reel = Reel.load(out)
    shot_id = ahead.shot.id
    orders = {
        take: [quote.route.id for quote in planned.attempts]
        for take, planned in zip(ahead.takes, ahead.plan.shots, strict=True)
    }
    filmed: dict[int, ManifestShot] = {}
    failed: dict[int, Failure] = {}

    async def one(take: int) -> None:
        try:
            clip = await crew.shoot(
                ahead.ready, take=take, episode=episode.title, policy=as_planned(orders[take])
            )
        except DramagenError as error:
            failed[take] = Failure(shot_id, take, error)
            tell(Progress("failed", shot_id, f"take {take}: {error.message}"))
            return
        kept = await anyio.to_thread.run_sync(reel.copy_in, shot_id, clip)
        reel.keep(shot_id, take, kept)
        remember_start(episode.path, shot_id, take, ahead.before)
        filmed[take] = entry_of(shot_id, take, kept, clip.cached)
        tell(Progress("filmed", shot_id, kept.clip))

    async with anyio.create_task_group() as tasks:
        for take in ahead.takes:
            tasks.start_soon(one, take)
    return [filmed[t] for t in sorted(filmed)], [failed[t] for t in sorted(failed)]


async def clip_of(
    crew: Crew, episode: Episode, shot_id: str, take: int, picks: Picks, out: Path
) -> Clip | None:
    """The clip of a take that was filmed, to accept or reject it; None where it is not known here."""
    shot, reel = episode.shot(shot_id), Reel.load(out)
    to_film = shot.shot
    if shot.continues is not None:
        before = reel.get(shot.continues, picks.of(shot_id).starts_on.get(take, 1))
        if before is None:
            return None
        to_film = shot.starting_on(await last_frame(crew, before.sha256, reel.folder / before.clip))
    filmed = reel.get(shot_id, take)
    if filmed is not None:
        to_film = to_film.pinned(filmed.route)
    return await finished(crew, to_film, take, episode.title)
