"""The density over time: each round makes what was seen likelier, and it comes near to the true one."""

import bisect
import math
import random
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.engine.density import GRAIN, Density, Interval, density, shares

INTERVALS = st.lists(
    st.tuples(st.floats(0, 1e5), st.floats(0.1, 1e4)).map(lambda said: (said[0], said[0] + said[1])),
    min_size=1, max_size=60,
)  # fmt: skip


def likelihood(intervals: list[Interval], rounds: int) -> float:
    edges, found = shares(intervals, rounds)
    sums = [0.0, *accumulate(found)]
    return sum(
        math.log(sums[bisect.bisect_left(edges, by)] - sums[bisect.bisect_left(edges, after)])
        for after, by in intervals
    ) / len(intervals)  # fmt: skip


@given(INTERVALS)
def test_each_round_makes_what_was_seen_likelier(intervals: list[Interval]) -> None:
    likely = [likelihood(intervals, rounds) for rounds in range(1, 8)]
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(likely))


@given(INTERVALS)
def test_shares_are_shares(intervals: list[Interval]) -> None:
    edges, found = shares(intervals)
    assert len(edges) == len(found) + 1 or (len(edges) == len(found) and not found[-1])
    assert all(0 <= share < math.inf for share in found)
    assert sum(found) == pytest.approx(1, abs=1e-6)


@given(INTERVALS)
def test_a_density_has_no_holes_and_no_end_before_its_beginning(intervals: list[Interval]) -> None:
    made = density(intervals)
    assert len(made.ends) == len(made.shares) + 1
    assert all(0 <= begin < end < math.inf for begin, end in zip(made.ends, made.ends[1:], strict=False))
    assert all(share > 0 for share in made.shares)
    assert sum(made.shares) == pytest.approx(1)
    earliest = math.floor(min(after for after, _ in intervals) / GRAIN) * GRAIN
    assert earliest - 1e-9 <= made.first <= max(by for _, by in intervals) + GRAIN


def distribution(made: Density, at: float) -> float:
    """The share of jobs over by then."""
    total = 0.0
    for begin, end, share in zip(made.ends, made.ends[1:], made.shares, strict=False):
        total += share * min(1.0, max(0.0, (at - begin) / (end - begin)))
    return total


def looked_at(rng: random.Random, takes: float, gap: float) -> Interval:
    """What looks so far apart, begun at any moment, tell of a job."""
    first = rng.uniform(0, gap)
    number = math.floor((takes - first) / gap)
    return max(0.0, first + number * gap), first + (number + 1) * gap


@pytest.mark.parametrize("gap", [2.0, 30.0])
def test_out_of_looks_far_apart_comes_the_true_distribution(gap: float) -> None:
    rng = random.Random(1)
    draws = [rng.lognormvariate(math.log(130), 0.35) for _ in range(2000)]
    made = density([looked_at(rng, takes, gap) for takes in draws])
    apart = max(
        abs(distribution(made, at) - 0.5 * (1 + math.erf(math.log(at / 130) / 0.35 / math.sqrt(2))))
        for at in range(40, 400, 5)
    )
    assert apart < 0.06


def test_where_all_take_as_long_wide_intervals_make_a_narrow_one() -> None:
    rng = random.Random(1)
    made = density([looked_at(rng, 20.0, 10.0) for _ in range(100)])
    assert distribution(made, 20.5) - distribution(made, 19.5) > 0.8
