"""A small replay on made-up shots, as the real one in benchmarks/routing: fitted on one half, judged on the other.

The shots are drawn by the law the library assumes, with a shared difficulty that it does not know of. What is guarded
is that estimating, planning and decaying together still pay, and each for its own part.
"""

import random
import statistics
from collections.abc import Callable, Mapping

import pytest

from dramagen.routing import Arm, plan_attempts
from dramagen.routing.acceptance import learn
from dramagen.routing.beliefs import Verdict, logit, sigmoid

MEANS = {"best": 0.68, "good": 0.65, "fair": 0.6, "weak": 0.25, "poor": 0.2, "bad": 0.08, "worst": 0.03}
TIERED = {"best": 1.0, "good": 0.7, "fair": 0.4, "weak": 0.35, "poor": 0.12, "bad": 0.1, "worst": 0.05}
FLAT = dict.fromkeys(MEANS, 0.5)
VALUE, TAKES, SPLITS = 4.0, 3, 4

Shots = dict[str, dict[str, list[bool]]]
Choice = Callable[[Mapping[str, int], int], str | None]


@pytest.fixture(scope="module")
def shots() -> Shots:
    draw = random.Random(20261122)

    def takes(mean: float, hardness: float) -> list[bool]:
        chance = sigmoid(logit(mean) - hardness)
        own = draw.betavariate(chance * 1.5, (1 - chance) * 1.5)  # rho 0.4
        return [draw.random() < own for _ in range(TAKES)]

    filmed = {}
    for number in range(200):
        hardness = draw.gauss(0, 0.3)
        filmed[f"s{number:03}"] = {model: takes(mean, hardness) for model, mean in MEANS.items()}
    return filmed


def result(
    shots: Shots, names: list[str], prices: dict[str, float], choose: Choice
) -> tuple[float, float, float]:
    """Acceptance, spend and net value per shot."""
    outcomes = []
    for name in names:
        failed, cost, accepted = dict.fromkeys(MEANS, 0), 0.0, False
        for left in range(TAKES, 0, -1):
            model = choose(failed, left)
            if model is None or accepted:
                break
            cost += prices[model]
            accepted = shots[name][model][failed[model]]
            failed[model] += 1
        outcomes.append((accepted, cost))
    rate, spend = (statistics.fmean(column) for column in zip(*outcomes, strict=True))
    return rate, spend, VALUE * rate - spend


def replay(shots: Shots, prices: dict[str, float]) -> dict[str, tuple[float, float, float]]:
    """The mean results of the plan with and without decay and of both honest baselines, over random halves."""
    draw = random.Random(1)
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(SPLITS):
        names = draw.sample(sorted(shots), len(shots))
        half, test = names[:100], names[100:]
        taught = learn(
            [Verdict(m, name, said) for name in half for m in MEANS for said in shots[name][m]], {}
        )
        arms = [Arm(m, prices[m], taught.of(m).chance) for m in MEANS]

        def planned(rho: float, arms: list[Arm] = arms) -> Choice:
            def first(failed: Mapping[str, int], left: int) -> str | None:
                plan = plan_attempts(arms, left, VALUE, failed, rho)
                return plan[0].name if plan else None

            return first

        def single(model: str) -> Choice:
            return lambda failed, left: model

        alone = {m: result(shots, half, prices, single(m)) for m in MEANS}
        for policy, choose in {
            "plan": planned(taught.rho),
            "no decay": planned(0.0),
            "best net": single(max(MEANS, key=lambda m: alone[m][2])),
            "best accepted": single(max(MEANS, key=lambda m: (alone[m][0], -prices[m]))),
        }.items():
            found.setdefault(policy, []).append(result(shots, test, prices, choose))
    return {
        policy: (
            statistics.fmean(r[0] for r in each),
            statistics.fmean(r[1] for r in each),
            statistics.fmean(r[2] for r in each),
        )
        for policy, each in found.items()
    }


@pytest.mark.parametrize(
    ("prices", "gain", "saving"), [(TIERED, 1.15, 0.8), (FLAT, 1.05, 1.0)], ids=["tiered", "flat"]
)
def test_the_plan_beats_both_honest_baselines(
    shots: Shots, prices: dict[str, float], gain: float, saving: float
) -> None:
    results = replay(shots, prices)
    rate, spend, net = results["plan"]
    best_rate, best_spend, _ = results["best accepted"]
    assert net >= gain * results["best net"][2]
    assert net > results["no decay"][2]
    assert spend / rate <= saving * best_spend / best_rate
    assert rate >= max(best_rate, results["best net"][0])
