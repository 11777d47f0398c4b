"""How sure a chance is: the Beta distribution, as far as acceptance needs it."""

import math
from itertools import count

SMALL = 1e-300
ENOUGH = 1e-15


def beta_cdf(chance: float, accepted: float, rejected: float) -> float:
    """P(p <= chance) for p ~ Beta(accepted, rejected), both above zero.

    The continued fraction of the incomplete beta function, evaluated by Lentz's method (Press et al., Numerical
    Recipes, 6.4); good to about 1e-12.
    """
    if chance <= 0:
        return 0.0
    if chance >= 1:
        return 1.0
    if chance > (accepted + 1) / (
        accepted + rejected + 2
    ):  # the fraction converges quickly on the other side
        return 1 - beta_cdf(1 - chance, rejected, accepted)
    log_front = (
        math.lgamma(accepted + rejected) - math.lgamma(accepted) - math.lgamma(rejected)
        + accepted * math.log(chance) + rejected * math.log1p(-chance)
    )  # fmt: skip
    return math.exp(log_front) * _fraction(chance, accepted, rejected) / accepted


def beta_interval(accepted: float, rejected: float, level: float = 0.95) -> tuple[float, float]:
    """The middle ``level`` of Beta(accepted, rejected): as much of it lies below as above."""
    tail = (1 - level) / 2
    return _quantile(tail, accepted, rejected), _quantile(1 - tail, accepted, rejected)


def _fraction(x: float, a: float, b: float) -> float:
    def safe(number: float) -> float:
        return number if abs(number) > SMALL else SMALL

    upper, lower = 1.0, 1 / safe(1 - (a + b) * x / (a + 1))
    value = lower
    for m in count(1):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower, upper = 1 / safe(1 + even * lower), safe(1 + even / upper)
        value *= lower * upper
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        lower, upper = 1 / safe(1 + odd * lower), safe(1 + odd / upper)
        value *= lower * upper
        if abs(lower * upper - 1) < ENOUGH or m > 10_000:
            break
    return value


def _quantile(probability: float, accepted: float, rejected: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(45):  # halves to 3e-14
        middle = (low + high) / 2
        if beta_cdf(middle, accepted, rejected) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2
