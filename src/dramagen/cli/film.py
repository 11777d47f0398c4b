"""``dramagen film``: an episode, from file to film."""

from pathlib import Path

import anyio
import typer

from dramagen.cli import exits, tables
from dramagen.cli.board import Board
from dramagen.cli.consent import agree, answer, ask, can_ask, warn_of_the_unfilmable
from dramagen.cli.durable import film_durably
from dramagen.cli.options import (
    AsJson,
    File,
    MoneyLimit,
    Out,
    Pin,
    Queue,
    TakesToPick,
    Temporal,
    Yes,
    capped,
    folder_of,
    opened,
)
from dramagen.cli.screen import console, emit, note, say
from dramagen.episode import Episode, Manifest
from dramagen.episode import film as film_episode
from dramagen.episode.outlook import Outlook, look_ahead
from dramagen.episode.picks import load_picks
from dramagen.episode.steering import left_of
from dramagen.errors import ContentRejected, DefectiveClip, JobFailed
from dramagen.money import Money
from dramagen.studio import Studio


def film(
    file: File,
    out: Out = None,
    pin: Pin = None,
    budget: MoneyLimit = None,
    yes: Yes = False,
    as_json: AsJson = False,
    temporal: Temporal = None,
    queue: Queue = "dramagen",
    takes: TakesToPick = None,
) -> None:
    """Film an episode and cut it together. Run again, it goes on where it was and pays for nothing twice."""
    if temporal is not None:
        film_durably(file, folder_of(file, out), pin, budget, yes, as_json, temporal, queue, takes)
    if takes is not None:
        raise typer.BadParameter(
            "--takes goes with --temporal; here `dramagen takes` films several of one shot"
        )
    code = anyio.run(_film, file, folder_of(file, out), pin, budget, yes, as_json)
    raise typer.Exit(code)


async def _film(
    file: Path, folder: Path, pin: str | None, budget: Money | None, yes: bool, as_json: bool
) -> int:
    episode = Episode.load(file).repinned(pin)
    picks, board = load_picks(file), Board()
    async with Studio(capped(budget, episode), on_event=board.event) as studio:
        limit = left_of(studio, episode.budgets(budget), episode.title)
        ahead = await look_ahead(studio, episode, picks, folder, limit)
        refilm = bool(ahead.stale) and _again(ahead.stale, yes)
        if refilm:
            ahead = await look_ahead(studio, episode, picks, folder, limit, refilm=True)
        warn_of_the_unfilmable(ahead.plan)
        agree(studio, ahead.plan, yes=yes, budget=budget, episode=episode)
        opened(folder)
        with board.shown():
            manifest = await film_episode(
                studio,
                episode,
                folder,
                picks=picks,
                refilm=refilm,
                budget=budget,
                on_progress=board.progress,
            )
        if as_json:
            emit(manifest.to_json() | {"folder": str(folder)})
        else:
            _show(studio, manifest, ahead)
    return exits.code_of_all([f.error for f in manifest.failures if f.error is not None])


def _again(stale: tuple[str, ...], yes: bool) -> bool:
    """Whether stale shots are filmed again; a no keeps their old takes."""
    listed = ", ".join(stale)
    if yes:
        return True
    if not can_ask():
        ask("", f"{listed} continue from a take that is no longer picked: --yes films them again")
    return answer(f"{listed} continue from a take that is no longer picked. Film them again as new takes?")


def _show(studio: Studio, manifest: Manifest, ahead: Outlook) -> None:
    say(tables.filmed(manifest))
    say("")
    say(
        f"paid now: {tables.moneys(manifest.spent_now)}; these clips cost {tables.moneys(manifest.value)} in all"
    )
    if manifest.unknown:
        say(f"up to {tables.moneys(manifest.unknown)} may be spent without a clip: `dramagen jobs` shows it")
    if manifest.stale:
        say(f"kept though the shot before changed: {', '.join(manifest.stale)}")
    for path in (manifest.film, manifest.contact_sheet, manifest.file):
        if path.exists():
            say(str(path))
    for failure in manifest.failures:
        if failure.error is not None:
            note(f"{failure.id}: {failure.error}")
    again = [
        f.id for f in manifest.failures if isinstance(f.error, ContentRejected | JobFailed | DefectiveClip)
    ]
    if again:
        # The same order is never sent again by itself: the answer would be the same, and so might the bill.
        note(f"change {', '.join(again)}, or film another take: dramagen takes FILE {again[0]} -n 2")
    if manifest.shots and not any(shot.cost for shot in manifest.shots):
        would = studio.plan([shot.pinned(None) for shot in ahead.shots])
        say("")
        say(tables.routes(would, "What the same episode would cost, and how long it would take"))
        for table in tables.routes_by_shot(would, console().width):
            say("")
            say(table)
