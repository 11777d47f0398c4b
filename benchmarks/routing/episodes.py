"""Solving a whole episode from its routes' prices and chances: ``python benchmarks/routing/episodes.py``.

Made-up episodes: 170 routes of 40 models, three takes a shot, money for one and a half middling takes of each. Prints
the processor's seconds, as the machine may be busy, and the clock's.
"""

import math
import os
import random
import time

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


def main() -> None:
    """Print a line for each case."""
    print(f"load average {os.getloadavg()[0]:.1f}")
    for shots, kinds in CASES:
        needs = episode(shots, kinds)
        clock, processor = time.perf_counter(), time.process_time()
        found = solve(needs, 30.0, budget=1.5 * shots)
        spent, waited = time.process_time() - processor, time.perf_counter() - clock
        print(
            f"{shots:6} shots of {kinds:6} kinds: {spent:6.3f} s of the processor, {waited:6.3f} s; "
            f"{found.accepted / shots:.3f} accepted for {found.expected / shots:.3f} each"
        )


if __name__ == "__main__":
    main()
