"""A density over time, out of intervals: each says of one job that it ended somewhere in it, and not where.

Where in its interval a job ended is told by the others: an interval of ten seconds that holds one of half a second,
in which most ended, says little more than that one. The likeliest shares of the time between all ends are found by
expectation and maximization (Turnbull 1976, "The empirical distribution function with arbitrarily grouped, censored
and truncated data"). Those shares are lumps, and the next job ends between two of them; so they are cut into a few
parts of equal probability, each taken to be even.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

Interval = tuple[float, float]

GRAIN = 0.05
"""Seconds; ends of intervals are told apart no finer: a network does not bring them more exactly."""

ROUNDS = 30
"""Of expectation and maximization, at most."""

ENOUGH = 1e-3
"""A round that makes each interval likelier by less than that (in natural logarithms) is the last."""

NOTHING = 0.05
"""Of one job; a share smaller than this is what is left of one that goes to nothing."""


@dataclass(frozen=True, slots=True)
class Density:
    """Some stretches of time, and the share of jobs that end in each, evenly.

    Attributes:
        ends: of the stretches, strictly rising, in seconds; one more than there are shares.
        shares: their sum is 1.
        first: the seconds after which any job was ever over.
    """

    ends: list[float]
    shares: list[float]
    first: float


def shares(intervals: Sequence[Interval], rounds: int = ROUNDS) -> tuple[list[float], list[float]]:
    """The ends of all intervals, sorted, and the share of jobs that ended between each two neighbours.

    Args:
        intervals: pairs of seconds, the first smaller than the second; at least one.
        rounds: no more than so many; each makes the intervals likelier.
    """
    edges = sorted({end for interval in intervals for end in interval})
    places = [(bisect_left(edges, after), bisect_left(edges, by)) for after, by in intervals]
    found = _even(edges, places)
    before = -math.inf
    for _ in range(rounds):
        sums = [0.0, *accumulate(found)]
        held = [sums[end] - sums[begin] for begin, end in places]
        likely = sum(map(math.log, held)) / len(held)
        if likely - before < ENOUGH:
            break
        before = likely
        # Each interval's one job is given to its parts as they are likely; all intervals at once, by where they
        # begin and end.
        steps = [0.0] * len(edges)
        for (begin, end), share in zip(places, held, strict=True):
            steps[begin] += 1 / share
            steps[end] -= 1 / share
        given = accumulate(steps)
        found = [max(0.0, share * times) / len(places) for share, times in zip(found, given, strict=False)]
    return edges, found


def _even(edges: Sequence[float], places: Sequence[tuple[int, int]]) -> list[float]:
    """Each interval's job spread evenly over it."""
    steps = [0.0] * len(edges)
    for begin, end in places:
        rate = 1 / (edges[end] - edges[begin]) / len(places)
        steps[begin] += rate
        steps[end] -= rate
    # What is left of a difference of sums is no share; inside of an interval there is always one.
    least = 1e-12
    widths = [by - after for after, by in pairwise(edges)]
    return [max(least, rate) * width for rate, width in zip(accumulate(steps), widths, strict=False)]


def density(intervals: Sequence[Interval]) -> Density:
    """A few stretches of equal probability; the first and the last are for what is beyond all others.

    The next job is as likely to be the quickest, or the slowest, as each before was.

    Args:
        intervals: as for :func:`shares`; they are widened to multiples of ``GRAIN``.
    """
    edges, found = shares([_grained(interval) for interval in intervals])
    number = len(intervals)
    ends = _quantiles(edges, found, NOTHING / number, max(4, math.isqrt(number)))
    beyond = (ends[-1] - ends[0]) / max(1, number - 1)
    begin, most = max(0.0, ends[0] - beyond), 1 / (number + 2)
    outer = [most] if begin < ends[0] else []
    inner = (1 - most * (1 + len(outer))) / (len(ends) - 1)
    return Density(
        [*([begin] if outer else []), *ends, ends[-1] + beyond],
        [*outer, *[inner] * (len(ends) - 1), most],
        ends[0],
    )


def _quantiles(edges: Sequence[float], found: Sequence[float], least: float, count: int) -> list[float]:
    """Where each of so many equal parts of all jobs has ended; shares below ``least`` are none."""
    places = [place for place, share in enumerate(found) if share >= least]
    total = sum(found[place] for place in places)
    ends, ended, goal = [edges[places[0]]], 0.0, 1
    for place in places:
        share = found[place] / total
        while goal < count and goal / count <= ended + share:
            end = edges[place] + (edges[place + 1] - edges[place]) * (goal / count - ended) / share
            if end > ends[-1]:
                ends.append(end)
            goal += 1
        ended += share
    ends.append(edges[places[-1] + 1])
    return ends


def _grained(interval: Interval) -> Interval:
    after, by = math.floor(interval[0] / GRAIN), math.ceil(interval[1] / GRAIN)
    return after * GRAIN, max(by, after + 1) * GRAIN
