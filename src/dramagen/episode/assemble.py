"""From the clips there are to the film, the contact sheet and the manifest."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio.from_thread
import anyio.to_thread

from dramagen.episode.choose import Choice, choose
from dramagen.episode.cut import CutShot, cut
from dramagen.episode.manifest import Failure, Manifest, entry_of
from dramagen.episode.model import Episode
from dramagen.episode.picks import Picks, write_whole
from dramagen.episode.progress import Listener, Progress
from dramagen.episode.reel import Filmed, NotFilmed, Reel
from dramagen.errors import DramagenError, OutcomeUnknown
from dramagen.money import Money, total


@dataclass
class Rushes:
    """What came of each shot, by id: its take on the reel, or its error. ``cached``: nothing was paid now."""

    filmed: dict[str, Filmed] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)
    errors: dict[str, DramagenError] = field(default_factory=dict)


async def assemble(
    episode: Episode,
    reel: Reel,
    choices: dict[str, Choice],
    rushes: Rushes,
    tell: Listener,
    spent: Iterable[Money] = (),
) -> Manifest:
    """Cut what is there together and write the manifest into the reel's folder."""
    manifest = _manifest(episode, reel.folder, choices, rushes, spent)
    cuts = [CutShot(shot.id, shot.take, rushes.filmed[shot.id]) for shot in manifest.shots]
    if cuts:
        await _cut_together(reel, episode.title, cuts, tell)
    write_whole(manifest.file, json.dumps(manifest.to_json(), ensure_ascii=False, indent=2) + "\n")
    return manifest


async def cut_again(episode: Episode, folder: Path, picks: Picks, tell: Listener) -> Manifest:
    """Cut the episode from what is on the reel in ``folder``, as it is picked now; films and spends nothing.

    A shot whose take is not there is left out and listed in the manifest's ``failures``. Raises ``NotFilmed``
    where none is.
    """
    reel = Reel.load(folder)
    choices = choose(episode, picks, reel.numbers())
    rushes = Rushes()
    for shot in episode.shots:
        take = choices[shot.id].take
        filmed = reel.get(shot.id, take)
        if filmed is None:
            rushes.errors[shot.id] = NotFilmed(f"take {take} of {shot.id} is not filmed in {folder}")
        else:
            rushes.filmed[shot.id] = filmed
            rushes.cached.add(shot.id)
    if not rushes.filmed:
        raise NotFilmed(f"nothing of {episode.title} is filmed in {folder} yet")
    return await assemble(episode, reel, choices, rushes, tell)


async def _cut_together(reel: Reel, title: str, shots: Sequence[CutShot], tell: Listener) -> None:
    def progress(done: int, of: int) -> None:
        anyio.from_thread.check_cancelled()
        anyio.from_thread.run_sync(tell, Progress("cutting", done=done, of=of))

    await anyio.to_thread.run_sync(cut, reel, title, shots, progress)


def _manifest(
    episode: Episode, folder: Path, choices: dict[str, Choice], rushes: Rushes, spent: Iterable[Money]
) -> Manifest:
    shots = tuple(
        entry_of(shot.id, choices[shot.id].take, rushes.filmed[shot.id], shot.id in rushes.cached)
        for shot in episode.shots
        if shot.id in rushes.filmed
    )
    failures = tuple(
        Failure(shot.id, choices[shot.id].take, rushes.errors[shot.id])
        if shot.id in rushes.errors
        else Failure(shot.id, choices[shot.id].take, waits_for=shot.continues)
        for shot in episode.shots
        if shot.id not in rushes.filmed
    )
    risks = [f.error.at_risk for f in failures if isinstance(f.error, OutcomeUnknown)]
    return Manifest(
        episode=episode.title,
        folder=folder,
        shots=shots,
        failures=failures,
        spent_now=total(spent),
        value=total(shot.cost for shot in shots),
        unknown=total(risk for risk in risks if risk is not None),
        stale=tuple(shot.id for shot in episode.shots if choices[shot.id].stale),
    )
