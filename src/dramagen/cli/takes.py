"""``dramagen takes``: several takes of one shot, side by side, for a person to choose from."""

from pathlib import Path
from typing import Annotated

import anyio
import typer

from dramagen.cli import exits
from dramagen.cli.board import Board
from dramagen.cli.consent import agree
from dramagen.cli.options import AsJson, File, MoneyLimit, Out, Pin, ShotId, Yes, capped, folder_of, opened
from dramagen.cli.screen import emit, note, say
from dramagen.episode import Episode
from dramagen.episode.picks import load_picks
from dramagen.episode.takes import film_takes, takes_ahead
from dramagen.money import Money
from dramagen.studio import Studio


def takes(
    file: File,
    shot: ShotId,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=50, help="How many in all.")] = 3,
    out: Out = None,
    pin: Pin = None,
    budget: MoneyLimit = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Film takes of one shot until there are that many; those there are already cost nothing."""
    code = anyio.run(_takes, file, shot, count, folder_of(file, out), pin, budget, yes, as_json)
    raise typer.Exit(code)


async def _takes(
    file: Path,
    shot_id: str,
    count: int,
    folder: Path,
    pin: str | None,
    budget: Money | None,
    yes: bool,
    as_json: bool,
) -> int:
    episode = Episode.load(file).repinned(pin)
    board = Board()
    async with Studio(capped(budget, episode), on_event=board.event) as studio:
        ahead = await takes_ahead(studio, episode, shot_id, count, load_picks(file), folder)
        agree(studio, ahead.plan, yes=yes, budget=budget, episode=episode)
        opened(folder)
        with board.shown():
            done, failed = await film_takes(studio, episode, ahead, folder, board.progress)
    if as_json:
        takes = [{**shot.to_json(), "clip": str(folder / shot.clip)} for shot in done]
        emit({"takes": takes, "failures": [failure.to_json() for failure in failed]})
    for shot in () if as_json else done:
        say(
            f"{shot_id}  take {shot.take}  {shot.cost}{' (paid before)' if shot.cached else ''}  {folder / shot.clip}"
        )
    for failure in failed:
        note(f"{shot_id} take {failure.take}: {failure.error}")
    if done and not as_json:
        note(f"choose one: dramagen pick {file} {shot_id} TAKE")
    return exits.code_of_all([failure.error for failure in failed if failure.error is not None])
