"""The human ratings that are replayed, and the prices they are replayed at; none of the ratings is kept here."""

import csv
import math
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

GROUPS = ("overall_consistency", "action")
"""The two prompt groups rated on three dimensions each; the others are nearly saturated."""

BARS = {"strict": (3.5, 2.25), "lenient": (3.0, 2.0)}
"""A take is accepted when the mean of its raters is at least this on every dimension, (of 5, of 3)."""

TIERED = {
    "gen3": 1.0, "kling": 0.7, "cogvideox5b": 0.4, "pika": 0.35, "videocrafter2": 0.12, "show1": 0.1,
    "lavie": 0.05,
}  # fmt: skip
FLAT = dict.fromkeys(TIERED, 0.5)
MODELS = tuple(TIERED)
TAKES = 3

Prices = dict[str, float]


@dataclass(frozen=True)
class Ratings:
    """Which takes were accepted: ``accepted[shot][model]`` has one verdict per take; ``group`` is a shot's kind."""

    accepted: dict[str, dict[str, tuple[bool, ...]]]
    group: dict[str, str]

    @property
    def shots(self) -> list[str]:
        return sorted(self.accepted)


def ratings(folder: Path, bar: str) -> Ratings:
    """Video-Bench (arXiv 2504.04907): prompts with seven models and three takes, four raters each. 0 is no rating."""
    of_five, of_three = BARS[bar]
    passed: dict[tuple[str, str, int], list[bool]] = defaultdict(list)
    group: dict[str, str] = {}
    with (folder / "videobench_human.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["group"] not in GROUPS:
                continue
            given = [float(row[f"r{n}"]) for n in range(1, 5) if float(row[f"r{n}"]) > 0]
            least = of_five if row["scale_max"] == "5" else of_three
            passed[row["prompt_id"], row["model"], int(row["take"])].append(sum(given) / len(given) >= least)
            group[row["prompt_id"]] = row["group"]
    accepted = {
        shot: {model: tuple(all(passed[shot, model, take]) for take in range(TAKES)) for model in MODELS}
        for shot in group
    }
    return Ratings(accepted, group)


def random_prices(seed: int) -> Prices:
    """Each model's price anywhere between 0.05 and 1, all magnitudes alike."""
    draw = random.Random(seed)
    return {model: math.exp(draw.uniform(math.log(0.05), 0)) for model in MODELS}
