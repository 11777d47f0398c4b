"""The tables of the report. Every cell is escaped here; what these functions give is HTML."""

from collections.abc import Mapping, Sequence
from html import escape

from dramagen.bench.figures import Figures
from dramagen.bench.plane import letter
from dramagen.bench.results import Results
from dramagen.money import Money

DASH = "–"
MIN = 60


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of HTML cells; on a narrow screen each row becomes a list that names its columns."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-name="{escape(name)}"><span>{cell}</span></td>'
            for name, cell in zip(columns, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def key(number: int, route: str) -> str:
    """A route with its letter and colour."""
    name = escape(route).replace("/", "/<wbr>")
    return f'<span class="key" style="background:var(--c{number % 8})">{letter(number)}</span>{name}'


def share(value: float | None) -> str:
    """A share in whole per cent."""
    return DASH if value is None else f"{value:.0%}"


def seconds(value: float | None) -> str:
    """``45 s`` or ``3:20``."""
    if value is None:
        return DASH
    whole = round(value)
    return f"{whole} s" if whole < 2 * MIN else f"{whole // MIN}:{whole % MIN:02} min"


def _money(value: Money | None) -> str:
    return DASH if value is None else escape(str(value))


def _range(low: str, high: str) -> str:
    return f'<span class="range">{low} to {high}</span>'


def _p90(value: float) -> str:
    return f'<span class="range">p90 {seconds(value)}</span>'


def _rate(found: Figures) -> str:
    if found.rate is None:
        return DASH
    low, high = found.rate_interval
    return f"{share(found.rate)} {_range(share(low), share(high))}"


def _per_accepted(found: Figures) -> str:
    low, high = found.per_accepted_interval
    if found.rate is None:
        return DASH
    if found.per_accepted is None:
        return f"{DASH} {_range('more than ' + str(low.rounded().amount), '?')}"
    most = "?" if high is None else str(high.rounded().amount)
    return f"{_money(found.per_accepted)} {_range(str(low.rounded().amount), most)}"


def routes(results: Results) -> str:
    """Each route's figures, the cheapest accepted clip first."""
    rows = []
    numbers = {route: number for number, route in enumerate(results.routes)}

    def rank(route: str) -> tuple[bool, object]:
        money = results.routes[route].per_accepted
        return (money is None, money.amount if money is not None else 0)

    for route in sorted(results.routes, key=rank):
        found = results.routes[route]
        lag = found.lag
        rows.append([
            key(numbers[route], route),
            _per_accepted(found),
            _rate(found),
            _money(found.per_take),
            share(found.within),
            DASH if lag is None else f"{seconds(lag[0])} {_p90(lag[1])}",
            f"{found.accepted} of {found.takes}" + (f", {found.undecided} undecided" if found.undecided else ""),
            f"{found.shots}" + (f", cannot film {found.unfit}" if found.unfit else ""),
        ])  # fmt: skip
    return table(
        ["route", "cost per accepted clip", "accepted", "cost of a take", f"shots accepted within {results.per_shot}",
         "wait", "takes", "shots"],
        rows,
    )  # fmt: skip


def defects(results: Results) -> str:
    """How many takes each check marked, by route."""
    names = sorted({name for found in results.routes.values() for name in (*found.defects, *found.failed)})
    if not names:
        return "<p>No check found anything, and no vendor refused anything.</p>"
    rows = []
    for number, (route, found) in enumerate(results.routes.items()):
        cells = [key(number, route)]
        for name in names:
            rejected, warned = found.defects.get(name, (0, 0))
            rejected += found.failed.get(name, 0)
            said = [f'<span class="bad">{rejected} refused</span>'] if rejected else []
            said += [f'<span class="warn">{warned} warned</span>'] if warned else []
            cells.append(", ".join(said) or DASH)
        rows.append(cells)
    return table(["route", *(name.replace("_", " ") for name in names)], rows)


def tags(results: Results) -> str:
    """For every kind of shot, each route's share accepted and cost per accepted clip."""
    names = list(results.routes)
    rows = []
    for (kind, tag), by_route in results.tags.items():
        cells = [f'<span class="soft">{escape(kind)}</span> {escape(tag)}']
        rows.append(cells + [_short(by_route, name) for name in names])
    return table(["shots", *(f"{letter(n)} {name}" for n, name in enumerate(names))], rows)


def _short(by_route: Mapping[str, Figures], name: str) -> str:
    found = by_route.get(name)
    if found is None or found.rate is None:
        return DASH
    low, high = found.rate_interval
    return (
        f"{_money(found.per_accepted)} "
        f'<span class="range">{share(found.rate)} of {found.takes} ({share(low)} to {share(high)})</span>'
    )


def preferred(results: Results) -> str:
    """What people's comparisons of two takes say."""
    ranked = results.preferred()
    if not ranked:
        return ""
    rows = [
        [
            escape(r["route"]),
            f"{r['points']:.0f} ± {1.96 * r['error']:.0f}",
            f"{r['wins']} of {r['compared']}",
        ]
        for r in ranked
    ]
    return "<h2>Preferred side by side</h2>" + table(
        ["route", "rating (1000 is the middle)", "pairs won"], rows
    )
