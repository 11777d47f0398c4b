"""What a model can be asked for, in words for people: one row per model, from its card alone.

``native``: the vendor has a field for it. ``prompt``: the adapter says it in the prompt, as the vendor documents.
``refused``: a shot that asks for it is not filmed there. ``left out``: it is dropped, and listed as an adjustment.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, get_args

from dramagen.catalog.cards import ModelCard, ProviderCard
from dramagen.catalog.load import Catalog
from dramagen.catalog.modes import Cuts, MediaLimits, Mode, Way
from dramagen.catalog.price_rows import UNIT, Price
from dramagen.money import Money
from dramagen.shot import Move

REFUSED = "refused"
LEFT_OUT = "left out"

MOVES: tuple[Move, ...] = get_args(Move)

_NAMES: Mapping[str, str] = {
    "text": "text",
    "first_frame": "first frame",
    "first_last_frame": "first and last frame",
    "references": "references",
}


def capabilities(card: ModelCard, provider: ProviderCard) -> dict[str, str]:
    """Every capability of a model by its column, in the table's order."""
    return {
        **{column: _has(card, mode) for mode, column in _COLUMNS.items()},
        "references": _each(card, lambda mode: _references(mode, card.media), only="references"),
        "dialogue": _each(card, lambda mode: mode.dialogue or REFUSED),
        "voice ids": _each(card, lambda mode: f"native: {mode.voice_ids}" if mode.voice_ids else LEFT_OUT),
        "camera": _each(card, _camera),
        "cuts": _each(card, lambda mode: _cuts(mode.cuts)),
        "negative prompt": _each(card, lambda mode: mode.negative_prompt or LEFT_OUT),
        "seed": _each(card, _seed),
        "sound": _each(card, _sound),
        "resolutions": _each(card, lambda mode: ", ".join(mode.resolutions)),
        "length": _each(card, _length),
        "list price": price_range(prices(card, provider)),
    }


def prices(card: ModelCard, provider: ProviderCard, region: str | None = None) -> list[tuple[Price, Money]]:
    """The list prices of one region, or of all, each as money: units of the vendor's own at what a unit costs."""
    regions = [region] if region is not None else list(card.wire)
    found = []
    for place in regions:
        unit = provider.regions[place].unit
        for row in card.prices:
            if row.region not in (None, place):
                continue
            if row.currency != UNIT:
                money = Money(row.amount, row.currency)
            elif unit is not None:
                money = unit * row.amount
            else:
                continue
            if (row, money) not in found:
                found.append((row, money))
    return found


def price_range(rows: Iterable[tuple[Price, Money]]) -> str:
    """``0.6–3 CNY/second``: the lowest and the highest row of each kind, since a card may have dozens."""
    kinds: dict[tuple[str, str], list[Decimal]] = {}
    for row, money in rows:
        kinds.setdefault((money.currency, row.per.replace("_", " ")), []).append(money.amount)
    said = []
    for (currency, per), amounts in kinds.items():
        low, high = (format(edge.normalize(), "f") for edge in (min(amounts), max(amounts)))
        said.append(f"{low if low == high else f'{low}–{high}'} {currency}/{per}")
    return "; ".join(said) or "no price"


def markdown(catalog: Catalog) -> str:
    """The page of every provider's models, in Markdown. It depends on the cards alone, not even on today."""
    parts = [_HEAD]
    for name in catalog.providers():
        provider = catalog.provider(name)
        cards = [catalog.model(name, model) for model in catalog.models(name)]
        living = [card for card in cards if card.modes]
        parts.append(f"## {provider.title}\n")
        parts.append("\n".join(_table([_row(card, provider) for card in living])) + "\n" if living else "")
        gone = [f"`{card.id}` ({_end(card)})" for card in cards if not card.modes]
        if gone:
            parts.append(f"Gone: {', '.join(gone)}.\n")
    return "\n".join(part for part in parts if part)


_COLUMNS = {"text": "text", "first_frame": "first frame", "first_last_frame": "last frame"}

_HEAD = """\
# Models: what can be asked of each

Generated from the cards in `providers/` by `make docs`; `dramagen models MODEL` shows one of them. The tests hold
each `native` against the request that is sent, and each `prompt` against the words in it.

- **native**: the vendor has a field for it.
- **prompt**: it is said in the prompt, in the words the vendor documents.
- **refused**: a shot that asks for it is not filmed there, and the refusal says so.
- **left out**: it is dropped, and listed among the adjustments; `Shot(strict=...)` makes that a refusal.

A price is the lowest and the highest row of the card; what a shot costs, `dramagen plan` says. Where ways of filming
differ, they stand in brackets.
"""


def _row(card: ModelCard, provider: ProviderCard) -> dict[str, str]:
    end = _end(card)
    return {"model": f"`{card.id}`" + (f" ({end})" if end else ""), **capabilities(card, provider)}


def _end(card: ModelCard) -> str:
    """``until 2026-12-31``, for each region that has a day of its own."""
    days = [(None if region == "*" else region, day) for region, day in card.retired.items()]
    return ", ".join(f"until {day}" + (f" in {region}" if region else "") for region, day in days)


def _table(rows: list[dict[str, str]]) -> Iterator[str]:
    yield "| " + " | ".join(rows[0]) + " |"
    yield "|" + " --- |" * len(rows[0])
    for row in rows:
        yield "| " + " | ".join(value.replace("|", "\\|") for value in row.values()) + " |"


def _has(card: ModelCard, mode: str) -> str:
    if card.mode(mode) is not None:
        return "native"
    if mode == "text":
        return REFUSED
    beside = card.mode("references")
    needed = 2 if mode == "first_last_frame" else 1
    if beside is not None and beside.references.frames >= needed:
        return "native (beside references)"
    return REFUSED


def _each(card: ModelCard, say: Callable[[Mode], str], only: str | None = None) -> str:
    """What ``say`` says of every mode, once where they agree."""
    modes = [mode for mode in card.modes if only in (None, mode.name)]
    said: dict[str, list[str]] = {}
    for mode in modes:
        said.setdefault(say(mode), []).append(_NAMES[mode.name])
    if not said:
        return REFUSED
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in said.items())


def _references(mode: Mode, media: MediaLimits) -> str:
    takes = mode.references
    kinds = (
        (takes.images, "image", media.image),
        (takes.videos, "video", media.video),
        (takes.voices, "voice", media.voice),
    )
    parts = [
        f"{number} {kind}{'s' if number > 1 else ''}{' by URL' if limit.by_url else ''}"
        for number, kind, limit in kinds
        if number
    ]
    if takes.total is not None and len(parts) > 1:
        parts.append(f"{takes.total} in all")
    return f"native: {', '.join(parts)}" if parts else REFUSED


def _camera(mode: Mode) -> str:
    if mode.camera is None:
        return REFUSED
    return _told(mode.camera, mode.moves)


def _told(way: Way, moves: tuple[Move, ...]) -> str:
    """Which moves, if not all of them: those it has, or those it lacks, whichever is shorter to say."""
    missing = [move for move in MOVES if moves and move not in moves]
    if not missing:
        return way
    if len(missing) < len(moves):
        return f"{way}, but not {', '.join(missing)}"
    return f"{way}: {', '.join(moves)}"


def _cuts(cuts: Cuts | None) -> str:
    if cuts is None:
        return REFUSED
    limits = [
        f"up to {cuts.max}" if cuts.max is not None else "",
        "whole seconds" if cuts.whole_seconds else "",
        f"{cuts.min_seconds} s or more each" if cuts.min_seconds is not None else "",
    ]
    said = ", ".join(filter(None, limits))
    return f"{cuts.way}: {said}" if said else cuts.way


def _seed(mode: Mode) -> str:
    match mode.seed:
        case None:
            return LEFT_OUT
        case "accepted":
            return "native, with no documented effect"
    return "native"


def _sound(mode: Mode) -> str:
    words = {"switch": "on or off", "always": "always", "never": "never"}[mode.audio]
    if mode.audio_resolutions:
        return f"{words} ({', '.join(mode.audio_resolutions)} only)"
    return words


def _length(mode: Mode) -> str:
    shorter = [f"{tier} at most {seconds} s" for tier, seconds in mode.longest_at.items()]
    return str(mode.durations) + (f" ({', '.join(shorter)})" if shorter else "")


def record(card: ModelCard, provider: ProviderCard) -> dict[str, Any]:
    """One model for a program: its capabilities, where it is served, and when it ends."""
    return {
        "model": card.id,
        "title": card.title,
        "provider": provider.name,
        "regions": list(card.wire),
        "retired": {region: day.isoformat() for region, day in card.retired.items()},
        "capabilities": capabilities(card, provider),
    }
