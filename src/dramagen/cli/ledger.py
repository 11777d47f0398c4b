"""``dramagen ledger``: where the money is, how that is known, and whether a provider's bill says the same."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dramagen.cli import exits
from dramagen.cli.options import AsJson
from dramagen.cli.screen import emit, say
from dramagen.cli.sheets import sheet
from dramagen.cli.tables import moneys, plain_table
from dramagen.cli.times import Since, Until
from dramagen.engine.bill import FIELDS, read_bill
from dramagen.engine.billcheck import BillCheck, Foreign, Pair
from dramagen.engine.ledger import ASSUMED, CAUSES, SOURCES
from dramagen.engine.report import Report, Sums, short
from dramagen.money import Money, total
from dramagen.studio import Studio


class Group(StrEnum):
    """What the ledger is broken down by."""

    EPISODE = "episode"
    SHOT = "shot"
    MODEL = "model"
    ROUTE = "route"
    PROVIDER = "provider"
    DAY = "day"


_CAUSES = tuple(dict.fromkeys(CAUSES.values()))
_SHOWN = 50


def _columns(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(field.strip() and sign and column.strip() for field, sign, column in pairs):
        raise typer.BadParameter(f"write it as id=COLUMN,amount=COLUMN; there are {', '.join(FIELDS)}")
    return {field.strip(): column.strip() for field, _, column in pairs}


def _currency(text: str) -> str:
    if not (len(text) == 3 and text.isascii() and text.isalpha()):
        raise typer.BadParameter("a currency is three letters, such as CNY")
    return text.upper()


def ledger(
    by: Annotated[Group, typer.Option("--by", help="What to break it down by.")] = Group.EPISODE,
    episode: Annotated[str | None, typer.Option("--episode", help="Only this episode.")] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Only this provider, or one region: kling:intl.")
    ] = None,
    since: Since = None,
    until: Until = None,
    bill: Annotated[
        Path | None,
        typer.Option(
            "--bill",
            metavar="FILE",
            help="Compare with the provider's bill, exported as CSV or JSON.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="MAP",
            help="Which column of the bill is which: id=...,amount=...,currency=...,tag=...",
        ),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(
            "--currency", parser=_currency, metavar="CODE", help="The bill's currency, where it names none."
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="The result as CSV on standard output.")] = False,
    as_json: AsJson = False,
) -> None:
    """What was spent, reserved and wasted, what nobody knows, and whether a provider's bill agrees."""
    if as_csv and as_json:
        raise typer.BadParameter("say --csv or --json, not both")
    if bill is None:
        if columns is not None or currency is not None:
            raise typer.BadParameter("--columns and --currency are about a bill: name it with --bill")
        report = Studio().ledger_report(
            by.value, episode=episode, provider=provider, since=since, until=until
        )  # fmt: skip
        _show(report, as_csv, as_json)
        return
    if provider is None:
        raise typer.BadParameter("say whose bill it is: --provider")
    if episode is not None:
        raise typer.BadParameter("a bill is compared with all episodes; --since and --until say its time")
    mapping = None if columns is None else _columns(columns)
    check = _checked(bill, provider, mapping, currency, since, until)
    _show_check(check, provider, as_csv, as_json)
    raise typer.Exit(exits.OK if check.in_order else exits.FAILED)


def _checked(
    bill: Path,
    provider: str,
    columns: dict[str, str] | None,
    currency: str | None,
    since: datetime | None,
    until: datetime | None,
) -> BillCheck:
    charges = read_bill(bill, provider.partition(":")[0], columns, currency)
    return Studio().check_bill(charges, provider, since, until)


# --- the ledger --------------------------------------------------------------------------------------------------


def _show(report: Report, as_csv: bool, as_json: bool) -> None:
    if as_json:
        emit(report.to_json())
        return
    if as_csv:
        names = (report.by, "currency", "jobs", "clips", "spent", "reserved", "unknown", "wasted")
        sheet((*names, *SOURCES, *_CAUSES), (_cells(sums) for sums in report.rows))
        return
    if not report.rows:
        say("nothing was ever ordered here, or nothing of this")
        return
    table = plain_table(
        report.by, ">jobs", ">clips", ">spent", ">reserved", ">unknown", ">wasted", "currency", ""
    )
    for sums in report.rows:
        table.add_row(*_row(sums))
    table.add_section()
    for sums in report.totals:
        table.add_row(*_row(sums))
    say(table)
    for sums in report.totals:
        for what, split in (("spent", sums.sources), ("wasted", sums.causes)):
            if any(split.values()):
                said = ", ".join(f"{Money(amount, sums.currency)} {name}" for name, amount in split.items())
                say(f"what was {what}: {said}")
    _say_converted(report)


def _row(sums: Sums) -> tuple[str, ...]:
    amounts = (sums.spent, sums.reserved, sums.unknown, sums.wasted)
    shown = [str(Money(amount, sums.currency).rounded().amount) for amount in amounts]
    assumed = sums.sources.get(ASSUMED)
    mark = f"{Money(assumed, sums.currency).rounded().amount} of it assumed" if assumed else ""
    return (sums.group, str(sums.jobs), str(sums.clips), *shown, sums.currency, mark)


def _cells(sums: Sums) -> Sequence[object]:
    return (
        sums.group, sums.currency, sums.jobs, sums.clips, sums.spent, sums.reserved, sums.unknown, sums.wasted,
        *(sums.sources.get(source) for source in SOURCES), *(sums.causes.get(cause) for cause in _CAUSES),
    )  # fmt: skip


def _say_converted(report: Report) -> None:
    if report.unrated:
        say(f"no total of all currencies: no rate is stated for {', '.join(report.unrated)}")
    if report.converted is None:
        return
    one = report.converted
    rates = ", ".join(
        f"1 {code} = {rate.normalize():f} {one.spent.currency}" for code, rate in one.rates.items()
    )
    say(
        f"all converted: spent {one.spent}, reserved {one.reserved}, unknown {one.unknown}, wasted {one.wasted} "
        f"(at {rates}, stated {one.stated})"
    )


# --- against a bill ----------------------------------------------------------------------------------------------


def _show_check(check: BillCheck, provider: str, as_csv: bool, as_json: bool) -> None:
    if as_json:
        emit(check.to_json())
        return
    if as_csv:
        names = (
            "verdict",
            "job",
            "vendor_id",
            "tag",
            "episode",
            "shot",
            "state",
            "ours",
            "known",
            "theirs",
            "currency",
        )
        sheet(names, _check_rows(check))
        return
    if check.only_theirs:
        say(f"ON THE BILL, AND NO JOB OF OURS: {moneys(_theirs(check.only_theirs))}. Who else has the key?")
        _list(_foreign(one) for one in check.only_theirs)
    if check.differs:
        say(f"differs: {len(check.differs)} jobs")
        _list(_both(pair) for pair in check.differs)
    if check.only_ours:
        say(
            f"only in our ledger: {len(check.only_ours)} jobs. The bill may be of another time, or of another key"
        )
        _list(_both(pair) for pair in check.only_ours)
    if check.unknown:
        say(
            f"without an answer, and not on the bill: {len(check.unknown)} jobs. If the bill is complete: --not-paid"
        )
        _list(_both(pair) for pair in check.unknown)
    if check.running:
        say(f"still running, and on the bill already: {len(check.running)} jobs; in no total")
    if check.unnamed:
        say(f"rows that name no job: {moneys(check.unnamed)}; in no total")
    say(f"agrees: {len(check.agrees)} jobs")
    say(f"in total, ours {moneys(check.ours)}, {provider}'s bill {moneys(check.theirs)}")
    if check.in_order:
        say("the bill is what the ledger says")


def _theirs(listed: Iterable[Foreign]) -> list[Money]:
    return list(total(money for one in listed for money in one.theirs))


def _list(lines: Iterable[str]) -> None:
    listed = list(lines)
    for line in listed[:_SHOWN]:
        say(f"  {line}")
    if len(listed) > _SHOWN:
        say(f"  and {len(listed) - _SHOWN} more: --csv lists them all")


def _foreign(one: Foreign) -> str:
    return f"{one.vendor_id or '(no id)'}{f', tag {one.tag}' if one.tag else ''}: {moneys(one.theirs)}"


def _both(pair: Pair) -> str:
    job = pair.job
    ours = f"up to {job.reserved}" if pair.ours is None else f"{pair.ours} {job.cost_source or ''}".rstrip()
    where = f"{job.episode}/" if job.episode else ""
    return f"{job.id[:8]} {where}{short(job.name)}, {job.state}: ours {ours}; theirs {moneys(pair.theirs)}"


def _check_rows(check: BillCheck) -> Iterable[Sequence[object]]:
    for verdict in ("only_theirs", "differs", "only_ours", "unknown", "running", "agrees"):
        for one in getattr(check, verdict):
            if isinstance(one, Foreign):
                for money in one.theirs:
                    yield (
                        verdict, None, one.vendor_id, one.tag, None, None, None, None, None,
                        money.amount, money.currency,
                    )  # fmt: skip
            else:
                yield from _pair_rows(verdict, one)


def _pair_rows(verdict: str, pair: Pair) -> Iterable[Sequence[object]]:
    """One row for each currency the two sides have it in."""
    job = pair.job
    theirs = {money.currency: money.amount for money in pair.theirs}
    ours = {} if pair.ours is None else {pair.ours.currency: pair.ours.amount}
    for currency in dict.fromkeys([*ours, *theirs]) or [job.reserved.currency]:
        yield (
            verdict, job.id, job.vendor_id, job.tag, job.episode, job.shot_id, job.state.value,
            ours.get(currency), job.cost_source, theirs.get(currency), currency,
        )  # fmt: skip
