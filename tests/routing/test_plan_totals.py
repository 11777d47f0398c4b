"""Policies and the sums of a plan, on quotes made by hand."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.catalog.order import Order, Price, Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.config import HELPFUL
from dramagen.errors import ConfigError
from dramagen.money import Money, Rates
from dramagen.routing.plan import Plan, ShotPlan
from dramagen.routing.policy import Cheapest, policy
from dramagen.routing.remedies import most_with_remedies
from dramagen.shot import Shot

RATES = Rates({"CNY": Decimal("7")}, date(2026, 11, 22))


def quote(
    name: str, money: str, *, most: str | None = None, seconds: float | None = 60, **known: Any
) -> Quote:
    route = Route(provider=name, region="cn", model="one")
    order = Order(
        route=route, wire={}, mode="text", prompt="雨夜", duration=Decimal(5), resolution="720p", audio=False
    )
    price = Price(expected=Money(money), most=Money(most or money))
    return Quote(route=route, order=order, price=price, seconds=seconds, keyed=True, **known)


def plan(*shots: ShotPlan, budget: str | None = None, concurrency: dict[str, int] | None = None) -> Plan:
    return Plan(tuple(shots), "CNY", RATES, Money(budget) if budget else None, concurrency or {})


def planned(*quotes: Quote, held: str | None = None, name: str = "s01") -> ShotPlan:
    return ShotPlan(Shot("雨夜", id=name), quotes, quotes, (), held)


def test_cheapest_compares_across_currencies_then_ratings_then_names() -> None:
    dear, cheap = quote("a", "8 CNY"), quote("b", "1 USD")
    assert list(Cheapest()(Shot("x"), [dear, cheap], RATES)) == [cheap, dear]
    plain, good = quote("a", "7 CNY"), quote("c", "1 USD", rating=1200.0)
    assert list(Cheapest()(Shot("x"), [plain, good, cheap], RATES)) == [good, plain, cheap]


@given(st.permutations(["3 CNY", "1 USD", "2 CNY", "0.5 USD"]))
def test_the_order_they_come_in_changes_nothing(prices: list[str]) -> None:
    quotes = [quote(price.replace(" ", "-").replace(".", "-").lower(), price) for price in prices]
    ordered = [q.price.expected for q in Cheapest()(Shot("x"), quotes, RATES)]
    assert ordered == [Money("2 CNY"), Money("3 CNY"), Money("0.5 USD"), Money("1 USD")]


def test_a_policy_is_a_name_or_a_callable() -> None:
    assert policy(None).name == "value"
    assert policy("cheapest") == policy(Cheapest())
    with pytest.raises(ConfigError, match="'dearest' is unknown; there are best, cheapest, fastest, value"):
        policy("dearest")


def test_sums_leave_out_what_is_held_and_use_the_first_attempt() -> None:
    made = plan(
        planned(quote("a", "2 CNY", most="3 CNY"), quote("b", "50 CNY")),
        planned(quote("a", "1 USD")),
        planned(quote("a", "100 CNY"), held="a:cn/one"),
    )
    assert (made.expected, made.most) == (Money("9 CNY"), Money("10 CNY"))


@pytest.mark.parametrize(
    ("failures", "leave", "most"),
    [
        (1, {}, "10 CNY"),
        (2, {}, "60 CNY"),
        (3, {}, "64 CNY"),
        (9, {}, "64 CNY"),
        (3, {"failed": ("again",)}, "117 CNY"),
        (9, dict.fromkeys(HELPFUL, ()), "10 CNY"),
        (9, dict.fromkeys(HELPFUL, ()) | {"failed": ("again",)}, "20 CNY"),
    ],
)
def test_what_refusals_may_cost_beside_the_first_attempts(failures: int, leave: Any, most: str) -> None:
    made = plan(
        planned(quote("a", "2 CNY", most="3 CNY"), quote("b", "4 CNY"), quote("c", "50 CNY")),
        planned(quote("a", "1 USD")),
        planned(quote("a", "100 CNY"), quote("b", "100 CNY"), held="a:cn/one"),
    )
    assert most_with_remedies(made, leave, failures) == Money(most)


@pytest.mark.parametrize(("budget", "feasible"), [("10 CNY", True), ("9.99 CNY", False), (None, True)])
def test_the_upper_bound_is_what_a_budget_must_cover(budget: str | None, feasible: bool) -> None:
    assert plan(planned(quote("a", "2 CNY", most="10 CNY")), budget=budget).feasible is feasible


def test_a_shot_without_a_route_makes_a_plan_unfeasible_and_says_why() -> None:
    route = Route(provider="a", region="cn", model="one")
    refused = ShotPlan(
        Shot("雨夜", id="s02"), (), (), (Refusal(route=route, rule="audio", reason="is silent"),)
    )
    made = plan(planned(quote("a", "2 CNY")), refused, budget="100 CNY")
    assert not made.feasible
    assert made.unfilmable == (refused,)
    assert "a:cn/one: is silent" in str(made)
    assert "1 shot(s) cannot be filmed" in str(made)


def test_time_is_the_slowest_route_at_its_own_concurrency() -> None:
    shots = [planned(quote("a", "1 CNY", seconds=60)) for _ in range(5)] + [
        planned(quote("b", "1 CNY", seconds=90))
    ]
    assert plan(*shots, concurrency={"a:cn/one": 2, "b:cn/one": 1}).seconds == 180
    assert plan(planned(quote("a", "1 CNY", seconds=None))).seconds is None
    assert plan().seconds == 0.0


def test_the_whole_episode_on_each_route() -> None:
    a, b = quote("a", "2 CNY"), quote("b", "1 USD")
    made = plan(planned(a, b), planned(a))
    first, second = made.routes()
    assert (first.route, first.refused, first.total) == ("a:cn/one", 0, Money("4 CNY"))
    assert (second.route, second.refused, second.prices) == ("b:cn/one", 1, (Money("1 USD"), None))
    assert second.total_converted == Money("7 CNY")


def test_a_plan_for_machines_is_plain_json_with_money_as_text() -> None:
    record = json.loads(json.dumps(plan(planned(quote("a", "2.10 CNY")), budget="3 CNY").to_json()))
    assert record["expected"] == {"amount": "2.10", "currency": "CNY"}
    assert record["shots"][0]["attempts"] == ["a:cn/one"]
    assert record["feasible"] is True
