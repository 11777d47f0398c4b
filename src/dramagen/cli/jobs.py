"""``dramagen jobs``: what was ordered, what became of it, and the person's word on what nobody knows."""

from datetime import datetime
from typing import Annotated, Any

import anyio
import typer
from rich.table import Table

from dramagen.cli import exits
from dramagen.cli.board import Board
from dramagen.cli.options import AsJson
from dramagen.cli.screen import calmly, emit, note, say
from dramagen.cli.tables import moneys
from dramagen.engine.jobs import Job
from dramagen.engine.state import JobState
from dramagen.errors import ConfigError
from dramagen.events import Result
from dramagen.studio import Studio

jobs = typer.Typer(
    help="Look at jobs, pick up running ones, settle unknown ones.", invoke_without_command=True
)
JobId = Annotated[str, typer.Argument(metavar="ID", help="A job's id, or its beginning.", show_default=False)]
Open = Annotated[bool, typer.Option("--open", help="Only those that something still happens to.")]


@jobs.callback()
def top(context: typer.Context, as_json: AsJson = False) -> None:
    """List jobs, when no other word is said."""
    if context.invoked_subcommand is None:
        show_all(as_json=as_json)


@jobs.command("list")
@calmly
def show_all(open_only: Open = False, as_json: AsJson = False) -> None:
    """List jobs, oldest first, and where the money is."""
    studio = Studio()
    found, ledger = studio.jobs(open_only=open_only), studio.ledger()
    if as_json:
        emit({"jobs": [job.to_json() for job in found], "ledger": ledger.to_json()})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("job", "when", "shot", "take", "route", "state", "money"):
        table.add_column(column)
    for job in found:
        table.add_row(
            job.id[:8],
            _when(job.created),
            _name(job),
            str(job.take),
            job.route.id,
            str(job.state),
            _money(job),
        )
    say(table)
    say(
        f"spent {moneys(ledger.spent)}; reserved {moneys(ledger.reserved)}; unknown {moneys(ledger.unknown)}; "
        f"spent without a clip {moneys(ledger.wasted)}"
    )


@jobs.command()
@calmly
def show(job_id: JobId, as_json: AsJson = False) -> None:
    """Everything that is known of one job."""
    studio = Studio()
    job = _found(studio, job_id)
    steps = studio.timeline(job.id)
    if as_json:
        emit(job.to_json() | {"timeline": steps})
        return
    say(f"job {job.id}: {_name(job)}, take {job.take}, {job.route.id}")
    say(f"state {job.state}, {_money(job)}, tag {job.tag}")
    if job.ticket is not None:
        say(f"the provider calls it {job.ticket.id}")
    if job.error is not None:
        say(f"error: {job.error}")
    for step in steps:
        rest = ", ".join(f"{key} {value}" for key, value in step.items() if key not in ("at", "kind"))
        say(f"  {_when(step['at'])}  {step['kind']}  {rest}".rstrip())


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
    as_json: AsJson = False,
) -> None:
    """Decide an unknown: look at the provider's bill, then say whether the job is on it."""
    if paid is None:
        raise typer.BadParameter("say --paid or --not-paid, after a look at the provider's bill")
    studio = Studio()
    job = studio.settle(_found(studio, job_id).id, paid=paid)
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
    if job.shot_id:
        return job.shot_id
    prompt = str(job.shot.get("prompt", ""))
    return prompt if len(prompt) <= 24 else prompt[:23] + "…"


def _money(job: Job) -> str:
    if job.cost is not None:
        return str(job.cost)
    return f"{'at risk' if job.state == JobState.UNKNOWN else 'up to'} {job.reserved}"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%m-%d %H:%M:%S")
