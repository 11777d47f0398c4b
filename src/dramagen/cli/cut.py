"""``dramagen cut``: cut the episode again as it is picked now. Spends nothing."""

from pathlib import Path

import anyio
import typer

from dramagen.cli import exits, tables
from dramagen.cli.board import Board
from dramagen.cli.options import AsJson, File, Out, folder_of
from dramagen.cli.screen import emit, note, say
from dramagen.episode import Episode, Manifest
from dramagen.episode.assemble import cut_again
from dramagen.episode.picks import load_picks


def cut(file: File, out: Out = None, as_json: AsJson = False) -> None:
    """Cut the episode again from the takes as they are picked now; only what is filmed, so it spends nothing."""
    folder = folder_of(file, out)
    manifest = anyio.run(_cut, file, folder)
    if as_json:
        emit(manifest.to_json() | {"folder": str(folder)})
    else:
        say(tables.filmed(manifest))
        if manifest.shots:
            say(str(manifest.film))
    if manifest.stale:
        note(f"kept though the shot before changed: {', '.join(manifest.stale)}")
    if manifest.failures:
        missing = ", ".join(f"{failure.id} (take {failure.take})" for failure in manifest.failures)
        note(f"not filmed yet, so not in it: {missing}")
        raise typer.Exit(exits.FAILED)


async def _cut(file: Path, folder: Path) -> Manifest:
    board = Board()
    with board.shown():
        return await cut_again(Episode.load(file), folder, load_picks(file), board.progress)
