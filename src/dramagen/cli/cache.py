"""``dramagen cache``: how much room clips take, and making some."""

import re
import time
from typing import Annotated

import typer
from rich.table import Table

from dramagen.cli.options import AsJson
from dramagen.cli.screen import calmly, emit, say
from dramagen.settings import gather
from dramagen.store import Store, usage
from dramagen.store import prune as prune_store
from dramagen.studio import Studio

cache = typer.Typer(help="Show how much room clips take, and make some.", invoke_without_command=True)

_AGE = re.compile(r"(\d+)\s*([dhw])")
_SECONDS = {"h": 3600, "d": 86_400, "w": 604_800}


def _age(text: str) -> float:
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise typer.BadParameter("an age is such as 90d, 12h or 8w")
    return float(int(found[1]) * _SECONDS[found[2]])


@cache.callback()
def top(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the room taken, when no other word is said."""
    if context.invoked_subcommand is None:
        show(as_json=as_json)


@cache.command()
@calmly
def show(as_json: AsJson = False) -> None:
    """How many files of each kind there are, and the room they take."""
    store = Store(gather().home)
    kinds = usage(store)
    if as_json:
        emit(
            {
                "home": str(store.home),
                "kinds": {kind: {"files": u.files, "bytes": u.size} for kind, u in kinds.items()},
                "bytes": sum(u.size for u in kinds.values()),
            }
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("kind")
    table.add_column("files", justify="right")
    table.add_column("size", justify="right")
    for kind, used in kinds.items():
        table.add_row(kind, str(used.files), size(used.size))
    table.add_section()
    table.add_row(
        "total", str(sum(u.files for u in kinds.values())), size(sum(u.size for u in kinds.values()))
    )
    say(table)
    say(str(store.home))


@cache.command()
@calmly
def prune(
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than", parser=_age, metavar="AGE", help="Bought files too, if older, such as 90d."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even clips that a shot would still be given.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what can be made again: trims and old previz renders. Receipts always stay."""
    studio = Studio()
    going = prune_store(
        studio.store,
        now=time.time(),
        older_than=older_than,
        referenced=_referenced(studio),
        force=force,
        dry_run=dry_run,
    )
    freed = sum(item.size for item in going)
    if as_json:
        files = [{"kind": item.kind, "path": str(item.path), "bytes": item.size} for item in going]
        emit({"deleted": [] if dry_run else files, "would_delete": files if dry_run else [], "bytes": freed})
    else:
        say(f"{'would delete' if dry_run else 'deleted'} {len(going)} files, {size(freed)}")


def _referenced(studio: Studio) -> set[str]:
    """Every original a job brought and every input it sent; a trim is made again from its original."""
    kept: set[str] = set()
    for job in studio.jobs():
        kept |= {medium.sha256 for medium in job.quote.order.inputs()}
        kept.add(str((job.result or {}).get("original")))
    return kept


def size(count: float) -> str:
    """Bytes, as people read them."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
