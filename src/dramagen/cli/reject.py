"""``dramagen reject``: not this take, and why."""

from pathlib import Path
from typing import Annotated

import anyio
import typer

from dramagen.cli.durable import tell
from dramagen.cli.options import AsJson, File, Out, ShotId, Take, Temporal, folder_of
from dramagen.cli.pick import check_filmed, say_stale, stale_after
from dramagen.cli.screen import emit, note, say
from dramagen.episode import Episode, Picks
from dramagen.episode.choose import choose
from dramagen.episode.picks import load_picks, save_picks
from dramagen.episode.reel import Reel
from dramagen.episode.takes import clip_of
from dramagen.studio import Studio


def reject(
    file: File,
    shot: ShotId,
    take: Take,
    reason: Annotated[str, typer.Argument(help="Why, in your own words.", show_default=False)] = "",
    out: Out = None,
    as_json: AsJson = False,
    temporal: Temporal = None,
) -> None:
    """Refuse this take, with a reason that teaches the router. The clip is kept, the next take takes its place."""
    if temporal is not None:
        tell(temporal, file, "reject", shot, take, reason)
        if as_json:
            emit({"shot": shot, "take": take, "reason": reason})
        else:
            say(f"{shot}: take {take} is rejected; another is filmed, if none was in its place")
        return
    folder = folder_of(file, out)
    episode, reel = Episode.load(file), Reel.load(folder)
    episode.shot(shot)
    check_filmed(file, reel, shot, take)
    picks = load_picks(file).rejected(shot, take, reason)
    known = anyio.run(_reject, episode, shot, take, reason, picks, folder)
    save_picks(file, picks)
    now, stale = choose(episode, picks, reel.numbers())[shot].take, stale_after(episode, picks, reel)
    if as_json:
        emit({"shot": shot, "take": take, "reason": reason, "now": now, "stale": stale})
        return
    say(f"{shot}: take {take} is rejected; take {now} is in its place")
    if not known:
        note("its clip is not known here, so the router learned nothing")
    if reel.get(shot, now) is None:
        say(f"take {now} is not filmed yet: dramagen film {file}")
    say_stale(stale)


async def _reject(episode: Episode, shot: str, take: int, reason: str, picks: Picks, folder: Path) -> bool:
    async with Studio() as studio:
        clip = await clip_of(studio, episode, shot, take, picks, folder)
        if clip is not None:
            studio.reject(clip, reason)
        return clip is not None
