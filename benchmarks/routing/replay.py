"""Replays policies on human ratings: who gets more accepted clips, for what, on prompts never used for fitting.

python benchmarks/routing/replay.py DATA_FOLDER [--splits 60] [--json]
"""

import argparse
import json
import random
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this folder is started as a script

from report import Row, machine, table
from routing.data import BARS, FLAT, MODELS, TAKES, TIERED, Prices, Ratings, random_prices, ratings
from routing.policies import (
    BEST_ACCEPTED,
    BEST_NET,
    ORACLE,
    PLAN,
    PLAN_BY_KIND,
    PLAN_WITHOUT,
    Fitted,
    Result,
    Setting,
    compared,
    fitted,
    planning,
    played,
    single,
)

from dramagen.routing.frontier import aiq

VALUE = 4.0
VECTORS = 200
DRAWN = (PLAN_BY_KIND, PLAN, PLAN_WITHOUT, ORACLE)
Plane = dict[str, list[tuple[float, float]]]
WORTHS = [0.15 * (16 / 0.15) ** (step / 32) for step in range(33)]
"""0.15 to 16: the settings of a router along the cost-quality plane."""
SINGLES = "single models"


def halves(
    data: Ratings, splits: int
) -> Iterator[tuple[list[str], list[str], dict[tuple[str, str], list[int]]]]:
    """Random halves to fit and to test on, and the order in which each model's takes come; always the same."""
    draw = random.Random(20261122)
    for _ in range(splits):
        shots = data.shots
        draw.shuffle(shots)
        orders = {(shot, m): draw.sample(range(TAKES), TAKES) for shot in data.shots for m in MODELS}
        yield shots[: len(shots) // 2], shots[len(shots) // 2 :], orders


def spread(values: Sequence[float], digits: int = 3) -> str:
    """The mean, and between which values the middle 95 % of the splits lie."""
    ranked = sorted(values)
    low, high = ranked[round(0.025 * (len(ranked) - 1))], ranked[round(0.975 * (len(ranked) - 1))]
    return f"{statistics.fmean(ranked):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


class Replay:
    """One bar of strictness: the fits of all splits, made once and used at all prices."""

    def __init__(self, folder: Path, bar: str, splits: int) -> None:
        self.data = ratings(folder, bar)
        self.splits = list(halves(self.data, splits))
        self.fits: list[Fitted] = [fitted(self.data, half) for half, _, _ in self.splits]

    def results(self, prices: Prices, takes: int) -> dict[str, list[Result]]:
        """Every policy's result on every test half."""
        found: dict[str, list[Result]] = {}
        for number, ((half, test, orders), known) in enumerate(zip(self.splits, self.fits, strict=True)):
            setting = Setting(self.data, orders, prices, takes, VALUE)
            for name, policy in compared(setting, half, known, number).items():
                found.setdefault(name, []).append(played(setting, test, policy))
        return found

    def plane(self, prices: Prices, takes: int) -> Plane:
        """Mean (cost, acceptance) of each router's settings: the plans' by worth, the single models' by model."""
        found: dict[str, dict[str, list[Result]]] = {}
        for (_, test, orders), known in zip(self.splits, self.fits, strict=True):
            setting = Setting(self.data, orders, prices, takes, VALUE)
            for model in MODELS:
                alone = played(setting, test, single(model))
                found.setdefault(SINGLES, {}).setdefault(model, []).append(alone)
            for worth in WORTHS:
                setting = Setting(self.data, orders, prices, takes, worth)
                for name, policy in planning(setting, known).items():
                    if name in DRAWN:
                        each = found.setdefault(name, {})
                        each.setdefault(f"{worth:.3f}", []).append(played(setting, test, policy))
        return {name: [middle(results) for results in each.values()] for name, each in found.items()}


def middle(results: list[Result]) -> tuple[float, float]:
    """Mean cost and mean acceptance."""
    return statistics.fmean(r.cost for r in results), statistics.fmean(r.accepted for r in results)


def pooled(results: list[Result]) -> Result:
    """All splits as one."""
    cost, accepted = middle(results)
    return Result(accepted, cost, results[0].value)


def policies(found: dict[str, list[Result]]) -> list[Row]:
    """One row a policy."""
    floor, roof = pooled(found[BEST_NET]).net, pooled(found[ORACLE]).net
    return [
        {
            "policy": name,
            "accepted": spread([r.accepted for r in each]),
            "cost per accepted": f"{pooled(each).cost_per_accepted:.3f}",
            "net": spread([r.net for r in each], 2),
            "headroom closed": f"{(pooled(each).net - floor) / (roof - floor):.0%}",
        }
        for name, each in found.items()
    ]


def ratios(bar: str, prices: str, takes: int, found: dict[str, list[Result]]) -> list[Row]:
    """The plans against the two honest baselines."""
    by_net, by_accepted = found[BEST_NET], found[BEST_ACCEPTED]
    theirs, best = pooled(by_net), pooled(by_accepted)
    rows = []
    for name in (PLAN, PLAN_BY_KIND):
        mine = pooled(found[name])
        each = [a.net / b.net for a, b in zip(found[name], by_net, strict=True)]
        rows.append(
            {
                "bar": bar,
                "prices": prices,
                "takes": takes,
                "policy": name,
                "net / best-net single's": f"{mine.net / theirs.net:.3f}",
                "of each split": spread(each),
                "cost per accepted / best-acceptance single's": (
                    f"{mine.cost_per_accepted / best.cost_per_accepted:.3f}"
                ),
                "accepted": f"{mine.accepted:.3f}",
                "by best-net single": f"{theirs.accepted:.3f}",
                "by best-acceptance single": f"{best.accepted:.3f}",
            }
        )
    return rows


def vectors(replay: Replay, takes: int) -> Row:
    """The same over random price vectors, one split each in turn."""
    net, cost, accepted = [], [], []
    for seed in range(VECTORS):
        number = seed % len(replay.splits)
        half, test, orders = replay.splits[number]
        setting = Setting(replay.data, orders, random_prices(seed), takes, VALUE)
        chosen = compared(setting, half, replay.fits[number], seed)
        ours, theirs, best = (played(setting, test, chosen[n]) for n in (PLAN, BEST_NET, BEST_ACCEPTED))
        net.append(ours.net / theirs.net)
        cost.append(ours.cost_per_accepted / best.cost_per_accepted)
        accepted.append(ours.accepted - best.accepted)
    return {
        "takes": takes,
        "price vectors": VECTORS,
        "net / best-net single's": spread(net),
        "at least 1 in": f"{statistics.fmean(n >= 1 for n in net):.0%}",
        "cost per accepted / best-acceptance single's": spread(cost),
        "accepted, beyond best-acceptance single": spread(accepted),
    }


def areas(plane: Plane, takes: int) -> list[Row]:
    """AIQ of each router up to the dearest single model: from no cost, and from the cheapest single model."""
    most, least = max(plane[SINGLES])[0], min(plane[SINGLES])[0]
    return [
        {
            "takes": takes,
            "router": name,
            "AIQ from 0": f"{aiq(points, most):.3f}",
            f"AIQ from {least:.2f}": f"{aiq(points, most, least):.3f}",
        }
        for name, points in plane.items()
    ]


def replayed(folder: Path, splits: int) -> tuple[dict[str, list[Row]], dict[str, Plane]]:
    """All tables of the replay, and the two cost-quality planes for drawing."""
    tables: dict[str, list[Row]] = {"fit": [], "ratios": [], "vectors": []}
    planes = {}
    for bar in BARS:
        replay = Replay(folder, bar, splits)
        for name, prices in (("tiered", TIERED), ("flat", FLAT)):
            for takes in (2, 3, 4):
                found = replay.results(prices, takes)
                tables["ratios"] += ratios(bar, name, takes, found)
                if (bar, takes) == ("strict", 3):
                    tables[f"policies-{name}"] = policies(found)
            if bar == "strict":
                planes[name] = replay.plane(prices, 3)
                tables[f"areas-{name}"] = areas(planes[name], 3) + areas(replay.plane(prices, 4), 4)
        tables["vectors"] += [{"bar": bar} | vectors(replay, 3)]
        tables["fit"].append(
            {
                "bar": bar,
                "prompts": len(replay.data.shots),
                "rho learnt": spread([f.rho for f in replay.fits]),
            }
        )
    return tables, planes


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    tables, _ = replayed(asked.folder, asked.splits)
    if asked.json:
        print(json.dumps(machine() | tables, ensure_ascii=False, indent=1))
        return
    for name, rows in tables.items():
        print(f"\n{name}\n\n{table(rows)}")


if __name__ == "__main__":
    main()
