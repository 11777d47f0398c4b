"""Ratings fitted to human comparisons (UVE-Bench, Apache-2.0), judged on comparisons they have not seen."""

import csv
import math
import random
import statistics
from collections.abc import Iterable
from pathlib import Path

from report import Row

from dramagen.routing.pairwise import Comparison, Outcome, Ratings, rate

FOLDS = 5
OUTCOMES: dict[str, Outcome] = {
    "A is better": "a",
    "B is better": "b",
    "same good": "both_good",
    "same bad": "both_bad",
}


def comparisons(folder: Path) -> dict[str, list[tuple[str, Comparison]]]:
    """By aspect: the prompt of each pair, which keeps its pairs in one fold, and the comparison."""
    found: dict[str, list[tuple[str, Comparison]]] = {}
    with (folder / "uve_pairs.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            prompt = f"{row['prompt_set']} {row['clip_a'].rsplit('_', 1)[-1]}"
            pair = Comparison(row["model_a"], row["model_b"], OUTCOMES[row["preference"]])
            if pair.a != pair.b:
                found.setdefault(row["aspect"], []).append((prompt, pair))
    return found


def compared(folder: Path) -> list[Row]:
    """Per aspect: accuracy and log loss on decided pairs of held-out prompts; both against what knows no model."""
    rows = []
    for aspect, pairs in comparisons(folder).items():
        folds = sorted({prompt for prompt, _ in pairs})
        random.Random(0).shuffle(folds)
        place = {prompt: number % FOLDS for number, prompt in enumerate(folds)}
        right, loss, by_wins = [], [], []
        for fold in range(FOLDS):
            seen = [pair for prompt, pair in pairs if place[prompt] != fold]
            ratings, wins = rate(seen), _wins(seen)
            for prompt, pair in pairs:
                if place[prompt] == fold and pair.outcome in ("a", "b"):
                    chance = _chance(ratings, pair)
                    right.append((chance > 0.5) == (pair.outcome == "a"))
                    loss.append(-math.log(chance if pair.outcome == "a" else 1 - chance))
                    more = wins.get(pair.a, 0.5) / (wins.get(pair.a, 0.5) + wins.get(pair.b, 0.5))
                    by_wins.append(-math.log(more if pair.outcome == "a" else 1 - more))
        rows.append(
            {
                "aspect": aspect,
                "decided pairs": len(right),
                "accuracy": f"{statistics.fmean(right):.3f}",
                "log loss": f"{statistics.fmean(loss):.3f}",
                "log loss of win rates": f"{statistics.fmean(by_wins):.3f}",
                "log loss of a coin": f"{math.log(2):.3f}",
                "both bad": f"{rate(pair for _, pair in pairs).both_bad:.1%}",
            }
        )
    return rows


def _chance(ratings: Ratings, pair: Comparison) -> float:
    known = ratings.by_model
    return ratings.chance(pair.a, pair.b) if pair.a in known and pair.b in known else 0.5


def _wins(pairs: Iterable[Comparison]) -> dict[str, float]:
    """The share of its comparisons each model won, ties as halves, drawn to one half by two more."""
    won: dict[str, float] = {}
    met: dict[str, int] = {}
    for pair in pairs:
        if pair.outcome == "both_bad":
            continue
        half = 0.5 if pair.outcome == "both_good" else float(pair.outcome == "a")
        for model, share in ((pair.a, half), (pair.b, 1 - half)):
            won[model] = won.get(model, 0.0) + share
            met[model] = met.get(model, 0) + 1
    return {model: (won[model] + 1) / (met[model] + 2) for model in met}
