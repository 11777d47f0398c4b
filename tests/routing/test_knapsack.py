"""What a budget buys, against every choice there is, and against the bound that it states itself."""

import itertools
import math
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dramagen.routing import InvalidNumbers, allocate, allocation

Ways = dict[str, list[tuple[float, float]]]
COSTS = st.one_of(st.integers(0, 8).map(float), st.floats(0, 8))
WORTHS = st.one_of(st.integers(-1, 8).map(float), st.floats(-1, 8))
FEW = st.dictionaries(st.sampled_from("abcde"), st.lists(st.tuples(COSTS, WORTHS), max_size=4), max_size=5)


def worth_of(options: Ways, chosen: dict[str, int | None]) -> float:
    return sum(options[shot][index][1] for shot, index in chosen.items() if index is not None)


def cost_of(options: Ways, chosen: dict[str, int | None]) -> float:
    return sum(options[shot][index][0] for shot, index in chosen.items() if index is not None)


def best_of_all(options: Ways, budget: float) -> float:
    every = itertools.product(*[[None, *range(len(ways))] for ways in options.values()])
    choices = [dict(zip(options, indices, strict=True)) for indices in every]
    return max(worth_of(options, chosen) for chosen in choices if cost_of(options, chosen) <= budget)


@given(FEW, st.one_of(st.integers(0, 20).map(float), st.floats(0, 20)))
@settings(max_examples=200, deadline=None)
def test_few_shots_get_the_best_there_is(options: Ways, budget: float) -> None:
    found = allocation(options, budget)
    assert found.chosen.keys() == options.keys()
    assert cost_of(options, found.chosen) == found.spent <= budget
    assert worth_of(options, found.chosen) == pytest.approx(found.worth)
    assert found.worth == pytest.approx(best_of_all(options, budget), abs=1e-9)
    assert found.exact
    assert found.bound == found.worth


def episode(shots: int, ways: int, seed: int) -> Ways:
    """Shots whose dearer options are better, with diminishing returns and noise: the hard kind."""
    draw = random.Random(seed)
    options = {}
    for number in range(shots):
        costs = [math.exp(draw.uniform(-1, 2.5)) for _ in range(ways)]
        scale = draw.uniform(2, 6)
        options[f"s{number}"] = [
            (cost, min(1, max(0.01, 1 - math.exp(-cost / scale) + draw.gauss(0, 0.05)))) for cost in costs
        ]
    return options


@pytest.mark.parametrize("seed", range(4))
def test_more_money_never_buys_less_and_never_more_than_there_is(seed: int) -> None:
    options = episode(24, 20, seed)
    before, last = 0.0, 0.0
    for budget in range(0, 120, 4):
        found = allocation(options, float(budget))
        assert cost_of(options, found.chosen) <= budget
        assert before <= found.worth <= found.bound + 1e-9
        assert found.worth >= 0.995 * found.bound
        before, last = found.worth, found.price
    assert last >= 0


def test_a_long_series_is_within_a_thousandth_of_its_bound() -> None:
    found = allocation(episode(400, 12, 7), 500.0)
    assert found.spent <= 500
    assert 0.999 * found.bound <= found.worth <= found.bound


def test_the_price_is_what_a_little_more_money_buys() -> None:
    options = episode(200, 12, 3)
    poor, rich = allocation(options, 100.0), allocation(options, 110.0)
    assert rich.worth - poor.worth == pytest.approx(10 * (poor.price + rich.price) / 2, rel=0.1)
    assert rich.price < poor.price
    assert allocation(options, math.inf).price == 0


def test_options_that_another_beats_are_never_chosen() -> None:
    options = {"s": [(5.0, 0.5), (4.0, 0.6), (4.0, 0.55), (1.0, 0.0), (1.0, -2.0), (9.0, 0.6)]}
    assert [allocate(options, budget)["s"] for budget in (0, 3.9, 4, 5, 9, math.inf)] == [
        None,
        None,
        1,
        1,
        1,
        1,
    ]


def test_what_costs_nothing_is_taken_without_money() -> None:
    assert allocate({"s": [(0, 0.3), (0, 0.4), (1, 0.5)], "t": [], "u": [(0, 0)]}, 0) == {
        "s": 1,
        "t": None,
        "u": None,
    }


def test_decimals_are_added_up_to_the_cent() -> None:
    options = {shot: [(Decimal("0.1"), 1.0)] for shot in "abc"}
    found = allocation(options, Decimal("0.3"))
    assert None not in found.chosen.values()
    assert found.spent == Decimal("0.3")
    assert allocation(options, Decimal("0.29")).spent == Decimal("0.2")
    fine = {shot: [(Decimal("0.1") + Decimal("1e-25"), 1.0)] for shot in "abc"}
    assert allocation(fine, Decimal("0.3")).spent < Decimal("0.3")
    assert list(allocate({"a": [(0.1, 1.0)]}, Decimal("0.1")).values()) == [0]


def test_equal_worth_goes_to_the_cheaper_choice() -> None:
    assert allocation({"a": [(3, 1), (2, 1)], "b": [(2, 1), (1, 1)]}, 3).spent == 3
    assert allocation({"a": [(3, 1)], "b": [(2, 1)]}, 3).spent == 2


@pytest.mark.parametrize(
    ("options", "budget"),
    [({"s": [(-1, 1)]}, 5), ({"s": [(math.nan, 1)]}, 5), ({"s": [(1, math.nan)]}, 5), ({"s": [(math.inf, 1)]}, 5),
     ({"s": [(1, math.inf)]}, 5), ({"s": [("1", 1)]}, 5), ({}, -1), ({}, math.nan), ({}, -math.inf),
     ({"s": [(Decimal("NaN"), 1)]}, 5), ({"s": [(1e101, 1)]}, 5), ({"s": [(1, -1e101)]}, 5),
     ({"s": [(10**400, 1)]}, 5), ({"s": [(1, 1)]}, 10**400), ({"s": [(1, 1)]}, "5"), ({"s": [(1, None)]}, 5)],
)  # fmt: skip
def test_nonsense_is_refused(options: Ways, budget: float) -> None:
    with pytest.raises(InvalidNumbers):
        allocate(options, budget)


@pytest.mark.parametrize(
    ("options", "told"),
    [([[(1, 1)]], "the options are by shot"), (None, "the options are by shot"), ([("s", 1, 1)], "by shot"),
     ({"s": [(1, 2, 3)]}, r"option 0 of 's' must be \(cost, worth\)"), ({"s": (1, 0.5)}, "option 0 of 's' must be"),
     ({"s": [(1, 1), (10**5000,)]}, "option 1 of 's' must be"), ({"s": "ab"}, r"a list of \(cost, worth\), not 'ab'"),
     ({"s": None}, r"a list of \(cost, worth\), not None"), ({"s": {1: 2}}, r"a list of \(cost, worth\)"),
     ({"s": iter([(1, 1)])}, r"a list of \(cost, worth\)")],
)  # fmt: skip
def test_options_of_another_shape_are_told_the_right_one(options: object, told: str) -> None:
    with pytest.raises(InvalidNumbers, match=told):
        allocate(options, 5)  # type: ignore[arg-type]  # what the test is about


def test_pairs_may_be_lists() -> None:
    assert allocate({"s": [[1, 0.5], [2, 0.9]]}, 2) == {"s": 1}  # type: ignore[list-item]  # as JSON has it


def test_numbers_at_the_ends_of_what_floats_can_tell() -> None:
    assert allocate({"s": [(Decimal("1e-400"), 1)]}, 0) == {"s": None}
    assert allocate({"s": [(5e-324, 1)], "t": [(1e100, 1e100)]}, 1e99) == {"s": 0, "t": None}


def test_no_shots_cost_nothing() -> None:
    assert allocate({}, 5) == {}
    assert allocation({}, 0).spent == 0
