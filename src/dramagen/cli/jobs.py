"""``dramagen jobs``: what was ordered, what became of it, and the person's word on what nobody knows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import anyio
import typer

from dramagen.cli import exits
from dramagen.cli.board import Board
from dramagen.cli.options import AsJson, money_of
from dramagen.cli.screen import calmly, emit, note, say
from dramagen.cli.tables import moneys, plain_table
from dramagen.cli.times import Since, Until
from dramagen.cli.why import say_why, why_json
from dramagen.engine.entries import Entry
from dramagen.engine.jobs import Job
from dramagen.engine.ledger import ASSUMED, ledger_of
from dramagen.engine.report import short
from dramagen.engine.rescue import NAME, sender
from dramagen.engine.state import JobState
from dramagen.errors import ConfigError
from dramagen.events import Result
from dramagen.money import Money
from dramagen.studio import Studio

SHOWN = 100
"""Jobs in a table for people, unless ``--limit`` says otherwise."""

_UNTOLD = ("at", "kind", "kinds")
"""What a line of a timeline says first; and what a job was like, which only the next looks need."""

jobs = typer.Typer(
    help="Look at jobs, pick up running ones, settle unknown ones.", invoke_without_command=True
)
JobId = Annotated[str, typer.Argument(metavar="ID", help="A job's id, or its beginning.", show_default=False)]
Open = Annotated[bool, typer.Option("--open", help="Only those that something still happens to.")]
States = Annotated[
    list[JobState] | None,
    typer.Option("--state", help="Only those in this state; may be said several times."),
]
Episode = Annotated[str | None, typer.Option("--episode", help="Only those of this episode.")]
Provider = Annotated[
    str | None, typer.Option("--provider", help="Only those of this provider, or of one region: kling:intl.")
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        help=f"So many, the newest; {SHOWN} by default, with --json all of them.",
        show_default=False,
    ),
]


@jobs.callback()
def top(
    context: typer.Context,
    open_only: Open = False,
    state: States = None,
    episode: Episode = None,
    provider: Provider = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, when no other word is said."""
    if context.invoked_subcommand is None:
        show_all(
            open_only=open_only, state=state, episode=episode, provider=provider,
            since=since, until=until, limit=limit, as_json=as_json,
        )  # fmt: skip


@jobs.command("list")
@calmly
def show_all(
    open_only: Open = False,
    state: States = None,
    episode: Episode = None,
    provider: Provider = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, oldest first, and where their money is."""
    found = Studio().entries(
        open_only=open_only, states=state, episode=episode, provider=provider, since=since, until=until
    )
    ledger = ledger_of(found)
    shown = len(found) if as_json and limit is None else limit or SHOWN
    if as_json:
        emit({"jobs": [entry.to_json() for entry in found[-shown:]], "ledger": ledger.to_json()})
        return
    table = plain_table("job", "when", "shot", "take", "route", "state", "money")
    for entry in found[-shown:]:
        table.add_row(
            entry.id[:8], _when(entry.created), short(entry.name), str(entry.take), entry.route.id,
            str(entry.state), _money(entry),
        )  # fmt: skip
    say(table)
    if len(found) > shown:
        say(f"and {len(found) - shown} older ones: --limit {len(found)} shows them all")
    say(
        f"spent {moneys(ledger.spent)}; reserved {moneys(ledger.reserved)}; unknown {moneys(ledger.unknown)}; "
        f"spent without a clip {moneys(ledger.wasted)}"
    )


@jobs.command()
@calmly
def show(
    job_id: JobId,
    why: Annotated[
        bool,
        typer.Option("--why", help="The numbers it was ordered there by, and what was out of the question."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Everything that is known of one job."""
    studio = Studio()
    job = _found(studio, job_id)
    steps, reviews = studio.timeline(job.id), studio.reviews(job.id)
    if as_json:
        known = job.to_json() | {"timeline": steps, "reviews": reviews}
        emit(known | ({"why": why_json(studio.decision(job.id))} if why else {}))
        return
    say(f"job {job.id}: {_name(job)}, take {job.take}, {job.route.id}")
    say(f"state {job.state}, {_money(job)}, tag {job.tag}")
    if job.cost_source is not None:
        say(f"what it cost is {job.cost_source}")
    if job.ticket is not None:
        say(f"the provider calls it {job.ticket.id}")
    if job.error is not None:
        say(f"error: {job.error}")
    there = sender(steps) if job.state == JobState.UNKNOWN else None
    if there is not None:
        say(f"it was sent from {there}; if its id came and could not be written down, it is in {NAME} there")
    words = [
        {"at": review["at"], "kind": "a person accepted it" if review["accepted"] else "a person rejected it"}
        | ({"reason": review["reason"]} if review["reason"] else {})
        for review in reviews
    ]
    for step in sorted([*steps, *words], key=lambda step: float(step["at"])):
        rest = ", ".join(f"{key} {_plain(value)}" for key, value in step.items() if key not in _UNTOLD)
        say(f"  {_when(step['at'])}  {step['kind']}  {rest}".rstrip())
    if why:
        say_why(studio.decision(job.id), job.route.id)


@jobs.command()
@calmly
def resume(as_json: AsJson = False) -> None:
    """Pick up the jobs an earlier process left behind, and wait for them."""
    results = anyio.run(_resume)
    if as_json:
        emit({"results": [_result(result) for result in results]})
    for result in () if as_json else results:
        if result.clip is not None:
            say(f"{result.shot.name}  {result.clip.route}  {result.clip.cost}  {result.clip.path}")
    for result in results:
        if result.error is not None:
            note(f"{result.shot.name}: {result.error}")
    if not results and not as_json:
        say("nothing was left behind")
    raise typer.Exit(exits.code_of_all([r.error for r in results if r.error is not None]))


@jobs.command()
@calmly
def settle(
    job_id: JobId,
    paid: Annotated[
        bool | None,
        typer.Option("--paid/--not-paid", help="Whether the provider's bill shows it.", show_default=False),
    ] = None,
    amount: Annotated[
        Money | None,
        typer.Option(
            "--amount",
            parser=money_of,
            metavar="MONEY",
            help="What the bill says it cost, such as '3.2 CNY'.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a job cost, after a look at the provider's bill: an unknown one, or one whose cost was assumed."""
    if paid is None:
        raise typer.BadParameter("say --paid or --not-paid, after a look at the provider's bill")
    studio = Studio()
    job = studio.settle(_found(studio, job_id).id, paid=paid, amount=amount)
    if as_json:
        emit(job.to_json())
    else:
        say(f"job {job.id}: {job.state}, {_money(job)}")


async def _resume() -> list[Result]:
    board = Board()
    async with Studio(on_event=board.event) as studio:
        with board.shown():
            return await studio.resume()


def _result(result: Result) -> dict[str, Any]:
    clip, error = result.clip, result.error
    return {
        "shot": result.shot.name,
        "clip": str(clip.path) if clip is not None else None,
        "job_id": clip.job_id if clip is not None else None,
        "cost": clip.cost.to_json() if clip is not None else None,
        "error": error.to_json() if error is not None else None,
    }


def _found(studio: Studio, job_id: str) -> Job:
    job = studio.job(job_id)
    if job is None:
        raise ConfigError(f"no job, or more than one, is called {job_id!r}: `dramagen jobs` lists them")
    return job


def _name(job: Job) -> str:
    return job.shot_id or short(str(job.shot.get("prompt", "")))


def _money(job: Job | Entry) -> str:
    if job.cost is not None:
        return f"{job.cost} ({ASSUMED})" if job.cost_source == ASSUMED else str(job.cost)
    return f"{'at risk' if job.state == JobState.UNKNOWN else 'up to'} {job.reserved}"


def _plain(value: object) -> str:
    """Money, errors and spans of seconds in a timeline as sentences."""
    if isinstance(value, Mapping) and set(value) == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, Mapping) and "message" in value:
        return str(value["message"])
    if isinstance(value, list) and len(value) == 2 and all(isinstance(end, int | float) for end in value):
        return f"{value[0]:.1f} to {value[1]:.1f} s"
    return str(value)


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%m-%d %H:%M:%S")
