"""Ratings from picks: the strengths that made the picks are found again, with honest errors."""

import math
import random

import pytest

from dramagen.routing import InvalidNumbers
from dramagen.routing.linear import inverse, product
from dramagen.routing.pairwise import Comparison, kept, rate

TRUE = {"a": 1200.0, "b": 1050.0, "c": 1000.0, "d": 750.0}


def compared(number: int, seed: int = 0, ties: float = 0.0, bad: float = 0.0) -> list[Comparison]:
    draw = random.Random(seed)
    found = []
    for _ in range(number):
        a, b = draw.sample(sorted(TRUE), 2)
        wins = draw.random() < 1 / (1 + 10 ** ((TRUE[b] - TRUE[a]) / 400))
        kind = draw.random()
        found.append(
            Comparison(
                a, b, "both_bad" if kind < bad else "both_good" if kind < bad + ties else "a" if wins else "b"
            )
        )
    return found


def test_strengths_are_found_again_within_their_errors() -> None:
    ratings = rate(compared(3000), spread=2000)
    for one, other in (("a", "b"), ("b", "c"), ("c", "d")):
        apart = ratings.by_model[one].points - ratings.by_model[other].points
        error = math.hypot(ratings.by_model[one].error, ratings.by_model[other].error)
        assert apart == pytest.approx(TRUE[one] - TRUE[other], abs=3 * error)
        assert 5 < error < 40
    assert ratings.chance("a", "d") == pytest.approx(1 / (1 + 10 ** (-450 / 400)), abs=0.03)
    assert ratings.chance("a", "d") + ratings.chance("d", "a") == pytest.approx(1)


def test_errors_shrink_with_the_root_of_the_evidence() -> None:
    few, many = (rate(compared(number), spread=2000).by_model["b"].error for number in (500, 4500))
    assert few / many == pytest.approx(3, rel=0.15)


def test_ties_draw_together_and_bad_pairs_are_only_counted() -> None:
    plain = rate(compared(2000))
    tied = rate(compared(2000, ties=0.5))
    assert plain.chance("a", "d") > tied.chance("a", "d") > 0.5
    with_bad = rate([*compared(2000), *([Comparison("a", "b", "both_bad")] * 500)])
    assert with_bad.both_bad == 0.2
    assert with_bad.chance("a", "b") == plain.chance("a", "b")
    assert rate([Comparison("x", "y", "both_good")]).chance("x", "y") == 0.5


def test_a_clean_sweep_stays_finite_and_a_prior_holds_until_outvoted() -> None:
    swept = rate([Comparison("a", "b", "a")] * 50)
    assert 1000 < swept.by_model["a"].points < 2500
    priors = {"a": 1000.0, "b": 1200.0, "unseen": 1100.0}
    assert rate([], priors).by_model["b"].points == pytest.approx(1200)
    assert rate([Comparison("a", "b", "a")], priors, spread=50).chance("a", "b") < 0.5
    after = rate([Comparison("a", "b", "a")] * 50, priors, spread=50)
    assert after.chance("a", "b") > 0.5
    assert after.by_model["unseen"].points == pytest.approx(1100)
    assert after.by_model["unseen"].compared == 0


def test_a_pick_beats_everything_else_on_the_table() -> None:
    assert kept("a", ["a", "b", "c", "a"]) == [Comparison("a", "b", "a"), Comparison("a", "c", "a")]


def test_nothing_compared_is_nothing_rated() -> None:
    assert rate([]).by_model == {}
    assert rate([]).both_bad == 0


@pytest.mark.parametrize(
    ("comparisons", "priors", "spread"),
    [([Comparison("a", "a", "a")], {}, 200), ([], {"a": math.nan}, 200), ([], {}, 0), ([], {}, -1)],
)
def test_nonsense_is_refused(comparisons: list[Comparison], priors: dict[str, float], spread: float) -> None:
    with pytest.raises(InvalidNumbers):
        rate(comparisons, priors, spread)


def test_an_inverse_undoes_its_matrix() -> None:
    draw = random.Random(1)
    root = [[draw.gauss(0, 1) for _ in range(6)] for _ in range(6)]
    matrix = product(root, [list(column) for column in zip(*root, strict=True)])
    identity = product(matrix, inverse(matrix))
    assert [round(identity[i][j], 6) for i in range(6) for j in range(6)] == [
        float(i == j) for i in range(6) for j in range(6)
    ]
    assert inverse([[0.0, 1.0], [1.0, 0.0]]) == [[0.0, 1.0], [1.0, 0.0]]
