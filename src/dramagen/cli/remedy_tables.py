"""``dramagen plan --remedies``: what each remedy would cost, should a shot's first route give no clip."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from dramagen.config import Cause
from dramagen.routing.plan import Plan
from dramagen.routing.remedies import Option, remedies_of
from dramagen.studio import Studio

Remedies = Mapping[Cause, Sequence[Option]]


def remedies_by_shot(studio: Studio, plan: Plan) -> list[Remedies]:
    """Of each shot of a plan. Spends nothing."""
    shots = [planned.shot for planned in plan.shots]
    silent = studio.plan([shot.changed(audio=False) for shot in shots])
    leave = studio.settings.routing.remedies
    return [remedies_of(p, s, leave) for p, s in zip(plan.shots, silent.shots, strict=True)]


def remedy_table(plan: Plan, remedies: Sequence[Remedies]) -> Table:
    """Per shot, causes with the same remedies together; what the project forbids says so."""
    table = Table(
        title="Should the first route give no clip, in this order",
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    for column in ("shot", "cause", "remedy", "route", "expected", "at most"):
        table.add_column(
            column, justify="right" if column in ("expected", "at most") else "left", overflow="fold"
        )
    for planned, by_cause in zip(plan.shots, remedies, strict=True):
        name = planned.shot.name
        together: dict[tuple[tuple[str, ...], ...], list[str]] = {}
        for cause, options in by_cause.items():
            together.setdefault(tuple(_row(option) for option in options), []).append(cause)
        for rows, causes in together.items():
            shown = ", ".join(causes)
            for row in rows:
                table.add_row(name, shown, *row)
                name = shown = ""
    return table


def _row(option: Option) -> tuple[str, ...]:
    remedy = option.remedy if option.allowed else f"{option.remedy} (not allowed)"
    if option.quote is None:
        return remedy, "–", "–", "–"
    price = option.quote.price
    return remedy, option.quote.route.id, str(price.expected), str(price.most)


def remedies_json(plan: Plan, remedies: Sequence[Remedies]) -> list[dict[str, Any]]:
    """The same for machines: by shot, by cause, in the order they are tried."""
    return [
        {
            "shot": planned.shot.id or planned.shot.name,
            "causes": {cause: [option.to_json() for option in options] for cause, options in each.items()},
        }
        for planned, each in zip(plan.shots, remedies, strict=True)
    ]
