"""``dramagen doctor``: is everything here that filming needs, and does every key work?"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any, NoReturn

import anyio
import typer
from rich.table import Table

from dramagen.cli import exits
from dramagen.cli.doctor_checks import Absence, Check, absences, checks, keys
from dramagen.cli.options import AsJson
from dramagen.cli.screen import emit, say
from dramagen.errors import DramagenError
from dramagen.studio import Studio
from dramagen.studio.doctor import SKEWED, KeyReport

_MARKS = {True: "ok", False: "NO", None: "–"}
_SHOWN = 6
"""Models named in the table; the JSON names all."""

Offline = Annotated[bool, typer.Option("--offline", help="Send nothing: look at this machine only.")]


def doctor(offline: Offline = False, as_json: AsJson = False) -> None:
    """Look at the installation and the home, and ask every provider whether its key works. Costs nothing."""
    try:
        studio = Studio()
        looked, found, missing = checks(studio), keys(studio), absences(studio)
    except DramagenError as problem:
        _end([*checks(None), Check("settings", False, str(problem))], [], None, [], as_json)
    _end(looked, found, None if offline else anyio.run(studio.doctor), missing, as_json)


def _end(
    looked: list[Check],
    found: list[Check],
    reports: list[KeyReport] | None,
    missing: list[Absence],
    as_json: bool,
) -> NoReturn:
    if as_json:
        emit({
            "checks": [asdict(check) for check in [*looked, *found]],
            "keys": None if reports is None else [_record(report) for report in reports],
            "missing": [asdict(each) for each in missing],
        })  # fmt: skip
    else:
        # Keys that were tried have a table of their own; those that are not there, a list of what to set.
        shown = looked if reports is not None else [*looked, *(check for check in found if check.ok)]
        for check in shown:
            say(f"{_MARKS[check.ok]:<3} {check.name}: {check.detail}")
        _say_keys(reports or [])
        _say_missing(missing)
    broken = any(check.ok is False for check in looked) or any(r.ok is False for r in reports or ())
    raise typer.Exit(exits.FAILED if broken else exits.OK)


def _say_keys(reports: list[KeyReport]) -> None:
    if reports:
        say("")
        say(_table(reports))
        for line in _remarks(reports):
            say(line)


def _say_missing(missing: list[Absence]) -> None:
    if missing:
        say("\nNo key yet:")
        for each in missing:
            say(f"    {each.provider}: {each.advice}")


def _record(report: KeyReport) -> dict[str, Any]:
    return {
        "provider": report.provider,
        "region": report.region,
        "host": report.host,
        "ok": report.ok,
        "works": report.works,
        "error": report.error.to_json() if report.error is not None else None,
        "balance": report.balance.to_json() if report.balance is not None else None,
        "concurrency": report.concurrency,
        "clock_skew_seconds": round(report.skew, 1) if report.skew is not None else None,
        "clock_skewed": report.skewed,
        "models": list(report.models),
        "detail": report.detail,
        "hint": report.hint,
    }


def _table(reports: Iterable[KeyReport]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("key", no_wrap=True)
    table.add_column("works", no_wrap=True)
    for column in ("left", "at once", "clock"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("host", overflow="fold")
    table.add_column("opens", overflow="fold")
    for report in reports:
        more = f" and {len(report.models) - _SHOWN} more" if len(report.models) > _SHOWN else ""
        table.add_row(
            f"{report.provider}:{report.region}",
            {True: "yes", False: "NO", None: "not known"}[report.works],
            str(report.balance.rounded()) if report.balance is not None else "–",
            str(report.concurrency) if report.concurrency is not None else "–",
            f"{round(report.skew):+} s" if report.skew is not None else "–",
            report.host,
            (", ".join(report.models[:_SHOWN]) + more) or "–",
        )
    return table


def _remarks(reports: Iterable[KeyReport]) -> Iterable[str]:
    """What does not fit into a table: why a key does not work, and clocks that are off."""
    for report in reports:
        name = f"{report.provider}:{report.region}"
        if report.error is not None:
            mark = "NO" if report.ok is False else "–"
            yield f"{mark:<3} {name}: {type(report.error).__name__}: {report.error}"
            if report.hint:
                yield f"    {report.hint}"
        elif report.detail:
            yield f"ok  {name}: {report.detail}"
        if report.skew is not None and report.skewed:
            way = "behind" if report.skew > 0 else "ahead of"
            yield (
                f"–   {name}: this machine's clock is {abs(report.skew):.0f} s {way} the vendor's; over "
                f"{SKEWED:.0f} s signatures are refused: set the clock"
            )
