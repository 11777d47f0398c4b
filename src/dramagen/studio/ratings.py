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
SOURCE = "Artificial Analysis video arena"
PATHS: Mapping[Board, str] = {"text": "text-to-video", "image": "image-to-video"}
SHARED = 3
"""Models two scales must share before one is brought onto the other."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did, on one board.

    Attributes:
        ratings: by model id, on the scale of the cards.
        shared: models by which the scales were compared; below :data:`SHARED` nothing is taken over.
        unknown: what the board calls models that no card here is of.
    """

    ratings: dict[str, Rating]
    shared: int
    unknown: tuple[str, ...]


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


def keep_ratings(home: Path, found: Mapping[Board, Refreshed], today: date) -> Path:
    """Write them into the home, in the place of earlier ones. Returns the file."""
    record: dict[str, Any] = {"source": SOURCE, "date": today.isoformat()}
    for board in PATHS:
        ratings = found[board].ratings
        record[board] = {m: {"rating": r.rating, "interval": r.interval} for m, r in sorted(ratings.items())}
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = home / FILE
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(record, ensure_ascii=False, indent=1), "utf-8")
    beside.replace(file)
    return file


def aligned(rows: Sequence[Mapping[str, Any]], cards: Ratings, names: Mapping[str, str]) -> Refreshed:
    """A board's rows on the scale of the cards: the straight line through the models both rate."""
    ids = {_plain(text): model for model, title in names.items() for text in (title, model)}
    found: dict[str, Rating] = {}
    unknown = []
    for row in rows:
        model = ids.get(_plain(str(row.get("slug", "")))) or ids.get(_plain(str(row.get("name", ""))))
        if model is None:
            unknown.append(str(row.get("name", "")))
        else:
            found[model] = Rating(float(row["elo"]), _half(row.get("ci95")))
    both = [(found[model].rating, cards[model].rating) for model in sorted(found.keys() & cards.keys())]
    if len(both) < SHARED:
        return Refreshed({}, len(both), tuple(unknown))
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
    return Refreshed(moved, len(both), tuple(unknown))


def _plain(name: str) -> str:
    """``Kling 3.0 (720p)``, ``kling-3-0`` and ``kling-3.0`` as one."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\(.*?\)", "", name.lower()))


def _half(interval: object) -> float | None:
    numbers = [abs(float(number)) for number in re.findall(r"[-+]?\d+(?:\.\d+)?", str(interval or ""))]
    return max(numbers) if numbers else None
