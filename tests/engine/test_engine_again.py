"""The same order once more, in the journal: one second job at most, whoever saw the first one fail."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from dramagen import Money
from dramagen.catalog.order import Order, Price, Quote
from dramagen.catalog.route import Route
from dramagen.engine.jobs import Intent, Job
from dramagen.engine.journal import Database, Journal
from dramagen.engine.state import JobState
from dramagen.money import Rates

S = JobState
TO: dict[JobState, tuple[JobState, ...]] = {
    S.FAILED: (S.SENDING, S.ACCEPTED, S.FAILED),
    S.DEFECTIVE: (S.SENDING, S.ACCEPTED, S.READY, S.DEFECTIVE),
    S.REFUSED: (S.SENDING, S.REFUSED),
    S.UNKNOWN: (S.SENDING, S.UNKNOWN),
    S.DONE: (S.SENDING, S.ACCEPTED, S.READY, S.DONE),
    S.LOST: (S.SENDING, S.ACCEPTED, S.LOST),
}
ROUTE = Route(provider="seedance", region="cn", model="seedance-2.0")


def intent(pin: str | None = None, route: Route = ROUTE) -> Intent:
    order = Order(
        route=route, wire={"model": "m"}, mode="text", prompt="雨夜", duration=Decimal(5), resolution="720p",
        audio=False,
    )  # fmt: skip
    quote = Quote(route=route, order=order, price=Price(expected=Money("1 CNY"), most=Money("1 CNY")))
    return Intent(
        shot_hash="s1:a", take=1, quote=quote, order_hash=order.hash, shot={}, shot_id=None, episode=None,
        credential="c", owner="me", pin=pin,
    )  # fmt: skip


def ended(journal: Journal, job: Job, state: JobState) -> Job:
    for each in TO[state]:
        job = journal.move(job, each)
    return job


@pytest.fixture
def journal(opening: Callable[..., Database]) -> Journal:
    ticks = itertools.count(1_795_000_000)
    return Journal(opening(), lambda: float(next(ticks)), Rates({"CNY": Decimal("7.14")}, date(2026, 10, 8)))


@pytest.mark.parametrize("pin", [None, "seedance"])
@pytest.mark.parametrize("first", [S.FAILED, S.DEFECTIVE])
@pytest.mark.parametrize("second", [S.FAILED, S.DEFECTIVE, S.UNKNOWN, S.DONE])
def test_of_all_who_saw_the_first_one_end_one_buys_the_second(
    journal: Journal, pin: str | None, first: JobState, second: JobState
) -> None:
    usual = intent(pin)
    one = ended(journal, journal.reserve(usual)[0], first)
    again = replace(usual, after=one.id, again=True)
    two, new = journal.reserve(again)
    assert new
    assert two.id != one.id
    assert journal.reserve(again) == (two, False)
    two = ended(journal, two, second)
    for late in (again, replace(again, pin=None), replace(again, after=two.id)):
        held, new = journal.reserve(late)
        assert not new
        assert held.id in (one.id, two.id)
    assert len(journal.jobs()) == 2


@pytest.mark.parametrize("state", [S.FAILED, S.DEFECTIVE])
def test_nobody_buys_a_second_one_without_saying_so(journal: Journal, state: JobState) -> None:
    one = ended(journal, journal.reserve(intent())[0], state)
    for said in (intent(), replace(intent(), after=one.id)):
        held, new = journal.reserve(said)
        assert (held.id, new) == (one.id, False)


@pytest.mark.parametrize("state", [S.UNKNOWN, S.DONE, S.LOST])
def test_what_is_unknown_or_paid_for_is_never_ordered_once_more(journal: Journal, state: JobState) -> None:
    one = ended(journal, journal.reserve(intent())[0], state)
    held, new = journal.reserve(replace(intent(), after=one.id, again=True))
    assert (held.id, new) == (one.id, False)


def test_past_a_defective_clip_another_route_is_asked_only_by_who_names_it(journal: Journal) -> None:
    elsewhere = intent(route=Route(provider="kling", region="cn", model="kling-3.0"))
    one = ended(journal, journal.reserve(intent())[0], S.DEFECTIVE)
    assert journal.reserve(elsewhere) == (one, False)
    two, new = journal.reserve(replace(elsewhere, after=one.id))
    assert new
    assert two.route != one.route
