"""Learning while filming: shots come one by one, verdicts come late, and beliefs start from a wrong prior."""

import math
import random
import statistics
from pathlib import Path

from report import Row
from routing.data import MODELS, TAKES, TIERED, ratings
from routing.policies import Chances, Policy, Setting, one_shot, planned, played, single

from dramagen.routing.acceptance import learn
from dramagen.routing.beliefs import Prior, Verdict, logit, sigmoid

RUNS = 20
LEARNT_EVERY = 5
"""Shots between two readings of the verdicts: a plan is made for a scene, not for every shot anew."""
NOISE = 0.7
"""How wrong the prior is (standard deviation, logits)."""


def streamed(folder: Path) -> list[Row]:
    """Net value per shot of the first and the last third, tiered prices, strict bar, three takes, a clip worth 4."""
    data = ratings(folder, "strict")
    third = len(data.shots) // 3
    nets: dict[str, list[list[float]]] = {}
    for run in range(RUNS):
        draw = random.Random(run)
        shots = data.shots
        draw.shuffle(shots)
        orders = {(shot, m): draw.sample(range(TAKES), TAKES) for shot in shots for m in MODELS}
        setting = Setting(data, orders, TIERED, 3, 4.0)
        true = {m: statistics.fmean(a for shot in shots for a in data.accepted[shot][m]) for m in MODELS}
        priors = {m: Prior(sigmoid(logit(true[m]) + draw.gauss(0, NOISE)), 8, "noisy") for m in MODELS}
        alone = max(MODELS, key=lambda m: played(setting, shots, single(m)).net)
        known = tuple(true.items())
        believed = tuple((m, priors[m].chance) for m in MODELS)
        fixed = {
            "best single model, known beforehand": single(alone),
            "the prior, never corrected": _planned(setting, believed, 0.4),
            "the true means, known beforehand": _planned(setting, known, 0.4),
        }
        for name, policy in fixed.items():
            nets.setdefault(name, []).append([_net(setting, shot, policy) for shot in shots])
        for delay in (0, 10, 30):
            name = f"learning, verdicts {delay} shots late" if delay else "learning, verdicts at once"
            nets.setdefault(name, []).append(_learning(setting, shots, priors, delay))
    return [
        {
            "policy": name,
            "net a shot, first third": f"{_mean(runs, 0, third):.2f}",
            "middle third": f"{_mean(runs, third, 2 * third):.2f}",
            "last third": f"{_mean(runs, 2 * third, None):.2f}",
        }
        for name, runs in nets.items()
    ]


def _mean(runs: list[list[float]], start: int, end: int | None) -> float:
    return statistics.fmean(net for run in runs for net in run[start:end])


def _net(setting: Setting, shot: str, policy: Policy) -> float:
    accepted, cost = one_shot(setting, shot, policy)
    return setting.value * accepted - cost


def _planned(setting: Setting, chances: Chances, rho: float) -> Policy:
    return planned(setting, lambda shot: chances, rho)


def _learning(setting: Setting, shots: list[str], priors: dict[str, Prior], delay: int) -> list[float]:
    """Only what was filmed is learnt from: a take that was never made has no verdict."""
    verdicts: list[list[Verdict]] = []
    nets = []
    policy: Policy | None = None
    for number, shot in enumerate(shots):
        if policy is None or number % LEARNT_EVERY == 0:
            heard = [verdict for each in verdicts[: max(0, number - delay)] for verdict in each]
            taught = learn(heard, priors)
            policy = _planned(setting, tuple((m, taught.of(m).chance) for m in MODELS), taught.rho)
        seen: list[tuple[str, bool]] = []
        accepted, cost = one_shot(setting, shot, policy, seen)
        nets.append(setting.value * accepted - cost)
        verdicts.append([Verdict(model, shot, said) for model, said in seen])
    if not all(map(math.isfinite, nets)):
        raise ValueError("a net value is not finite")
    return nets
