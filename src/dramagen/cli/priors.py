"""``dramagen priors``: what is believed of every model, and why; and ratings from a public board."""

import os
from datetime import UTC, datetime
from typing import Annotated, Any

import anyio
import typer

from dramagen.cli.options import AsJson
from dramagen.cli.screen import calmly, emit, note, say
from dramagen.cli.tables import plain_table
from dramagen.engine.clock import RealClock
from dramagen.errors import ConfigError
from dramagen.routing.beliefs import Belief, Level
from dramagen.routing.priors import MOTIONS, STYLES, Board
from dramagen.studio import Studio
from dramagen.studio.boards import KEY, SOURCES, Source, fetch_ratings
from dramagen.studio.ratings import FILE, PATHS, keep_ratings

_KNOWN = sorted(STYLES | MOTIONS | {"dialogue"})

priors = typer.Typer(help="What is believed of every model, and why.", invoke_without_command=True)


@priors.callback()
@calmly
def show(
    context: typer.Context,
    image: Annotated[bool, typer.Option("--image", help="Of shots that start from a picture.")] = False,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help=f"A kind of shot: {', '.join(_KNOWN)}; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The chance that a take of each model is accepted: from its rating, and from what was said of takes here."""
    if context.invoked_subcommand is not None:
        return
    if wrong := sorted(set(tag or ()) - set(_KNOWN)):
        raise ConfigError(f"no kind of shot is called {wrong[0]!r}; there are {', '.join(_KNOWN)}")
    board: Board = "image" if image else "text"
    kind = frozenset({*(tag or ()), "frame" if image else "text"})
    learning = Studio().learning()
    beliefs = [learning.belief(model, board, kind) for model in learning.models()]
    beliefs.sort(key=lambda belief: (-belief.chance, belief.model))
    if as_json:
        emit({
            "board": board, "kind": sorted(kind), "rho": learning.rho(), "strictness": learning.strictness(),
            "models": [_record(belief) for belief in beliefs],
        })  # fmt: skip
        return
    table = plain_table(
        "model", "chance", "95 %", "prior", "this project", "its takes", " ".join(sorted(kind))
    )
    for belief in beliefs:
        low, high = belief.interval()
        table.add_row(
            belief.model, f"{belief.chance:.2f}", f"{low:.2f}-{high:.2f}",
            f"{belief.prior.chance:.2f} {belief.prior.basis}", f"{belief.project.chance:.2f}",
            _seen(belief.own), _seen(belief.kind),
        )  # fmt: skip
    say(table)
    say(f"takes of one model on one shot are alike by rho {learning.rho():.2f}; this project accepts "
        f"{learning.strictness():+.2f} logits beside what ratings foretell")  # fmt: skip


@priors.command()
@calmly
def refresh(
    board: Annotated[
        str | None,
        typer.Option(
            "--board", help=f"Whose: {' or '.join(SOURCES)}. Without it arena, or the one a key is set for."
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="An address that answers as the board does.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch ratings from a public board, and believe them before the cards': arena.ai's needs no key."""
    source, key = _source(board)
    studio = Studio()
    learning = studio.learning()
    cards = {each: learning.card_ratings(each) for each in PATHS}
    clock = RealClock()

    async def fetch() -> Any:
        return await fetch_ratings(source, cards, learning.titles(), clock, key=key, url=url)

    found = anyio.run(fetch)
    today = datetime.fromtimestamp(clock.now(), UTC).date()
    file = studio.settings.home / FILE
    found = keep_ratings(studio.settings.home, found, source.title, today)
    if as_json:
        emit({
            "file": str(file),
            "source": source.title,
            "boards": {
                name: {
                    "rated": sorted(each.ratings), "shared": each.shared, "unknown": list(each.unknown),
                    "published": each.published or None, "refused": each.refused or None,
                }
                for name, each in found.items()
            },
        })  # fmt: skip
        return
    for name, each in found.items():
        if each.refused:
            note(
                f"{PATHS[name]}: nothing was taken over, and what was kept of it before stays: {each.refused}"
            )
        else:
            dated = f" of {each.published}" if each.published else ""
            say(f"{PATHS[name]}{dated}: {len(each.ratings)} models, on the cards' scale by {each.shared} of them; "
                f"{len(each.unknown)} are not on any card")  # fmt: skip
    say(f"from the {source.title}, kept in {file}")


def _source(name: str | None) -> tuple[Source, str | None]:
    """The board that is meant, and the key for it. Raises ``ConfigError`` where there is none."""
    key = os.environ.get(KEY, "").strip() or None
    source = SOURCES.get(name or ("artificialanalysis" if key else "arena"))
    if source is None:
        raise ConfigError(f"no board is called {name!r}; there are {', '.join(SOURCES)}")
    if source.key is None:
        return source, None
    if key is None:
        raise ConfigError(f"set {KEY} to a key of your own, or take --board arena, which needs none")
    return source, key


def _seen(level: Level | None) -> str:
    if level is None or not level.takes:
        return "-"
    return f"{level.chance:.2f} ({level.accepted:.1f} of {level.takes:.1f})"


def _record(belief: Belief) -> dict[str, Any]:
    levels = {"prior": belief.prior, "project": belief.project, "own": belief.own, "kind": belief.kind}
    return {
        "model": belief.model, "chance": belief.chance, "takes": belief.takes, "interval": belief.interval(),
        "levels": {
            name: {"basis": each.basis, "chance": each.chance, "accepted": each.accepted, "takes": each.takes}
            for name, each in levels.items() if each is not None
        },
    }  # fmt: skip
