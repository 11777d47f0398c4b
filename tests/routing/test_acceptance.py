"""What verdicts teach: towards the truth, no faster than the evidence, and told level by level."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dramagen.routing import InvalidNumbers
from dramagen.routing.acceptance import learn
from dramagen.routing.beliefs import SIBLING, Prior, Verdict, rated, successor, unrated
from dramagen.routing.beta import beta_cdf, beta_interval
from dramagen.routing.likeness import learnt_rho, news

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def verdicts(model: str, shots: list[str], *, tags: str = "", shot: str = "s") -> list[Verdict]:
    """One shot for each string; ``"-+"`` is a rejected take and then an accepted one."""
    return [
        Verdict(model, f"{shot}{number}", sign == "+", frozenset(tags.split()))
        for number, signs in enumerate(shots)
        for sign in signs
    ]


@pytest.mark.parametrize(
    ("rating", "chance"),
    [(1150, 0.21), (1200, 0.29), (1250, 0.38), (1300, 0.49), (1350, 0.59), (1400, 0.69), (1450, 0.77), (1490, 0.83)],
)  # fmt: skip
def test_a_rating_foretells_the_measured_chance(rating: float, chance: float) -> None:
    assert rated(rating).chance == pytest.approx(chance, abs=0.006)
    assert rated(rating).takes == 8


def test_a_model_without_a_rating_is_its_family_held_lightly() -> None:
    assert unrated([1300, 1400]).chance == rated(1350 - SIBLING).chance
    assert unrated([1482]).chance < rated(1482).chance, (
        "the flagship is believed better than what is not rated"
    )
    assert unrated().chance == rated(1350).chance
    assert rated(1400, 112).chance == rated(1400, 10).chance
    assert rated(1400, 112).takes == 3 < rated(1400, 10).takes == rated(1400).takes
    assert unrated([1300, 1400]).takes == 3
    with pytest.raises(InvalidNumbers):
        rated(float("nan"))


def test_without_verdicts_a_belief_is_its_prior() -> None:
    belief = learn([], {"kling": rated(1356)}).of("kling", {"anime"})
    assert belief.chance == pytest.approx(rated(1356).chance)
    assert belief.takes == 8
    low, high = belief.interval()
    assert low < 0.4 < belief.chance < 0.85 < high < 1
    assert learn([], {}).of("new").chance == pytest.approx(unrated().chance)


def test_a_strict_project_is_strict_about_every_model() -> None:
    priors = {name: Prior(0.6, 8, "test") for name in ("a", "b", "c")}
    strict = learn(verdicts("a", ["-"] * 12) + verdicts("b", ["-"] * 12), priors)
    assert strict.strictness < -1
    assert strict.of("c").chance < 0.4  # never tried
    assert strict.of("a").chance < strict.of("c").chance
    easy = learn(verdicts("a", ["+"] * 12), priors)
    assert easy.strictness > 0.3
    assert learn([], priors).strictness == 0


def test_one_models_failure_is_soon_known_to_be_its_own() -> None:
    priors = {name: Prior(0.6, 8, "test") for name in ("a", "b")}
    failures = verdicts("a", ["-"] * 200)
    assert learn(failures, priors).of("a").chance < 0.03
    first = learn(failures, priors).of("b").chance
    assert 0.05 < first < 0.4  # a strict project, most likely
    assert learn(failures + verdicts("b", ["+"] * 8), priors).of("b").chance > 0.5


def test_a_models_own_verdicts_count_once() -> None:
    belief = learn(verdicts("a", ["+"] * 4), {"a": Prior(0.5, 8, "test")}).of("a")
    assert belief.chance == pytest.approx((8 * 0.5 + 4) / 12)
    assert belief.project.chance == 0.5


def test_ten_takes_of_one_impossible_shot_do_not_sink_a_model() -> None:
    prior = {"a": Prior(0.6, 8, "test")}
    one_shot, ten_shots = learn(verdicts("a", ["-" * 10]), prior), learn(verdicts("a", ["-"] * 10), prior)
    assert ten_shots.of("a").chance < one_shot.of("a").chance - 0.1
    assert one_shot.of("a").own.takes < 4
    assert ten_shots.of("a").own.takes == pytest.approx(10)


def test_a_kind_of_shot_differs_from_the_rest_of_the_model() -> None:
    taught = learn(
        verdicts("a", ["+"] * 10, tags="anime") + verdicts("a", ["-"] * 10, tags="live", shot="t"),
        {"a": Prior(0.5, 8, "test")},
    )
    anime, live, other = (taught.of("a", tags.split()) for tags in ("anime", "live", "anime dialogue"))
    assert anime.chance > taught.of("a").chance > live.chance
    assert other.chance == taught.of("a").chance
    assert anime.kind is not None
    assert anime.kind.takes == pytest.approx(10)
    assert anime.kind.accepted == pytest.approx(10)


def test_a_kind_of_shot_is_no_surer_than_its_model() -> None:
    family, own = unrated([1482]), rated(1482)
    taught = learn([], {"new": family, "rated": own})
    for tags in ([], ["text"]):
        assert taught.of("new", tags).takes == family.takes < taught.of("rated", tags).takes == own.takes
        assert taught.of("new", tags).above(0.5) < taught.of("rated", tags).above(0.5)
    seen = learn(verdicts("new", ["+", "-"], tags="text"), {"new": family}).of("new", ["text"])
    assert seen.takes == pytest.approx(family.takes + 2)


def test_a_belief_says_where_it_comes_from() -> None:
    taught = learn(verdicts("kling-3.0", ["+", "-+"], tags="anime"), {"kling-3.0": rated(1356)})
    text = str(taught.of("kling-3.0", {"anime"}))
    for part in (
        "kling-3.0",
        "rating 1356: 0.61",
        "strictness",
        "its takes, 2.0 of 3.0",
        "its takes with anime",
    ):
        assert part in text
    assert str(taught.of("kling-3.0")).count(";") == 2


def test_old_verdicts_fade_and_undated_ones_do_not() -> None:
    def after(weeks: int | None) -> float:
        at = None if weeks is None else NOW - timedelta(weeks=weeks)
        given = [Verdict("a", f"s{n}", False, at=at) for n in range(10)]
        return learn(given, {"a": Prior(0.5, 8, "test")}, now=NOW).of("a").own.takes

    assert after(0) == after(None) == pytest.approx(10)
    assert after(52) == pytest.approx(10 * 0.98**52)


def test_takes_are_put_in_the_order_they_were_made() -> None:
    late, early = NOW, NOW - timedelta(hours=1)
    mixed = [
        Verdict("a", "s", True, at=late),
        Verdict("a", "s", False, at=early),
        Verdict("a", "s", False, at=late),
    ]
    sorted_already = [mixed[1], mixed[0], mixed[2]]
    prior = {"a": Prior(0.5, 8, "test")}
    assert learn(mixed, prior).of("a") == learn(sorted_already, prior).of("a")


def test_a_new_version_starts_from_what_the_old_one_has_shown() -> None:
    old = learn(verdicts("wan-2.6", ["+"] * 20), {"wan-2.6": rated(1311)}).of("wan-2.6", {"anime"})
    prior = successor(old)
    assert (prior.chance, prior.takes) == (old.own.chance, 4)
    assert "wan-2.6" in prior.source


@given(st.lists(st.booleans(), max_size=12), st.floats(0.01, 0.99), st.floats(0, 0.9))
def test_the_first_of_each_verdict_is_news_and_repetitions_are_less(
    takes: list[bool], chance: float, rho: float
) -> None:
    weights = news(takes, chance, rho)
    assert all(0 <= weight <= 1 for weight in weights)
    for verdict in (True, False):
        of_one_kind = [weight for weight, take in zip(weights, takes, strict=True) if take is verdict]
        assert of_one_kind[:1] in ([], [1.0])
        assert of_one_kind == sorted(of_one_kind, reverse=True)


def urn(draw: random.Random, chance: float, rho: float, takes: int, until_accepted: bool) -> list[bool]:
    """Takes of one shot whose own chance is drawn from the beta that ``chance`` and ``rho`` define."""
    spread = (1 - rho) / rho
    own = draw.betavariate(chance * spread, (1 - chance) * spread)
    seen: list[bool] = []
    while len(seen) < takes and not (until_accepted and any(seen)):
        seen.append(draw.random() < own)
    return seen


@pytest.mark.parametrize("until_accepted", [True, False])
def test_chance_and_rho_are_found_again_however_people_look(until_accepted: bool) -> None:
    draw = random.Random(5)
    shots = [urn(draw, 0.35, 0.5, 4, until_accepted) for _ in range(800)]
    given = [Verdict("a", f"s{n}", take) for n, takes in enumerate(shots) for take in takes]
    taught = learn(given, {"a": Prior(0.7, 8, "test")})
    assert taught.rho == pytest.approx(0.5, abs=0.06)
    assert taught.of("a").chance == pytest.approx(0.35, abs=0.03)
    low, high = taught.of("a").interval()
    assert low < 0.35 < high


def test_rho_stays_near_its_prior_until_there_is_evidence() -> None:
    assert learnt_rho([]) == 0.4
    assert learnt_rho([(0.5, [True]), (0.5, [False])]) == 0.4
    assert 0.4 < learnt_rho([(0.5, [False, False])]) < 0.5
    assert learnt_rho([(0.5, [False, True])]) < 0.4
    assert learnt_rho([(0.5, [False] * 4), (0.5, [True] * 4)] * 50) > 0.85
    assert learnt_rho([(0.5, [False, True])] * 500) < 0.05


def test_a_floor_asks_how_sure_it_is() -> None:
    few = learn(verdicts("a", ["+"] * 3), {"a": Prior(0.6, 8, "t")}, rho=0.4).of("a")
    many = learn(verdicts("a", ["+"] * 60), {"a": Prior(0.6, 8, "t")}, rho=0.4).of("a")
    assert few.above(0.5) < 0.99 < 0.999 < many.above(0.5)
    certain = learn([], {"a": Prior(1.0, 8, "t")}).of("a")
    assert certain.above(0.5) > 0.999


def test_a_prior_of_nonsense_is_refused() -> None:
    for chance, takes in ((1.2, 8.0), (0.5, -1.0), (0.5, float("nan"))):
        with pytest.raises(InvalidNumbers):
            Prior(chance, takes, "test")
    with pytest.raises(InvalidNumbers):
        learn([], {}, rho=2)


# Reference values from scipy.stats.beta, 1.17.
@pytest.mark.parametrize(
    ("x", "a", "b", "expected"),
    [
        (0.3, 2, 5, 0.579825),
        (0.5, 0.5, 0.5, 0.5),
        (0.01, 1, 8, 0.0772553055721),
        (0.97, 40, 3, 0.868802700379),
        (0.6, 300.5, 200.25, 0.495752095044),
        (0.05, 4.8, 3.2, 1.25901756289e-05),
        (0.999, 0.3, 12, 1),
    ],
)
def test_the_beta_distribution_is_that_of_the_books(x: float, a: float, b: float, expected: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(expected, rel=1e-9)


# From half a take on: with less, an end lies nearer to 1 than a float can say to these digits.
@given(st.floats(0.5, 500), st.floats(0.5, 500), st.sampled_from([0.5, 0.8, 0.95, 0.99]))
@settings(max_examples=40, deadline=None)
def test_an_interval_holds_what_it_says(a: float, b: float, level: float) -> None:
    low, high = beta_interval(a, b, level)
    assert beta_cdf(high, a, b) - beta_cdf(low, a, b) == pytest.approx(level, abs=1e-6)
    assert beta_cdf(low, a, b) == pytest.approx((1 - level) / 2, abs=1e-6)


def test_the_beta_distribution_ends_at_its_ends() -> None:
    assert beta_cdf(-1, 2, 3) == beta_cdf(0, 2, 3) == 0
    assert beta_cdf(1, 2, 3) == beta_cdf(2, 2, 3) == 1
