"""Which model to try first on a shot, which after a rejection, and when to stop.

A shot that one model missed is likely to be missed by it again: on human ratings of seven models (Video-Bench,
arXiv 2504.04907, three takes a prompt) the second take after a rejected one is accepted about half as often as that
model's average. So an arm's chance falls with each of its own rejections on this shot, and a switch of model is
weighed against another take at the chance that is left.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dramagen.routing.numeric import InvalidNumbers, Number, count, endless, finite, fraction, shown

DEFAULT_RHO = 0.4
"""How alike takes of one model on one shot are (intraclass correlation), until a project has taught its own."""


MOST_TAKES = 100
"""More takes of one shot than anybody makes; the work grows with their square."""

MOST_FAILED = 1_000_000
"""More rejected takes of one shot than anybody looks at."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to film the shot.

    Attributes:
        name: what it is called in ``failed``; no two arms of a plan share it.
        cost: the expected price of one take, in the currency of every other cost and of ``value``; the price of
            the time a person needs to look at the take belongs in it too.
        chance: the chance that its first take on such a shot is accepted, 0 to 1.

    Raises ``InvalidNumbers`` for a name that is no text, a cost below zero or without end, and a chance outside
    0 to 1.
    """

    name: str
    cost: Number
    chance: float

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InvalidNumbers(f"the name of an arm is text, such as 'kling-3.0', not {shown(self.name)}")
        finite(f"the cost of {self.name!r}", self.cost, least=0)
        fraction(f"the chance of {self.name!r}", self.chance)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One step of a plan, with the figures that put it there. Figures are floats: they weigh, they do not bill.

    Attributes:
        arm: whom to ask.
        chance: the chance that this take is accepted, once its arm's earlier rejections on this shot are counted.
        failed: how many takes of this arm will have been rejected on this shot by then.
        reached: the chance that the plan gets this far, everything before it being rejected.
        cost: the price of this take.
        cost_per_accepted: ``cost / chance``, what the plan is ordered by.
        accepted: the chance that the shot is accepted at this attempt or before it.
        expected_cost: what the plan is expected to spend up to and including this attempt.
    """

    arm: Arm
    chance: float
    failed: int
    reached: float
    cost: float
    cost_per_accepted: float
    accepted: float
    expected_cost: float

    @property
    def name(self) -> str:
        """The arm's name."""
        return self.arm.name


def decayed(chance: float, failed: int, rho: float = DEFAULT_RHO) -> float:
    """The chance of an arm's next take on a shot on which ``failed`` of its takes were rejected.

    The beta-binomial law: ``chance`` is the average over shots, ``rho`` how much of its spread lies between shots.
    """
    return chance if failed == 0 else chance * (1 - rho) / (1 - rho + failed * rho)


def plan_attempts(
    arms: Iterable[Arm],
    takes: int,
    value: Number,
    failed: Mapping[str, int] | None = None,
    rho: float = DEFAULT_RHO,
) -> list[Attempt]:
    """The attempts to make, in order, stopping at the first that is accepted: no other order has a better mean.

    The plan maximises ``value x P(accepted) - expected cost`` over every sequence of at most ``takes`` takes, as
    long as arms fail independently and each decays by :func:`decayed`. It ends early where no further take is worth
    its price. After a rejection the rest of the plan stays best; with news (a price, an outage, a person's
    judgement) plan again, with one take less and the arm's count in ``failed`` raised.

    Args:
        arms: who can film it; an empty plan comes of none.
        takes: how many takes may still be made on this shot, :data:`MOST_TAKES` at most.
        value: what one accepted clip is worth, in the currency of the costs; infinity for "accepted at any price",
            which among equal chances is the cheapest.
        failed: how many takes of an arm were rejected on this shot already.
        rho: 0 where takes are independent, 1 where a second take repeats the verdict on the first.

    Raises:
        InvalidNumbers: what is no :class:`Arm`, two arms of one name, a name in ``failed`` that no arm has, or a
            number that makes no sense: NaN, a count below zero, a ``rho`` above 1, more takes than there can be.
    """
    offered = _arms(arms)
    past = _counts(offered, failed or {})
    slots = count("takes", takes, MOST_TAKES)
    worth = endless("value", value)
    candidates = _candidates(offered, past, slots, worth, fraction("rho", rho))
    taken = _at_any_price(candidates, slots) if worth == math.inf else _worth_while(candidates, slots, worth)
    return _told(offered, past, _first_of_each(candidates, taken, slots))


class _Take(NamedTuple):
    """A take that could be made. Takes compare in the order they should be made in: dear clips last."""

    cost_per_accepted: float
    missed: float  # among equals the likelier first: it saves a wait
    arm: int
    nth: int
    cost: float
    chance: float


def _arms(given: Iterable[Arm]) -> list[Arm]:
    arms = list(given) if isinstance(given, Iterable) else [given]
    for arm in arms:
        if not isinstance(arm, Arm):
            raise InvalidNumbers(f"arms are a list of Arm(name, cost, chance); {shown(arm)} is none")
    return arms


def _counts(arms: list[Arm], failed: Mapping[str, int]) -> list[int]:
    if not isinstance(failed, Mapping):
        raise InvalidNumbers(f"failed counts rejected takes by arm, {{'kling-3.0': 1}}, not {shown(failed)}")
    names = {arm.name for arm in arms}
    if len(names) < len(arms):
        raise InvalidNumbers(f"two arms share a name: {', '.join(arm.name for arm in arms)}")
    if unknown := failed.keys() - names:
        raise InvalidNumbers(f"failed names no arm: {', '.join(sorted(map(str, unknown)))}")
    return [count(f"failed[{arm.name!r}]", failed.get(arm.name, 0), MOST_FAILED) for arm in arms]


def _candidates(arms: list[Arm], past: list[int], slots: int, worth: float, rho: float) -> list[_Take]:
    """Every take that could be worth making, best first. An arm's earlier takes come before its later ones."""
    found = []
    for index, arm in enumerate(arms):
        cost, average = float(arm.cost), float(arm.chance)
        for nth in range(slots):
            chance = decayed(average, past[index] + nth, rho)
            if chance == 0 or cost >= chance * worth:
                break  # dearer per accepted clip than a clip is worth, and so is every later take
            found.append(_Take(cost / chance, 1 - chance, index, nth, cost, chance))
    return sorted(found)


def _worth_while(candidates: list[_Take], slots: int, worth: float) -> list[int]:
    """For each candidate the set of slots left (as bits) with which it is taken; the loss is the least there is.

    The loss of a plan is its expected cost plus ``worth`` for the chance that nothing is accepted. Counting what is
    lost rather than what is won keeps small costs visible beside a very large worth.
    """
    loss = [worth] * (slots + 1)
    taken = [0] * len(candidates)
    for index in range(len(candidates) - 1, -1, -1):
        missed, cost = candidates[index].missed, candidates[index].cost
        for left in range(slots, 0, -1):
            if (with_it := cost + missed * loss[left - 1]) < loss[left]:
                loss[left] = with_it
                taken[index] |= 1 << left
    return taken


def _at_any_price(candidates: list[_Take], slots: int) -> list[int]:
    """The same for an infinite worth: the least chance of no clip, and where that is equal the least cost."""
    nothing, spent = [1.0] * (slots + 1), [0.0] * (slots + 1)
    taken = [0] * len(candidates)
    for index in range(len(candidates) - 1, -1, -1):
        missed, cost = candidates[index].missed, candidates[index].cost
        for left in range(slots, 0, -1):
            none, price = missed * nothing[left - 1], cost + missed * spent[left - 1]
            alike = math.isclose(
                none, nothing[left], rel_tol=1e-12
            )  # one product, multiplied in another order
            better = price < spent[left] if alike else none < nothing[left]
            if better:
                nothing[left], spent[left] = none, price
                taken[index] |= 1 << left
    return taken


def _first_of_each(candidates: list[_Take], taken: list[int], slots: int) -> list[_Take]:
    """The takes of the plan; where two takes of an arm were equally good, its first ones."""
    left, wanted = slots, [0] * (1 + max((take.arm for take in candidates), default=0))
    for take, with_left in zip(candidates, taken, strict=True):
        if with_left >> left & 1:
            wanted[take.arm] += 1
            left -= 1
    return [take for take in candidates if take.nth < wanted[take.arm]]


def _told(arms: list[Arm], past: list[int], takes: list[_Take]) -> list[Attempt]:
    plan = []
    reached, spent = 1.0, 0.0
    for take in takes:
        if reached == 0:
            break  # what comes before is certain to be accepted
        spent += reached * take.cost
        plan.append(
            Attempt(
                arm=arms[take.arm],
                chance=take.chance,
                failed=past[take.arm] + take.nth,
                reached=reached,
                cost=take.cost,
                cost_per_accepted=take.cost_per_accepted,
                accepted=1 - reached * take.missed,
                expected_cost=spent,
            )
        )
        reached *= take.missed
    return plan
