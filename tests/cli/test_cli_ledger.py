"""``dramagen ledger`` and the filters of ``dramagen jobs``: the money as people and spreadsheets see it."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from dramagen.cli.ledger import Group
from dramagen.cli.sheets import cell
from dramagen.cli.times import since, until
from dramagen.emulator.server import Handle
from dramagen.engine.report import By

Run = Any
PIN = ("--pin", "seedance/seedance-1.0-pro-fast", "--resolution", "480p", "--duration", "2", "--yes")


def sheet_of(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.fixture
def filmed(run: Run, emulator: Handle) -> Handle:
    """Two shots at one vendor; a third one nobody knows about."""
    for prompt in ("=1+1 雨夜", "街口"):
        assert run("shoot", prompt, *PIN).code == 0
    emulator.faults(provider="seedance", on="create", kind="drop", after_accept=True, times=1)
    emulator.faults(provider="seedance", on="find", kind="status", status=500, times=1000)
    assert run("shoot", "女主回头", *PIN).code == 4
    return emulator


def test_it_can_be_broken_down_by_everything_the_library_can() -> None:
    assert tuple(group.value for group in Group) == get_args(By)


def test_an_empty_home_has_no_ledger(run: Run, place: Path) -> None:
    assert "nothing was ever ordered" in run("ledger").out
    assert run("ledger", "--json").json == {
        "by": "episode", "rows": [], "totals": [], "converted": None, "unrated": [],
    }  # fmt: skip
    assert not (place.parent / "home" / "journal.sqlite").exists()


def test_the_ledger_as_table_json_and_csv_and_against_the_bill(run: Run, filmed: Handle, place: Path) -> None:
    rows = filmed.bill()
    found = run("ledger", "--json").json
    [total] = found["totals"]
    known = sum(Decimal(row["amount"]) for row in rows[:2])
    assert Decimal(total["spent"]["amount"]) == known
    assert Decimal(total["unknown"]["amount"]) > 0
    assert (total["jobs"], total["clips"]) == (3, 2)
    assert total["known"].keys() == {"reported"}
    for by in get_args(By):
        listed = run("ledger", "--by", by, "--json").json["rows"]
        assert sum(Decimal(row["spent"]["amount"]) for row in listed) == known
    table = run("ledger", "--by", "shot").out
    assert "街口" in table
    assert "reported" in table
    cells = sheet_of(run("ledger", "--by", "shot", "--csv").out)
    assert cells[0]["shot"] == "'=1+1 雨夜"
    assert sum(Decimal(row["spent"]) for row in cells) == known
    assert "seedance:cn/seedance-1.0-pro-fast" in run("ledger", "--by", "route").out
    assert run("ledger", "--since", "2020-01-01", "--until", "2020-12-31", "--json").json["rows"] == []
    assert run("ledger", "--provider", "kling", "--json").json["rows"] == []

    # The unknown one is on the bill, under the tag it was sent with where the vendor has one.
    file = place / "bill.json"
    file.write_text(json.dumps({"jobs": rows}), "utf-8")
    against = ("ledger", "--bill", str(file), "--provider", "seedance")
    done = run(*against, "--json")
    assert done.code == 1
    assert len(done.json["agrees"]) == 2
    assert len(done.json["only_theirs"]) + len(done.json["differs"]) == 1
    said = run(*against)
    assert said.code == 1
    assert "ON THE BILL, AND NO JOB OF OURS" in said.out or "differs: 1" in said.out
    assert len(sheet_of(run(*against, "--csv").out)) in (3, 4)

    # A person settles it with the bill's amount; as if nobody else were on it, all is in order then.
    [unknown] = run("jobs", "--state", "unknown", "--json").json["jobs"]
    amount = f"{rows[2]['amount']} CNY"
    assert run("jobs", "settle", unknown["id"], "--paid", "--amount", amount).code == 0
    assert "settled by a person" in run("ledger").out
    rows[2] |= {"tag": unknown["tag"]}
    file.write_text(json.dumps({"jobs": rows}), "utf-8")
    done = run(*against)
    assert (done.code, "the bill is what the ledger says" in done.out) == (0, True)


def test_a_bill_needs_to_be_named_and_read(run: Run, place: Path) -> None:
    file = place / "bill.csv"
    file.write_text("任务,金额\nt1,3\n", "gbk")
    assert run("ledger", "--columns", "id=a").code == 2
    assert run("ledger", "--bill", str(file)).code == 2
    unclear = run("ledger", "--bill", str(file), "--provider", "seedance")
    assert (unclear.code, "任务, 金额" in unclear.err) == (2, True)
    mapped = ("ledger", "--bill", str(file), "--provider", "seedance", "--columns", "id=任务,amount=金额")
    assert "currency" in run(*mapped).err
    done = run(*mapped, "--currency", "cny")
    assert done.code == 1
    assert "ON THE BILL, AND NO JOB OF OURS: 3.00 CNY" in done.out
    assert run("ledger", "--csv", "--json").code == 2
    assert run(*mapped, "--currency", "yuan").code == 2
    assert run(*mapped[:-1], "id:x").code == 2
    assert run("ledger", "--bill", str(place / "none.csv"), "--provider", "seedance").code == 2


def test_jobs_are_chosen(run: Run, filmed: Handle) -> None:
    def names(*options: str) -> list[Any]:
        return [job["state"] for job in run("jobs", *options, "--json").json["jobs"]]

    assert names() == ["done", "done", "unknown"]
    assert names("--limit", "2") == ["done", "unknown"]
    assert names("--state", "done") == ["done", "done"]
    assert names("--state", "done", "--state", "unknown", "--provider", "seedance:cn") == names()
    assert (
        names("--provider", "seedance:intl")
        == names("--episode", "e")
        == names("--since", "2999-01-01")
        == []
    )
    assert names("--since", "1d", "--until", "2999-01-01") == names()
    assert names("--open") == ["unknown"]
    assert run("jobs", "list", "--state", "nothing").code == 2
    assert run("jobs", "--since", "yesterday").code == 2
    assert "and 2 older ones" in run("jobs", "list", "--limit", "1").out


def test_what_a_person_said_of_a_take_is_shown_with_its_job(run: Run, place: Path) -> None:
    from dramagen import Studio

    run("shoot", "雨夜", "--duration", "0.4", "--resolution", "360p", "--pin", "previz")
    studio = Studio()
    (job,) = studio.jobs()
    with studio._books.journal() as journal:
        journal.review(job.id, False, "脸漂了")
        journal.review(job.id, True, "")
        journal.note(job, "ready", {"took": [4.29, 5.4], "kinds": ["0681/kling-3.0/text/4/720p"]})
    shown = run("jobs", "show", job.id, "--json").json
    assert [(r["accepted"], r["reason"]) for r in shown["reviews"]] == [(False, "脸漂了"), (True, "")]
    out = run("jobs", "show", job.id).out
    assert "a person rejected it  reason 脸漂了" in out
    assert out.index("rejected") < out.index("accepted it")
    assert "took 4.3 to 5.4 s" in out
    assert not {"{", "["} & set(out)  # money, times and errors are said, not dumped


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\t=1", "'\t=1"), (" =1", "' =1"),
        ("＝1", "'＝1"), ("雨夜", "雨夜"), ("", ""), (None, ""), (Decimal("-1.50"), "-1.50"), (-3, "-3"), (" ", " "),
        (Decimal("1E+3"), "1000"),
    ],
)  # fmt: skip
def test_a_cell_runs_nothing(value: object, written: str) -> None:
    assert cell(value) == written


def test_times_as_people_type_them() -> None:
    assert since("2026-11-22") == datetime(2026, 11, 22).astimezone()
    assert until("2026-11-22") - since("2026-11-22") == timedelta(days=1)
    assert until("2026-11-22T08:00") == since("2026-11-22T08:00") == since("2026-11-22") + timedelta(hours=8)
    assert since("2026-11-22T08:00+08:00") == datetime(2026, 11, 22, tzinfo=UTC)
    ago = datetime.now(UTC) - since("2d")
    assert abs(ago - timedelta(days=2)) < timedelta(minutes=1)
