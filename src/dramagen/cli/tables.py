"""The tables people read: what a plan says, what each route would cost, what was filmed."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.table import Table

from dramagen.episode.manifest import Manifest
from dramagen.money import Money
from dramagen.routing.plan import Plan, RouteTotal, ShotPlan

NONE = "–"


def clock(seconds: float | None) -> str:
    """``1:35``; a dash where it is not known."""
    if seconds is None:
        return NONE
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moneys(amounts: Sequence[Money]) -> str:
    """``6.00 CNY + 1.20 USD``, or ``nothing``."""
    return " + ".join(str(money) for money in amounts if money) or "nothing"


def choices(plan: Plan, takes: Sequence[int]) -> Table:
    """Per shot: the route chosen, what it costs, how long it takes, what is done differently."""
    table = plain_table("shot", "take", ">s", "route", ">expected", ">at most", ">time", "adjusted")
    for planned, take in zip(plan.shots, takes, strict=True):
        shot = planned.shot
        table.add_row(shot.name, str(take), f"{shot.duration:g}", *_choice(planned))
    table.add_section()
    to_film = sum(planned.held is None and planned.choice is not None for planned in plan.shots)
    sums = (NONE, NONE) if plan.idle else (str(plan.expected), str(plan.most))
    table.add_row(
        "total", "", f"{sum(p.shot.duration for p in plan.shots):g}", f"{to_film} to film",
        *sums, clock(plan.seconds), "",
    )  # fmt: skip
    return table


def _choice(planned: ShotPlan) -> tuple[str, str, str, str, str]:
    if planned.held is not None:
        return planned.held, "paid already", "", "", ""
    quote = planned.choice
    if planned.ended is not None:
        return NONE, NONE, NONE, NONE, planned.ended
    if quote is None:
        return NONE, NONE, NONE, NONE, _why_not(planned)
    adjusted = "; ".join(f"{a.field}: {a.asked} → {a.given}" for a in quote.adjustments)
    return quote.route.id, str(quote.price.expected), str(quote.price.most), clock(quote.seconds), adjusted


def _why_not(planned: ShotPlan) -> str:
    """The nearest thing to a reason: a refusal where there is a key, the key that is missing, any refusal."""
    pin = planned.shot.pin
    mine = (r for r in planned.refusals if r.route.satisfies(pin))
    refusals = sorted(mine, key=lambda r: (r.retired, not r.keyed))
    without_key = any(q.route.satisfies(pin) for q in planned.quotes)
    for refusal in refusals:
        if refusal.keyed or (pin is not None and not without_key):
            return f"{refusal.route.id}: {refusal.reason}"
    return "no key" if without_key else "no route can film it"


def routes(plan: Plan, title: str) -> Table:
    """What the same shots would cost on each real route of their pins, and how long they would take, in total."""
    table = plain_table(
        "route", "key", ">total", f">in {plan.currency}", ">a shot", ">time", "cannot film", title=title
    )
    for total in _real(plan):
        table.add_row(
            total.route,
            "yes" if total.keyed else "no key",
            str(total.total) if total.total is not None else NONE,
            f"{total.total_converted.rounded().amount}" if total.total_converted is not None else NONE,
            _span(plan, total.route),
            clock(total.seconds),
            f"{total.refused} of {len(plan.shots)}" if total.refused else "",
        )
    return table


def routes_by_shot(plan: Plan, width: int) -> Iterator[Table]:
    """What each shot would cost on each of those routes, as many shots side by side as fit ``width`` columns."""
    totals = _real(plan)
    names = [planned.shot.name for planned in plan.shots]
    prices = [_amount(price) for total in totals for price in total.prices]
    column = max((cell_len(text) for text in [*names, *prices]), default=0) + 2
    fit = max(1, (width - max((cell_len(t.route) for t in totals), default=0) - 5) // column)
    for start in range(0, len(plan.shots), fit):
        shown = slice(start, start + fit)
        table = plain_table("route", "in", *(f">{name}" for name in names[shown]))
        for total in totals:
            currency = total.total.currency if total.total is not None else ""
            table.add_row(total.route, currency, *(_amount(price) for price in total.prices[shown]))
        yield table


def _amount(price: Money | None) -> str:
    return NONE if price is None else str(price.rounded().amount)


def _span(plan: Plan, route: str) -> str:
    """The shortest and the longest a shot takes there."""
    times = [q.seconds for p in plan.shots for q in p.quotes if q.route.id == route and q.seconds is not None]
    if not times:
        return NONE
    low, high = clock(min(times)), clock(max(times))
    return low if low == high else f"{low}–{high}"


def others(plan: Plan) -> int:
    """How many more routes could film these shots, if it were not for their pins."""
    return len(_priced(plan)) - len(_real(plan))


def _real(plan: Plan) -> list[RouteTotal]:
    """Routes that cost something, of those a shot's pin allows."""
    meant = {q.route.id for p in plan.shots for q in p.quotes if q.route.satisfies(p.shot.pin)}
    return [total for total in _priced(plan) if total.route in meant]


def _priced(plan: Plan) -> list[RouteTotal]:
    """Routes that cost something: previz is no film."""
    return [total for total in plan.routes() if total.total is None or total.total]


def filmed(manifest: Manifest) -> Table:
    """What was filmed, shot by shot, and what it cost."""
    table = plain_table("shot", ">take", "route", ">s", ">cost", "paid", "clip", title=manifest.episode)
    for shot in manifest.shots:
        paid = "before" if shot.cached else "now"
        table.add_row(
            shot.id, str(shot.take), shot.route, f"{shot.duration:.2f}", str(shot.cost),
            paid if shot.cost else "free", shot.clip,
        )  # fmt: skip
    for failure in manifest.failures:
        why = f"waits for {failure.waits_for}" if failure.error is None else failure.error.message
        table.add_row(failure.id, str(failure.take), NONE, NONE, NONE, "", why)
    table.add_section()
    seconds = sum(shot.duration for shot in manifest.shots)
    table.add_row("total", "", "", f"{seconds:.2f}", moneys(manifest.value), "", "")
    return table


def plain_table(*columns: str, title: str | None = None) -> Table:
    """A table without lines; a column whose name begins with ``>`` is right-aligned."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left")
    return table
