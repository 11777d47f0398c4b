"""A journal of an older version opened today, and what is read of a job without its order."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dramagen import Money
from dramagen.adapters.base import Ticket
from dramagen.catalog.order import Order, Price, Quote
from dramagen.catalog.route import Route
from dramagen.engine.database import SQLite
from dramagen.engine.entries import Which
from dramagen.engine.jobs import Intent, Job
from dramagen.engine.journal import Database, Journal
from dramagen.engine.schema import MIGRATIONS
from dramagen.engine.state import NO_JOB, JobState
from dramagen.errors import ConfigError, ContentRejected
from dramagen.money import Rates

S = JobState
RATES = Rates({"CNY": Decimal("7")}, date(2026, 10, 8))
NOW = 1_795_000_000.0
KLING = Route(provider="kling", region="intl", model="kling-3.0")
KLING_CN = Route(provider="kling", region="cn", model="kling-3.0")
OTHER = Route(provider="kling-like", region="cn", model="m_1")

Opening = Callable[..., Database]


def quote(route: Route, prompt: str) -> Quote:
    order = Order(
        route=route, wire={"model": "m"}, mode="text", prompt=prompt, duration=Decimal(5), resolution="720p",
        audio=False,
    )  # fmt: skip
    return Quote(route=route, order=order, price=Price(expected=Money("1 CNY"), most=Money("2.5 CNY")))


def insert(database: Database, table: str, **values: Any) -> None:
    marks = ", ".join("?" for _ in values)
    with database.transaction() as tx:
        tx.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))


def as_version_1_wrote(database: Database) -> None:
    """One job of every state, each with a binding, its events and a review: rows as the first version had them."""
    for n, state in enumerate(S):
        settled = state in (S.DONE, S.FAILED)
        made = quote(KLING, f"雨夜 {n}")
        error = ContentRejected("no", stage="output", provider="kling").to_json()
        insert(
            database, "jobs", id=f"{n:016x}", shot_hash=f"s1:{n}", take=2, generation=1,
            order_hash=made.order.hash, route=made.route.id, quote=made.model_dump_json(),
            shot=json.dumps({"prompt": f"雨夜 {n}"}), shot_id=f"s{n}" if n % 2 else None, episode="第一集",
            tag=f"tag{n}", credential="c0ffee", owner="gone", state=state.value, reserved="2.5", currency="CNY",
            cap_currency="USD", rate="0.142857142857142857142857143", cost="1.000001" if settled else None,
            cost_currency="CNY" if settled else None, cost_source="reported" if settled else None,
            body_digest="abc", sent_at=NOW, sent_until=NOW + 1, created=NOW + n, updated=NOW + n + 0.5,
            ticket=Ticket(id=f"v{n}", route=KLING, data={"path": "/v1"}).model_dump_json() if n % 3 else None,
            error=json.dumps(error) if state == S.FAILED else None,
            result=json.dumps({"original": "ab", "seed": 7}) if state == S.DONE else None,
        )  # fmt: skip
        insert(database, "bindings", shot_hash=f"s1:{n}", take=2, generation=1, job=f"{n:016x}")
        for kind in ("reserved", state.value):
            insert(database, "events", job=f"{n:016x}", at=NOW + n, kind=kind, data=json.dumps({"why": kind}))
        insert(database, "reviews", job=f"{n:016x}", accepted=n % 2, reason="脸漂了", at=NOW + n)


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_nothing_is_lost_of_an_older_journal(opening: Opening, version: int) -> None:
    old = opening(MIGRATIONS[:version])
    as_version_1_wrote(old)
    old.close()
    for _ in range(2):  # the second time it is of today's version
        journal = Journal(opening(), lambda: NOW, RATES)
        jobs = journal.jobs()
        assert [job.state for job in jobs] == list(S)
        for n, job in enumerate(jobs):
            assert job.quote == quote(KLING, f"雨夜 {n}")
            assert (job.owner, job.epoch, job.take, job.generation, job.episode) == (
                "gone",
                0,
                2,
                1,
                "第一集",
            )
            assert (job.reserved, job.rate) == (Money("2.5 CNY"), Decimal("0.142857142857142857142857143"))
            assert (job.ticket.id if job.ticket else None) == (f"v{n}" if n % 3 else None)
            assert (job.sent_at, job.sent_until, job.created, job.updated) == (
                NOW,
                NOW + 1,
                NOW + n,
                NOW + n + 0.5,
            )
            assert [line["kind"] for line in journal.timeline(job.id)] == ["reserved", job.state.value]
            assert journal.reviews(job.id) == [{"at": NOW + n, "accepted": bool(n % 2), "reason": "脸漂了"}]
            bound = journal.bound(f"s1:{n}", 2)
            assert (bound and bound.id) == (job.id if job.state not in NO_JOB else None)
        ledger = journal.ledger()
        assert ledger.spent == (Money("2.000002 CNY"),)
        assert ledger.reserved == (Money("7.5 CNY"),)
        assert ledger.unknown == (Money("2.5 CNY"),)
    # And it is used as any other: an old job moves on, a new one is reserved.
    ready = next(job for job in jobs if job.state == S.READY)
    taken = journal.take_over(ready, "me")
    assert taken is not None
    assert journal.move(taken, S.DONE, cost=Money("1 CNY"), cost_source="reported").state == S.DONE
    journal.review(ready.id, True, "好")
    assert [review["accepted"] for review in journal.reviews(ready.id)][-1] is True


@pytest.mark.matrix
@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_an_older_process_goes_on_beside_a_newer_one_and_is_not_started_again(
    opening: Opening, version: int
) -> None:
    """No step takes away what the code before it reads or writes."""
    older = opening(MIGRATIONS[:version])
    with older.reading() as tx:
        assert tx.rows("SELECT id FROM jobs") == []
    newer = Journal(opening(), lambda: NOW, RATES)
    as_version_1_wrote(older)
    jobs = newer.jobs()
    assert [job.state for job in jobs] == list(S)
    for table in ("jobs", "bindings", "events", "reviews"):
        with older.reading() as tx:
            assert tx.rows(f"SELECT * FROM {table}")
    newer.review(jobs[0].id, True, "好")
    with older.transaction() as tx:
        assert (
            tx.execute("UPDATE jobs SET state = 'refused', updated = ? WHERE state = 'intended'", (NOW,)) == 1
        )
    with pytest.raises(ConfigError, match=rf"newer dramagen .*this one knows {version}\): upgrade dramagen"):
        opening(MIGRATIONS[:version])


def test_a_reader_of_the_older_version_delays_the_step_and_loses_nothing(opening: Opening) -> None:
    older = opening(MIGRATIONS[:-1])
    with older.reading() as tx:
        assert tx.rows("SELECT id FROM jobs") == []
        if isinstance(older, SQLite):  # readers are in nobody's way
            opening()
        else:
            with pytest.raises(ConfigError, match=r"lock timeout.*Nothing was changed"):
                opening(patience=0.05)
        assert tx.rows("SELECT id FROM jobs") == []
    opening()


# --- without the order ---------------------------------------------------------------------------------------------


@pytest.fixture
def journal(opening: Opening) -> Journal:
    """Six jobs, a minute apart: of two episodes, three routes, in several states."""
    time = [NOW]

    def now() -> float:
        return time[0]

    made = Journal(opening(), now, RATES)
    for n, (route, episode) in enumerate(
        [(KLING, "e1"), (KLING_CN, "e1"), (OTHER, "e1"), (KLING, "e2"), (KLING_CN, None), (OTHER, "e2")]
    ):
        time[0] = NOW + 60 * n
        job, _ = made.reserve(intent(n, route, episode))
        if n < 4:
            job = made.move(job, S.SENDING)
        if n < 3:
            job = made.move(job, S.ACCEPTED, ticket=Ticket(id=f"v{n}", route=route))
        if n == 0:
            job = made.move(job, S.READY, cost=Money("1.5 CNY"), cost_source="reported", result={"seed": 1})
        if n == 1:
            error = ContentRejected("no", stage="output")
            made.move(job, S.FAILED, error=error, cost=Money("0 CNY"), cost_source="computed")
    return made


def intent(n: int, route: Route, episode: str | None) -> Intent:
    made = quote(route, f"p{n}")
    return Intent(
        shot_hash=f"s1:{n}", take=1, quote=made, order_hash=made.order.hash, shot={"prompt": f"p{n}"},
        shot_id="named" if n == 0 else None, episode=episode, credential="c", owner="me",
    )  # fmt: skip


def test_an_entry_is_the_job_without_its_order(journal: Journal) -> None:
    jobs, entries = journal.jobs(), journal.entries()
    assert [entry.to_json() for entry in entries] == [job.to_json() for job in jobs]
    assert [entry.name for entry in entries] == ["named", "p1", "p2", "p3", "p4", "p5"]
    assert [entry.route for entry in entries] == [job.route for job in jobs]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, "012345"),
        ({"episode": "e1"}, "012"),
        ({"provider": "kling"}, "0134"),
        ({"provider": "kling:cn"}, "14"),
        ({"provider": "KLING"}, ""),
        ({"provider": "%"}, ""),
        ({"states": ["ready", "sending"]}, "03"),
        ({"states": []}, ""),
        ({"open_only": True}, "02345"),
        ({"open_only": True, "states": ["failed", "ready"]}, "0"),
        ({"since": datetime.fromtimestamp(NOW + 120, UTC)}, "2345"),
        ({"until": datetime.fromtimestamp(NOW + 120, UTC)}, "01"),
        ({"limit": 2}, "45"),
        ({"limit": 0}, ""),
        ({"episode": "e2", "provider": "kling", "limit": 9}, "3"),
        ({"episode": "' OR 1 = 1 --"}, ""),
    ],
)
def test_jobs_are_chosen_by_the_database(journal: Journal, chosen: Any, expected: str) -> None:
    which = Which.of(**chosen)
    assert [entry.shot_hash[-1] for entry in journal.entries(which)] == list(expected)
    assert [job.shot_hash[-1] for job in journal.jobs(which)] == list(expected)


def test_a_state_there_is_none_of_is_refused() -> None:
    with pytest.raises(ValueError, match="finished"):
        Which.of(states=["finished"])


def test_what_a_job_cost_is_corrected_once_it_is_over(journal: Journal) -> None:
    ready, failed = journal.jobs()[:2]
    with pytest.raises(ValueError, match="no final cost"):
        journal.correct(ready, Money("1 CNY"), "settled by a person")
    fixed: Job = journal.correct(failed, Money("0.5 USD"), "settled by a person")
    assert (fixed.state, fixed.cost, fixed.error is not None) == (S.FAILED, Money("0.5 USD"), True)
    last = journal.timeline(failed.id)[-1]
    assert (last["kind"], last["money"], last["known"]) == ("settled", Money("0.5 USD").to_json(), "computed")
    assert journal.ledger().wasted == (Money("0.5 USD"),)
