"""``dramagen bench vote``: a person's word on every take, shot by shot, without knowing which route filmed it."""

import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import anyio
import typer

from dramagen.bench import page
from dramagen.bench.results import Results, load_results
from dramagen.bench.take import Take
from dramagen.bench.teaching import teach as teach_studio
from dramagen.bench.votes import Pair, Votes
from dramagen.cli import bench_tables
from dramagen.cli.bench import Teach, VotesFile, bench, write_report
from dramagen.cli.consent import ask, can_ask
from dramagen.cli.options import AsJson
from dramagen.cli.screen import calmly, emit, note, say
from dramagen.studio import Studio

HELP = "y accepts, n rejects (n and a reason), Enter skips, q stops and keeps what was said"


class _Enough(Exception):
    """The person stops here."""


@bench.command("vote")
@calmly
def vote(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A benchmark's folder.", exists=True, file_okay=False)
    ],
    votes: VotesFile = None,
    again: Annotated[bool, typer.Option("--again", help="Ask about takes that were voted on, too.")] = False,
    teach: Teach = False,
    as_json: AsJson = False,
) -> None:
    """Accept or reject takes, shot by shot, or read votes from a file; then write the report anew.

    The routes are not named while you vote. Where several takes of a shot are accepted, you say which is best.
    """
    results = load_results(folder)
    if votes is not None:
        said = Votes.read(votes).only(take.id for take in results.takes)
    else:
        if not can_ask():
            ask("", "there is no terminal to vote on: --votes FILE reads votes from a file")
        said = ask_all(results, folder, again)
    results.votes.add(said)
    results = replace(results)  # what was reckoned from the old votes is reckoned anew
    write_report(results, folder)
    if teach:
        note(f"{anyio.run(_teach, results)} verdicts told to the studio")
    if as_json:
        emit(results.to_json() | {"folder": str(folder)})
    else:
        say(bench_tables.routes(results))
        say(str(folder / page.FILE))


async def _teach(results: Results) -> int:
    async with Studio() as studio:
        return teach_studio(studio, results)


def ask_all(results: Results, folder: Path, again: bool) -> Votes:
    """Ask about every take with a clip that nobody voted on. Ends early, with what was said, at a ``q``."""
    votes = Votes()
    note(HELP)
    try:
        for shot in results.suite.shots:
            takes = [
                take
                for take in results.takes
                if take.id.shot == shot.id
                and take.clip is not None
                and (again or take.id not in results.said)
            ]
            if takes:
                note(f"\n{shot.id}: {' '.join(shot.prompt.split())}")
                # Not in the order of the routes, so that nobody learns which letter is whose.
                random.shuffle(takes)
                _one_shot(takes, folder, votes)
    except _Enough:
        pass
    return votes


def _one_shot(takes: Sequence[Take], folder: Path, votes: Votes) -> None:
    accepted: list[tuple[str, Take]] = []
    for number, take in enumerate(takes):
        name = chr(ord("A") + number) if number < 26 else str(number + 1)
        told = "; ".join(mark.message for mark in take.marks)
        note(f"  {name}  {_blind(folder, take)}{f'  ({told})' if told else ''}")
        word, _, reason = _read(f"  {name}? ").partition(" ")
        if word.lower() in ("y", "yes", "是"):
            votes.takes[take.id] = (True, reason.strip())
            accepted.append((name, take))
        elif word.lower() in ("n", "no", "否"):
            votes.takes[take.id] = (False, reason.strip())
    if len(accepted) > 1:
        _best(accepted, votes)


def _best(accepted: Sequence[tuple[str, Take]], votes: Votes) -> None:
    names = ", ".join(name for name, _ in accepted)
    chosen = _read(f"  the best of {names}? ").upper()
    best = next((take for name, take in accepted if name == chosen), None)
    if best is not None:
        votes.pairs += [Pair(best.id, take.id) for _, take in accepted if take is not best]


def _blind(folder: Path, take: Take) -> str:
    """A path to the take that does not name its route: its small copy, which is called by its content."""
    small = folder / page.PREVIEWS / f"{(take.sha256 or '')[:20]}.mp4"
    return str(small if small.exists() else folder / (take.clip or ""))


def _read(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line or line.strip().lower() in ("q", "quit"):
        raise _Enough
    return line.strip()
