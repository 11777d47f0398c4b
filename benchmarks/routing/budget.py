"""The episode planner: how near the exact optimum, and how long it takes. SciPy's HiGHS is the exact side."""

import math
import random
import time
from importlib import import_module
from typing import Any

from report import Row
from routing.policies import Chances

from dramagen.routing import Arm, allocation, plan_attempts

Ways = dict[str, list[tuple[float, float]]]

SIZES = ((10, 40), (20, 40), (40, 60), (120, 60), (120, 170), (1_000, 170), (10_000, 170))
"""Shots, and ways of filming each."""
CHECKED = 120
"""The largest episode that the exact solver is asked about."""
SECONDS = 20
"""What it may take for one; after that, the bound it has proved so far is what counts."""


def episode(shots: int, ways: int, seed: int) -> Ways:
    """Dearer ways are better, with diminishing returns and noise: a hard kind of instance."""
    draw = random.Random(seed)
    options = {}
    for number in range(shots):
        scale = draw.uniform(2, 6)
        costs = [math.exp(draw.uniform(-1, 2.5)) for _ in range(ways)]
        options[f"s{number}"] = [
            (cost, min(1.0, max(0.01, 1 - math.exp(-cost / scale) + draw.gauss(0, 0.05)))) for cost in costs
        ]
    return options


def allocated() -> list[Row]:
    """Five budgets an instance (one for the largest), and the largest gaps of all of them."""
    rows = []
    for shots, ways in SIZES:
        gaps, bounds, mine, theirs, sure = [], [], [], [], 0
        for seed, share in enumerate((0.5, 1.0, 1.5, 2.5, 4.0) if shots <= 1_000 else (1.5,)):
            options = episode(shots, ways, seed)
            budget = share * shots
            begun, used = time.perf_counter(), time.process_time()
            found = allocation(options, budget)
            mine.append((time.process_time() - used, time.perf_counter() - begun))
            bounds.append(1 - found.worth / found.bound)
            sure += found.exact
            if found.spent > budget:
                raise AssertionError("over the budget")
            if shots <= CHECKED:
                begun = time.perf_counter()
                best = exact(options, budget)
                theirs.append(time.perf_counter() - begun)
                gaps.append(1 - found.worth / best)
        rows.append(
            {
                "shots": shots,
                "ways each": ways,
                "worst gap to the exact solver": f"{max(0.0, *gaps):.4%}" if gaps else "not asked",
                "worst gap to its own bound": f"{max(bounds):.4%}",
                "proved optimal": f"{sure} of {len(mine)}",
                "slowest, CPU ms": f"{max(cpu for cpu, _ in mine) * 1000:.0f}",
                "wall ms": f"{max(wall for _, wall in mine) * 1000:.0f}",
                "exact solver, wall ms": f"{max(theirs) * 1000:.0f}" if theirs else "",
            }
        )
    return rows


def exact(options: Ways, budget: float) -> float:
    """What the mixed-integer program proves that no choice exceeds: the optimum, unless its time runs out."""
    numpy, optimize, sparse = map(import_module, ("numpy", "scipy.optimize", "scipy.sparse"))
    costs = numpy.array([cost for ways in options.values() for cost, _ in ways])
    worths = numpy.array([worth for ways in options.values() for _, worth in ways])
    rows = numpy.concatenate([numpy.full(len(ways), n) for n, ways in enumerate(options.values())])
    one_each = sparse.csr_matrix((numpy.ones(len(costs)), (rows, numpy.arange(len(costs)))))
    solved: Any = optimize.milp(
        -worths,
        constraints=[
            optimize.LinearConstraint(costs[None, :], -numpy.inf, budget),
            optimize.LinearConstraint(one_each, -numpy.inf, 1),
        ],
        integrality=numpy.ones(len(costs)),
        bounds=optimize.Bounds(0, 1),
        options={"mip_rel_gap": 1e-6, "time_limit": SECONDS},
    )
    return float(-solved.mip_dual_bound)


def planned_shots() -> list[Row]:
    """One shot's plan over many routes, in milliseconds."""
    draw = random.Random(0)
    chances: Chances = tuple((f"r{n}", draw.random()) for n in range(170))
    arms = [Arm(name, math.exp(draw.uniform(-1, 2.5)), chance) for name, chance in chances]
    rows = []
    for takes in (1, 3, 6):
        best = math.inf
        for _ in range(20):
            begun = time.perf_counter()
            plan_attempts(arms, takes, 30.0)
            best = min(best, time.perf_counter() - begun)
        rows.append({"routes": len(arms), "takes": takes, "ms, best of 20": f"{best * 1000:.2f}"})
    return rows
