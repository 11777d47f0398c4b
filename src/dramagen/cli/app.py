"""The application: every command under its name."""

from importlib.metadata import version
from typing import Annotated

import typer

from dramagen.cli import bench_vote as bench_vote  # a command of bench
from dramagen.cli.bench import bench
from dramagen.cli.cache import cache
from dramagen.cli.cut import cut
from dramagen.cli.doctor import doctor
from dramagen.cli.emulate import emulate
from dramagen.cli.exits import MEANING
from dramagen.cli.film import film
from dramagen.cli.jobs import jobs
from dramagen.cli.ledger import ledger
from dramagen.cli.models import models
from dramagen.cli.pick import pick
from dramagen.cli.plan import plan
from dramagen.cli.priors import priors
from dramagen.cli.reject import reject
from dramagen.cli.screen import calmly
from dramagen.cli.shoot import shoot
from dramagen.cli.takes import takes
from dramagen.cli.trust import trust
from dramagen.cli.worker import worker

_EXITS = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in MEANING.items()) + "."

app = typer.Typer(
    help="Film shots and episodes with the video models a short-drama studio uses.",
    epilog=_EXITS,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("dramagen"))
        raise typer.Exit


@app.callback()
def top(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="The version, and nothing else."),
    ] = False,
) -> None:
    """Film shots and episodes with the video models a short-drama studio uses."""


for command in (shoot, film, plan, takes, pick, reject, cut, models, ledger, emulate, worker, doctor, trust):
    app.command()(calmly(command))
app.add_typer(jobs, name="jobs")
app.add_typer(priors, name="priors")
app.add_typer(cache, name="cache")
app.add_typer(bench, name="bench")
