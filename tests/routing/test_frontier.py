"""The figures of the cost-quality plane, on shapes whose areas are known."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dramagen.routing import InvalidNumbers
from dramagen.routing.frontier import aiq, apgr, hull, pgr

POINTS = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), max_size=8)


def test_a_hull_leaves_out_what_a_mixture_beats() -> None:
    assert hull([(2, 0.5), (1, 0.1), (4, 0.6), (5, 0.55), (2, 0.4)]) == [(0, 0), (2, 0.5), (4, 0.6)]
    assert hull([]) == [(0, 0)]
    assert hull([(0, 0.3)]) == [(0, 0.3)]
    assert hull([(1, 0)]) == [(0, 0)]


@given(POINTS)
@example([(5e-324, 0.5), (1e-320, 0.6)])  # a float holds neither of these slopes
def test_no_setting_lies_above_the_hull(points: list[tuple[float, float]]) -> None:
    corners = [(Fraction(cost), Fraction(quality)) for cost, quality in hull(points)]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(corners)]
    assert all(steep > flat for steep, flat in pairwise(slopes))
    assert all(slope > 0 for slope in slopes)
    for cost, quality in points:
        dear = [corner for corner in corners if corner[0] >= cost]
        cheap = [corner for corner in corners if corner[0] <= cost][-1]
        if not dear or dear[0] == cheap:
            assert quality <= cheap[1]
        else:
            slope = (dear[0][1] - cheap[1]) / (dear[0][0] - cheap[0])
            assert quality <= cheap[1] + slope * (Fraction(cost) - cheap[0])


def test_the_area_is_that_of_the_drawing() -> None:
    assert aiq([(1, 1)], 2) == pytest.approx(0.75)
    assert aiq([(1, 1)], 1) == pytest.approx(0.5)
    assert aiq([(2, 1)], 1) == pytest.approx(0.25)
    assert aiq([(0, 0.4)], 3) == pytest.approx(0.4)
    assert aiq([(1, 1)], 3, least=1) == pytest.approx(1)
    assert aiq([(2, 1)], 3, least=1) == pytest.approx((0.75 + 1) / 2)
    assert aiq([], 3) == 0
    with pytest.raises(InvalidNumbers):
        aiq([(1, 1)], 1, least=1)
    for most in (0, -1, math.nan):
        with pytest.raises(InvalidNumbers):
            aiq([(1, 1)], most)


@given(POINTS, st.floats(0.1, 10), st.tuples(st.floats(0, 10), st.floats(0, 1)))
def test_one_more_setting_never_lowers_the_area(
    points: list[tuple[float, float]], most: float, another: tuple[float, float]
) -> None:
    assert aiq([*points, another], most) >= aiq(points, most) - 1e-9
    assert aiq(points, most) <= max([0.0, *(quality for _, quality in points)]) + 1e-9


def test_the_gap_closed_is_zero_for_the_weak_and_one_for_the_strong() -> None:
    assert [pgr(q, 0.2, 0.6) for q in (0.2, 0.4, 0.6, 0.8)] == pytest.approx([0, 0.5, 1, 1.5])
    assert apgr([], 0.2, 0.6) == pytest.approx(0.5)
    assert apgr([(0.5, 0.6)], 0.2, 0.6) == pytest.approx(0.75)
    with pytest.raises(InvalidNumbers):
        pgr(0.5, 0.4, 0.4)
