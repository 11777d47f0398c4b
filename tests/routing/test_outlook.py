"""What a policy makes of an outlook, and a decision that is written down and made again. Numbers only."""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.catalog.order import Order, Price, Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.money import Money, Rates
from dramagen.routing import Arm, plan_attempts
from dramagen.routing.decision import MOST, Decision, filtered
from dramagen.routing.outlook import WORTH, Candidate, Outlook, assured, figure, worth
from dramagen.routing.policy import Best, Cheapest, Fastest, Value, policy
from dramagen.shot import Shot

RATES = Rates({"CNY": Decimal("7")}, date(2026, 11, 22))
SHOT = Shot("雨夜")


def candidate(route: str, cost: float, chance: float) -> Candidate:
    return Candidate(route, route.partition("/")[2], cost, chance)


def outlook(*candidates: Candidate, value: float = 20.0, **known: Any) -> Outlook:
    return Outlook(candidates, "CNY", value, **known)


def quote(each: Candidate, seconds: float | None = None) -> Quote:
    route = Route.from_id(each.route)
    order = Order(
        route=route, wire={}, mode="text", prompt="x", duration=Decimal(5), resolution="720p", audio=False
    )
    money = Money(Decimal(str(each.cost)), "CNY")
    return Quote(
        route=route, order=order, price=Price(expected=money, most=money), seconds=seconds, keyed=True
    )


A, B, C = candidate("a:cn/one", 2, 0.4), candidate("b:cn/two", 4, 0.9), candidate("c:cn/three", 1, 0.1)


def ids(quotes: Sequence[Quote]) -> list[str]:
    return [each.route.id for each in quotes]


def test_each_policy_orders_by_its_own_figure() -> None:
    known = outlook(A, B, C)
    quotes = [quote(A, 300), quote(B, 60), quote(C)]
    assert ids(Cheapest()(SHOT, quotes, RATES, known)) == [C.route, A.route, B.route]
    assert ids(Best()(SHOT, quotes, RATES, known)) == [B.route, A.route, C.route]
    assert ids(Fastest()(SHOT, quotes, RATES, known)) == [B.route, A.route, C.route]
    assert ids(Value()(SHOT, quotes, RATES, known)) == [B.route, A.route, C.route]


def test_an_old_policy_of_three_arguments_is_asked_as_before_and_one_of_four_is_told_more() -> None:
    heard: list[object] = []

    def old(shot: Shot, quotes: Sequence[Quote], rates: Rates) -> Sequence[Quote]:
        return quotes[::-1]

    def new(shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook) -> Sequence[Quote]:
        heard.append(outlook)
        return quotes

    known, quotes = outlook(A, B), [quote(A), quote(B)]
    assert policy(old).ask(SHOT, quotes, RATES, known) == quotes[::-1]
    assert policy(new).ask(SHOT, quotes, RATES, known) == quotes
    assert heard == [known]
    assert (policy(old).name, policy(Best()).name) == ("old", "best")


def test_a_rejected_model_is_left_for_another_on_whatever_route() -> None:
    twin = candidate("reseller:us/one", 2.1, 0.4)
    even = candidate("b:cn/two", 2.4, 0.4)
    assert outlook(A, twin, even).order[0] == A.route
    after = outlook(A, twin, even, failed={"one": 1})
    assert after.order[0] == even.route
    assert after.now[A.route] == after.now[twin.route] < 0.4


def test_two_routes_of_a_model_are_one_arm_the_cheaper_and_side_by_side_in_the_order() -> None:
    twin = candidate("reseller:us/two", 4.1, 0.9)
    known = outlook(A, B, twin, C)
    assert {arm.route for arm in known.arms} == {A.route, B.route, C.route}
    assert known.order[:2] == (B.route, twin.route)
    assert all(step.name != twin.route for step in known.steps)


def test_what_is_filmed_already_costs_nothing_and_comes_first() -> None:
    free = candidate("c:cn/three", 0.0, 0.1)
    known = outlook(A, B, free)
    assert known.order[0] == free.route
    assert ids(Cheapest()(SHOT, [quote(A), quote(B), quote(free)], RATES, known))[0] == free.route


def test_a_small_value_prefers_the_cheap_take_and_a_large_one_the_sure() -> None:
    assert outlook(A, B, value=5, takes=1).order[0] == A.route or outlook(A, B, value=5, takes=1).steps
    cheap, sure = candidate("a:cn/one", 1, 0.5), candidate("b:cn/two", 5, 0.95)
    assert outlook(cheap, sure, value=6, takes=1).order[0] == cheap.route
    assert outlook(cheap, sure, value=60, takes=1).order[0] == sure.route


def test_routes_that_are_not_worth_their_price_come_last_but_are_not_refused() -> None:
    dear = candidate("z:cn/dear", 100, 0.9)
    known = outlook(A, dear, value=10)
    assert known.order == (A.route, dear.route)
    assert [step.name for step in known.steps] == [A.route] * len(known.steps)


def test_worth_is_a_multiple_of_the_middling_models_cost_per_accepted_clip() -> None:
    twin = candidate("other:us/one", 90, 0.4)  # a dearer route of a model does not move it
    assert worth((A, B, C, twin)) == figure(WORTH * 5)
    assert worth(()) == 1


@pytest.mark.parametrize("guarantee", [0.5, 0.9, 0.95])
def test_a_guarantee_raises_the_value_no_more_than_it_must(guarantee: float) -> None:
    known = outlook(candidate("a:cn/one", 1, 0.5), candidate("b:cn/two", 9, 0.7), value=3.0)
    raised = assured(known, guarantee)
    assert raised.steps[-1].accepted >= guarantee or raised.value == float("inf")
    if raised.value not in (known.value, float("inf")):
        below = Outlook(known.candidates, "CNY", raised.value * 0.98)
        assert not below.steps or below.steps[-1].accepted < guarantee
    assert assured(raised, guarantee) is raised or raised.value == float("inf")


def test_a_guarantee_no_takes_can_reach_is_as_good_as_they_can() -> None:
    known = assured(outlook(A, C, value=3), 0.999)
    assert known.value == float("inf")
    assert len(known.steps) == known.takes


CANDIDATES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["one", "two", "three"]),
              st.floats(0, 50), st.floats(0, 1)),
    min_size=1, max_size=8, unique_by=lambda each: each[:2],
)  # fmt: skip


@given(
    CANDIDATES,
    st.floats(0.5, 200),
    st.integers(1, 6),
    st.dictionaries(st.sampled_from(["one", "two"]), st.integers(0, 4)),
)
def test_what_is_written_down_comes_to_the_same_order(
    found: list[Any], value: float, takes: int, failed: dict[str, int]
) -> None:
    known = Outlook(
        tuple(candidate(f"{p}:cn/{m}", figure(c), figure(q)) for p, m, c, q in found),
        "CNY", figure(value), takes=takes, failed=failed,
    )  # fmt: skip
    made = Decision("value", known, known.order, {})
    again = Decision.from_json(json.loads(made.compact()))
    assert again == made
    assert again.outlook.order == made.order
    assert sorted(made.order) == sorted(each.route for each in known.candidates)
    # and by the arithmetic alone: the plan's models, one arm each
    arms = [Arm(each.route, each.cost, each.chance) for each in again.outlook.arms]
    past = {each.route: failed[each.model] for each in again.outlook.arms if failed.get(each.model)}
    assert list(again.steps) == plan_attempts(arms, takes, again.outlook.value, past, again.outlook.rho)


def test_the_order_quotes_come_in_changes_nothing() -> None:
    twin = candidate("d:us/one", 2, 0.4)
    assert len({outlook(*each).order for each in permutations((A, B, C, twin))}) == 1


def test_a_decision_is_small_and_says_how_much_it_left_off() -> None:
    refusals = [
        Refusal(
            route=Route.from_id(f"someone:region/model-{n}"), rule="duration", reason="x", keyed=n % 2 == 0
        )
        for n in range(400)
    ]
    known = outlook(*(candidate(f"p{n}:cn/model-{n}", 1 + n, 0.5) for n in range(40)))
    made = Decision("value", known, known.order, filtered(refusals, ["k:cn/none"]))
    assert len(made.compact().encode()) <= MOST
    kept = Decision.from_json(json.loads(made.compact()))
    assert kept.unlisted + sum(map(len, kept.filtered.values())) == 401
    assert kept.outlook.order == made.order


def test_the_steps_of_another_policy_are_its_routes_in_turn_with_decay() -> None:
    twin = candidate("b:us/one", 3, 0.4)
    known = outlook(A, twin, takes=2)
    steps = Decision("cheapest", known, (A.route, twin.route), {}).steps
    assert [step.name for step in steps] == [A.route, twin.route]
    assert steps[1].chance == pytest.approx(0.4 * 0.6)
    assert steps[1].expected_cost == pytest.approx(2 + 0.6 * 3)
