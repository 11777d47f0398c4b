"""SIMULATED: current models, as far as published rates and list prices describe them. Nobody rated these takes.

The chance of a model is the lowest of its three visual usable (or satisfied) rates of SeedVideoBench 2.0, image to
video (arXiv 2604.14148, a vendor's own human evaluation); a kind of shot moves it by what the paper's means per shot
type say; takes of one model on one shot are drawn from a beta with rho 0.4. Prices are those of the cards.
"""

import csv
import random
import statistics
from collections import defaultdict
from pathlib import Path

from report import Row

from dramagen import Shot, Studio
from dramagen.routing import Arm, plan_attempts
from dramagen.routing.attempts import DEFAULT_RHO
from dramagen.routing.beliefs import logit, sigmoid

MODELS = {
    "seedance-2.0": "seedance-2.0", "seedance-1.5-pro": "seedance-1.5-pro", "kling-3.0": "kling-3.0",
    "kling-2.6": "kling-2.6", "wan-2.6": "wan-2.6",
}  # fmt: skip
"""The paper's models that have cards, by the name of their card."""
VISUAL = ("motion_quality", "prompt_following", "image_preservation")
RATES = {"usable": "usable_pct_ge3", "satisfied": "satisfied_pct_ge4"}
SHOTS, TAKES = 4000, 3
VALUE = 40.0
"""What an accepted clip is worth in CNY; a clip of 5 s costs between 1 and 10."""


def simulated(folder: Path) -> list[Row]:
    """Each model alone, and the plan, on shots drawn from the tables; three takes, everything known but the luck."""
    prices = list_prices()
    rows = []
    for bar in RATES:
        by_kind = chances(folder, bar)
        overall = {m: statistics.fmean(kind[m] for kind in by_kind.values()) for m in prices}
        results: dict[str, list[tuple[bool, float]]] = defaultdict(list)
        draw = random.Random(1)
        for _ in range(SHOTS):
            here = by_kind[draw.choice(sorted(by_kind))]
            takes = {model: _takes(draw, here[model]) for model in prices}
            plans = {f"{model} alone": [model] * TAKES for model in prices}
            plans["plan, same for all shots"] = _plan(prices, overall)
            plans["plan, by kind of shot"] = _plan(prices, here)
            for name, plan in plans.items():
                results[name].append(_filmed(plan, takes, prices))
        for name, each in results.items():
            accepted, cost = statistics.fmean(a for a, _ in each), statistics.fmean(c for _, c in each)
            rows.append(
                {
                    "bar": bar,
                    "policy (simulated)": name,
                    "CNY a take": f"{prices[name.removesuffix(' alone')]:.2f}" if "alone" in name else "",
                    "accepted": f"{accepted:.3f}",
                    "CNY per accepted": f"{cost / accepted:.2f}",
                    f"net at {VALUE:.0f} CNY a clip": f"{VALUE * accepted - cost:.2f}",
                }
            )
    return rows


def list_prices() -> dict[str, float]:
    """CNY for 5 s at 720p without sound on each model's cheapest priced route, by the cards; plans spend nothing."""
    studio = Studio()
    [shot] = studio.plan([Shot(prompt="雨夜,女主回头", duration=5)]).shots
    rates = studio.plan([]).rates
    found: dict[str, float] = {}
    for name, card in MODELS.items():
        asked = [q.price.expected for q in shot.quotes if q.route.model == card]
        if asked:
            found[name] = float(min(rates.convert(money, "CNY").amount for money in asked))
    return found


def chances(folder: Path, bar: str) -> dict[str, dict[str, float]]:
    """By kind of shot and model, the chance that a first take passes the bar."""
    overall = _rows(folder / "seedvideobench2_overall.csv")
    points = [(float(r["mean_1to5"]), logit(float(r[RATES[bar]]) / 100)) for r in overall if r[RATES[bar]]]
    slope = statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope
    rate = {m: min(float(r[RATES[bar]]) / 100 for r in overall if r["model"] == m) for m in MODELS}
    means: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(folder / "seedvideobench2_categories.csv"):
        means[row["shot_type"]][row["model"]].append(float(row["mean_1to5"]))
    complete = {
        kind: each for kind, each in means.items() if all(len(each[m]) == len(VISUAL) for m in MODELS)
    }
    average = {m: statistics.fmean(statistics.fmean(each[m]) for each in complete.values()) for m in MODELS}
    return {
        kind: {m: sigmoid(logit(rate[m]) + slope * (statistics.fmean(each[m]) - average[m])) for m in MODELS}
        for kind, each in complete.items()
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [r for r in csv.DictReader(file) if r["task"] == "i2v" and r["dimension"] in VISUAL]


def _takes(draw: random.Random, chance: float) -> list[bool]:
    spread = (1 - DEFAULT_RHO) / DEFAULT_RHO
    own = draw.betavariate(chance * spread, (1 - chance) * spread)
    return [draw.random() < own for _ in range(TAKES)]


def _plan(prices: dict[str, float], known: dict[str, float]) -> list[str]:
    arms = [Arm(model, price, known[model]) for model, price in prices.items()]
    return [attempt.name for attempt in plan_attempts(arms, TAKES, VALUE)]


def _filmed(plan: list[str], takes: dict[str, list[bool]], prices: dict[str, float]) -> tuple[bool, float]:
    cost = 0.0
    made = dict.fromkeys(prices, 0)
    for model in plan:
        cost += prices[model]
        if takes[model][made[model]]:
            return True, cost
        made[model] += 1
    return False, cost
