"""The arithmetic of a benchmark: who decides a take, what an accepted clip costs, how sure that is."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.bench.figures import by_tag, figures
from dramagen.bench.results import Results
from dramagen.bench.suite import Suite
from dramagen.bench.take import Take, TakeId
from dramagen.bench.verdicts import Verdicts
from dramagen.bench.votes import Pair, Votes
from dramagen.media.checks import Mark
from dramagen.money import Money, Rates

RATES = Rates({"CNY": "7"}, date(2026, 11, 22))
CUT = Mark("cut", "reject", "it cuts", 0.5)
STILL = Mark("freeze", "warn", "nothing moves")
Make = Callable[..., Take]


def test_as_long_as_nobody_looked_what_passed_the_checks_counts_and_says_so(make_take: Make) -> None:
    takes = [make_take("a"), make_take("b", marks=(CUT,)), make_take("a", number=2, marks=(STILL,))]
    verdicts = Verdicts({}, {})
    assert verdicts.basis == "checks"
    assert [verdicts.of_take(t).accepted for t in takes] == [True, False, True]
    assert "nobody has looked" in verdicts.of_take(takes[0]).why


def test_from_the_first_vote_on_only_what_is_decided_counts(make_take: Make) -> None:
    takes = [make_take("a"), make_take("a", number=2, marks=(CUT,)), make_take("b"), make_take("b", number=2)]
    verdicts = Verdicts({takes[0].id: (True, ""), takes[1].id: (True, "the cut is fine")})
    assert [verdicts.of_take(t).accepted for t in takes] == [True, True, None, None]
    found = figures(takes, verdicts, RATES, "CNY")
    assert (found.takes, found.accepted, found.undecided) == (2, 2, 2)


def test_a_vendors_verdict_counts_against_the_route_and_an_outage_does_not(make_take: Make) -> None:
    takes = [
        make_take("a"),
        make_take("b", state="failed", cost="1", error=("ContentRejected", "moderated")),
        make_take("b", number=2, state="open", cost=None, error=("ProviderUnavailable", "down")),
        make_take("c", state="unfit", cost=None, error=("NoRoute", "no references")),
    ]
    found = figures(takes, Verdicts({}), RATES, "CNY")
    assert (found.takes, found.accepted, found.undecided) == (2, 1, 1)
    assert (found.shots, found.unfit) == (2, 1)
    assert found.failed == {"ContentRejected": 1}
    assert found.per_accepted == Money("3 CNY")  # what was billed for the refused one is part of it


def test_cost_per_accepted_clip_is_the_cost_of_all_takes_over_those_accepted(make_take: Make) -> None:
    takes = [make_take(shot, number=n, cost="3") for shot in "abcd" for n in (1, 2)]
    votes = {t.id: (t.id.shot in "ab", "") for t in takes}
    found = figures(takes, Verdicts(votes), RATES, "CNY")
    assert (found.rate, found.within) == (0.5, 0.5)
    assert found.per_take == Money("3 CNY")
    assert found.per_accepted == Money("6 CNY")
    low, high = found.rate_interval
    # Jeffreys' interval of 4 in 8, from published tables.
    assert (round(low, 3), round(high, 3)) == (0.199, 0.801)
    cheap, dear = found.per_accepted_interval
    assert cheap.amount == pytest.approx(Decimal("3") / Decimal(str(high)))
    assert dear is not None
    assert dear.amount == pytest.approx(Decimal("3") / Decimal(str(low)))


def test_where_nothing_was_accepted_only_the_lower_end_is_known(make_take: Make) -> None:
    found = figures([make_take(marks=(CUT,)), make_take("b", marks=(CUT,))], Verdicts({}), RATES, "CNY")
    assert found.per_accepted is None
    low, high = found.per_accepted_interval
    assert high is None
    assert low > Money("2 CNY")
    assert found.defects == {"cut": (2, 0)}


def test_other_currencies_are_converted_and_zero_is_no_division(make_take: Make) -> None:
    assert figures([make_take(currency="USD")], Verdicts({}), RATES, "CNY").per_take == Money("14 CNY")
    nothing = figures([make_take(state="open", cost=None)], Verdicts({}), RATES, "CNY")
    assert (nothing.rate, nothing.per_accepted, nothing.within, nothing.lag) == (None, None, None, None)
    assert figures([], Verdicts({}), RATES, "CNY").takes == 0


@given(
    outcomes=st.lists(st.booleans(), min_size=1, max_size=30),
    cost=st.decimals("0.01", "90", places=2),
)
def test_the_figures_lie_within_their_ranges(outcomes: list[bool], cost: Decimal) -> None:
    takes = [
        Take(TakeId(f"s{n}", "r", 1), "clip", cost=Money(cost, "CNY"), marks=() if good else (CUT,))
        for n, good in enumerate(outcomes)
    ]
    found = figures(takes, Verdicts({}), RATES, "CNY")
    assert found.rate is not None
    low, high = found.rate_interval
    assert 0 <= low <= found.rate <= high <= 1
    assert low < high
    if found.per_accepted is not None:
        cheap, dear = found.per_accepted_interval
        assert dear is not None
        assert cheap.amount <= found.per_accepted.amount <= dear.amount
        assert found.per_accepted.amount * sum(outcomes) == pytest.approx(cost * len(outcomes))


def test_tags_come_in_kinds_and_shots_are_counted_under_each(suite: Suite, make_take: Make) -> None:
    takes = [make_take("a"), make_take("b"), make_take("b", "vidu")]
    grouped = by_tag(suite, takes)
    assert list(grouped) == [
        ("style", "anime"), ("style", "live"), ("motion", "high-motion"), ("motion", "low-motion"),
        ("dialogue", "no dialogue"), ("mode", "text"), ("prompt", "中文"), ("prompt", "English"), ("topic", "雨"),
    ]  # fmt: skip
    assert {route: len(t) for route, t in grouped["dialogue", "no dialogue"].items()} == {
        "kling": 2,
        "vidu": 1,
    }


def results(suite: Suite, takes: list[Take], votes: Votes | None = None) -> Results:
    return Results(suite, tuple(takes), 2, votes or Votes(), "CNY", RATES)


def test_the_plane_has_every_route_and_the_hull_of_their_mixtures(suite: Suite, make_take: Make) -> None:
    takes = [make_take("a", "cheap", cost="1", marks=(CUT,)), make_take("b", "cheap", cost="1")]
    takes += [make_take(s, "dear", cost="4") for s in "ab"]
    takes += [make_take(s, "poor", cost="3", marks=(CUT,)) for s in "ab"]
    plane = results(suite, takes).plane
    assert plane.points == {"cheap": (1.0, 0.5), "dear": (4.0, 1.0), "poor": (3.0, 0.0)}
    assert plane.hull == ((0.0, 0.0), (1.0, 0.5), (4.0, 1.0))
    assert plane.aiq == pytest.approx((0.25 + 3 * 0.75) / 4)


def test_free_routes_have_no_average_height(suite: Suite, make_take: Make) -> None:
    assert results(suite, [make_take(cost="0")]).plane.aiq is None


def test_reviews_in_the_studio_count_and_votes_come_before_them(suite: Suite, make_take: Make) -> None:
    one = make_take("a", reviews=((True, ""), (False, "face drifts")))
    two = make_take("b", reviews=((False, "no"),))
    found = results(suite, [one, two], Votes({two.id: (True, "")}))
    assert found.verdicts.of_take(one).accepted is False
    assert found.verdicts.of_take(one).why == "face drifts"
    assert found.verdicts.of_take(two).accepted is True


def test_pairs_give_ratings(suite: Suite, make_take: Make) -> None:
    good, bad = make_take("a", "good"), make_take("a", "bad")
    votes = Votes(pairs=[Pair(good.id, bad.id)] * 3)
    ranked = results(suite, [good, bad], votes).preferred()
    assert [r["route"] for r in ranked] == ["good", "bad"]
    assert (ranked[0]["wins"], ranked[0]["compared"]) == (3, 3)
    assert results(suite, [good, bad]).preferred() == []
