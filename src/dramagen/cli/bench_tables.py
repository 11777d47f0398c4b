"""The tables of ``dramagen bench``: what it would cost, and what it found."""

from collections.abc import Sequence

from rich.table import Table

from dramagen.bench.filming import Slot
from dramagen.bench.results import Results
from dramagen.cli.tables import NONE, clock, plain_table
from dramagen.money import Money
from dramagen.routing.plan import Plan


def ahead(plan: Plan, listed: Sequence[Slot]) -> Table:
    """Per route: how many takes are to be filmed, are there or over, or cannot be; what they may cost."""
    table = plain_table("route", ">to film", ">held", ">cannot", ">expected", ">at most")
    for route in dict.fromkeys(slot.id.route for slot in listed):
        answers = [p for p, slot in zip(plan.shots, listed, strict=True) if slot.id.route == route]
        open_ones = [p.choice.price for p in answers if p.held is None and p.choice is not None]
        zero = Money.zero(plan.currency)
        expected = sum((plan.rates.convert(price.expected, plan.currency) for price in open_ones), zero)
        most = sum((plan.rates.convert(price.most, plan.currency) for price in open_ones), zero)
        held = sum(p.held is not None or p.ended is not None for p in answers)
        cannot = len(answers) - held - len(open_ones)
        table.add_row(route, str(len(open_ones)), str(held), str(cannot), str(expected), str(most))
    table.add_section()
    table.add_row("total", "", "", "", str(plan.expected), str(plan.most))
    return table


def routes(results: Results) -> Table:
    """Per route: what an accepted clip costs, and how sure that is."""
    table = plain_table(
        "route", ">per accepted clip", "95 %", ">accepted", "95 %", ">a take", ">wait", ">takes", ">undecided"
    )
    for route, found in results.routes.items():
        low, high = found.per_accepted_interval
        rate_low, rate_high = found.rate_interval
        decided = found.rate is not None
        top = "?" if high is None else str(high.rounded().amount)
        table.add_row(
            route,
            str(found.per_accepted) if found.per_accepted is not None else NONE,
            f"{low.rounded().amount} to {top}" if decided else "",
            f"{found.rate:.0%}" if found.rate is not None else NONE,
            f"{rate_low:.0%} to {rate_high:.0%}" if decided else "",
            str(found.per_take) if decided else NONE,
            clock(found.lag[0]) if found.lag is not None else NONE,
            str(found.takes),
            str(found.undecided),
        )
    return table
