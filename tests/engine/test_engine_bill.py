"""Bills as vendors export them, and the ledger against one."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen import Money
from dramagen.catalog.route import Route
from dramagen.engine.bill import Charge, read_bill
from dramagen.engine.billcheck import check_bill
from dramagen.engine.entries import Entry
from dramagen.engine.ledger import ledger_of
from dramagen.engine.report import BY, report
from dramagen.engine.state import JobState
from dramagen.errors import ConfigError
from dramagen.money import Rates, total

S = JobState
CN = Route(provider="kling", region="cn", model="kling-3.0")
INTL = Route(provider="kling", region="intl", model="kling-3.0")
RATES = Rates({"CNY": Decimal("7")}, date(2026, 10, 8))
MAP = {"id": "任务ID", "amount": "金额", "currency": "币种"}


def entry(n: int, state: JobState = S.DONE, cost: str | None = "3.50 CNY", **known: Any) -> Entry:
    made = Entry(
        id=f"job{n}", shot_hash=f"s1:{n}", shot_id=f"s{n}", name=f"s{n}", episode="e1", take=1, generation=0,
        route=CN, state=state, owner="me", tag=f"tag{n}", reserved=Money("4 CNY"),
        cost=None if cost is None else Money(cost), cost_source="computed", vendor_id=f"v{n}", error=None,
        result=None, created=1_795_000_000.0 + n, updated=0.0,
    )  # fmt: skip
    return replace(made, **known)


def charges(*rows: tuple[str, str]) -> list[Charge]:
    return [Charge(vendor_id, Money(money)) for vendor_id, money in rows]


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bill.csv"


ROWS = "任务ID,金额,币种,备注\nt1,3.50,CNY,雨夜\nt2,-1.25,CNY,退款\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_the_encodings_of_consoles_and_spreadsheets(file: Path, encoding: str) -> None:
    file.write_bytes(ROWS.encode(encoding))
    assert read_bill(file, "kling", MAP) == charges(("t1", "3.50 CNY"), ("t2", "-1.25 CNY"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_and_line_ends(file: Path, end: str, delimiter: str) -> None:
    text = "账单\n导出时间 2026-11-22\n\n" + ROWS.replace(",", delimiter) + "\n"
    file.write_bytes(text.replace("\n", end).encode())
    assert [charge.vendor_id for charge in read_bill(file, "kling", MAP)] == ["t1", "t2"]


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1,234.50", "1234.5"), ("¥12.00", "12"), ("￥12", "12"), ("-3.2", "-3.2"), ("(3.20)", "-3.2"),
        ("−3.2", "-3.2"), ("12.5元", "12.5"), ("12.5 CNY", "12.5"), ("CNY 12.5", "12.5"), ('="7.5"', "7.5"),
        ("'7.5", "7.5"), ("\t7.5", "7.5"), ("12.5", "12.5"), (".5", "0.5"), ("1,234,567.000001", "1234567.000001"),
        ("-¥1,000", "-1000"), ("0", "0"),
    ],
)  # fmt: skip
def test_amounts_as_they_are_written(file: Path, cell: str, amount: str) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["id", "cost"], ["t1", cell]])
    (charge,) = read_bill(file, "kling", {"id": "id", "amount": "cost"}, "CNY")
    assert charge.money == Money(amount, "CNY")


@pytest.mark.parametrize(
    "cell", ["3,20", "", "free", "1.2.3", "1e3", "12,34.5", "--1", "3.20 USD", "NaN", "(1", "."]
)
def test_what_is_no_amount_names_its_row(file: Path, cell: str) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["id", "cost"], ["t1", "1"], ["t2", cell]])
    with pytest.raises(ConfigError, match=r"bill\.csv, row 3"):
        read_bill(file, "kling", {"id": "id", "amount": "cost"}, "CNY")


@given(
    st.lists(
        st.tuples(
            st.text("abcdef0123456789-", min_size=1, max_size=12).filter(
                lambda text: not text.startswith("-")
            ),
            st.decimals(-10_000, 10_000, places=6),
        ),
        max_size=8,
    ),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8-sig", "gb18030", "utf-16"]),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, Decimal]], delimiter: str, encoding: str
) -> None:
    file = tmp_path_factory.mktemp("bill") / "b.csv"
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["备注", *MAP.values()])
    writer.writerows([["雨;夜,\t“x”\n", key, f"{amount:,}", "CNY"] for key, amount in rows])
    file.write_bytes(out.getvalue().encode(encoding))
    read = read_bill(file, "kling", MAP)
    assert [(charge.vendor_id, charge.money.amount) for charge in read] == rows


def test_the_emulators_bill_is_one_as_json_and_as_csv(tmp_path: Path) -> None:
    rows: list[dict[str, str | None]] = [
        {"provider": "kling", "model": "m", "id": "1", "tag": "a", "state": "s", "amount": "4", "currency": "CNY"},
        {"provider": "kling@intl", "model": "m", "id": "2", "tag": None, "state": "s", "amount": "0.5",
         "currency": "USD"},
        {"provider": "wan", "model": "m", "id": "3", "tag": "c", "state": "s", "amount": "9", "currency": "CNY"},
    ]  # fmt: skip
    (tmp_path / "bill.json").write_text(json.dumps({"jobs": rows}), "utf-8")
    with (tmp_path / "bill.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    expected = [Charge("1", Money("4 CNY"), "a"), Charge("2", Money("0.5 USD"))]
    assert read_bill(tmp_path / "bill.json", "kling") == expected
    assert read_bill(tmp_path / "bill.csv", "kling") == expected


def test_klings_deductions_are_known_and_those_from_packs_are_no_money(file: Path) -> None:
    file.write_text("task_id,model_name,deduction_amount\n920000000000000001,kling-v3,4\n", "utf-8")
    assert read_bill(file, "kling", currency="CNY") == charges(("920000000000000001", "4 CNY"))
    with pytest.raises(ConfigError, match="in which currency"):
        read_bill(file, "kling")
    file.write_text("task_id,package_name,deduction_amount\n1,p,4\n", "utf-8")
    with pytest.raises(ConfigError, match="units of a pack"):
        read_bill(file, "kling", currency="CNY")


def test_a_rounded_id_is_not_believed(file: Path) -> None:
    file.write_text("task_id,deduction_amount\n9.2E+17,4\n", "utf-8")
    with pytest.raises(ConfigError, match="rounded by a spreadsheet"):
        read_bill(file, "kling", currency="CNY")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"PK\x03\x04\x00\x00\x00", "no text"),
        (b"{\"jobs\": ", "not JSON"),
        (b"[1, 2]", "list of objects"),
        (b'{"a": [], "b": []}', "list of objects"),
        (b"a,b\n1,2\n", "has no column '"),
    ],
)  # fmt: skip
def test_what_is_no_bill_is_told(file: Path, data: bytes, says: str) -> None:
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=says):
        read_bill(file, "kling", MAP)


@pytest.mark.parametrize("columns", [{"id": "a"}, {"id": "a", "amount": "b", "price": "c"}])
def test_columns_are_named_for_what_there_is(file: Path, columns: dict[str, str]) -> None:
    file.write_text("a,b,c\n1,2,3\n", "utf-8")
    with pytest.raises(ConfigError, match="id and amount"):
        read_bill(file, "kling", columns)


def test_a_row_that_sums_up_is_no_job(file: Path) -> None:
    file.write_text("任务ID,金额,币种\nt1,3,CNY\n合计:,3,CNY\n,3,CNY\n,,\n", "utf-8")
    check = check_bill(read_bill(file, "kling", MAP), [entry(1, vendor_id="t1", cost="3 CNY")])
    assert check.unnamed == (Money("6 CNY"),)
    assert check.in_order


# --- comparing -----------------------------------------------------------------------------------------------------


def test_a_bill_like_the_ledger_is_in_order() -> None:
    check = check_bill(charges(("v1", "3.5 CNY"), ("v2", "3.504 CNY")), [entry(1), entry(2)])
    assert check.in_order
    assert [pair.job.id for pair in check.agrees] == ["job1", "job2"]
    assert check_bill([], []).in_order


def test_every_way_to_disagree_is_a_list_of_its_own() -> None:
    jobs = [
        entry(1), entry(2), entry(3), entry(4, S.UNKNOWN, None, vendor_id=None),
        entry(5, S.UNKNOWN, None, vendor_id=None), entry(6, S.ACCEPTED, None), entry(7, S.FAILED, "0 CNY"),
        entry(8, S.REFUSED, None, vendor_id=None), entry(9, S.FAILED, "0 CNY"),
    ]  # fmt: skip
    bill = [
        *charges(("v1", "3.5 CNY"), ("v2", "3.5 CNY"), ("v2", "3.5 CNY"), ("v6", "4 CNY"), ("v7", "0 CNY")),
        *charges(("strange", "9 CNY"), ("free", "0 CNY")),
        Charge("v44", Money("3 CNY"), "tag4"),
        Charge("v88", Money("2 CNY"), "tag8"),
    ]
    check = check_bill(bill, jobs)
    found = {
        name: [pair.job.id for pair in getattr(check, name)]
        for name in ("agrees", "differs", "only_ours", "running", "unknown")
    }
    assert found == {
        "agrees": ["job1", "job7"], "differs": ["job2", "job4", "job8"], "only_ours": ["job3"],
        "running": ["job6"], "unknown": ["job5"],
    }  # fmt: skip
    assert [one.vendor_id for one in check.only_theirs] == ["strange"]
    assert check.ours == (Money("10.5 CNY"),)
    assert check.theirs == (Money("24.5 CNY"),)
    assert not check.in_order
    json.dumps(check.to_json())


def test_a_refund_is_taken_off() -> None:
    bill = charges(("v1", "3.5 CNY"), ("v1", "-3.5 CNY"))
    assert check_bill(bill, [entry(1, S.FAILED, "0 CNY")]).in_order
    (pair,) = check_bill(bill, [entry(1)]).differs
    assert not any(pair.theirs)


def test_another_currency_is_another_amount() -> None:
    assert [p.job.id for p in check_bill(charges(("v1", "3.5 USD")), [entry(1)]).differs] == ["job1"]


def test_what_only_we_have_counts_in_the_time_of_the_bill() -> None:
    jobs = [entry(1), entry(2), entry(3)]
    check = check_bill(charges(("v1", "3.5 CNY")), jobs, since=jobs[1].created, until=jobs[2].created)
    assert [pair.job.id for pair in check.agrees] == ["job1"]  # at the edge, and found all the same
    assert [pair.job.id for pair in check.only_ours] == ["job2"]


@given(st.lists(st.decimals(0, 100, places=4), max_size=12), st.data())
def test_no_money_of_a_bill_is_in_two_lists_or_in_none(
    amounts: Sequence[Decimal], data: st.DataObject
) -> None:
    jobs = [entry(n, cost=f"{amount} CNY") for n, amount in enumerate(amounts)]
    bill = [
        Charge(f"v{data.draw(st.integers(0, 15))}", Money(data.draw(st.decimals(-5, 100, places=4)), "CNY"))
        for _ in range(data.draw(st.integers(0, 12)))
    ]
    check = check_bill(bill, jobs)
    sides = [one.theirs for one in (*check.agrees, *check.differs, *check.running)]
    theirs = total(money for side in [*sides, *(one.theirs for one in check.only_theirs)] for money in side)
    assert sum(m.amount for m in theirs) == sum(charge.money.amount for charge in bill) - sum(
        money.amount for one in _zeroed(bill, jobs) for money in one
    )
    ours = sum(p.ours.amount for p in [*check.agrees, *check.differs, *check.only_ours] if p.ours is not None)
    assert ours == sum(amounts)


def _zeroed(bill: Sequence[Charge], jobs: Sequence[Entry]) -> list[tuple[Money, ...]]:
    """Jobs that are not ours and whose rows come to nothing: no money, so in no list."""
    ours = {job.vendor_id for job in jobs}
    ids = {charge.vendor_id for charge in bill} - ours
    sums = [total(c.money for c in bill if c.vendor_id == key) for key in ids]
    return [one for one in sums if not any(one)]


# --- broken down ---------------------------------------------------------------------------------------------------


JOBS = [
    entry(1, cost="3 CNY", cost_source="reported"),
    entry(2, S.FAILED, "1 CNY", cost_source="assumed", episode="e2"),
    entry(3, S.DEFECTIVE, "0.5 USD", route=INTL, reserved=Money("1 USD")),
    entry(4, S.LOST, "2 CNY", cost_source="assumed", shot_id=None, name="雨" * 40),
    entry(5, S.PAID, "4 CNY", cost_source="settled by a person"),
    entry(6, S.UNKNOWN, None, episode=None), entry(7, S.ACCEPTED, None), entry(8, S.REFUSED, None),
    entry(9, S.READY, "1 CNY"), entry(10, S.FAILED, "0 CNY"), entry(11, S.UNPAID, "0 CNY"),
    entry(12, S.UNPAID, "7 CNY", cost_source="settled by a person"),
]  # fmt: skip


@pytest.mark.parametrize("by", BY)
def test_however_it_is_broken_down_the_money_is_the_same(by: Any) -> None:
    made = report(JOBS, by, "CNY", RATES)
    for column in ("jobs", "clips", "spent", "reserved", "unknown", "wasted"):
        for sums in made.totals:
            parts = [getattr(row, column) for row in made.rows if row.currency == sums.currency]
            assert sum(parts) == getattr(sums, column)
    for sums in [*made.rows, *made.totals]:
        assert sum(sums.sources.values()) == sums.spent  # how it is known is said of every amount
        assert sum(sums.causes.values()) == sums.wasted
    ledger = ledger_of(JOBS)
    for name in ("spent", "reserved", "unknown", "wasted"):
        amounts = {sums.currency: getattr(sums, name) for sums in made.totals if getattr(sums, name)}
        assert amounts == {money.currency: money.amount for money in getattr(ledger, name) if money}
    json.dumps(made.to_json())


def test_what_was_wasted_says_why_and_what_was_spent_how_it_is_known() -> None:
    cny, usd = report(JOBS, "episode", "CNY", RATES).totals
    assert cny.causes == {
        "failed but billed": 1, "lost": 2, "settled as paid": 4, "refused but billed": 7,
    }  # fmt: skip
    assert usd.causes == {"defective": Decimal("0.5")}
    assert cny.sources == {"reported": 3, "assumed": 3, "settled by a person": 11, "computed": 1}
    assert cny.reserved == cny.unknown == 4


def test_currencies_meet_only_where_it_is_said_at_what_rate() -> None:
    made = report(JOBS, "provider", "CNY", RATES)
    assert [(row.group, row.currency) for row in made.rows] == [("kling", "CNY"), ("kling", "USD")]
    assert made.converted is not None
    assert made.converted.spent == Money("21.5 CNY")  # 18 + 0.5 * 7
    assert made.converted.rates == {"USD": 7}
    assert made.converted.stated == date(2026, 10, 8)
    assert report(JOBS[:2], "provider", "CNY", RATES).converted is None
    strange = [entry(1, cost="3 EUR", reserved=Money("3 EUR"))]
    assert report(strange, "provider", "CNY", RATES).unrated == ("EUR",)


def test_one_id_in_two_episodes_is_two_shots() -> None:
    twins = [entry(1), entry(1, id="other", episode="e2"), entry(1, id="reworded", shot_hash="s1:x")]
    assert [(row.group, row.jobs) for row in report(twins, "shot", "CNY", RATES).rows] == [
        ("e1/s1", 2),
        ("e2/s1", 1),
    ]
    assert {row.group for row in report(JOBS, "shot", "CNY", RATES).rows} >= {"e1/" + "雨" * 23 + "…", "s6"}
