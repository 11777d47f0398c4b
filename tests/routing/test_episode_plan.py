"""A plan as an episode: its takes, its sums, one reason for every other route, and what it says."""

import json
from typing import Any

import pytest

from dramagen.catalog.order import Order, Price, Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.config import DEFAULT_RATES
from dramagen.money import Money
from dramagen.routing.decision import Decision
from dramagen.routing.episode_items import Continuity
from dramagen.routing.episode_plan import following
from dramagen.routing.episode_reasons import why_not
from dramagen.routing.episode_text import episode_json, sum_lines
from dramagen.routing.leading import across_models
from dramagen.routing.outlook import Candidate, Outlook
from dramagen.routing.plan import Plan, ShotPlan
from dramagen.shot import Shot


def quote(name: str, money: str, *, model: str | None = None, keyed: bool = True, **known: Any) -> Quote:
    route = Route(provider=name, region="cn", model=model or name)
    order = Order(route=route, wire={}, mode="text", prompt="x", duration=5, resolution="720p", audio=False)
    price = Price(expected=Money(money), most=Money(known.pop("most", money)))
    return Quote(
        route=route, order=order, price=price, seconds=known.pop("seconds", 60), keyed=keyed, **known
    )


def shot(
    name: str,
    *offered: tuple[Quote, float],
    policy: str = "value",
    held: str | None = None,
    others: tuple[Quote, ...] = (),
    refusals: tuple[Refusal, ...] = (),
    pin: str | None = None,
    **outlook: Any,
) -> ShotPlan:
    quotes = tuple(each for each, _ in offered)
    candidates = tuple(
        Candidate(q.route.id, q.route.model, float(q.price.expected.amount), chance) for q, chance in offered
    )
    known = Outlook(candidates, "CNY", **({"value": 40.0, "takes": 2} | outlook))
    decision = Decision(policy, known, tuple(q.route.id for q in quotes), {})
    return ShotPlan(Shot("雨夜", id=name, pin=pin), quotes, (*quotes, *others), refusals, held, decision)


def plan(*shots: ShotPlan, budget: str | None = None, **known: Any) -> Plan:
    return Plan(shots, "CNY", DEFAULT_RATES, Money(budget) if budget else None, **known)


GOOD, FAIR, POOR = quote("good", "4 CNY"), quote("fair", "2 CNY"), quote("poor", "0.5 CNY")
OFFERED = ((GOOD, 0.85), (FAIR, 0.5), (POOR, 0.05))


def takes(made: Plan, place: int = 0) -> list[str]:
    filmed = made.solution.filmed[str(place)]
    return [] if filmed is None else [offer.model for offer in filmed.takes]


def test_a_budget_decides_which_route_is_tried_first() -> None:
    shots = [shot(f"s{n}", *OFFERED) for n in range(3)]
    rich, poor = following(plan(*shots, budget="60 CNY")), following(plan(*shots, budget="7 CNY"))
    first = [each.choice.route.model for each in rich.shots if each.choice]
    assert set(first) <= {"fair", "good"}
    assert float(poor.most.amount) <= 7
    assert poor.solution.chance < rich.solution.chance
    assert poor.solution.bound
    assert {quote.route for quote in poor.shots[0].attempts} == {q.route for q, _ in OFFERED}


def test_sums_are_those_of_the_takes() -> None:
    made = plan(shot("s", (FAIR, 0.5), (GOOD, 0.85)))
    assert takes(made) == ["fair", "good"]
    assert made.solution.expected == pytest.approx(2 + 0.5 * 4)
    assert made.solution.worst == 6
    assert made.solution.chance == pytest.approx(1 - 0.5 * 0.15)
    assert made.solution.seconds == pytest.approx(60 + 0.5 * 60)


def test_a_pace_nobody_knows_is_taken_for_the_middle_one_where_there_is_a_deadline() -> None:
    quick, slow = quote("quick", "9 CNY", seconds=20), quote("slow", "8 CNY", seconds=400)
    offered = ((quick, 0.8), (slow, 0.8), (quote("new", "1 CNY", seconds=None), 0.8))
    assert plan(shot("s", *offered)).solution.seconds is None

    timely = plan(shot("s", *offered, takes=1), deadline=300.0)
    assert takes(timely) == ["new"]
    assert timely.solution.seconds == 210
    said = "\n".join(sum_lines(timely))
    assert "not known of new:cn/new: 3.5 min is assumed, the middle of the others" in said
    assert episode_json(timely)["seconds_assumed"] == 210

    hurried = plan(shot("s", *offered, takes=1), deadline=60.0)
    assert takes(hurried) == ["quick"]
    assert "assumed" not in "\n".join(sum_lines(hurried))

    lone = plan(shot("s", offered[2], takes=1), deadline=60.0)
    assert lone.solution.seconds is None
    assert "whether it is in time is not known: how long a take lasts is not known of new" in "\n".join(
        sum_lines(lone)
    )


def test_a_policy_of_another_kind_keeps_its_order() -> None:
    made = following(plan(shot("s", *OFFERED, policy="best"), budget="9 CNY"))
    assert [q.route.model for q in made.shots[0].attempts] == ["good", "fair", "poor"]
    assert set(takes(made)) == {"good"}
    assert dict(why_not(made, 0))["fair:cn/fair"] == "the policy prefers good:cn/good"


def test_every_other_route_has_one_reason() -> None:
    again = quote("dealer", "4.48 CNY", model="good")
    offered = ((GOOD, 0.85), (again, 0.85), (quote("dear", "5 CNY"), 0.85), (POOR, 0.04))
    route = Route(provider="old", region="cn", model="old")
    made = plan(
        shot(
            "s", *offered, takes=1,
            others=(quote("locked", "1 CNY", keyed=False), quote("previz", "0 CNY")),
            refusals=(Refusal(route=route, rule="last_frame", reason="no last frame"),),
        )
    )  # fmt: skip
    assert takes(made) == ["good"]
    assert dict(why_not(made, 0)) == {
        "dealer:cn/good": "the same model 12% dearer than on good:cn/good",
        "dear:cn/dear": "25% dearer per accepted clip",
        "poor:cn/poor": "2.7 times as dear per accepted clip",
        "locked:cn/locked": "no key",
        "previz:cn/previz": "films only when pinned, or when no provider has a key",
        "old:cn/old": "no last frame",
    }


def test_a_cheap_route_that_would_waste_a_take_and_a_pin_have_their_reasons() -> None:
    cheap = quote("cheap", "0.1 CNY")
    made = plan(shot("s", (GOOD, 0.85), (cheap, 0.2), takes=1))
    assert dict(why_not(made, 0)) == {
        "cheap:cn/cheap": "accepted only 20% of the time: it would waste one of the takes"
    }
    pinned = plan(shot("s", (GOOD, 0.85), pin="good", others=(FAIR,)))
    assert dict(why_not(pinned, 0)) == {"fair:cn/fair": "the shot is pinned to good"}
    assert "fair" not in str(pinned)


def test_what_belongs_together_says_which_model_it_keeps() -> None:
    shots = [shot("a", (FAIR, 0.9), (GOOD, 0.9)), shot("b", (quote("fair", "9 CNY"), 0.1), (GOOD, 0.9))]
    made = plan(*shots, continuity=Continuity({"a": "scene roof", "b": "scene roof"}))
    assert set(takes(made, 0)) == set(takes(made, 1)) == {"good"}
    assert dict(why_not(made, 0))["fair:cn/fair"] == "the shots it belongs with keep good"
    assert "scene roof keeps good" in str(made)


def test_a_held_take_costs_nothing_and_needs_no_reason() -> None:
    made = plan(shot("a", *OFFERED, held="good:cn/good"), budget="1 CNY")
    assert made.solution.filmed == {}
    assert list(why_not(made, 0)) == []
    assert "already holds this take" in str(made)


def test_a_plan_says_what_it_will_do() -> None:
    said = str(
        plan(shot("s1", (FAIR, 0.5), (GOOD, 0.85)), shot("s2", (FAIR, 0.5), (GOOD, 0.85)), budget="20 CNY")
    )
    assert "take 1: fair:cn/fair, 50% accepted, adds 2.00 CNY" in said
    assert "take 2: good:cn/good, 85% accepted, adds 2.00 CNY" in said
    assert "until accepted: expected 8.00 CNY, at worst 12.00 CNY" in said
    assert "all 2 shot(s) are accepted within 2 take(s) each with a chance of 86%" in said
    short = str(plan(shot("s1", (GOOD, 0.85)), shot("s2", (GOOD, 0.85)), budget="5 CNY"))
    assert "does NOT film every shot once; left out: s" in short
    late = str(plan(shot("s1", (GOOD, 0.85), takes=1), deadline=5.0))
    assert "NOT in time: no plan found is expected to meet the deadline" in late
    assert "this is the quickest, 0.9 min over the 0.1 min it has" in late


def test_the_same_for_machines() -> None:
    record = json.loads(json.dumps(plan(shot("s", *OFFERED), budget="20 CNY").to_json()))
    (one,) = record["shots"]
    assert [each["route"] for each in one["takes"]] == ["fair:cn/fair", "good:cn/good"]
    assert one["takes"][0]["adds"] == {"amount": "2.00", "currency": "CNY"}
    assert {each["route"] for each in one["lost"]} == {"poor:cn/poor"}
    assert record["episode"]["expected"] == {"amount": "4.00", "currency": "CNY"}
    endless = plan(shot("s", *OFFERED, value=float("inf"))).to_json()
    assert endless["episode"]["value"] is None


def test_takes_go_over_the_models_and_the_sums_know_it() -> None:
    one = shot("s", *OFFERED)
    made = across_models(plan(one, one, shot("s", *OFFERED, held="fair:cn/fair")))
    assert [each.choice.route.model for each in made.shots[:2] if each.choice] == ["good", "poor"]
    assert made.most == Money("4.50 CNY")
