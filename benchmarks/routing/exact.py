"""Whole episodes against an exact solver: what the planner's short cuts cost.

The exact side is scipy.optimize.milp (HiGHS), so SciPy has to be installed.

Made-up episodes of ordinary length, each solved by :func:`dramagen.routing.episode.solve` and as one mixed-integer
program over every sequence of takes of every shot, of every model a group could keep. Both answer the same question:

* ``budget``: the most accepted clips that the money buys;
* ``one model``: the same where half the shots are in scenes and chains that keep one model;
* ``switch``: the same where a take away from that model is possible and costs a little. Both sides weigh that price
  by what a clip is worth at this budget, as the planner found it;
* ``no budget``: the value of the accepted clips less their cost, shots that keep one model, or leave it at a price,
  among them;
* ``deadline, bound``: the most accepted clips within the budget and a time. The program asks only that no key is
  busy for longer than that: every plan in time fulfils it, not every one that fulfils it is in time, so the gap is
  one at most;
* ``deadline, exact``: the same of 10 to 14 shots, few enough for a program that asks for what the planner's own
  clock says (:mod:`routing.schedule`).
"""

import itertools
import math
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from report import Row
from routing.schedule import Proved, Timed, best_in_time

from dramagen.routing.attempts import decayed
from dramagen.routing.episode import solve
from dramagen.routing.episode_items import Need, Offer
from dramagen.routing.episode_solution import Solution

EPISODES = 25
"""Instances of each question."""
SECONDS = 30
"""What the exact solver may take for one; after that the bound it has proved so far is what counts."""
MOST_TAKES = 3
AT_ONCE, FEW_AT_ONCE = 3, 2
VALUE = 30.0
SWITCH = 0.8
BOUND, EXACT = "deadline, bound", "deadline, exact"
QUESTIONS = ("budget", "one model", "switch", "no budget", BOUND, EXACT)


@dataclass(frozen=True)
class Question:
    """One instance; what is None or endless is not asked for."""

    needs: list[Need]
    value: float = math.inf
    budget: float | None = None
    switch: float = math.inf
    deadline: float | None = None
    at_once: dict[str, int] = field(default_factory=dict)

    def answered(self) -> Solution:
        """The planner's answer; nothing is held back for bad luck, as the program knows no such thing."""
        return solve(
            self.needs, self.value, budget=self.budget, switch=self.switch, deadline=self.deadline,
            at_once=self.at_once, caution=0.0,
        )  # fmt: skip


@dataclass(frozen=True)
class Takes:
    """One sequence of takes of one shot."""

    cost: float
    reserved: float
    chance: float
    burden: float
    load: tuple[tuple[str, float], ...]


def question(kind: str, seed: int) -> Question:
    """An episode of 20 to 50 shots on 6 or 8 models with prices and limits of their own; a deadline has fewer."""
    draw = random.Random(f"{'deadline' if kind == BOUND else kind} {seed}")
    models = [
        (f"m{n}", draw.gauss(0.2, 0.9), math.exp(draw.uniform(-0.5, 1.8))) for n in range(draw.choice((6, 8)))
    ]
    shots = draw.randint(10, 14) if kind == EXACT else draw.randint(20, 50)
    hurried = kind in (BOUND, EXACT)
    takes = 2 if hurried else MOST_TAKES
    if hurried:
        models = models[: 4 if kind == EXACT else 5]
    places: list[str | None] = [None] * shots
    if kind != "budget" and not hurried:
        places = list(_places(shots, draw))
    needs = [_need(n, models, takes, places[n], draw) for n in range(shots)]
    least = math.fsum(min(o.most for o in need.offers) for need in needs)
    budget = least * draw.choice((1.3, 1.7, 2.2, 3.0))
    if kind == "no budget":
        return Question(needs, VALUE, switch=SWITCH if seed % 2 else math.inf)
    if hurried:
        at_once = {name: FEW_AT_ONCE if kind == EXACT else AT_ONCE for name, _, _ in models}
        asked = Question(needs, budget=budget, at_once=at_once)
        usual = asked.answered().seconds
        assert usual is not None
        return Question(needs, budget=budget, at_once=at_once, deadline=usual * draw.choice((0.5, 0.65, 0.8)))
    return Question(needs, budget=budget, switch=SWITCH if kind == "switch" else math.inf)


def _places(shots: int, draw: random.Random) -> Iterator[str | None]:
    """Scenes of two to seven shots for about half of them."""
    number = 0
    while number < shots:
        length = draw.randint(2, 7)
        yield from [f"g{number}" if draw.random() < 0.5 else None] * min(length, shots - number)
        number += length


def _need(
    number: int, models: list[tuple[str, float, float]], takes: int, group: str | None, draw: random.Random
) -> Need:
    length, hard = draw.choice((3, 4, 5, 6, 8, 10)) / 5, draw.gauss(0, 0.5)
    able = [model for model in models if draw.random() < 0.9 or model is models[0]]
    offers = []
    for name, strength, price in able:
        chance = 1 / (1 + math.exp(-strength - hard - draw.gauss(0, 0.5)))
        cost = price * length
        offers.append(
            Offer(name, name, name, cost, cost * draw.choice((1.0, 1.0, 1.2)), chance, draw.uniform(40, 300))
        )
    failed = {models[0][0]: 1} if draw.random() < 0.1 else None
    return Need(f"s{number}", tuple(offers), takes=takes, group=group, failed=failed)


def sequences(need: Need, home: str | None, switch: float) -> list[Takes]:
    """Every sequence of one to all takes; of those away from their group's model only where a switch has a price."""
    offers = [o for o in need.offers if home is None or o.model == home or switch < math.inf]
    past = need.failed or {}
    found = []
    for number in range(1, need.takes + 1):
        for order in itertools.product(range(len(offers)), repeat=number):
            reached, cost, burden, load = 1.0, 0.0, 0.0, []
            for nth, place in enumerate(order):
                offer = offers[place]
                chance = decayed(offer.chance, past.get(offer.model, 0) + order[:nth].count(place))
                cost += reached * offer.cost
                load.append((offer.key, reached * (offer.seconds or 0.0)))
                if home is not None and offer.model != home:
                    burden += reached * switch
                reached *= 1 - chance
            first = offers[order[0]]
            found.append(Takes(cost, max(cost, first.most), 1 - reached, burden, tuple(load)))
    return found


def exact(asked: Question, price: float) -> float:
    """The best there is, by the mixed-integer program, or what it proves that nothing exceeds.

    Args:
        price: the worth of one unit of money, by which a switch is weighed where there is a budget.
    """
    numpy, optimize, sparse = map(import_module, ("numpy", "scipy.optimize", "scipy.sparse"))
    gains: list[float] = []
    costs: list[float] = []
    cells: list[tuple[int, int, float]] = []  # row, column, coefficient
    lower: list[float] = []
    upper: list[float] = []
    loads: dict[str, list[tuple[int, float]]] = {}

    def row(entries: Sequence[tuple[int, float]], low: float, high: float) -> None:
        cells.extend((len(lower), column, each) for column, each in entries)
        lower.append(low)
        upper.append(high)

    homes: dict[str, dict[str, int]] = {}
    for group in dict.fromkeys(need.group for need in asked.needs if need.group is not None):
        members = [need for need in asked.needs if need.group == group]
        if len(members) < 2:
            continue
        able = [{offer.model for offer in need.offers} for need in members]
        kept = set.intersection(*able) if asked.switch == math.inf else set.union(*able)
        if kept:
            homes[group] = {model: len(gains) + n for n, model in enumerate(sorted(kept))}
            gains += [0.0] * len(kept)
            costs += [0.0] * len(kept)
            row([(column, 1.0) for column in homes[group].values()], 1, 1)
    for need in asked.needs:
        for home, column in homes.get(need.group or "", {"": None}).items():
            ways = sequences(need, home or None, asked.switch)
            if asked.deadline is None:
                ways = efficient(ways, asked, price)
            first = len(gains)
            for way in ways:
                if asked.deadline is not None:
                    if math.fsum(seconds for _, seconds in way.load) > asked.deadline:
                        continue
                    for key, seconds in way.load:
                        loads.setdefault(key, []).append((len(gains), seconds))
                gains.append(gain(way, asked, price))
                costs.append(way.reserved)
            own = [(n, 1.0) for n in range(first, len(gains))]
            row(own if column is None else [*own, (column, -1.0)], *((1, 1) if column is None else (0, 0)))
    if asked.budget is not None:
        row(list(enumerate(costs)), -math.inf, asked.budget)
    for key, entries in loads.items():
        assert asked.deadline is not None
        row(entries, -math.inf, asked.at_once[key] * asked.deadline)
    rows, columns, numbers = zip(*cells, strict=True)
    matrix = sparse.csr_matrix((numbers, (rows, columns)), shape=(len(lower), len(gains)))
    solved: Any = optimize.milp(
        -numpy.array(gains),
        constraints=optimize.LinearConstraint(matrix, lower, upper),
        integrality=numpy.ones(len(gains)),
        bounds=optimize.Bounds(0, 1),
        options={"mip_rel_gap": 1e-5, "time_limit": SECONDS},
    )
    return float(-solved.mip_dual_bound)


def gain(way: Takes, asked: Question, price: float) -> float:
    """What a sequence adds to what is asked for."""
    if asked.budget is None:
        return asked.value * way.chance - way.cost - way.burden
    return way.chance - price * way.burden


def efficient(ways: list[Takes], asked: Question, price: float) -> list[Takes]:
    """Without those that another beats in money and in what is asked for."""
    kept: list[Takes] = []
    best = -math.inf
    for way in sorted(ways, key=lambda each: (each.reserved, -gain(each, asked, price))):
        if (here := gain(way, asked, price)) > best:
            kept.append(way)
            best = here
    return kept


def reached(asked: Question, found: Solution, price: float) -> float:
    """What the planner's answer is worth, by the same measure."""
    homes = found.models or {}
    total = []
    for filmed in found.filmed.values():
        assert filmed is not None
        home = homes.get(filmed.need.group or "")
        left, burden = 1.0, 0.0
        for offer, chance in zip(filmed.takes, filmed.chances, strict=True):
            burden += left * asked.switch if home is not None and offer.model != home else 0.0
            left *= 1 - chance
        way = Takes(filmed.way.cost, filmed.reserved, filmed.way.chance, burden, ())
        total.append(gain(way, asked, price))
    return math.fsum(total)


def proved_in_time(asked: Question) -> Proved:
    """The best there is that the planner's own clock finds in time."""
    assert asked.budget is not None
    assert asked.deadline is not None
    ways = [[Timed(w.reserved, w.chance, w.load) for w in sequences(n, None, math.inf)] for n in asked.needs]
    return best_in_time(
        asked.needs, ways,
        budget=asked.budget, deadline=asked.deadline, places=asked.at_once, seconds=SECONDS,
    )  # fmt: skip


def checked(questions: Sequence[str] = QUESTIONS, episodes: int = EPISODES) -> list[Row]:
    """One row a question: how far the planner was below the exact optimum. Raises ``ImportError`` without SciPy."""
    return [_row(kind, episodes) for kind in questions]


def _row(kind: str, episodes: int) -> Row:
    gaps, sizes, mine, theirs = [], [], [], []
    late, impossible, unsure = 0, 0, 0
    for seed in range(episodes):
        asked = question(kind, seed)
        begun = time.process_time()
        found = asked.answered()
        mine.append(time.process_time() - begun)
        sizes.append(len(asked.needs))
        if asked.budget is not None and found.expected > asked.budget * (1 + 1e-9):
            raise AssertionError("over the budget")
        late += found.late
        if found.late and kind != EXACT:
            continue
        price = 1 / found.value if found.value < math.inf else 0.0
        begun = time.perf_counter()
        proved = proved_in_time(asked) if kind == EXACT else Proved(exact(asked, price), exact=True)
        theirs.append(time.perf_counter() - begun)
        unsure += not proved.exact
        if proved.bound == -math.inf:
            assert found.late, "in time, where no plan is"
            impossible += 1
        elif not found.late:
            gaps.append(1 - reached(asked, found, price) / proved.bound)
    return {
        "question": kind,
        "episodes": len(gaps),
        "shots": f"{min(sizes)} to {max(sizes)}",
        "mean gap": f"{statistics.fmean(gaps):.3%}",
        "worst gap": f"{max(gaps):.3%}",
        "within 0.5%": f"{sum(gap <= 0.005 for gap in gaps)} of {len(gaps)}",
        "late": f"{late}, {impossible} of them proved to have no plan in time" if late else "0",
        "exact solver not done": unsure,
        "slowest, CPU ms": f"{max(mine) * 1000:.0f}",
        "exact solver, slowest, wall ms": f"{max(theirs) * 1000:.0f}",
    }
