"""The ways to film one shot: at every value of a clip the best of them is the plan made for that value."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dramagen.routing import Arm, plan_attempts
from dramagen.routing.attempts import decayed
from dramagen.routing.episode_ways import GRAIN, Way, fixed_ways, way_of, ways

COSTS = st.floats(0.05, 20)
CHANCES = st.floats(0.01, 1)
ARMS = st.lists(st.tuples(COSTS, CHANCES), min_size=1, max_size=7).map(
    lambda found: [Arm(f"a{n}", cost, chance) for n, (cost, chance) in enumerate(found)]
)


def net(way: Way, value: float) -> float:
    return value * way.chance - way.cost


@settings(max_examples=60)
@given(
    ARMS,
    st.integers(1, 4),
    st.floats(0.1, 200),
    st.sampled_from([0.0, 0.4, 0.9]),
    st.lists(st.integers(0, 3), min_size=7, max_size=7),
)
def test_the_best_way_at_any_value_is_the_plan_made_for_it(
    arms: list[Arm], takes: int, value: float, rho: float, rejected: list[int]
) -> None:
    failed = {arm.name: count for arm, count in zip(arms, rejected, strict=False)}
    past = [failed[arm.name] for arm in arms]
    best = max(net(way, value) for way in ways(arms, takes, failed=past, rho=rho))
    plan = plan_attempts(arms, takes, value, failed, rho)
    expected = value * plan[-1].accepted - plan[-1].expected_cost if plan else 0.0
    assert best == pytest.approx(expected, rel=1e-9, abs=1e-9 * value)


@settings(max_examples=60)
@given(ARMS.filter(lambda arms: len(arms) <= 3), st.integers(1, 3))
def test_what_a_way_costs_and_its_chance_are_those_of_its_takes(arms: list[Arm], takes: int) -> None:
    for way in ways(arms, takes):
        cost, square, chance = outcomes(arms, way.order)
        assert way.cost == pytest.approx(cost)
        assert way.chance == pytest.approx(chance)
        assert way.spread == pytest.approx(square - cost * cost, abs=1e-6 * (1 + square))


def outcomes(arms: list[Arm], order: tuple[int, ...]) -> tuple[float, float, float]:
    """Mean cost, mean squared cost and chance, by going through every place the takes can end at."""
    mean = square = accepted = 0.0
    reached = 1.0
    for stop in range(1, len(order) + 1):
        made = order[:stop]
        chance = decayed(arms[made[-1]].chance, made[:-1].count(made[-1]))
        spent = math.fsum(float(arms[place].cost) for place in made)
        ends = reached * chance if stop < len(order) else reached
        mean, square = mean + ends * spent, square + ends * spent * spent
        accepted += reached * chance
        reached *= 1 - chance
    return mean, square, accepted


def test_the_first_way_films_nothing_and_the_cheapest_single_take_is_there() -> None:
    poor, good = Arm("poor", 1, 0.05), Arm("good", 3, 0.9)
    found = ways([good, poor], 2)
    assert found[0].order == ()
    assert (1,) in [way.order for way in found]
    assert [way.order for way in ways([], 3)] == [()]


def test_a_burden_moves_the_choice_and_not_the_bill() -> None:
    slow, quick = Arm("slow", 1, 0.5), Arm("quick", 1.5, 0.5)
    plain = ways([slow, quick], 1)
    assert [way.order for way in plain] == [(), (0,)]
    weighed = ways([slow, quick], 1, burdens=[2, 0])
    assert (1,) in [way.order for way in weighed]
    assert next(way.cost for way in weighed if way.order == (1,)) == 1.5


def test_an_arm_that_may_not_be_used_is_a_burden_without_end() -> None:
    only = ways([Arm("a", 2, 0.5), Arm("b", 3, 0.9)], 2, burdens=[0, math.inf])
    assert {place for way in only for place in way.order} == {0}


def test_where_there_is_no_choice_only_the_number_of_takes_is_left() -> None:
    dear = Arm("dear", 5, 0.6)
    assert [way.order for way in fixed_ways(dear, 2)] == [(), (0,), (0, 0)]
    assert fixed_ways(dear, 2)[2].chance == pytest.approx(0.6 + 0.4 * decayed(0.6, 1))
    assert fixed_ways(dear, 2, failed=1, burden=3.0)[1].chance == pytest.approx(decayed(0.6, 1))
    assert fixed_ways(dear, 2, burden=3.0)[2].burden == pytest.approx(3 + 0.4 * 3)
    assert [way.order for way in fixed_ways(None, 2)] == [()]


def test_no_sequence_of_takes_beats_the_hull() -> None:
    arms = [Arm("a", 1, 0.3), Arm("b", 2, 0.55), Arm("c", 4, 0.8), Arm("d", 3, 0.5)]
    found = ways(arms, 3)
    every = [order for number in range(4) for order in itertools.product(range(len(arms)), repeat=number)]
    for value in (0.5, 1, 2, 3, 5, 8, 13, 40, 200):
        best = max(net(way, value) for way in found)
        rivals = (value * chance - cost for cost, _, chance in (outcomes(arms, order) for order in every))
        assert best >= max(rivals) - 1e-9


def plainly(arms: list[Arm], takes: int, rho: float) -> set[tuple[int, ...]]:
    """The recursion over every take of every arm, none left out beforehand: the orders at all hulls' corners."""
    every = sorted(
        (float(arm.cost) / decayed(arm.chance, nth, rho), place, nth, float(arm.cost), decayed(arm.chance, nth, rho))
        for place, arm in enumerate(arms)
        for nth in range(takes)
    )  # fmt: skip
    hulls: list[list[tuple[float, float, tuple[int, ...]]]] = [[(0.0, 0.0, ())] for _ in range(takes + 1)]
    for _, place, _, cost, chance in reversed(every):
        for left in range(takes, 0, -1):
            with_it = [
                (cost + (1 - chance) * c, chance + (1 - chance) * q, (place, *order))
                for c, q, order in hulls[left - 1]
            ]
            hulls[left] = upper(hulls[left] + with_it)
    return {order for hull in hulls for _, _, order in hull}


def upper(points: list[tuple[float, float, tuple[int, ...]]]) -> list[tuple[float, float, tuple[int, ...]]]:
    hull: list[tuple[float, float, tuple[int, ...]]] = []
    for cost, chance, order in sorted(points):
        while len(hull) > 1 and (chance - hull[-1][1]) * (hull[-1][0] - hull[-2][0]) >= (
            hull[-1][1] - hull[-2][1]
        ) * (cost - hull[-1][0]):
            hull.pop()
        if not hull or chance > hull[-1][1]:
            hull.append((cost, chance, order))
    return hull


@pytest.mark.parametrize("seed", range(12))
def test_takes_left_out_beforehand_are_in_no_best_plan(seed: int) -> None:
    draw = random.Random(seed)
    arms = [Arm(f"a{n}", math.exp(draw.uniform(-2, 3)), draw.random()) for n in range(draw.randint(1, 24))]
    takes, rho = draw.randint(1, 4), draw.choice((0.0, 0.4, 0.9))
    found = {way.order for way in ways(arms, takes, rho=rho)}
    wanted = plainly(arms, takes, rho)
    assert wanted <= found
    assert {len(order) for order in found - wanted} <= {1}  # for a shot that is filmed whatever it is worth
    assert (min(range(len(arms)), key=lambda place: arms[place].cost),) in found


def test_where_a_shot_has_to_be_filmed_the_best_single_takes_follow_the_cheapest() -> None:
    arms = [Arm("poor", 1, 0.1), Arm("fair", 1.5, 0.28), Arm("good", 3, 0.6), Arm("under", 2, 0.3)]
    single = {way.order for way in ways(arms, 1)}
    assert single == {(), (0,), (1,), (2,)}
    # The cheapest may cost a dear one's price: who must have that there would sooner take the next.
    assert (3,) in {way.order for way in ways(arms, 1, risks=[1.5, 2, 0, 0])}


def test_what_a_plan_weighs_is_that_of_the_takes_it_reaches() -> None:
    found = ways([Arm("a", 1, 0.5)], 2, burdens=[3.0])
    assert {way.order: way.burden for way in found} == {(): 0, (0,): 3, (0, 0): 4.5}


@settings(max_examples=40)
@given(ARMS.filter(lambda arms: len(arms) <= 4), st.integers(1, 3), st.sampled_from([0.0, 0.4, 0.9]))
def test_every_sequence_of_takes_has_a_way_as_cheap_and_as_likely(
    arms: list[Arm], takes: int, rho: float
) -> None:
    found = ways(arms, takes, rho=rho, every=True)
    for number in range(takes + 1):
        for order in itertools.product(range(len(arms)), repeat=number):
            made = way_of(arms, order, [0] * len(arms), rho)
            at_this_cost = max(way.chance for way in found if way.cost <= made.cost * (1 + 1e-9))
            assert at_this_cost >= made.chance - takes * GRAIN


def test_a_way_between_two_corners_is_there_where_shots_are_few() -> None:
    arms = [Arm("poor", 1.5, 0.25), Arm("fair", 3, 0.5), Arm("good", 4, 0.75)]
    assert (1,) not in {way.order for way in ways(arms, 2)}
    assert (1,) in {way.order for way in ways(arms, 2, every=True)}
