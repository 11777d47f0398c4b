"""The best plan that is in time by the library's own clock, exactly: a mixed-integer program for a dozen shots.

The exact side is scipy.optimize.milp (HiGHS), so SciPy has to be installed.

First takes all can begin at once and come to their key in the order of the shots, each to the place that is free
first; that is written down as it is. A second take follows its first, on a place of its key: of those the program
knows how long each place is taken, and that they end in time, but not in which order they come. So a plan that it
finds is put to the clock, and one that is late is forbidden and the program asked again.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

from dramagen.routing.episode_items import Need
from dramagen.routing.episode_time import Clock, Stints

SLACK = 1e-9
"""How far a sum of seconds may be off, as a part of it."""


class Timed(NamedTuple):
    """One way to film a shot, in one take or two: the money set aside, what it is worth, its takes on the clock."""

    money: float
    worth: float
    stints: Stints


class Proved(NamedTuple):
    """No plan in time is worth more than ``bound``: minus infinity where none is in time. ``exact``: one is."""

    bound: float
    exact: bool


@dataclass
class _Program:
    """Columns and rows of a mixed-integer program, as they are thought of."""

    worth: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    cells: list[tuple[int, int, float]] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)

    def column(self, most: float = 1.0, *, worth: float = 0.0, whole: bool = True) -> int:
        self.worth.append(worth)
        self.whole.append(int(whole))
        self.most.append(most)
        return len(self.worth) - 1

    def row(self, entries: Sequence[tuple[int, float]], low: float, high: float) -> None:
        self.cells.extend((len(self.lower), column, each) for column, each in entries)
        self.lower.append(low)
        self.upper.append(high)

    def at_most(self, entries: Sequence[tuple[int, float]], high: float) -> None:
        self.row(entries, -math.inf, high)

    def solved(self, seconds: float) -> Any:
        numpy, optimize, sparse = map(import_module, ("numpy", "scipy.optimize", "scipy.sparse"))
        rows, columns, values = zip(*self.cells, strict=True)
        shape = len(self.lower), len(self.worth)
        return optimize.milp(
            -numpy.array(self.worth),
            constraints=optimize.LinearConstraint(
                sparse.csr_matrix((values, (rows, columns)), shape=shape), self.lower, self.upper
            ),
            integrality=self.whole,
            bounds=optimize.Bounds(0, self.most),
            options={"mip_rel_gap": 1e-4, "time_limit": seconds},
        )


def best_in_time(
    needs: Sequence[Need],
    ways: Sequence[Sequence[Timed]],
    *,
    budget: float,
    deadline: float,
    places: Mapping[str, int],
    seconds: float,
) -> Proved:
    """The most worth within the budget and the deadline, and whether it is reached.

    Args:
        ways: of each shot every way to film it; no shot waits for another.
        seconds: what the solver may take.
    """
    usable = [[way for way in row if math.fsum(s for _, s in way.stints) <= deadline] for row in ways]
    program = _Program()
    picked = [[program.column(worth=way.worth) for way in row] for row in usable]
    for row in picked:
        program.row([(column, 1.0) for column in row], 1, 1)
    money = [
        (c, way.money)
        for row, ways_ in zip(picked, usable, strict=True)
        for c, way in zip(row, ways_, strict=True)
    ]
    program.at_most(money, budget)
    _scheduled(program, usable, picked, deadline, places)
    return _asked(program, usable, picked, Clock(needs, places), deadline, seconds)


def _scheduled(
    program: _Program,
    usable: Sequence[Sequence[Timed]],
    picked: Sequence[Sequence[int]],
    deadline: float,
    places: Mapping[str, int],
) -> None:
    """Which place each take runs on, and that all is over in time."""
    first: dict[str, dict[int, tuple[float, list[int]]]] = {
        key: {} for key in places
    }  # shot: seconds, places
    second: dict[str, list[tuple[int, int]]] = {key: [] for key in places}  # place, seconds taken of it
    ends = [program.column(deadline, whole=False) for _ in usable]
    for shot, (row, columns) in enumerate(zip(usable, picked, strict=True)):
        one: dict[str, list[int]] = {}
        two: dict[str, list[tuple[int, float]]] = {}
        for way, column in zip(row, columns, strict=True):
            key, lasts = way.stints[0]
            one.setdefault(key, []).append(column)
            first[key].setdefault(shot, (lasts, []))
            if len(way.stints) > 1:
                two.setdefault(way.stints[1][0], []).append((column, way.stints[1][1]))
        for key, of_key in one.items():
            lanes = first[key][shot][1]
            lanes += [program.column() for _ in range(places[key])]
            program.row([*((lane, 1.0) for lane in lanes), *((c, -1.0) for c in of_key)], 0, 0)
        for key, lasting in two.items():
            lanes = [program.column() for _ in range(places[key])]
            taken = [program.column(deadline, whole=False) for _ in lanes]
            longest = max(lasts for _, lasts in lasting)
            program.row([*((lane, 1.0) for lane in lanes), *((c, -1.0) for c, _ in lasting)], 0, 0)
            program.row([*((t, 1.0) for t in taken), *((c, -lasts) for c, lasts in lasting)], 0, 0)
            for lane, (place, column) in zip(lanes, enumerate(taken), strict=True):
                program.at_most([(column, 1.0), (lane, -longest)], 0)
                second[key].append((place, column))
        program.at_most(
            [(ends[shot], 1.0), *(each for lasting in two.values() for each in lasting)], deadline
        )
    for key, shots in first.items():
        for place in range(places[key]):
            load = [(lanes[place], lasts) for lasts, lanes in shots.values()]
            program.at_most([*load, *((c, 1.0) for n, c in second[key] if n == place)], deadline)
        _queued(program, shots, ends, deadline)


def _queued(
    program: _Program,
    shots: Mapping[int, tuple[float, list[int]]],
    ends: Sequence[int],
    deadline: float,
) -> None:
    """The first takes on one key: each goes to the place that the shots before it leave free first."""
    for shot, (lasts, lanes) in shots.items():
        before = [(seconds, others) for other, (seconds, others) in shots.items() if other < shot]
        for place, lane in enumerate(lanes):
            load = [(others[place], seconds) for seconds, others in before]
            program.at_most([(ends[shot], -1.0), *load, (lane, lasts + deadline)], deadline)
            if place:  # places are alike: the next one is not taken before this one was
                program.at_most([(lane, 1.0), *((others[place - 1], -1.0) for _, others in before)], 0)
            for other_place in range(len(lanes)):
                if other_place != place:
                    less = [(others[other_place], -seconds) for seconds, others in before]
                    program.at_most([*load, *less, (lane, deadline)], deadline)


def _asked(
    program: _Program,
    usable: Sequence[Sequence[Timed]],
    picked: Sequence[Sequence[int]],
    clock: Clock,
    deadline: float,
    seconds: float,
) -> Proved:
    """The program's answer, once the clock agrees with it."""
    until, bound = time.perf_counter() + seconds, math.inf
    while (left := until - time.perf_counter()) > 1:
        answer = program.solved(left)
        if answer.status == 2:  # infeasible
            return Proved(-math.inf, exact=True)
        if answer.mip_dual_bound is not None:
            bound = min(bound, float(-answer.mip_dual_bound))
        if answer.status != 0:
            break
        jobs, chosen = [], []
        for row, columns in zip(usable, picked, strict=True):
            _, column, way = max(zip((answer.x[c] for c in columns), columns, row, strict=True))
            jobs.append(way.stints)
            chosen.append((column, 1.0))
        if clock.wall(jobs) <= deadline * (1 + SLACK):
            return Proved(bound, exact=True)
        program.at_most(chosen, len(chosen) - 1)
    return Proved(bound, exact=False)
