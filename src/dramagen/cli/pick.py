"""``dramagen pick``: this take it is."""

from pathlib import Path

import anyio

from dramagen.cli.durable import tell
from dramagen.cli.options import AsJson, File, Out, ShotId, Take, Temporal, folder_of
from dramagen.cli.screen import emit, say
from dramagen.episode import Episode, Picks
from dramagen.episode.choose import choose
from dramagen.episode.picks import load_picks, save_picks
from dramagen.episode.reel import Reel
from dramagen.episode.takes import clip_of
from dramagen.errors import InvalidShot
from dramagen.studio import Studio


def pick(
    file: File,
    shot: ShotId,
    take: Take,
    out: Out = None,
    as_json: AsJson = False,
    temporal: Temporal = None,
) -> None:
    """Take this take into the episode. Shots that continue from it become stale; nothing is deleted."""
    if temporal is not None:
        tell(temporal, file, "pick", shot, take)
        if as_json:
            emit({"shot": shot, "take": take})
        else:
            say(f"{shot}: take {take} is picked")
        return
    folder = folder_of(file, out)
    episode, reel = Episode.load(file), Reel.load(folder)
    found = episode.shot(shot)
    check_filmed(file, reel, shot, take)
    picks = load_picks(file)
    before = choose(episode, picks, reel.numbers())[found.continues].take if found.continues else None
    picks = picks.picked(shot, take, before)
    save_picks(file, picks)
    anyio.run(_accept, episode, shot, take, picks, folder)
    stale = stale_after(episode, picks, reel)
    if as_json:
        emit({"shot": shot, "take": take, "stale": stale})
        return
    say(f"{shot}: take {take} is picked")
    say_stale(stale)


def check_filmed(file: Path, reel: Reel, shot: str, take: int) -> None:
    """Whether there is such a take to say something of. Raises ``InvalidShot`` where it was never filmed."""
    there = sorted(reel.takes.get(shot, ()))
    if not there:
        raise InvalidShot(f"nothing of {shot} is filmed in {reel.folder}: dramagen film {file}")
    if take not in there:
        listed = ", ".join(map(str, there))
        raise InvalidShot(
            f"{shot} has no take {take}; filmed are {listed}: dramagen takes {file} {shot} -n {take}"
        )


def stale_after(episode: Episode, picks: Picks, reel: Reel) -> list[str]:
    """Ids of the shots that are stale as the picks now stand."""
    choices = choose(episode, picks, reel.numbers())
    return [shot.id for shot in episode.shots if choices[shot.id].stale]


def say_stale(stale: list[str]) -> None:
    """Tell of stale shots, and what to do."""
    if stale:
        say(f"stale, since they continue from another take: {', '.join(stale)}")
        say("`dramagen film` asks before it films them again; `dramagen cut` keeps them as they are")


async def _accept(episode: Episode, shot: str, take: int, picks: Picks, folder: Path) -> None:
    """Teach the router, where the clip is known here."""
    async with Studio() as studio:
        clip = await clip_of(studio, episode, shot, take, picks, folder)
        if clip is not None:
            studio.accept(clip)
