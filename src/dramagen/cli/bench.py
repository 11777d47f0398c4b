"""``dramagen bench``: film a suite on several routes, and see what an accepted clip costs on each."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import anyio
import anyio.to_thread
import typer
from typer.core import TyperGroup

from dramagen.bench import page
from dramagen.bench.filming import film, look_ahead, slots
from dramagen.bench.results import Results, load_takes
from dramagen.bench.suite import SHIPPED, Suite
from dramagen.bench.take import Take
from dramagen.bench.teaching import teach as teach_studio
from dramagen.bench.votes import Votes
from dramagen.cli import bench_tables, exits
from dramagen.cli.bench_judge import JudgeKey, JudgePrice, JudgeUrl, asked_judge, judge_ahead, judged
from dramagen.cli.board import Board
from dramagen.cli.consent import agree
from dramagen.cli.options import AsJson, MoneyLimit, Yes, opened
from dramagen.cli.screen import calmly, counted, emit, note, say
from dramagen.config import Budget, Config
from dramagen.episode import Episode
from dramagen.events import Event
from dramagen.media.checks import installed_reader
from dramagen.money import Money
from dramagen.shot import Shot
from dramagen.studio import Studio

DEFAULT = "film"


class _Group(TyperGroup):
    """``dramagen bench smoke`` is ``dramagen bench film smoke``: what is no command of the group is a suite."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # Typer's own context
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


bench = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    help="Film a suite of shots on several routes, and see what an accepted clip costs on each. "
    "`dramagen bench SUITE ...` is short for `dramagen bench film SUITE ...`.",
)

Source = Annotated[
    str,
    typer.Argument(metavar="SUITE", help=f"{', '.join(SHIPPED)}, or an episode file.", show_default=False),
]
Routes = Annotated[
    list[str] | None,
    typer.Option("--routes", help="Where to film: a pin as for a shot, several times or with commas."),
]
More = Annotated[
    list[str] | None, typer.Argument(metavar="[ROUTE]...", help="More routes.", show_default=False)
]
Count = Annotated[int, typer.Option("-k", "--takes", min=1, max=20, help="Takes of each shot on each route.")]
Folder = Annotated[
    Path | None, typer.Option("--out", help="The folder for clips and report; out/bench-<suite> by default.")
]
VotesFile = Annotated[
    Path | None,
    typer.Option(
        "--votes",
        help="People's votes to take in: CSV (UTF-8 or GB 18030) or JSON.",
        exists=True,
        dir_okay=False,
    ),
]
Teach = Annotated[
    bool,
    typer.Option(
        "--teach", help="Tell the studio: votes, and what the technical checks refuse, teach its router."
    ),
]


@bench.command(DEFAULT)
@calmly
def film_suite(
    suite: Source,
    more: More = None,
    routes: Routes = None,
    takes: Count = 2,
    budget: MoneyLimit = None,
    yes: Yes = False,
    out: Folder = None,
    votes: VotesFile = None,
    teach: Teach = False,
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="MODEL", help="Ask a vision model about every take.")
    ] = None,
    judge_url: JudgeUrl = None,
    judge_price: JudgePrice = None,
    as_json: AsJson = False,
) -> None:
    """Film a suite on several routes and write results.json and report.html. Run again, it goes on where it was."""
    named = [route for given in [*(routes or ()), *(more or ())] for route in given.split(",") if route]
    if not named:
        raise typer.BadParameter("which routes? such as --routes kling/kling-3.0 seedance/seedance-2.0")
    loaded = Suite.load(suite)
    folder = out if out is not None else Path("out") / f"bench-{loaded.name}"
    asked = asked_judge(judge, judge_url, judge_price)
    code = anyio.run(_film, loaded, named, takes, budget, yes, folder, votes, teach, asked, as_json)
    raise typer.Exit(code)


async def _film(
    suite: Suite,
    routes: list[str],
    takes: int,
    budget: Money | None,
    yes: bool,
    folder: Path,
    votes_file: Path | None,
    teach: bool,
    asked: JudgeKey | None,
    as_json: bool,
) -> int:
    listed = slots(suite, routes, takes)
    before = load_takes(folder)
    votes = Votes.load(folder)
    if votes_file is not None:
        votes.add(Votes.read(votes_file).only(slot.id for slot in listed))
    caps = () if budget is None else (Budget(budget, per="episode"),)
    board, labels = Board(), _Labels()
    async with Studio(
        Config(budgets=caps), on_event=lambda event: board.event(labels.event(event))
    ) as studio:
        plan = await look_ahead(studio, listed)
        if not as_json:
            say(bench_tables.ahead(plan, listed))
        left = None if asked is None else judge_ahead(asked, suite, listed, plan, before, folder)
        beside = None if asked is None or left is None else left.beside(asked.model)
        agree(studio, plan, yes=yes, budget=budget, episode=Episode(suite.ledger_name, ()), beside=beside)
        opened(folder)
        with board.shown():
            filmed = await film(studio, suite, listed, folder, before=before, reader=installed_reader())
        results = Results(
            suite,
            tuple(filmed),
            takes,
            votes,
            studio.settings.currency,
            studio.settings.rates,
            emulated=bool(studio.settings.emulator),
        )
        if asked is not None and left is not None:
            results = replace(results, judgement=await judged(asked, left, results, folder))
        await anyio.to_thread.run_sync(write_report, results, folder)
        if teach:
            note(
                f"{await anyio.to_thread.run_sync(teach_studio, studio, results)} verdicts told to the studio"
            )
    _show(results, folder, as_json)
    return _code(filmed)


def write_report(results: Results, folder: Path) -> None:
    """Write results, votes and page, and show how far it is."""
    clips = sum(take.clip is not None for take in results.takes)
    note(f"writing the report of {clips} takes")
    results.votes.save(folder)
    results.save(folder)
    with counted("takes in the report", clips) as told:
        page.write(results, folder, told=told)


def _show(results: Results, folder: Path, as_json: bool) -> None:
    if as_json:
        emit(results.to_json() | {"folder": str(folder)})
        return
    say(bench_tables.routes(results))
    say("")
    if results.verdicts.basis == "checks":
        say(
            f"nobody has looked yet: accepted means the technical checks passed; dramagen bench vote {folder}"
        )
    say(str(folder / page.FILE))


def _code(takes: list[Take]) -> int:
    """A route's inability and a vendor's verdict are results; only what could not be filmed today is a failure."""
    unknown = any(take.error is not None and take.error[0] == "OutcomeUnknown" for take in takes)
    for take in takes:
        if take.state == "open" and take.error is not None:
            note(f"{take.id}: {take.error[1]}")
    if unknown:
        return exits.UNKNOWN
    return exits.FAILED if any(take.state == "open" for take in takes) else exits.OK


class _Labels:
    """One shot is filmed on several routes at once: the board tells them apart by name."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], Shot] = {}

    def event(self, event: Event) -> Event:
        """The event, its shot named with the route it was asked of."""
        key = (event.shot.name, event.shot.pin)
        if key not in self._known:
            self._known[key] = event.shot.changed(id=f"{event.shot.name} {event.shot.pin}")
        return replace(event, shot=self._known[key])
