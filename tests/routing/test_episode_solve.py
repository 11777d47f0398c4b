"""An episode on a budget: never over it, near the best there is, one model where shots belong together."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dramagen.routing.attempts import decayed
from dramagen.routing.episode import solve
from dramagen.routing.episode_items import Need, Offer
from dramagen.routing.episode_solution import Solution
from dramagen.routing.episode_ways import GRAIN

EPISODES = st.lists(
    st.lists(st.tuples(st.floats(0.2, 9), st.floats(0.05, 0.98)), min_size=1, max_size=3),
    min_size=1,
    max_size=3,
)


def offer(name: str, cost: float, chance: float, **known: Any) -> Offer:
    return Offer(
        name, known.pop("model", name), known.pop("key", name), cost, known.pop("most", cost), chance, **known
    )


def episode(listed: list[list[tuple[float, float]]], **known: Any) -> list[Need]:
    return [
        Need(f"s{n}", tuple(offer(f"r{m}", *each) for m, each in enumerate(row)), **known)
        for n, row in enumerate(listed)
    ]


def takes(solution: Solution, name: str) -> list[str]:
    filmed = solution.filmed[name]
    return [] if filmed is None else [each.name for each in filmed.takes]


def best_by_hand(needs: list[Need], budget: float) -> float:
    """The most expected acceptances that money can buy, over every sequence of takes of every shot."""
    rows = []
    for need in needs:
        found = []
        for number in range(1, need.takes + 1):
            for order in itertools.product(need.offers, repeat=number):
                reached, cost = 1.0, 0.0
                for place, each in enumerate(order):
                    cost += reached * each.cost
                    reached *= 1 - decayed(each.chance, order[:place].count(each))
                found.append((max(cost, order[0].most), 1 - reached))
        rows.append(found)
    best = -math.inf
    for picks in itertools.product(*rows):
        if math.fsum(cost for cost, _ in picks) <= budget:
            best = max(best, math.fsum(chance for _, chance in picks))
    return best


@settings(max_examples=40)
@example([[(3.0, 0.5), (4.0, 0.75), (1.5, 0.25)]], 2.5)  # the best is no corner of the hull
@given(EPISODES, st.floats(1, 3))
def test_it_stays_within_the_budget_and_near_the_best_there_is(
    listed: list[list[tuple[float, float]]], slack: float
) -> None:
    needs = episode(listed, takes=2)
    base = math.fsum(min(o.cost for o in need.offers) for need in needs)
    found = solve(needs, math.inf, budget=base * slack, caution=0.0)
    assert not found.short
    assert found.expected <= base * slack * (1 + 1e-9)
    assert found.accepted <= best_by_hand(needs, base * slack * (1 + 1e-9)) * (1 + 1e-9)
    # Ways that differ by less than a grain are one; of each take there is one to lose.
    assert found.accepted >= best_by_hand(needs, base * slack * (1 - 1e-9)) - 2 * GRAIN * len(needs)


def test_an_episode_of_twelve_shots_is_within_half_a_percent_of_the_best() -> None:
    """Every shot alike, so the best choice is found by counting how many shots get each way."""
    offers = (offer("a", 1.0, 0.3), offer("b", 1.9, 0.5), offer("c", 3.1, 0.66), offer("d", 5.3, 0.83))
    needs = [Need(f"s{n}", offers, takes=3) for n in range(12)]
    for budget in (15.0, 30.0, 45.0):
        found = solve(needs, math.inf, budget=budget, caution=0.0)
        assert found.expected <= budget
        assert found.accepted >= counted_best(offers, 12, budget) * 0.995


def counted_best(offers: tuple[Offer, ...], shots: int, budget: float) -> float:
    """The exact best of shots that are all alike: what two others beat in cost and worth is forgotten on the way."""
    ways = set()
    for number in (1, 2, 3):
        for order in itertools.product(offers, repeat=number):
            reached, cost = 1.0, 0.0
            for place, each in enumerate(order):
                cost += reached * each.cost
                reached *= 1 - decayed(each.chance, order[:place].count(each))
            ways.add((max(cost, order[0].most), 1 - reached))
    sums = [(0.0, 0.0)]
    for _ in range(shots):
        sums = undominated({(c + cost, q + worth) for c, q in sums for cost, worth in undominated(ways)})
    return max(worth for cost, worth in sums if cost <= budget + 1e-9)


def undominated(points: set[tuple[float, float]]) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    for cost, worth in sorted(points, key=lambda point: (point[0], -point[1])):
        if not kept or worth > kept[-1][1] + 1e-9:
            kept.append((cost, worth))
    return kept


def test_every_shot_is_filmed_before_any_gets_a_better_take() -> None:
    needs = episode([[(1, 0.1), (4, 0.95)], [(1, 0.1), (4, 0.95)]])
    assert takes(solve(needs, 100, budget=2.5, caution=0), "s1") == ["r0"]
    scarce = solve(needs, 100, budget=1.5)
    assert scarce.short
    assert sorted(map(len, (takes(scarce, "s0"), takes(scarce, "s1")))) == [0, 1]
    assert scarce.chance == 0


@pytest.mark.parametrize("group", [None, "g"])
def test_no_money_is_kept_for_a_shot_whose_forerunner_is_left_out(group: str | None) -> None:
    dear, cheap = offer("dear", 10.0, 0.9, model="m"), offer("cheap", 1.0, 0.9, model="m")
    needs = [
        Need("opening", (offer("opening", 3.0, 0.9),), takes=1),
        Need("forerunner", (dear,), takes=1),
        Need("follower", (cheap,), takes=1, after="forerunner", group=group),
        Need("its follower", (cheap,), takes=1, after="follower", group=group),
        Need("another", (offer("another", 2.0, 0.9),), takes=1),
    ]
    found = solve(needs, budget=5.0, caution=0.0)
    assert found.short
    assert {name: takes(found, name) for name in found.filmed} == {
        "opening": ["opening"], "forerunner": [], "follower": [], "its follower": [], "another": ["another"],
    }  # fmt: skip
    held = [need if need.name != "forerunner" else Need("forerunner", held="m") for need in needs]
    assert takes(solve(held, budget=5.0, caution=0.0), "follower") == ["cheap"]


def test_money_that_buys_little_is_not_spent() -> None:
    needs = episode([[(1, 0.8), (50, 0.81)]])
    assert "r1" not in takes(solve(needs, 10, budget=1000), "s0")
    assert solve(needs, 10, budget=1000).value == 10


def test_a_tighter_budget_is_a_lower_value_of_a_clip() -> None:
    needs = episode([[(1, 0.3), (2, 0.5), (4, 0.7), (8, 0.9)]] * 6)
    values = [solve(needs, 1000, budget=budget, caution=0).value for budget in (8, 12, 20, 30, 60)]
    assert values == sorted(values)
    assert values[0] < values[-1]


def test_what_the_first_takes_can_cost_at_most_has_to_be_there() -> None:
    needs = [Need("s0", (offer("a", 1, 0.5), offer("b", 1.2, 0.9, most=9.0)), takes=1)]
    assert takes(solve(needs, 100, budget=5, caution=0), "s0") == ["a"]
    assert takes(solve(needs, 100, budget=9, caution=0), "s0") == ["b"]


def test_a_reserve_is_held_back_and_never_costs_a_shot_its_take() -> None:
    needs = episode([[(1, 0.4), (3, 0.8)]] * 8)
    bold, careful = solve(needs, 100, budget=20, caution=0), solve(needs, 100, budget=20, caution=1)
    assert careful.reserve > 0
    assert careful.expected <= 20 - careful.reserve + 1e-9
    assert careful.expected < bold.expected
    tight = solve(needs, 100, budget=8, caution=5)
    assert not tight.short
    assert tight.reserve <= 1e-9


def test_two_routes_of_one_model_are_one_chance() -> None:
    needs = [
        Need(
            "s0",
            (offer("a", 2, 0.5, model="m"), offer("b", 1.5, 0.5, model="m"), offer("c", 3, 0.5)),
            takes=2,
        )
    ]
    assert takes(solve(needs, 100), "s0") == ["b", "c"]


def test_rejections_of_a_model_send_the_next_take_elsewhere() -> None:
    offers = (offer("a", 2, 0.6), offer("b", 2.2, 0.6))
    assert takes(solve([Need("s0", offers, takes=1)], 100), "s0") == ["a"]
    assert takes(solve([Need("s0", offers, takes=1, failed={"a": 1, "gone": 2})], 100), "s0") == ["b"]


# --- shots that belong together -----------------------------------------------------------------------------


def chain(*rows: list[tuple[float, float]], **known: Any) -> list[Need]:
    return [
        Need(f"s{n}", tuple(offer(f"r{m}", *each) for m, each in enumerate(row)), group="g", **known)
        for n, row in enumerate(rows)
    ]


def test_shots_of_a_group_keep_one_model() -> None:
    needs = chain([(1, 0.9), (2, 0.85)], [(3, 0.2), (2, 0.85)])
    alone = solve([Need(n.name, n.offers, takes=1) for n in needs], 100)
    assert (takes(alone, "s0"), takes(alone, "s1")) == (["r0"], ["r1"])
    together = solve(needs, 100)
    assert {name for shot in ("s0", "s1") for name in takes(together, shot)} == {"r1"}
    assert together.models == {"g": "r1"}


def test_a_switch_at_a_price_is_made_where_it_pays() -> None:
    needs = chain([(1, 0.9), (2, 0.5)], [(9, 0.1), (2, 0.9)], takes=1)
    kept, switched = solve(needs, 100), solve(needs, 100, switch=0.5)
    assert (takes(kept, "s0"), takes(kept, "s1")) == (["r1"], ["r1"])
    assert (takes(switched, "s0"), takes(switched, "s1")) == (["r0"], ["r1"])
    assert switched.expected == pytest.approx(3)  # the price of a switch is no money


def test_a_group_no_model_can_film_is_planned_shot_by_shot_and_said() -> None:
    needs = [
        Need("s0", (offer("a", 1, 0.5),), group="g"), Need("s1", (offer("b", 1, 0.5),), group="g"),
    ]  # fmt: skip
    found = solve(needs, 100)
    assert found.split == ("g",)
    assert takes(found, "s0")[0] == "a"
    assert takes(found, "s1")[0] == "b"


def test_a_held_take_moves_nothing_and_its_group_follows_it() -> None:
    needs = [Need("s0", group="g", held="r0"), chain([(5, 0.5), (1, 0.9)])[0]]
    needs[1] = Need("s1", needs[1].offers, group="g")
    found = solve(needs, 100)
    assert set(takes(found, "s1")) == {"r0"}
    assert "s0" not in found.filmed


def test_a_shot_no_route_can_film_is_none_and_the_episode_cannot_be_whole() -> None:
    found = solve([Need("s0"), Need("s1", (offer("a", 1, 0.9),))], 10, budget=5)
    assert found.filmed["s0"] is None
    assert found.chance == 0
    assert not found.short


# --- time ---------------------------------------------------------------------------------------------------


def test_wall_time_is_that_of_the_fullest_key() -> None:
    offers = (offer("a", 1, 1.0, seconds=60.0),)
    needs = [Need(f"s{n}", offers, takes=1) for n in range(5)]
    assert solve(needs, 10, at_once={"a": 2}).seconds == 180
    assert solve(needs, 10).seconds == 60
    assert solve([Need("s0", (offer("a", 1, 1.0),))], 10).seconds is None


def test_a_shot_waits_for_the_one_it_follows_and_a_take_for_the_one_before() -> None:
    offers = (offer("a", 1, 0.5, seconds=100.0),)
    needs = [Need("s1", offers, takes=1, after="s0"), Need("s0", offers, takes=1)]
    assert solve(needs, 10).seconds == 200
    assert solve([Need("s0", offers, takes=2)], 100).seconds == 150


def test_a_deadline_buys_speed_and_says_when_none_is_to_be_had() -> None:
    offers = (offer("slow", 1, 0.9, seconds=600.0), offer("quick", 2, 0.9, seconds=60.0))
    needs = [Need(f"s{n}", offers, takes=1) for n in range(4)]
    places = {"slow": 1, "quick": 1}
    assert takes(solve(needs, 100, at_once=places), "s0") == ["slow"]
    hurried = solve(needs, 100, at_once=places, deadline=300)
    assert hurried.seconds is not None
    assert hurried.seconds <= 300
    assert not hurried.late
    late = solve(needs, 100, at_once=places, deadline=10)
    assert late.late
    assert late.seconds == 240


def test_a_deadline_moves_only_the_shots_that_it_has_to() -> None:
    needs = [
        Need(
            f"s{n}",
            (offer("slow", 1, 0.9, seconds=600.0), offer("quick", 1.5 + n / 10, 0.9, seconds=60.0)),
            takes=1,
        )
        for n in range(8)
    ]
    hurried = solve(needs, 100, at_once={"slow": 1, "quick": 1}, deadline=3000)
    assert hurried.seconds is not None
    assert hurried.seconds <= 3000
    assert [takes(hurried, need.name) for need in needs].count(["slow"]) >= 4


def test_a_place_is_not_kept_for_a_take_that_cannot_begin_yet() -> None:
    """The second take of the first shot waits for its first; the second shot is filmed in between."""
    first = (offer("a", 1, 0.5, seconds=100.0), offer("b", 2, 0.45, seconds=10.0))
    second = (offer("b", 1, 0.9, seconds=10.0),)
    needs = [Need("s0", first, takes=2), Need("s1", second, takes=1)]
    found = solve(needs, 100, at_once={"a": 1, "b": 1})
    assert (takes(found, "s0"), takes(found, "s1")) == (["a", "b"], ["b"])
    assert found.seconds == pytest.approx(105)


def test_shots_that_wait_for_one_another_in_a_circle_are_counted() -> None:
    offers = (offer("a", 1, 0.9, seconds=10.0),)
    needs = [Need("s0", offers, takes=1, after="s1"), Need("s1", offers, takes=1, after="s0")]
    assert solve(needs, 100).seconds == 20


# --- short cuts that were too short --------------------------------------------------------------------------


def test_a_group_keeps_the_model_that_is_worth_most_not_the_likeliest_at_any_price() -> None:
    needs = chain([(1, 0.9), (8, 0.92)], [(1, 0.9), (8, 0.92)], takes=1)
    assert solve(needs, 10).models == {"g": "r0"}
    assert solve(needs, 10, budget=50, caution=0).models == {"g": "r0"}


@pytest.mark.parametrize("budget", [None, 12.0, 30.0])
def test_a_price_of_switching_counts_at_every_budget(budget: float | None) -> None:
    needs = chain([(1, 0.9), (2, 0.5)], [(9, 0.1), (2, 0.9)], takes=1)
    away = solve(needs, 20, budget=budget, caution=0, switch=0.5)
    assert (takes(away, "s0"), takes(away, "s1")) == (["r0"], ["r1"])
    kept = solve(needs, 20, budget=budget, caution=0, switch=500)
    assert (takes(kept, "s0"), takes(kept, "s1")) == (["r1"], ["r1"])


def test_a_scene_no_model_can_film_whole_is_not_split_where_a_switch_has_a_price() -> None:
    needs = [
        Need("s0", (offer("a", 1, 0.5), offer("b", 1.1, 0.5)), takes=1, group="g"),
        Need("s1", (offer("b", 1, 0.5),), takes=1, group="g"),
        Need("s2", (offer("a", 1, 0.5), offer("b", 1.1, 0.5)), takes=1, group="g"),
        Need("s3", (offer("a", 1, 0.5),), takes=1, group="g"),
    ]
    assert solve(needs, 100).split == ("g",)
    soft = solve(needs, 100, switch=0.3)
    assert soft.split == ()
    assert soft.models == {"g": "a"}
    assert [takes(soft, f"s{n}") for n in range(4)] == [["a"], ["b"], ["a"], ["a"]]


def test_what_is_left_of_the_money_is_shared_out_within_a_group() -> None:
    needs = chain(*[[(1.0, 0.3)]] * 6, takes=3)
    money = 8.0
    found = solve(needs, 1000, budget=money, caution=0)
    assert found.expected <= money
    assert found.expected > money - 0.7  # less than the next take of any of them costs
