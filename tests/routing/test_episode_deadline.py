"""A deadline: the plan in time that is worth most, by the plan's own clock, and the quickest where none is."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dramagen.routing.attempts import DEFAULT_RHO
from dramagen.routing.episode import solve
from dramagen.routing.episode_items import Filmed, Need, Offer
from dramagen.routing.episode_time import Clock, Stints, wall_seconds
from dramagen.routing.episode_ways import way_of

PLACES = {"a": 1, "b": 2}
Listed = list[list[tuple[float, float, float]]]
"""Of each shot its routes: the price of a take, its chance, its seconds."""

# Four shots on a route with one place and one with two.
MONEY_BINDS: Listed = [
    [(1.4, 0.7, 160.0), (2.4, 0.55, 110.0)], [(1.6, 0.42, 240.0), (1.2, 0.36, 90.0)],
    [(2.1, 0.81, 200.0), (1.7, 0.65, 270.0)], [(1.0, 0.5, 60.0), (2.9, 0.88, 180.0)],
]  # fmt: skip
MONEY_IS_NO_LIMIT: Listed = [
    [(1.3, 0.82, 220.0), (1.5, 0.61, 120.0)], [(2.0, 0.77, 260.0), (1.1, 0.48, 90.0)],
    [(1.9, 0.69, 140.0), (2.2, 0.64, 150.0)], [(1.0, 0.86, 280.0), (2.8, 0.59, 70.0)],
]  # fmt: skip


def needs(listed: Listed) -> list[Need]:
    return [
        Need(
            f"s{n}",
            tuple(
                Offer(key, key, key, cost, cost, chance, seconds)
                for key, (cost, chance, seconds) in zip("ab", row, strict=True)
            ),
            takes=2,
        )
        for n, row in enumerate(listed)
    ]


def best_by_hand(asked: list[Need], budget: float, deadline: float) -> float:
    """The most expected acceptances in time and within the money, over every sequence of takes of every shot."""
    rows = [
        [
            Filmed(need, need.offers, way_of(need.offers, order, (0, 0), DEFAULT_RHO))
            for number in (1, 2)
            for order in itertools.product((0, 1), repeat=number)
        ]
        for need in asked
    ]
    best = -math.inf
    for picks in itertools.product(*rows):
        seconds = wall_seconds(picks, PLACES)
        assert seconds is not None
        if seconds <= deadline and math.fsum(pick.reserved for pick in picks) <= budget:
            best = max(best, math.fsum(pick.worth for pick in picks))
    return best


@pytest.mark.parametrize("share", [0.55, 0.7, 0.85])
@pytest.mark.parametrize(("listed", "budget"), [(MONEY_BINDS, 9.0), (MONEY_IS_NO_LIMIT, 1000.0)])
def test_the_best_plan_in_time_is_found(listed: Listed, budget: float, share: float) -> None:
    asked = needs(listed)
    plain = solve(asked, budget=budget, at_once=PLACES, caution=0)
    assert plain.seconds is not None
    deadline = plain.seconds * share
    found = solve(asked, budget=budget, at_once=PLACES, deadline=deadline, caution=0)
    assert not found.late
    assert found.seconds is not None
    assert found.seconds <= deadline
    assert found.expected <= budget
    assert found.accepted == pytest.approx(best_by_hand(asked, budget, deadline), abs=1e-9)


def test_shots_of_a_group_keep_their_model_in_a_hurry() -> None:
    rows = needs(MONEY_IS_NO_LIMIT)
    asked = [Need(need.name, need.offers, takes=2, group="g") for need in rows]
    plain = solve(asked, budget=1000.0, at_once={"a": 2, "b": 2}, caution=0)
    assert plain.seconds is not None
    found = solve(asked, budget=1000.0, at_once={"a": 2, "b": 2}, deadline=plain.seconds * 0.8, caution=0)
    assert not found.late
    models = {offer.model for each in found.filmed.values() if each is not None for offer in each.takes}
    assert models == set((found.models or {}).values())
    assert len(models) == 1


def test_where_no_plan_is_in_time_the_quickest_there_is_is_shown() -> None:
    asked = needs(MONEY_IS_NO_LIMIT)
    found = solve(asked, budget=1000.0, at_once=PLACES, deadline=100.0, caution=0)
    singles = [
        [Filmed(n, n.offers, way_of(n.offers, (k,), (0, 0), DEFAULT_RHO)) for k in (0, 1)] for n in asked
    ]
    quickest = min(wall_seconds(picks, PLACES) or math.inf for picks in itertools.product(*singles))
    assert found.late
    assert best_by_hand(asked, 1000.0, 100.0) == -math.inf
    assert found.seconds == pytest.approx(quickest)


STINTS = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(1, 300)), min_size=1, max_size=3).map(tuple),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40)
@given(STINTS, st.floats(1, 900), st.lists(st.integers(0, 4), min_size=5, max_size=5))
def test_a_plan_overruns_exactly_where_it_is_over_too_late(
    jobs: list[Stints], deadline: float, after: list[int]
) -> None:
    shots = [Need(f"s{n}", after=f"s{after[n]}" if after[n] < n else None) for n in range(len(jobs))]
    clock = Clock(shots, PLACES)
    over = clock.overrun(jobs, deadline)
    assert (over > 0) == (clock.wall(jobs) > deadline)
    assert clock.overrun(jobs, deadline, 0.0) == (math.inf if over > 0 else 0.0)
    assert over >= clock.wall(jobs) - deadline
