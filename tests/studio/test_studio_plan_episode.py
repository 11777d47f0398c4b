"""A studio plans shots as one episode: the budget, a deadline and what-ifs reach the order of the attempts."""

from typing import Any

import pytest

from dramagen import Money
from dramagen.errors import NoRoute
from dramagen.routing.episode_items import Continuity


def test_a_budget_reaches_the_order_and_is_kept(lot: Any) -> None:
    studio = lot.open()
    shots = [lot.shot.changed(prompt=f"雨夜 {number}") for number in range(4)]
    free = studio.plan(shots)
    cheapest = min(q.price.most.amount for q in free.shots[0].attempts)
    tight = studio.plan(shots, budget=Money(cheapest * 4, "CNY"))
    assert tight.most == Money(cheapest * 4, "CNY")
    assert tight.feasible
    assert tight.solution.expected <= float(cheapest) * 4 * (1 + 1e-9)
    assert tight.solution.chance < free.solution.chance
    assert {q.route for q in tight.shots[0].attempts} == {q.route for q in free.shots[0].attempts}


def test_what_if_a_route_were_not_there(lot: Any) -> None:
    studio = lot.open()
    first = studio.plan(lot.shot).shots[0].choice.route
    other = studio.plan(lot.shot, without=[first.id.replace(":cn", "")]).shots[0].choice.route
    assert other != first
    with pytest.raises(NoRoute):
        studio.plan(lot.shot, without=["no-such-model"])


def test_shots_of_a_group_are_tried_on_one_model_first(lot: Any) -> None:
    studio = lot.open()
    shots = [lot.shot.changed(id="a"), lot.shot.changed(id="b", duration=10)]
    plan = studio.plan(shots, continuity=Continuity({"a": "roof", "b": "roof"}, {"b": "a"}))
    models = {each.choice.route.model for each in plan.shots}
    assert models == {plan.solution.models["roof"]}


@pytest.mark.parametrize("budget", [None, "1000 CNY"])
def test_leaving_the_model_of_a_group_has_a_price_with_and_without_a_budget(
    lot: Any, budget: str | None
) -> None:
    shots = [lot.shot.changed(id="a"), lot.shot.changed(id="b", duration=10)]
    continuity = Continuity({"a": "roof", "b": "roof"})

    def planned(**routing: str) -> Any:
        return lot.open(routing=routing).plan(shots, budget=budget, continuity=continuity)

    def takes(plan: Any, place: int) -> list[str]:
        return [offer.name for offer in plan.solution.filmed[str(place)].takes]

    alone = lot.open().plan(shots, budget=budget)
    kept, free, dear = planned(), planned(switch="0 CNY"), planned(switch="1000 CNY")
    for place in range(len(shots)):
        assert takes(free, place) == takes(alone, place)
        assert takes(dear, place) == takes(kept, place)
    assert any(takes(kept, place) != takes(alone, place) for place in range(len(shots)))
    assert "but where leaving it pays" in str(free)


@pytest.mark.anyio
async def test_a_call_may_have_a_policy_of_its_own_and_a_bound_take_stays(lot: Any) -> None:
    def last(shot: Any, quotes: Any, rates: Any) -> Any:
        return sorted(quotes, key=lambda quote: quote.route.id, reverse=True)

    async with lot.open() as studio:
        clip = await studio.shoot(lot.shot, policy=last)
        keyed = [
            q.route.id
            for q in studio.plan(lot.shot).shots[0].quotes
            if q.route.provider == "seedance" and q.keyed
        ]
        assert clip.route == max(keyed)
        assert (await studio.shoot(lot.shot, policy="cheapest")).job_id == clip.job_id


@pytest.mark.parametrize("deadline", [0, 1e-9])
def test_with_no_time_at_all_the_quickest_plan_is_shown_and_how_late_it_is(lot: Any, deadline: float) -> None:
    plan = lot.open().plan([lot.shot, lot.shot.changed(prompt="天亮")], deadline=deadline)
    assert plan.solution.late
    assert "NOT in time" in str(plan)
