"""The policies that are compared. Those that plan call the library; none has arithmetic of its own for it."""

import random
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from routing.data import MODELS, TAKES, Prices, Ratings

from dramagen.routing import Arm, plan_attempts
from dramagen.routing.acceptance import learn
from dramagen.routing.beliefs import Verdict

Policy = Callable[[str, Mapping[str, int], int], str | None]
"""Which model to ask next, None to give up: of a shot, the rejected takes by model, and the takes left."""

Orders = Mapping[tuple[str, str], list[int]]
"""In which order the takes of a (shot, model) come."""

Chances = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Result:
    """Means over shots."""

    accepted: float
    cost: float
    value: float

    @property
    def net(self) -> float:
        return self.value * self.accepted - self.cost

    @property
    def cost_per_accepted(self) -> float:
        return self.cost / self.accepted if self.accepted else float("inf")


@dataclass(frozen=True)
class Setting:
    """The rules of a replay: prices, takes a shot, worth of a clip, and what the takes were."""

    ratings: Ratings
    orders: Orders
    prices: Prices
    takes: int
    value: float


def played(setting: Setting, shots: Iterable[str], policy: Policy) -> Result:
    """What the policy gets and spends on these shots; takes come without replacement, three a model at most."""
    outcomes = [one_shot(setting, shot, policy) for shot in shots]
    return Result(
        statistics.fmean(accepted for accepted, _ in outcomes),
        statistics.fmean(cost for _, cost in outcomes),
        setting.value,
    )


def one_shot(
    setting: Setting, shot: str, policy: Policy, seen: list[tuple[str, bool]] | None = None
) -> tuple[bool, float]:
    """Whether the shot was accepted, and what it cost; ``seen`` is given the verdicts."""
    failed, cost = dict.fromkeys(MODELS, 0), 0.0
    for left in range(setting.takes, 0, -1):
        model = policy(shot, failed, left)
        if model is None or failed[model] == TAKES:
            break
        cost += setting.prices[model]
        accepted = setting.ratings.accepted[shot][model][setting.orders[shot, model][failed[model]]]
        if seen is not None:
            seen.append((model, accepted))
        if accepted:
            return True, cost
        failed[model] += 1
    return False, cost


def single(model: str) -> Policy:
    """One model until it is accepted."""
    return lambda shot, failed, left: model


def at_random(draw: random.Random) -> Policy:
    """Any model, every time."""

    def choose(shot: str, failed: Mapping[str, int], left: int) -> str | None:
        return draw.choice([model for model in MODELS if failed[model] < TAKES])

    return choose


def planned(
    setting: Setting, chances: Callable[[str], Chances], rho: float, takes: int | None = None
) -> Policy:
    """The library's plan, made anew after every rejection, of the models that have a take left.

    ``takes`` plans as if that many were allowed: with all of them it is the index rule, cheapest accepted clip first.
    """
    known: dict[tuple[Chances, tuple[int, ...], int], str | None] = {}

    def choose(shot: str, failed: Mapping[str, int], left: int) -> str | None:
        key = (chances(shot), tuple(failed.values()), left)
        if key not in known:
            arms = [Arm(name, setting.prices[name], p) for name, p in key[0] if failed[name] < TAKES]
            past = {arm.name: failed[arm.name] for arm in arms}
            plan = plan_attempts(arms, takes or left, setting.value, past, rho)
            known[key] = plan[0].name if plan else None
        return known[key]

    return choose


@dataclass(frozen=True)
class Fitted:
    """What the fitting half teaches: chances of all shots and by kind of shot, rho, and each model's plain mean."""

    chances: Chances
    by_kind: dict[str, Chances]
    rho: float
    means: dict[str, float]


def fitted(ratings: Ratings, shots: list[str]) -> Fitted:
    """The library's own estimate from every rated take of these shots; no prior knowledge of any model."""
    verdicts = [
        Verdict(model, shot, accepted, frozenset({ratings.group[shot]}))
        for shot in shots
        for model in MODELS
        for accepted in ratings.accepted[shot][model]
    ]
    taught = learn(verdicts, {})
    return Fitted(
        chances=tuple((model, taught.of(model).chance) for model in MODELS),
        by_kind={
            kind: tuple((model, taught.of(model, {kind}).chance) for model in MODELS)
            for kind in sorted(set(ratings.group.values()))
        },
        rho=taught.rho,
        means={
            model: statistics.fmean(a for shot in shots for a in ratings.accepted[shot][model])
            for model in MODELS
        },
    )


BEST_NET = "best single by net value"
BEST_ACCEPTED = "best single by acceptance"
PLAN = "plan with decay"
PLAN_BY_KIND = "plan with decay, by kind of shot"
PLAN_WITHOUT = "plan without decay"
ORACLE = "oracle"


def planning(setting: Setting, known: Fitted) -> dict[str, Policy]:
    """The policies that plan. The oracle knows how many takes of each model are good on this very shot."""
    all_takes = TAKES * len(MODELS)

    def everywhere(shot: str) -> Chances:
        return known.chances

    def by_kind(shot: str) -> Chances:
        return known.by_kind[setting.ratings.group[shot]]

    def of_the_shot(shot: str) -> Chances:
        return tuple((m, statistics.fmean(setting.ratings.accepted[shot][m])) for m in MODELS)

    return {
        "index without decay": planned(setting, everywhere, 0.0, all_takes),
        "index with decay": planned(setting, everywhere, known.rho, all_takes),
        PLAN_WITHOUT: planned(setting, everywhere, 0.0),
        PLAN: planned(setting, everywhere, known.rho),
        PLAN_BY_KIND: planned(setting, by_kind, known.rho),
        ORACLE: planned(setting, of_the_shot, 0.0),
    }


def compared(setting: Setting, half: list[str], known: Fitted, seed: int) -> dict[str, Policy]:
    """Every policy of the comparison, each chosen or fitted on the fitting half alone."""
    group, price = setting.ratings.group, setting.prices
    kinds = {kind: [shot for shot in half if group[shot] == kind] for kind in known.by_kind}
    of_kind = {kind: _by_net(setting, shots) for kind, shots in kinds.items()}
    alone = {model: played(setting, half, single(model)) for model in MODELS}
    return {
        "cheapest": single(min(MODELS, key=lambda m: price[m])),
        "random": at_random(random.Random(seed)),
        "best single by price / acceptance": single(
            min(MODELS, key=lambda m: price[m] / max(known.means[m], 1e-9))
        ),
        BEST_NET: single(_by_net(setting, half)),
        BEST_ACCEPTED: single(max(MODELS, key=lambda m: (alone[m].accepted, -price[m]))),
        "best single of each kind of shot, by net value": lambda shot, failed, left: of_kind[group[shot]],
    } | planning(setting, known)


def _by_net(setting: Setting, shots: list[str]) -> str:
    return max(MODELS, key=lambda model: played(setting, shots, single(model)).net)
