"""What filming an episode is going to cost, before the first yuan is spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dramagen.clip import Clip
from dramagen.episode.choose import Choice, choose
from dramagen.episode.crew import Crew
from dramagen.episode.frames import last_frame, stand_in
from dramagen.episode.model import Episode, EpisodeShot
from dramagen.episode.picks import Picks
from dramagen.episode.reel import NotFilmed, Reel
from dramagen.errors import DramagenError
from dramagen.medium import Image
from dramagen.money import Money
from dramagen.routing.plan import Plan
from dramagen.shot import Shot


@dataclass(frozen=True)
class Outlook:
    """The plan of an episode as its picks stand.

    Attributes:
        plan: of every shot to film, in the episode's order; a frame that is not filmed yet is a grey stand-in.
        shots: the shots planned.
        choices: the take of every shot.
        stale: ids of shots whose take started on a take no longer picked.
    """

    plan: Plan
    shots: tuple[Shot, ...]
    choices: dict[str, Choice]
    stale: tuple[str, ...]


async def look_ahead(
    crew: Crew,
    episode: Episode,
    picks: Picks,
    folder: Path,
    budget: Money | None = None,
    *,
    refilm: bool = False,
    deadline: float | None = None,
    without: Sequence[str] = (),
) -> Outlook:
    """Plan an episode; spends nothing. What is filmed already is looked up, so the plan knows it is paid.

    With ``refilm`` stale shots are planned as new takes, without it they are kept and not in the plan. ``deadline``
    and ``without`` are those of :meth:`dramagen.Studio.plan`.
    """
    reel = Reel.load(folder)
    await crew.prepare([shot.shot for shot in episode.shots])
    choices = choose(episode, picks, reel.numbers(), refilm=refilm)
    ready: dict[str, Shot] = {}
    for shot in episode.ordered:
        if not choices[shot.id].stale:
            ready[shot.id] = await _ready(crew, episode, shot, ready, choices, reel)
    planned = [shot.id for shot in episode.shots if shot.id in ready]
    shots = tuple(ready[shot_id] for shot_id in planned)
    takes = [choices[shot_id].take for shot_id in planned]
    stale = tuple(shot.id for shot in episode.shots if choices[shot.id].stale)
    plan = crew.plan(
        shots, budget, takes=takes, deadline=deadline, without=without, continuity=episode.continuity
    )
    return Outlook(plan, shots, choices, stale)


async def _ready(
    crew: Crew,
    episode: Episode,
    shot: EpisodeShot,
    ready: dict[str, Shot],
    choices: dict[str, Choice],
    reel: Reel,
) -> Shot:
    frame = await _first_frame(crew, episode, shot, ready, choices, reel)
    return shot.starting_on(frame or stand_in(shot.shot))


async def _first_frame(
    crew: Crew,
    episode: Episode,
    shot: EpisodeShot,
    ready: dict[str, Shot],
    choices: dict[str, Choice],
    reel: Reel,
) -> Image | None:
    """The frame a shot continues from, None where there is none or it is not filmed yet."""
    if shot.continues is None:
        return None
    before = choices[shot.continues]
    if before.stale:
        kept = reel.takes[shot.continues][before.take]
        return await last_frame(crew, kept.sha256, reel.folder / kept.clip)
    clip = await finished(crew, ready[shot.continues], before.take, episode.title)
    return None if clip is None else await last_frame(crew, clip.sha256, clip.path)


async def finished(crew: Crew, shot: Shot, take: int, episode: str) -> Clip | None:
    """The clip of a take that is filmed and paid already, else None. Never starts or waits for a job."""
    under_way = {(job.shot_id, job.take) for job in crew.jobs(open_only=True)}
    if (shot.id, take) in under_way or crew.plan([shot], takes=[take]).shots[0].held is None:
        return None
    try:
        return await crew.shoot(shot, take=take, episode=episode)
    except DramagenError:
        return None  # filming it will say what is wrong


async def ready_shot(
    crew: Crew, episode: Episode, shot: EpisodeShot, choices: dict[str, Choice], reel: Reel
) -> Shot:
    """One shot as it would be filmed now. Raises ``NotFilmed`` where the shot it continues from is not."""
    line = [shot]
    while line[0].continues is not None:
        line.insert(0, episode.shot(line[0].continues))
    ready: dict[str, Shot] = {}
    for each in line:
        frame = await _first_frame(crew, episode, each, ready, choices, reel)
        if frame is None and each.continues is not None:
            take = choices[each.continues].take
            raise NotFilmed(f"{each.id} continues from {each.continues}, whose take {take} is not filmed yet")
        ready[each.id] = each.shot if frame is None else each.starting_on(frame)
    return ready[shot.id]
