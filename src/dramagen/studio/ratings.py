"""Ratings a user fetched from a public board: kept in the home with source and date, and believed before the cards'.

A board's scale is not that of the ratings on our cards, so it is brought onto theirs by the models both have.
"""

import json
import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from dramagen.errors import ConfigError, ProviderUnavailable
from dramagen.routing.priors import Board, Rating, Ratings

FILE = "ratings.json"
PATHS: Mapping[Board, str] = {"text": "text-to-video", "image": "image-to-video"}
SHARED = 3
"""Models two scales must share before one is brought onto the other."""
APART = 10.0
"""How many times as far a board's ratings may lie apart as the cards' of the same models: ranks, shares and the like
are no ratings. The boards known lie within a factor of three."""
LOST = 0.5
"""The least share of a board's models kept before that must be in a new answer: with less it is part of a board."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a board.

    Attributes:
        name: what the board calls the model; ``also`` is another name it may be known by here.
        rating: on the board's own scale.
        interval: half the 95 % interval, where it is stated.
        published: the date of the board, where it is stated.
    """

    name: str
    also: str
    rating: float
    interval: float | None = None
    published: str = ""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did, on one board.

    Attributes:
        ratings: by model id, on the scale of the cards.
        shared: models by which the scales were compared.
        unknown: what the board calls models that no card here is of.
        published: the date of the board; empty where it does not say.
        refused: why nothing of it is taken over; empty where it is.
    """

    ratings: dict[str, Rating]
    shared: int
    unknown: tuple[str, ...]
    published: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """One board's ratings as they are in the home: whose they are, of which day, and by model id."""

    source: str
    date: str
    ratings: dict[str, Rating]


def load_ratings(home: Path) -> dict[Board, Ratings]:
    """What was kept; nothing where nothing was. Raises ``ConfigError`` for a file that is none."""
    return {
        board: {
            m: Rating(r.rating, r.interval, f"{kept.source}, {kept.date}") for m, r in kept.ratings.items()
        }
        for board, kept in _load(home).items()
    }


def _load(home: Path) -> dict[Board, Kept]:
    file = home / FILE
    try:
        record = json.loads(file.read_text("utf-8"))
        older = record.get("older", {})  # boards that a later refresh did not take over
        return {
            board: Kept(
                older.get(board, record)["source"],
                older.get(board, record)["date"],
                {m: Rating(float(each["rating"]), each["interval"]) for m, each in record[board].items()},
            )
            for board in PATHS
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            f"{file} is no file of ratings: delete it, or run `dramagen priors refresh`"
        ) from None


def keep_ratings(
    home: Path, found: Mapping[Board, Refreshed], source: str, today: date
) -> dict[Board, Refreshed]:
    """Write them into the home, in the place of earlier ones; a board that is refused leaves its earlier ones there.

    Args:
        source: who published them.

    Returns:
        what was found, with what is refused because too much of what this source gave before is not in it.

    Raises ``ProviderUnavailable``, and writes nothing, where every board is refused.
    """
    kept = _kept(home)
    checked = {board: _whole(board, found[board], kept.get(board), source, home) for board in PATHS}
    refused = {PATHS[board]: each.refused for board, each in checked.items() if each.refused}
    if len(refused) == len(checked):
        why = "; ".join(f"{name}: {why}" for name, why in refused.items())
        raise ProviderUnavailable(f"nothing was taken over and nothing changed. {why}", provider=source)
    record: dict[str, Any] = {"source": source, "date": today.isoformat()}
    for board, each in checked.items():
        before = kept.get(board)
        ratings = each.ratings
        if each.refused and before is not None:
            ratings = before.ratings
            record.setdefault("older", {})[board] = {"source": before.source, "date": before.date}
        record[board] = {m: {"rating": r.rating, "interval": r.interval} for m, r in sorted(ratings.items())}
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = home / FILE
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(record, ensure_ascii=False, indent=1), "utf-8")
    beside.replace(file)
    return checked


def _kept(home: Path) -> dict[Board, Kept]:
    try:
        return _load(home)
    except ConfigError:
        return {}  # what cannot be read is believed by nobody, and its place is taken


def _whole(board: Board, found: Refreshed, kept: Kept | None, source: str, home: Path) -> Refreshed:
    """What was found, refused where it lacks too much of what the same source gave before."""
    if found.refused or kept is None or kept.source != source:
        return found
    still = len(kept.ratings.keys() & found.ratings.keys())
    if still >= LOST * len(kept.ratings):
        return found
    why = (
        f"only {still} of the {len(kept.ratings)} models kept of {kept.date} are still in its answer, which looks "
        f"like a part of the board; to take it all the same, move {home / FILE} away"
    )
    return replace(found, ratings={}, refused=why)


def aligned(rows: Sequence[Listed], cards: Ratings, names: Mapping[str, str]) -> Refreshed:
    """A board's rows on the scale of the cards: the straight line through the models both rate for sure."""
    ids = {_plain(title): model for model, title in names.items()}
    # By its id rather than a title: "Sora 2 (2025-12-08)" is not what a board means by "Sora 2".
    ids |= {_plain(model): model for model in names}
    published = max((row.published for row in rows), default="")
    found: dict[str, Rating] = {}
    unknown = []
    for row in rows:
        model = ids.get(_plain(row.also)) or ids.get(_plain(row.name))
        if model is None:
            unknown.append(row.name)
        else:
            found[model] = Rating(row.rating, row.interval)
    both = [(found[m].rating, cards[m].rating) for m in sorted(found.keys() & cards.keys()) if cards[m].sure]
    if why := _no_scale(both):
        return Refreshed({}, len(both), tuple(unknown), published, why)
    middle, level = sum(x for x, _ in both) / len(both), sum(y for _, y in both) / len(both)
    spread = sum((x - middle) ** 2 for x, _ in both)
    slope = sum((x - middle) * (y - level) for x, y in both) / spread if spread else 1.0
    slope = min(max(slope, 0.5), 3.0)  # a few models in another order must not turn the scale round
    moved = {
        model: Rating(
            round(level + slope * (each.rating - middle), 1),
            None if each.interval is None else round(slope * each.interval, 1),
        )
        for model, each in found.items()
    }
    return Refreshed(moved, len(both), tuple(unknown), published)


def _no_scale(both: Sequence[tuple[float, float]]) -> str:
    """Why a board's ratings, each with the card's of the same model, cannot be brought onto the cards' scale."""
    if len(both) < SHARED:
        return f"models of its that have a rating here too: {len(both)}; it takes {SHARED} to compare scales"
    if not all(math.isfinite(rating) for rating, _ in both):
        return "a rating in its answer is no number"
    theirs, ours = (statistics.pstdev(numbers) for numbers in zip(*both, strict=True))
    if theirs > APART * ours or ours > APART * theirs:
        return (
            f"its ratings of {len(both)} models lie {theirs:.3g} apart and the cards' {ours:.3g}: those are no "
            "ratings of the kind the cards have"
        )
    return ""


def _plain(name: str) -> str:
    """``Kling 3.0 (720p)``, ``kling-3-0`` and ``kling-3.0`` as one."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\(.*?\)", "", name.lower()))
