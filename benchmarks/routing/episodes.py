"""Solving a whole episode from its routes' prices and chances: ``python benchmarks/routing/episodes.py``.

Made-up episodes: 170 routes of 40 models, three takes a shot, and money either for all that is worth its price or,
``tight``, for less. Tells the processor's seconds, as the machine may be busy, and the clock's.
"""

import math
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this folder is started as a script

from report import Row, table

from dramagen.routing.episode import solve
from dramagen.routing.episode_items import Need, Offer

CASES = ((20, 20), (120, 120), (120, 12), (1_000, 1_000), (10_000, 200), (10_000, 10_000))
"""Shots, and how many kinds of them there are: shots of a kind have the same routes, prices and chances."""


def episode(shots: int, kinds: int, seed: int = 1) -> list[Need]:
    """Needs whose chances differ from model to model, and from kind to kind."""
    draw = random.Random(seed)
    models = [(f"m{number}", draw.gauss(0.3, 0.8)) for number in range(40)]
    routes = [(f"r{number}", *models[number % 40], math.exp(draw.uniform(-0.5, 2))) for number in range(170)]
    offered = []
    for _ in range(kinds):
        length = draw.choice((3, 4, 5, 6, 8, 10)) / 5
        offers = []
        for name, model, logit, price in routes:
            chance = 1 / (1 + math.exp(-logit - draw.gauss(0, 0.5)))
            cost = price * length
            offers.append(Offer(name, model, name, cost, cost, chance, draw.uniform(40, 300)))
        offered.append(tuple(offers))
    return [Need(f"s{number}", offered[number % kinds], takes=3) for number in range(shots)]


def solved() -> list[Row]:
    """A row for each case."""
    rows: list[Row] = []
    for shots, kinds in CASES:
        needs = episode(shots, kinds)
        for tight, share in (("no", 1.5), ("yes", 0.8)):
            clock, processor = time.perf_counter(), time.process_time()
            found = solve(needs, 30.0, budget=share * shots)
            spent, waited = time.process_time() - processor, time.perf_counter() - clock
            rows.append(
                {
                    "shots": shots,
                    "kinds of them": kinds,
                    "tight": tight,
                    "CPU s": f"{spent:.3f}",
                    "wall s": f"{waited:.3f}",
                    "load average": f"{os.getloadavg()[0]:.1f}",
                    "accepted": f"{found.accepted / shots:.3f}",
                    "spent a shot": f"{found.expected / shots:.3f}",
                }
            )
    return rows


if __name__ == "__main__":
    print(table(solved()))
