"""``dramagen models``: the catalogue, what is old in it, and what is gone."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from rich.table import Table

from dramagen.catalog.access import access
from dramagen.catalog.cards import ModelCard
from dramagen.catalog.load import Catalog
from dramagen.catalog.price_rows import UNIT, Price, When
from dramagen.cli.options import AsJson
from dramagen.cli.screen import emit, note, say
from dramagen.money import Money
from dramagen.settings import gather


def models(as_json: AsJson = False) -> None:
    """List every model on every provider: what it films, what it costs, and whether there is a key for it."""
    settings = gather()
    catalog = Catalog.load(settings.card_roots, settings.providers)
    today = datetime.now(UTC).date()
    rows = list(
        _rows(catalog, {n: access(catalog.provider(n), settings) for n in catalog.providers()}, today)
    )
    old = [
        (f"{s.provider}/{s.model}", s.age.days if s.age is not None else None) for s in catalog.stale(today)
    ]
    if as_json:
        emit({"models": rows, "old_prices": [{"model": m, "days": days} for m, days in dict(old).items()]})
        return
    say(_table([row for row in rows if not row["retired"]]))
    gone = {row["title"]: row for row in rows if row["retired"]}
    for title, row in gone.items():
        instead = f"; use {' or '.join(row['instead'])}" if row["instead"] else ""
        say(f"gone since {row['retired']}: {title}{instead}")
    for model, days in dict(old).items():
        age = f"was read {days} days ago" if days is not None else "has no date"
        note(f"{model}: its price {age}; check it with the vendor before relying on it")


def _rows(catalog: Catalog, reachable: dict[str, Any], today: date) -> Iterable[dict[str, Any]]:
    for provider in catalog.providers():
        for name in catalog.models(provider):
            card = catalog.model(provider, name)
            for region in card.wire:
                gone = card.retires(region)
                yield {
                    "route": f"{provider}:{region}/{name}",
                    "title": card.title,
                    "keyed": reachable[provider][region].keyed,
                    "retired": gone.isoformat() if gone is not None and gone <= today else None,
                    "retires": gone.isoformat() if gone is not None and gone > today else None,
                    "instead": list(card.instead),
                    "modes": [mode.name for mode in card.modes],
                    "seconds": sorted({str(mode.durations) for mode in card.modes}),
                    "prices": [
                        _price(row, catalog.provider(provider).regions[region].unit)
                        for row in card.prices
                        if row.region in (None, region)
                    ],
                    "rating": card.quality[0].rating if card.quality else None,
                    "checked": _checked(card),
                }


def _price(row: Price, unit: Money | None) -> dict[str, Any]:
    """A list price; the vendor's own units are told as the money they cost."""
    money = unit * row.amount if unit is not None and row.currency == UNIT else None
    return {
        "amount": format(money.amount.normalize() if money is not None else row.amount, "f"),
        "currency": money.currency if money is not None else row.currency,
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
            _prices(row["prices"]),
            row["checked"] or "–",
        )
    return table


def _prices(prices: list[dict[str, Any]]) -> str:
    """The lowest and the highest row of each kind, since a card may have dozens."""
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for price in prices:
        kinds.setdefault((price["currency"], price["per"].replace("_", " ")), []).append(price)
    said = []
    for (currency, per), group in kinds.items():
        amounts = sorted((p["amount"] for p in group), key=float)
        span = amounts[0] if amounts[0] == amounts[-1] else f"{amounts[0]}–{amounts[-1]}"
        said.append(f"{span} {currency}/{per}")
    return "; ".join(said) or "no price"
