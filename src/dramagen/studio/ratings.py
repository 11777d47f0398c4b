"""Ratings a user fetched from a public board: kept in the home with source and date, and believed before the cards'.

A board's scale is not that of the ratings on our cards, so it is brought onto theirs by the models both have.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dramagen.errors import ConfigError
from dramagen.routing.priors import Board, Rating, Ratings

FILE = "ratings.json"
PATHS: Mapping[Board, str] = {"text": "text-to-video", "image": "image-to-video"}
SHARED = 3
"""Models two scales must share before one is brought onto the other."""


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
        shared: models by which the scales were compared; below :data:`SHARED` nothing is taken over.
        unknown: what the board calls models that no card here is of.
        published: the date of the board; empty where it does not say.
    """

    ratings: dict[str, Rating]
    shared: int
    unknown: tuple[str, ...]
    published: str = ""


def load_ratings(home: Path) -> dict[Board, Ratings]:
    """What was kept; nothing where nothing was. Raises ``ConfigError`` for a file that is none."""
    file = home / FILE
    try:
        record = json.loads(file.read_text("utf-8"))
        return {
            board: {
                model: Rating(
                    float(each["rating"]), each["interval"], f"{record['source']}, {record['date']}"
                )
                for model, each in record[board].items()
            }
            for board in PATHS
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            f"{file} is no file of ratings: delete it, or run `dramagen priors refresh`"
        ) from None


def keep_ratings(home: Path, found: Mapping[Board, Refreshed], source: str, today: date) -> Path:
    """Write them into the home, in the place of earlier ones. Returns the file.

    ``source`` is who published them.
    """
    record: dict[str, Any] = {"source": source, "date": today.isoformat()}
    for board in PATHS:
        ratings = found[board].ratings
        record[board] = {m: {"rating": r.rating, "interval": r.interval} for m, r in sorted(ratings.items())}
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = home / FILE
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(record, ensure_ascii=False, indent=1), "utf-8")
    beside.replace(file)
    return file


def aligned(rows: Sequence[Listed], cards: Ratings, names: Mapping[str, str]) -> Refreshed:
    """A board's rows on the scale of the cards: the straight line through the models both rate."""
    ids = {_plain(title): model for model, title in names.items()}
    ids |= {
        _plain(model): model for model in names
    }  # "Sora 2 (2025-12-08)" is not what a board means by "Sora 2"
    published = max((row.published for row in rows), default="")
    found: dict[str, Rating] = {}
    unknown = []
    for row in rows:
        model = ids.get(_plain(row.also)) or ids.get(_plain(row.name))
        if model is None:
            unknown.append(row.name)
        else:
            found[model] = Rating(row.rating, row.interval)
    both = [(found[model].rating, cards[model].rating) for model in sorted(found.keys() & cards.keys())]
    if len(both) < SHARED:
        return Refreshed({}, len(both), tuple(unknown), published)
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


def _plain(name: str) -> str:
    """``Kling 3.0 (720p)``, ``kling-3-0`` and ``kling-3.0`` as one."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\(.*?\)", "", name.lower()))
