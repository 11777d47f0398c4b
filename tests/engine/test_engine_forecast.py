"""When to look is learnt: few looks where nothing ends, many where most do, and never none at all."""

import itertools
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.engine.forecast import KNOWN, OUTLIVED, Forecast

LATENCY = 0.15
LEAST_GAP = 0.25


def watched(draw: Callable[[], float], jobs: int, cost: float) -> list[tuple[int, float]]:
    """Looks at, and lateness of, each of some jobs, one after the other; every ten seconds while nothing is known.

    Of one job in eight it is doubted that none is ever quicker.
    """
    forecast, told = Forecast(), []
    for number in range(jobs):
        takes, age, looks, alive = draw(), 0.0, 0, 0.0
        while True:
            at = max(forecast.next(age, cost), age + LEAST_GAP) if forecast.known else age + 10
            if forecast.known and not number % 8:
                at = min(at, forecast.doubt(age))
            looks += 1
            if at + LATENCY >= takes:
                forecast.add(alive, at + LATENCY)
                told.append((looks, at + LATENCY - takes))
                break
            alive, age = at, at + LATENCY
    return told


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_jobs_that_all_take_as_long_are_looked_at_when_they_end() -> None:
    later = watched(lambda: 20.0, 400, 0.125)[100:]
    assert mean([looks for looks, _ in later]) < 2.5
    assert mean([late for _, late in later]) < 0.5


@pytest.mark.parametrize(("cost", "looks", "late"), [(0.125, 5, 0.9), (0.0025, 15, 0.4)])
def test_looks_are_closer_where_they_cost_less(cost: float, looks: float, late: float) -> None:
    rng = random.Random(1)
    later = watched(lambda: rng.uniform(16, 24), 400, cost)[100:]
    assert mean([each for each, _ in later]) < looks
    assert mean([each for _, each in later]) < late


def test_a_vendor_that_got_slower_is_followed() -> None:
    times = iter([20.0] * 100 + [90.0] * 200)
    told = watched(lambda: next(times), 300, 0.125)
    assert mean([looks for looks, _ in told[250:]]) < 4
    assert mean([late for _, late in told[250:]]) < 0.6


def test_what_outlived_all_others_is_looked_at_soon_and_then_ever_less_often() -> None:
    forecast = Forecast()
    for _ in range(20):
        forecast.add(19.8, 20.0)
    ages = [20.1]
    while ages[-1] < 400:
        ages.append(forecast.next(ages[-1], 0.125))
    gaps = [b - a for a, b in itertools.pairwise(ages)]
    assert gaps[0] == pytest.approx(OUTLIVED)
    assert gaps == sorted(gaps)
    assert gaps[-1] < 20


@given(
    st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e4)), min_size=KNOWN, max_size=150),
    st.floats(0, 2e5),
    st.floats(1e-4, 1),
)
def test_there_is_always_a_next_look_and_it_is_not_in_the_past(
    took: list[tuple[float, float]], age: float, cost: float
) -> None:
    forecast = Forecast()
    for after, width in took:
        forecast.add(after, after + width)
    assert forecast.known
    assert age <= forecast.next(age, cost) < float("inf")


def test_times_that_cannot_be_are_not_learnt() -> None:
    forecast = Forecast()
    for after, by in ((-1.0, 5.0), (5.0, 4.0), (0.0, float("inf")), (float("-inf"), 3.0)) * 5:
        forecast.add(after, by)
    assert not forecast.known
