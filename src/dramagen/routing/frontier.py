"""How good a router is over all its settings: the cost-quality plane and the figures the field reads off it."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

from dramagen.routing.numeric import InvalidNumbers, finite, fraction

Point = tuple[float, float]
"""One setting of a router: its mean cost and its quality, such as the share of shots accepted."""


def hull(points: Iterable[Point]) -> list[Point]:
    """The best that mixing these settings can do: from (0, 0) up, rising ever more slowly.

    Spending nothing gives nothing, so the origin always belongs to it; the last corner has the best quality.
    """
    corners: list[Point] = []
    best = 0.0
    known = [(float(finite("a cost", c, least=0)), float(finite("a quality", q))) for c, q in points]
    for cost, quality in sorted([(0.0, 0.0), *known], key=lambda point: (point[0], -point[1])):
        if corners and quality <= best:
            continue
        while len(corners) > 1 and not _bends(corners[-2], corners[-1], (cost, quality)):
            corners.pop()
        if corners and corners[-1][0] == cost:
            corners.pop()
        corners.append((cost, quality))
        best = quality
    return corners


def aiq(points: Iterable[Point], most: float, least: float = 0.0) -> float:
    """The average quality of the hull over costs from ``least`` to ``most`` (AIQ of RouterBench, arXiv 2403.12031).

    Beyond its last corner the hull goes on level. Routers are compared with the same ``most``, usually the cost of
    the dearest setting of any of them. RouterBench's own ``least`` is the cost of the cheapest setting; from zero, a
    router is also credited with what little money can buy.
    """
    most, least = float(finite("the largest cost", most)), float(finite("the least cost", least, least=0))
    if most <= least:
        raise InvalidNumbers(f"the largest cost must be above {least}")
    corners = hull(points)
    return (_area(corners, most) - _area(corners, least)) / (most - least)


def pgr(quality: float, weak: float, strong: float) -> float:
    """How much of the gap between a weak and a strong model a router closes (RouteLLM, arXiv 2406.18665)."""
    quality = float(finite("a quality", quality))
    weak, strong = float(finite("the weak quality", weak)), float(finite("the strong quality", strong))
    if weak == strong:
        raise InvalidNumbers("a weak and a strong model of the same quality have no gap")
    return (quality - weak) / (strong - weak)


def apgr(points: Iterable[Point], weak: float, strong: float) -> float:
    """The mean of :func:`pgr` over all shares of calls to the strong model; points are (share, quality).

    Joined by straight lines; the ends are the two models alone.
    """
    known = {fraction("a share", share): quality for share, quality in points}
    corners = sorted(({0.0: weak, 1.0: strong} | known).items())
    return sum(
        (right - left) * (pgr(low, weak, strong) + pgr(high, weak, strong)) / 2
        for (left, low), (right, high) in pairwise(corners)
    )


def _area(corners: list[Point], most: float) -> float:
    """Below the hull, from no cost to ``most``."""
    area = max(0.0, most - corners[-1][0]) * corners[-1][1]
    for (left, low), (right, high) in pairwise(corners):
        end = min(right, most)
        if end > left:
            area += (end - left) * (low + (high - low) * (end - left) / (right - left) / 2)
    return area


def _bends(start: Point, corner: Point, end: Point) -> bool:
    """Whether it rises more slowly after ``corner``. Exact: a slope may be too steep or too flat for a float."""
    (x0, y0), (x1, y1), (x2, y2) = ((Fraction(x), Fraction(y)) for x, y in (start, corner, end))
    return (y1 - y0) * (x2 - x1) > (y2 - y1) * (x1 - x0)
