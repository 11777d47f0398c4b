"""How alike the takes of one model on one shot are: what a second verdict adds to the first, and rho.

All of it is the beta-binomial law seen as an urn: a take either is news, with the model's own chance, or repeats the
verdict on an earlier take of the same shot. With ``k`` earlier takes it is a repetition with the chance
``k rho / (1 - rho + k rho)``.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from dramagen.routing.attempts import DEFAULT_RHO

RETAKES = 20.0
"""How many second and later takes outweigh the default rho."""

LARGEST = 0.95
"""A rho of 1 would make every retake worthless for ever, on evidence that can only be thin."""


def news(takes: Sequence[bool], chance: float, rho: float) -> list[float]:
    """For each take of one model on one shot, in order, the chance that its verdict was news: its weight as evidence.

    The first accepted and the first rejected take count fully; ten rejections of one impossible shot come to little
    more than one.
    """
    weights = []
    seen = {True: 0, False: 0}
    for accepted in takes:
        fresh = (chance if accepted else 1 - chance) * (1 - rho)
        repeated = seen[accepted] * rho
        weights.append(fresh / (fresh + repeated) if repeated else 1.0)
        seen[accepted] += 1
    return weights


def learnt_rho(
    shots: Iterable[tuple[float, Sequence[bool]]], prior: float = DEFAULT_RHO, weight: float = RETAKES
) -> float:
    """Rho of a project, from the shots that had two takes or more of one model; ``prior`` where there are none.

    Each shot is the chance its model had on it (before anything was seen of that shot) and its verdicts in order. The
    estimate is the rho at which a shot's earlier verdicts predict its next one just as well as they did: it holds
    whether people stop at the first accepted take or rate them all. It is drawn towards ``prior`` as if that had been
    seen in ``weight`` retakes.
    """
    kept = Counter((chance, tuple(takes)) for chance, takes in shots if len(takes) > 1)
    retakes = sum(number * (len(takes) - 1) for (_, takes), number in kept.items())
    if retakes == 0:
        return prior
    low, high = 0.0, LARGEST
    for _ in range(40):
        middle = (low + high) / 2
        if sum(number * _surprise(*shot, middle) for shot, number in kept.items()) > 0:
            low = middle  # takes followed their shot's earlier ones more closely than this
        else:
            high = middle
    return (retakes * (low + high) / 2 + weight * prior) / (retakes + weight)


def _surprise(chance: float, takes: Sequence[bool], rho: float) -> float:
    """How much more the takes went the way of their shot than rho foresees; falls as rho grows."""
    total, accepted = 0.0, 0
    for k, verdict in enumerate(takes):
        if k:
            leaning = accepted / k - chance
            repeats = k * rho / (1 - rho + k * rho)
            total += leaning * (verdict - chance - leaning * repeats)
        accepted += verdict
    return total
