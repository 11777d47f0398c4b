"""The plan of one shot against every other plan there is, and what it says about itself."""

import itertools
import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dramagen.errors import DramagenError
from dramagen.routing import Arm, Attempt, InvalidNumbers, plan_attempts
from dramagen.routing.attempts import DEFAULT_RHO, decayed

CHANCES = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0, 1))
COSTS = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.001, 10))


@st.composite
def a_shot(draw: st.DrawFn) -> tuple[list[Arm], dict[str, int]]:
    arms = [
        Arm(name, draw(COSTS), draw(CHANCES))
        for name in draw(st.sampled_from(["", "a", "ab", "abc", "abcd"]))
    ]
    failed = {arm.name: draw(st.integers(0, 3)) for arm in arms if draw(st.booleans())}
    return arms, failed


def outcome(
    names: tuple[str, ...], arms: list[Arm], failed: dict[str, int], rho: float
) -> tuple[float, float]:
    """The chance that nothing is accepted and the expected cost of trying these arms in turn, from the definition."""
    known = {arm.name: arm for arm in arms}
    counts = dict.fromkeys(known, 0) | failed
    reached, cost = 1.0, 0.0
    for name in names:
        k = counts[name]
        chance = known[name].chance * (1 if k == 0 else (1 - rho) / (1 - rho + k * rho))
        cost += reached * float(known[name].cost)
        reached *= 1 - chance
        counts[name] += 1
    return reached, cost


def every_plan(arms: list[Arm], takes: int) -> list[tuple[str, ...]]:
    names = [arm.name for arm in arms]
    return [plan for length in range(takes + 1) for plan in itertools.product(names, repeat=length)]


@given(a_shot(), st.integers(0, 4), st.floats(0, 30), st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_no_other_sequence_of_takes_is_worth_more(
    shot: tuple[list[Arm], dict[str, int]], takes: int, value: float, rho: float
) -> None:
    arms, failed = shot

    def net(names: tuple[str, ...]) -> float:
        missed, cost = outcome(names, arms, failed, rho)
        return value * (1 - missed) - cost

    plan = plan_attempts(arms, takes=takes, value=value, failed=failed, rho=rho)
    assert len(plan) <= takes
    assert net(tuple(a.name for a in plan)) == pytest.approx(max(map(net, every_plan(arms, takes))), abs=1e-9)


@given(a_shot(), st.integers(0, 3), st.floats(0, 0.95))
@settings(max_examples=100, deadline=None)
def test_at_any_price_means_the_best_chance_and_then_the_least_cost(
    shot: tuple[list[Arm], dict[str, int]], takes: int, rho: float
) -> None:
    arms, failed = shot
    plan = plan_attempts(arms, takes, math.inf, failed, rho)
    missed, cost = outcome(tuple(a.name for a in plan), arms, failed, rho)
    all_of_them = [outcome(names, arms, failed, rho) for names in every_plan(arms, takes)]
    least = min(chance for chance, _ in all_of_them)
    assert missed == pytest.approx(least, rel=1e-9, abs=0)
    # Within a hair of the best chance nothing is cheaper; the hair is wider here than there, for rounding.
    assert cost <= min(c for chance, c in all_of_them if chance <= least * (1 + 1e-13)) + 1e-9


@given(a_shot(), st.integers(0, 5), st.one_of(st.floats(0, 30), st.just(math.inf)), st.floats(0, 1))
def test_every_attempt_says_what_the_plan_before_it_comes_to(
    shot: tuple[list[Arm], dict[str, int]], takes: int, value: float, rho: float
) -> None:
    arms, failed = shot
    plan = plan_attempts(arms, takes, value, failed, rho)
    ratios = [attempt.cost_per_accepted for attempt in plan]
    assert ratios == sorted(ratios)
    assert all(ratio < value for ratio in ratios)
    for number, attempt in enumerate(plan):
        so_far = tuple(a.name for a in plan[: number + 1])
        missed, cost = outcome(so_far, arms, failed, rho)
        assert attempt.accepted == pytest.approx(1 - missed)
        assert attempt.expected_cost == pytest.approx(cost)
        assert attempt.reached == pytest.approx(outcome(so_far[:-1], arms, failed, rho)[0])
        assert attempt.failed == failed.get(attempt.name, 0) + so_far[:-1].count(attempt.name)
        assert attempt.chance == decayed(attempt.arm.chance, attempt.failed, rho)
        assert attempt.cost_per_accepted == pytest.approx(attempt.cost / attempt.chance)


@given(a_shot(), st.integers(1, 4), st.floats(0.5, 30), st.floats(0, 1))
def test_after_a_rejection_the_rest_of_the_plan_is_still_the_plan(
    shot: tuple[list[Arm], dict[str, int]], takes: int, value: float, rho: float
) -> None:
    arms, failed = shot
    plan = plan_attempts(arms, takes, value, failed, rho)
    if not plan or plan[0].chance == 1:
        return
    past = failed | {plan[0].name: failed.get(plan[0].name, 0) + 1}

    def net(attempts: list[Attempt]) -> float:
        missed, cost = outcome(tuple(a.name for a in attempts), arms, past, rho)
        return value * (1 - missed) - cost

    assert net(plan[1:]) == pytest.approx(net(plan_attempts(arms, takes - 1, value, past, rho)), abs=1e-9)


def test_a_rejection_makes_another_model_the_better_buy() -> None:
    """Two equal models with a third that is a little dearer: independent takes would never leave the first."""
    arms = [Arm("wan", 1.0, 0.5), Arm("kling", 1.2, 0.5)]
    assert [a.name for a in plan_attempts(arms, 3, 10, rho=0.0)] == ["wan", "wan", "wan"]
    assert [a.name for a in plan_attempts(arms, 3, 10)] == ["wan", "kling", "wan"]


def test_a_cheap_arm_does_not_eat_a_slot_that_a_better_one_needs() -> None:
    arms = [Arm("cheap", 0.05, 0.08), Arm("good", 1.0, 0.8)]
    assert plan_attempts(arms, 4, 4)[0].name == "cheap"
    assert [a.name for a in plan_attempts(arms, 1, 4)] == ["good"]


def test_nothing_is_tried_that_costs_more_than_a_clip_is_worth() -> None:
    assert plan_attempts([Arm("a", 2.0, 0.5)], 3, 4.0) == []  # 4 a clip: nothing won, so nothing spent
    assert [a.failed for a in plan_attempts([Arm("a", 2.0, 0.5)], 3, 6.0)] == [0]
    assert plan_attempts([Arm("a", 2.0, 0.0)], 3, math.inf) == []
    assert plan_attempts([Arm("a", 2.0, 0.5)], 0, math.inf) == []
    assert plan_attempts([], 3, 6.0) == []
    assert plan_attempts([Arm("a", 0, 1)], 3, 0) == []
    assert plan_attempts([Arm("a", 0, 1)], 3, -1.0) == []


def test_what_costs_nothing_comes_first_and_certainty_ends_the_plan() -> None:
    arms = [Arm("sure", Decimal("3.00"), 1), Arm("free", 0, 0.2), Arm("paid", Decimal("1.50"), 0.5)]
    plan = plan_attempts(arms, 9, Decimal(100))
    assert {a.name for a in plan if a.cost == 0} == {"free"}
    assert plan[0].name == "free"
    assert plan[-1].name == "sure"
    assert plan[-1].accepted == 1
    assert plan_attempts(arms, 9, math.inf)[-1].name == "sure"


def test_a_very_large_worth_does_not_hide_small_costs() -> None:
    arms = [Arm("dear", 1.0, 1.0), Arm("cheap", 0.5, 1.0)]
    for value in (1e30, math.inf):
        assert [a.name for a in plan_attempts(arms, 2, value)] == ["cheap"]


def test_equal_takes_are_told_as_the_first_ones() -> None:
    plan = plan_attempts([Arm("a", 1, 0.5), Arm("b", 1, 0.5)], 3, 9, rho=0)
    assert sorted((a.name, a.failed) for a in plan) == sorted({(a.name, a.failed) for a in plan})
    for name in "ab":
        assert [a.failed for a in plan if a.name == name] == list(range(sum(a.name == name for a in plan)))


def test_the_decay_is_the_measured_law() -> None:
    assert DEFAULT_RHO == 0.4
    assert [decayed(0.5, k, 0.4) for k in range(3)] == pytest.approx([0.5, 0.3, 0.5 * 0.6 / 1.4])
    assert [decayed(0.5, k, 0.0) for k in range(3)] == [0.5] * 3
    assert [decayed(0.5, k, 1.0) for k in range(3)] == [0.5, 0.0, 0.0]


@pytest.mark.parametrize(
    ("cost", "chance"),
    [(-1, 0.5), (math.nan, 0.5), (math.inf, 0.5), (1, 1.01), (1, -0.01), (1, math.nan), ("1", 0.5), (1, True),
     (1e101, 0.5), (10**400, 0.5), (Decimal("1e400"), 0.5), (1, math.inf), (1, -math.inf), (None, 0.5), (1, 1j),
     (Decimal("NaN"), 0.5), (Decimal("sNaN"), 0.5)],
)  # fmt: skip
def test_an_arm_of_nonsense_is_refused(cost: object, chance: object) -> None:
    with pytest.raises(InvalidNumbers, match="'x'"):
        Arm("x", cost, chance)  # type: ignore[arg-type]  # what the test is about


@pytest.mark.parametrize(
    "wrong",
    [{"takes": -1}, {"takes": 1.5}, {"takes": True}, {"value": math.nan}, {"failed": {"b": 1}},
     {"takes": 10**9}, {"takes": 101}, {"takes": 10**400}, {"takes": 2.0}, {"takes": math.nan}, {"takes": None},
     {"value": 10**400}, {"value": "4"}, {"failed": {"a": 10**9}},
     {"failed": {"a": -1}}, {"failed": {"a": 0.5}}, {"rho": 1.5}, {"rho": -0.1}, {"rho": math.nan},
     {"arms": [Arm("a", 1, 0.5), Arm("a", 2, 0.5)]}],
)  # fmt: skip
def test_a_request_of_nonsense_is_refused(wrong: dict[str, object]) -> None:
    asked: dict[str, object] = {"arms": [Arm("a", 1, 0.5)], "takes": 2, "value": 4.0} | wrong
    with pytest.raises(InvalidNumbers) as caught:
        plan_attempts(**asked)  # type: ignore[arg-type]  # what the test is about
    assert isinstance(caught.value, (DramagenError, ValueError))


@pytest.mark.parametrize("name", [None, 7, b"a", [], ("a",)])
def test_the_name_of_an_arm_is_text(name: object) -> None:
    with pytest.raises(InvalidNumbers, match="the name of an arm is text"):
        Arm(name, 1, 0.5)  # type: ignore[arg-type]  # what the test is about


@pytest.mark.parametrize(
    "arms", [[("a", 1, 0.5)], "ab", None, 5, Arm("a", 1, 0.5).name, [{"name": 10**5000}]]
)
def test_what_is_no_arm_is_told_what_one_is(arms: object) -> None:
    with pytest.raises(InvalidNumbers, match=r"arms are a list of Arm\(name, cost, chance\)"):
        plan_attempts(arms, takes=2, value=4.0)  # type: ignore[arg-type]  # what the test is about


@pytest.mark.parametrize("failed", [["a"], 5, "a", {"a"}])
def test_rejected_takes_are_counted_by_arm(failed: object) -> None:
    with pytest.raises(InvalidNumbers, match="failed counts rejected takes by arm"):
        plan_attempts([Arm("a", 1, 0.5)], 2, 4.0, failed)  # type: ignore[arg-type]  # what the test is about


@pytest.mark.parametrize("nonsense", [[10**5000], {"a": -(10**5000)}])
def test_numbers_too_long_to_be_written_are_refused_all_the_same(nonsense: object) -> None:
    with pytest.raises(InvalidNumbers, match=f"must be a number, not a {type(nonsense).__name__}"):
        Arm("x", nonsense, 0.5)  # type: ignore[arg-type]  # what the test is about


def test_the_error_is_known_by_name_in_another_process() -> None:
    from dramagen.errors import from_json

    assert isinstance(from_json(InvalidNumbers("no").to_json()), InvalidNumbers)


def test_too_many_takes_are_refused_in_words_that_help() -> None:
    with pytest.raises(InvalidNumbers, match="takes must be a whole number from 0 to 100, not 1000000000"):
        plan_attempts([Arm("a", 1, 0.5)], takes=10**9, value=4.0)
    assert len(plan_attempts([Arm("a", 1e-9, 0.5)], takes=100, value=math.inf, rho=0.0)) == 100
    assert plan_attempts([Arm("a", 1, 0.5)], takes=0, value=4.0) == []
    ends = [Arm("a", 1e100, 0.5), Arm("b", 5e-324, 1e-3)]
    assert plan_attempts(ends, takes=3, value=1e99)[0].name == "b"


def test_whole_numbers_of_other_types_are_takes_too() -> None:
    class Four:
        def __index__(self) -> int:
            return 4

    plan = plan_attempts([Arm("a", 1, 0.9)], takes=Four(), value=40.0)  # type: ignore[arg-type]  # such as numpy's
    assert plan == plan_attempts([Arm("a", 1, 0.9)], takes=4, value=40.0)
