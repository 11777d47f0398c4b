"""``dramagen plan``: what it would cost and how long it would take, before the first yuan."""

from pathlib import Path
from typing import Annotated, NoReturn

import anyio
import typer

from dramagen.cli import exits, tables
from dramagen.cli.options import AsJson, Out, Pin, folder_of, money_of
from dramagen.cli.remedy_tables import Remedies, remedies_by_shot, remedies_json, remedy_table
from dramagen.cli.screen import console, emit, note, say
from dramagen.cli.times import span
from dramagen.episode import Episode
from dramagen.episode.outlook import look_ahead
from dramagen.episode.picks import load_picks
from dramagen.episode.steering import left_of
from dramagen.money import Money
from dramagen.routing.episode_text import lost_lines, sum_lines, take_lines
from dramagen.routing.plan import Plan
from dramagen.shot import Shot
from dramagen.studio import Studio


def plan(
    what: Annotated[
        str, typer.Argument(metavar="FILE|PROMPT", help="An episode file, or a prompt.", show_default=False)
    ],
    out: Out = None,
    pin: Pin = None,
    budget: Annotated[
        Money | None,
        typer.Option(parser=money_of, metavar="MONEY", help="What all of it may cost, such as '60 CNY'."),
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(parser=span, metavar="TIME", help="When it should be over, from now: 45m, 1.5h."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PIN", help="What if this provider, model or route were not there. May be repeated."
        ),
    ] = None,
    remedies: Annotated[
        bool, typer.Option("--remedies", help="And what each remedy would cost where a route gives no clip.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show where each shot would be filmed, for how much, and why not on every other route."""
    planned, takes, stale, cures = anyio.run(
        _plan, what, out, pin, budget, deadline, tuple(without or ()), remedies
    )
    if as_json:
        record = planned.to_json() | ({"stale": list(stale)} if stale else {})
        emit(record | ({"remedies": remedies_json(planned, cures)} if remedies else {}))
        _end(planned)
    _show(planned, takes)
    if budget is not None:
        say(_budget(planned, budget))
    if stale:
        say(f"stale, kept unless filmed again: {', '.join(stale)}")
    if remedies:
        say("")
        say(remedy_table(planned, cures))
    _show_routes(planned)
    _end(planned)


def _show(planned: Plan, takes: list[int]) -> None:
    """What is chosen, take by take, and what it comes to; of a shot that costs nothing only where."""
    say(tables.choices(planned, takes))
    say("")
    for place, shot in enumerate(planned.shots):
        free = shot.choice is not None and not shot.choice.price.most
        if not free and (lines := take_lines(planned, place)):
            say(f"{shot.shot.name}, until a take is accepted:")
            say("\n".join(lines))
    say("\n".join(sum_lines(planned)))


def _budget(planned: Plan, budget: Money) -> str:
    left = f", of which {planned.budget} can still be spent" if planned.budget != budget else ""
    if planned.idle:
        return f"budget {budget}{left}: there is nothing to spend it on"
    covered = planned.most <= planned.budget_converted
    return f"budget {budget}{left}: {'covers it' if covered else 'does NOT cover the upper bound'}"


def _show_routes(planned: Plan) -> None:
    """The same shots on every route, and why each was not chosen."""
    others = tables.others(planned)
    table = tables.routes(planned, "On every route of the pins" if others else "On every route")
    if table.row_count:
        say(table)
        for by_shot in tables.routes_by_shot(planned, console().width):
            say("")
            say(by_shot)
    if lost := lost_lines(planned):
        say("")
        say("\n".join(lost))
    if others:
        say(f"{others} more routes have a price; without the pin they are shown too")


def _end(planned: Plan) -> NoReturn:
    """A plan in which nothing can be filmed has failed, as filming it would; the reasons are on it."""
    if not planned.idle:
        raise typer.Exit(exits.OK)
    names = [shot.shot.name for shot in planned.unfilmable]
    which = names[0] if len(names) == 1 else f"any of these {len(names)} shots"
    more = " more" if len(names) < len(planned.shots) else ""
    over = all(shot.ended is not None for shot in planned.unfilmable)
    why = "every take left is over without a clip" if over else f"no route can film {which} as things stand"
    note(f"nothing{more} can be filmed: {why}")
    raise typer.Exit(exits.FAILED)


async def _plan(
    what: str,
    out: Path | None,
    pin: str | None,
    budget: Money | None,
    deadline: float | None,
    without: tuple[str, ...],
    remedies: bool,
) -> tuple[Plan, list[int], tuple[str, ...], list[Remedies]]:
    async with Studio() as studio:
        if not _is_file(what):
            shot = Shot(prompt=what, pin=pin)
            planned = studio.plan([shot], budget, deadline=deadline, without=without)
            return planned, [1], (), remedies_by_shot(studio, planned) if remedies else []
        file = Path(what)
        episode = Episode.load(file).repinned(pin)
        limit = left_of(studio, episode.budgets(budget), episode.title)
        ahead = await look_ahead(
            studio, episode, load_picks(file), folder_of(file, out), limit, deadline=deadline, without=without
        )
        takes = [ahead.choices[shot.id].take for shot in ahead.shots if shot.id is not None]
        cures = remedies_by_shot(studio, ahead.plan) if remedies else []
        return ahead.plan, takes, ahead.stale, cures


def _is_file(what: str) -> bool:
    if what.endswith(".toml"):
        return True
    try:
        return Path(what).is_file()
    except (OSError, ValueError):
        return False  # too long for a path: a prompt
