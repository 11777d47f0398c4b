"""``dramagen models``: the catalogue, what is old in it, and what is gone; or one model, and all it can do."""

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from dramagen.catalog.access import access
from dramagen.catalog.capabilities import markdown, price_range, prices, record
from dramagen.catalog.cards import ModelCard
from dramagen.catalog.load import Catalog
from dramagen.catalog.price_rows import Price, When
from dramagen.cli.options import AsJson
from dramagen.cli.screen import emit, note, say
from dramagen.money import Money
from dramagen.settings import gather

Pin = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL", help="One model, or provider/model: everything it can do.", show_default=False
    ),
]
AsMarkdown = Annotated[
    bool, typer.Option("--markdown", help="What every model can do, as a page in Markdown (docs/models.md).")
]


def models(model: Pin = None, as_markdown: AsMarkdown = False, as_json: AsJson = False) -> None:
    """List every model on every provider: what it films, what it costs, and whether there is a key for it."""
    settings = gather()
    catalog = Catalog.load(settings.card_roots, settings.providers)
    if as_markdown:
        sys.stdout.write(markdown(catalog))
        return
    if model is not None:
        _one(catalog, model, as_json)
        return
    today = datetime.now(UTC).date()
    rows = list(
        _rows(catalog, {n: access(catalog.provider(n), settings) for n in catalog.providers()}, today)
    )
    old = [
        (f"{s.provider}/{s.model}", s.age.days if s.age is not None else None) for s in catalog.stale(today)
    ]
    if as_json:
        shown = [{name: value for name, value in row.items() if name != "range"} for row in rows]
        emit({"models": shown, "old_prices": [{"model": m, "days": days} for m, days in dict(old).items()]})
        return
    say(_table([row for row in rows if not row["retired"]]))
    gone = {row["title"]: row for row in rows if row["retired"]}
    for title, row in gone.items():
        instead = f"; use {' or '.join(row['instead'])}" if row["instead"] else ""
        say(f"gone since {row['retired']}: {title}{instead}")
    for name, days in dict(old).items():
        age = f"was read {days} days ago" if days is not None else "has no date"
        note(f"{name}: its price {age}; check it with the vendor before relying on it")


def _one(catalog: Catalog, pin: str, as_json: bool) -> None:
    """Every provider that serves the model, and what it can be asked for there."""
    found = dict.fromkeys((route.provider, route.model) for route in catalog.matching(pin))
    told = [record(catalog.model(*each), catalog.provider(each[0])) for each in found]
    if as_json:
        emit({"models": told})
        return
    for each in told:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        ends = ", ".join(f"{day} ({region})" for region, day in each["retired"].items())
        where = f"{each['provider']}, in {', '.join(each['regions'])}"
        for name, value in {
            "served by": where,
            **({"until": ends} if ends else {}),
            **each["capabilities"],
        }.items():
            table.add_row(name, value)
        say(f"{each['title']} ({each['model']})")
        say(table)


def _rows(catalog: Catalog, reachable: dict[str, Any], today: date) -> Iterable[dict[str, Any]]:
    for provider in catalog.providers():
        for name in catalog.models(provider):
            card = catalog.model(provider, name)
            for region in card.wire:
                gone = card.retires(region)
                priced = prices(card, catalog.provider(provider), region)
                yield {
                    "route": f"{provider}:{region}/{name}",
                    "title": card.title,
                    "keyed": reachable[provider][region].keyed,
                    "retired": gone.isoformat() if gone is not None and gone <= today else None,
                    "retires": gone.isoformat() if gone is not None and gone > today else None,
                    "instead": list(card.instead),
                    "modes": [mode.name for mode in card.modes],
                    "seconds": sorted({str(mode.durations) for mode in card.modes}),
                    "prices": [_price(row, money) for row, money in priced],
                    "range": price_range(priced),
                    "rating": card.quality[0].rating if card.quality else None,
                    "checked": _checked(card),
                }


def _price(row: Price, money: Money) -> dict[str, Any]:
    return {
        "amount": format(money.amount.normalize(), "f"),
        "currency": money.currency,
        "per": row.per,
        "when": _when(row.when),
        "checked": row.checked.isoformat() if row.checked else None,
    }


def _when(when: When) -> str:
    parts = [*(when.resolution or ()), *(when.mode or ())]
    for name, value in (("sound", when.audio), ("video input", when.video_input), ("voice", when.voice)):
        if value is not None:
            parts.append(name if value else f"no {name}")
    return ", ".join([*parts, *(f"{key}={value}" for key, value in when.options.items())])


def _checked(card: ModelCard) -> str | None:
    days = [row.checked for row in card.prices if row.checked is not None]
    return min(days).isoformat() if days else None


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("route", no_wrap=True)
    for column in ("key", "films", "seconds", "price", "read"):
        table.add_column(column, overflow="fold")
    for row in rows:
        until = f" until {row['retires']}" if row["retires"] else ""
        table.add_row(
            row["route"] + until,
            "yes" if row["keyed"] else "no key",
            ", ".join(mode.replace("_", " ") for mode in row["modes"]) or "–",
            max(row["seconds"], key=len, default="–"),
            row["range"],
            row["checked"] or "–",
        )
    return table
