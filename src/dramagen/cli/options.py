"""Options and arguments that several commands share."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

import typer

from dramagen.config import Budget, Config
from dramagen.episode import Episode
from dramagen.errors import ConfigError
from dramagen.money import Money


def money_of(text: str) -> Money:
    """An amount as typed."""
    try:
        return Money(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None


File = Annotated[Path, typer.Argument(metavar="FILE", help="The episode, a TOML file.", show_default=False)]
ShotId = Annotated[str, typer.Argument(metavar="SHOT", help="The id of a shot.", show_default=False)]
Take = Annotated[int, typer.Argument(metavar="TAKE", min=1, help="The number of a take.", show_default=False)]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="The folder to film into; out/<folder of the episode> by default."),
]
Pin = Annotated[
    str | None,
    typer.Option("--pin", help="Film every shot there: a provider, a model, or provider[:region]/model."),
]
MoneyLimit = Annotated[
    Money | None,
    typer.Option(
        "--budget", parser=money_of, metavar="MONEY", help="A hard cap, such as '60 CNY'; also says yes."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before spending or filming again.")]
Temporal = Annotated[
    str | None,
    typer.Option(
        "--temporal", metavar="HOST:PORT", help="A Temporal server whose workers film; see `dramagen worker`."
    ),
]
Queue = Annotated[str, typer.Option("--queue", metavar="NAME", help="The task queue of its workers.")]
TakesToPick = Annotated[
    int | None,
    typer.Option(
        "--takes",
        min=1,
        max=50,
        help="With --temporal: film so many of each shot, and wait for a pick of every one.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON on standard output.")]


def folder_of(file: Path, out: Path | None) -> Path:
    """Where an episode is filmed to."""
    return out if out is not None else Path("out") / (file.absolute().parent.name or file.stem)


def opened(folder: Path) -> Path:
    """The folder, made where it is not there yet. Raises ``ConfigError`` where nothing can be written into it: better
    said before anything is paid for than when the first clip comes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as problem:
        raise ConfigError(
            f"{folder}: nothing can be written there ({problem.strerror}); nothing was sent"
        ) from None


def capped(budget: Money | None, episode: Episode | None = None) -> Config:
    """The settings of a run under ``--budget`` and the episode's own cap; both hold."""
    caps = [Budget(budget, per="episode" if episode else "shot")] if budget is not None else []
    if episode is not None and episode.budget is not None:
        caps.append(episode.budget)
    return Config(budgets=tuple(caps))
