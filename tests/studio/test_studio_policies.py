"""Policies in a studio: what they know, what a project may forbid, what verdicts change, and why is written down."""

from typing import Any

import pytest

from dramagen.config import DEFAULT_RATES, Routing
from dramagen.errors import ConfigError, ContentRejected, DefectiveClip, NoRoute
from dramagen.money import Money
from dramagen.routing import Arm, plan_attempts
from dramagen.routing.decision import Decision

BOTH = {"seedance:cn": "k", "kling:cn": "k"}


def plan(lot: Any, shot: Any = None, **settings: Any) -> Any:
    return lot.open(**({"keys": BOTH} | settings)).plan(shot or lot.shot.changed(resolution="720p")).shots[0]


def routes(planned: Any) -> list[str]:
    return [quote.route.id for quote in planned.attempts]


def test_value_is_the_default_and_every_name_is_a_policy(lot: Any) -> None:
    by_name = {name: plan(lot, policy=name) for name in ("value", "cheapest", "best", "fastest")}
    default = plan(lot)
    assert default.decision.policy == "value"
    assert routes(default) == routes(by_name["value"]) == list(default.decision.outlook.order)
    assert {frozenset(routes(each)) for each in by_name.values()} == {frozenset(routes(default))}
    prices = [DEFAULT_RATES.convert(q.price.expected, "CNY").amount for q in by_name["cheapest"].attempts]
    assert prices == sorted(prices)
    now = by_name["best"].decision.outlook.now
    chances = [now[route] for route in routes(by_name["best"])]
    assert chances == sorted(chances, reverse=True)


def test_the_chance_of_a_route_comes_from_its_rating(lot: Any) -> None:
    chances = plan(lot).decision.outlook.now
    assert 0.8 < chances["seedance:cn/seedance-2.0"] < 0.85  # rating 1482
    assert chances["kling:cn/kling-2.6"] < chances["seedance:cn/seedance-2.0"]


# --- what a project forbids ------------------------------------------------------------------------------


def test_deny_and_allow_are_pins_and_say_so(lot: Any) -> None:
    denied = plan(lot, routing={"deny": ["seedance"]})
    assert {route.partition(":")[0] for route in routes(denied)} == {"kling"}
    assert {r.reason for r in denied.refusals if r.rule == "denied"} == {"[routing] denies seedance"}
    only = plan(lot, routing=Routing(allow=("kling-2.6", "seedance:cn/seedance-2.0")))
    assert {route.partition("/")[2] for route in routes(only)} == {"kling-2.6", "seedance-2.0"}


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_pin_to_what_is_denied_is_an_error_not_a_swap(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor, routing={"deny": ["seedance-2.0"]}) as studio:
        with pytest.raises(NoRoute, match=r"denies seedance-2\.0"):
            await studio.shoot(lot.shot.pinned(lot.PIN))
    assert vendor.jobs == []


def test_a_denial_of_any_layer_holds_and_other_fields_are_the_strongest_layers(lot: Any) -> None:
    lot.home.mkdir()
    (lot.home / "dramagen.toml").write_text(
        'policy = "best"\n[routing]\ndeny = ["kling"]\nvalue = "9 CNY"\ntakes = 2\n', "utf-8"
    )
    studio = lot.open(keys=BOTH, routing={"deny": ["seedance-2.0"], "takes": 3})
    assert set(studio.settings.routing.deny) == {"kling", "seedance-2.0"}
    (planned,) = studio.plan(lot.shot.changed(resolution="720p")).shots
    assert not any(q.route.provider == "kling" or q.route.model == "seedance-2.0" for q in planned.attempts)
    outlook = planned.decision.outlook
    assert (outlook.value, outlook.basis, outlook.takes, planned.decision.policy) == (9, "stated", 3, "best")


def test_a_floor_drops_models_that_are_not_sure_enough_but_no_pin(lot: Any) -> None:
    floored = plan(lot, routing={"floor": 0.6})
    left = {quote.route.model for quote in floored.attempts}
    assert "seedance-2.0" in left
    assert "seedance-1.0-pro" not in left  # rating 1190
    assert any(r.rule == "floor" and r.route.model == "seedance-1.0-pro" for r in floored.refusals)
    pinned = plan(lot, lot.shot.pinned("seedance-1.0-pro"), routing={"floor": 0.6, "min_rating": 1400})
    assert routes(pinned) == ["seedance:cn/seedance-1.0-pro"]
    rated = plan(lot, routing={"min_rating": 1450})
    assert {quote.route.model for quote in rated.attempts} == {"seedance-2.0", "seedance-2.5"}


def test_a_guarantee_is_reached(lot: Any) -> None:
    sure = plan(lot, routing={"guarantee": 0.98, "value": "1 CNY"}).decision
    assert sure.steps[-1].accepted >= 0.98
    assert "98%" in sure.outlook.basis


def test_the_time_of_a_person_is_part_of_every_take(lot: Any) -> None:
    free, looked = plan(lot).decision.outlook, plan(lot, routing={"review": "1 USD"}).decision.outlook
    for before, after in zip(free.candidates, looked.candidates, strict=True):
        assert after.cost == pytest.approx(before.cost + 7.143, rel=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "-1 CNY"},
        {"takes": 0},
        {"floor": 1.5},
        {"guarantee": 1},
        {"alow": ["kling"]},
        {"value": "9 JPY"},
    ],
)
def test_a_wrong_setting_is_named(lot: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        lot.open(routing=wrong)


async def asked_later(shot: Any, quotes: Any, rates: Any) -> Any:
    return quotes


def forgets(shot: Any, quotes: Any, rates: Any, outlook: Any) -> None:
    sorted(quotes, key=lambda quote: quote.route.id)


def first_alone(shot: Any, quotes: Any, rates: Any) -> Any:
    return quotes[0]


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (asked_later, "policy 'asked_later' is async and cannot be awaited: .* write def, not async def"),
        (forgets, "policy 'forgets' returned None: it must return the quotes it was given, best first"),
        (first_alone, "policy 'first_alone' returned one quote alone, .*: it must return the quotes"),
    ],
)
@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_policy_that_answers_no_list_is_named_with_what_it_must_return(
    lot: Any, policy: Any, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        lot.open(policy=policy).plan(lot.shot)
    vendor = lot.vendor()
    async with lot.open(vendor, policy=policy) as studio:
        with pytest.raises(ConfigError, match=told):
            await studio.takes(lot.shot, 2, across="models")
    assert not vendor.jobs


def test_a_policy_of_other_arguments_is_refused_before_anything_is_planned(lot: Any) -> None:
    def short(shot: Any) -> Any:
        return []

    with pytest.raises(
        ConfigError, match=r"policy 'short' cannot be asked: it takes \(shot, quotes, rates\)"
    ):
        lot.open(policy=short)


# --- verdicts -------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_rejection_counts_for_the_next_take_of_the_shot_and_never_against_a_pin(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        first = await studio.shoot(lot.shot)
        before = studio.plan(lot.shot, takes=[2]).shots[0].decision.outlook
        studio.reject(first, "face drifts")
        planned = studio.plan(lot.shot, takes=[2]).shots[0].decision.outlook
        assert planned.failed == {first.model: 1}
        assert planned.takes == before.takes - 1
        assert planned.now[first.route] < 0.7 * before.now[first.route]
        second = await studio.shoot(lot.shot, take=2)
        assert second.model != first.model
        assert studio.decision(second.job_id).outlook.failed == {first.model: 1}
        pinned = await studio.shoot(lot.shot.pinned(first.route), take=3)
        assert pinned.route == first.route
        other = studio.plan(lot.shot.changed(prompt="白天")).shots[0].decision.outlook
        assert other.failed == {}
        studio.accept(first)  # a second look
        assert studio.plan(lot.shot, takes=[2]).shots[0].decision.outlook.failed == {}


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_verdicts_move_beliefs_and_are_there_in_the_next_studio_and_unseen_takes_are_not(
    lot: Any,
) -> None:
    async with lot.open() as studio:
        prior = studio.learning().belief("seedance-2.0", "text", frozenset({"text"})).chance
        for n in range(3):
            clip = await studio.shoot(lot.shot.changed(prompt=f"街 {n}", pin=lot.PIN))
            if n:
                studio.reject(clip, "no")
        two = studio.learning().belief("seedance-2.0", "text", frozenset({"text"}))
    assert two.chance < prior
    assert two.own.takes == pytest.approx(2, abs=0.01)
    again = lot.open().learning().belief("seedance-2.0", "text", frozenset({"text"}))
    assert again.chance == pytest.approx(two.chance)


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_defective_clip_is_a_rejection_nobody_had_to_make(lot: Any) -> None:
    shot = lot.shot.changed(resolution="720p", pin=lot.PIN)  # what comes is smaller
    async with lot.open() as studio:
        with pytest.raises(DefectiveClip):
            await studio.shoot(shot)
        outlook = studio.plan(shot, takes=[2]).shots[0].decision.outlook
        assert outlook.failed == {"seedance-2.0": 1}
        assert [studio.reviews(job.id) for job in studio.jobs()] == [[]]  # no person said anything


# --- why ------------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_every_decision_is_made_again_from_what_the_journal_says(lot: Any) -> None:
    async with lot.open(lot.vendor("fail")) as studio:
        planned = studio.plan(lot.shot).shots[0]
        await studio.shoot(lot.shot)
        jobs = studio.jobs()
    first, second = (lot.open().decision(job.id) for job in jobs)
    assert len(first.compact().encode()) < 4096
    assert first.order == tuple(routes(planned)) == first.outlook.order
    assert jobs[0].route.id == first.order[0]
    assert second.tried == (jobs[0].route.id,)
    assert jobs[1].route.id == next(route for route in second.order if route not in second.tried)
    assert any(routes for rule, routes in first.filtered.items() if rule == "no key")
    for decision in (first, second):
        _by_hand(decision)


def _by_hand(decision: Decision) -> None:
    """The order once more, with nothing but the library's arithmetic."""
    outlook = decision.outlook
    best: dict[str, tuple[float, str]] = {}
    for each in outlook.candidates:
        best[each.model] = min(best.get(each.model, (9e9, "")), (each.cost / each.chance, each.route))
    arms = [Arm(c.route, c.cost, c.chance) for c in outlook.candidates if best[c.model][1] == c.route]
    steps = plan_attempts(arms, outlook.takes, outlook.value, {}, outlook.rho)
    assert steps[0].name == decision.order[0]
    in_plan = list(dict.fromkeys(step.name for step in steps))
    assert [route for route in decision.order if route in in_plan] == in_plan


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_decision_is_in_the_currency_of_the_caps_and_money_is_untouched(lot: Any) -> None:
    async with lot.open() as studio:
        clip = await studio.shoot(lot.shot.pinned(lot.PIN))
        decision = studio.decision(clip.job_id)
        (job,) = studio.jobs()
    assert decision.outlook.currency == "CNY"
    price = job.quote.price.expected
    assert isinstance(price, Money)
    assert decision.candidate(clip.route).cost == pytest.approx(float(price.amount), rel=1e-5)
    assert lot.open().decision("nothing") is None


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_job_without_a_clip_is_not_judged(lot: Any) -> None:
    shot = lot.shot.pinned(lot.PIN)
    async with lot.open(lot.vendor("reject_output")) as studio:
        with pytest.raises(ContentRejected):
            await studio.shoot(shot)
        (job,) = studio.jobs()
        for say in (studio.accept, studio.reject):
            with pytest.raises(ConfigError, match="has no clip to judge: it is failed"):
                say(job.id)
        assert studio.reviews(job.id) == []
