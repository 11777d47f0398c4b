"""Ratings from comparisons: which of two takes side by side a person kept.

The Bradley-Terry model, P(a beats b) = sigmoid(theta_a - theta_b), on the scale of the public boards: 400 points for
odds of ten to one. A comparison says nothing about whether either take is good enough, so accept and reject come
first and this second.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from dramagen.routing.beliefs import LOGITS_PER_POINT, sigmoid
from dramagen.routing.linear import Matrix, inverse, product, times
from dramagen.routing.numeric import InvalidNumbers, finite

Outcome = Literal["a", "b", "both_good", "both_bad"]

CENTRE = 1000.0
SPREAD = 200.0
"""How far from its prior a rating may easily be (standard deviation, points); wide, so that comparisons decide."""

NARROWEST, WIDEST = 1e-3, 1e6
"""Below this spread, in points, no comparison could move a prior; above it no prior would say anything."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models' takes of one shot side by side, and which was better."""

    a: str
    b: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Rating:
    """A model's rating in points, and its standard error; ``compared`` counts its comparisons with a say in it."""

    points: float
    error: float
    compared: int


@dataclass(frozen=True, slots=True)
class Ratings:
    """The ratings of all models that were compared; differences mean something, heights do not.

    Attributes:
        both_bad: the share of comparisons in which neither take would do, which no rating can show.
    """

    by_model: Mapping[str, Rating]
    both_bad: float

    def chance(self, a: str, b: str) -> float:
        """The chance that a person prefers ``a`` to ``b``. Raises ``KeyError`` for a model without a rating."""
        return sigmoid(LOGITS_PER_POINT * (self.by_model[a].points - self.by_model[b].points))


def kept(winner: str, shown: Iterable[str]) -> list[Comparison]:
    """What picking one of several takes says: it beats each of the others. Two takes of one model say nothing."""
    return [Comparison(winner, other, "a") for other in shown if other != winner]


def rate(
    comparisons: Iterable[Comparison], priors: Mapping[str, float] | None = None, spread: float = SPREAD
) -> Ratings:
    """The most likely ratings, each drawn towards its prior (or 1000) as a normal of ``spread`` points would.

    A tie between good takes is half a win for each; ties between bad ones are counted apart. The standard errors
    are the sandwich estimate, which holds even where the model does not; they are of the data alone and know nothing
    of the prior's own doubt. Models that were never compared with one another, not even through others, are
    related by their priors only.

    Raises:
        InvalidNumbers: a spread below :data:`NARROWEST` or above :data:`WIDEST`, a prior that is no number, a model
            compared with itself.
    """
    given = list(comparisons)
    if (spread := float(finite("the spread", spread, least=NARROWEST))) > WIDEST:
        raise InvalidNumbers(f"the spread must be at most {WIDEST:g}, not {spread}")
    if selfish := next((each.a for each in given if each.a == each.b), None):
        raise InvalidNumbers(f"{selfish} is compared with itself")
    usable = [each for each in given if each.outcome != "both_bad"]
    start = {model: float(finite(f"the prior of {model}", prior)) for model, prior in (priors or {}).items()}
    models = sorted({*start, *(name for each in given for name in (each.a, each.b))})
    place = {model: number for number, model in enumerate(models)}
    centre = [LOGITS_PER_POINT * (start.get(m, CENTRE) - CENTRE) for m in models]
    pairs = [(place[c.a], place[c.b], {"a": 1.0, "b": 0.0, "both_good": 0.5}[c.outcome]) for c in usable]
    firm = 1 / (LOGITS_PER_POINT * spread) ** 2
    theta, errors = _fitted(pairs, centre, firm)
    return Ratings(
        {
            model: Rating(
                points=CENTRE + theta[number] / LOGITS_PER_POINT,
                error=errors[number] / LOGITS_PER_POINT,
                compared=sum(number in (a, b) for a, b, _ in pairs),
            )
            for model, number in place.items()
        },
        both_bad=(len(given) - len(usable)) / len(given) if given else 0.0,
    )


def _fitted(
    pairs: list[tuple[int, int, float]], centre: list[float], firm: float
) -> tuple[list[float], list[float]]:
    """The most likely strengths and their standard errors, by Newton's method; the problem is convex."""
    theta = list(centre)
    for _ in range(50):
        slope, bend, _ = _derivatives(pairs, theta, centre, firm)
        step = times(inverse(bend), slope)
        largest = max(map(abs, step), default=0.0)
        theta = [t + s / max(1.0, largest) for t, s in zip(theta, step, strict=True)]
        if largest < 1e-10:
            break
    _, bend, scatter = _derivatives(pairs, theta, centre, firm)
    bread = inverse(bend)
    sandwich = product(product(bread, scatter), bread)
    return theta, [math.sqrt(max(0.0, sandwich[i][i])) for i in range(len(theta))]


def _derivatives(
    pairs: list[tuple[int, int, float]], theta: list[float], centre: list[float], firm: float
) -> tuple[list[float], Matrix, Matrix]:
    """The slope, the curvature, and the sum of the squared slopes of the comparisons."""
    size = len(theta)
    slope = [-firm * (t - c) for t, c in zip(theta, centre, strict=True)]
    bend = [[firm if i == j else 0.0 for j in range(size)] for i in range(size)]
    scatter = [[0.0] * size for _ in range(size)]
    for a, b, won in pairs:
        chance = sigmoid(theta[a] - theta[b])
        slope[a] += won - chance
        slope[b] -= won - chance
        for matrix, weight in ((bend, chance * (1 - chance)), (scatter, (won - chance) ** 2)):
            matrix[a][a] += weight
            matrix[b][b] += weight
            matrix[a][b] -= weight
            matrix[b][a] -= weight
    return slope, bend, scatter
