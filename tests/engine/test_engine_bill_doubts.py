"""Bills that can be misread: what cannot be said for certain is an error that names it, never another amount."""

from decimal import Decimal
from pathlib import Path

import pytest

from dramagen import Money
from dramagen.engine.bill import Charge, read_bill
from dramagen.errors import ConfigError

MAP = {"id": "id", "amount": "cost"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bill.csv"


@pytest.mark.parametrize("cell", ["0,350", "1,350", "-1,350", "€ 1,350"])
def test_between_semicolons_a_comma_may_be_a_decimal_point(file: Path, cell: str) -> None:
    file.write_text(f"id;cost\nt1;2\nt2;{cell}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"row 3.*a thousand or a fraction"):
        read_bill(file, "kling", MAP, "CNY")


def test_where_there_is_no_doubt_it_is_read(file: Path) -> None:
    file.write_text("id;cost\nt1;1,350.25\nt2;1,350,000\n", "utf-8")
    assert [str(charge.money) for charge in read_bill(file, "kling", MAP, "CNY")] == [
        "1350.25 CNY",
        "1350000.00 CNY",
    ]


def test_no_thousand_begins_with_nothing(file: Path) -> None:
    file.write_text('id,cost\nt1,"0,350"\n', "utf-8")
    with pytest.raises(ConfigError, match="not an amount"):
        read_bill(file, "kling", MAP, "CNY")


def test_an_amount_that_fell_into_two_cells_is_noticed(file: Path) -> None:
    file.write_text("id,cost\nt1,3.20,\nt2,3,20\n", "utf-8")
    with pytest.raises(ConfigError, match=r"row 3 .*more cells"):
        read_bill(file, "kling", MAP, "CNY")


def test_of_two_columns_of_one_name_none_is_guessed(file: Path) -> None:
    file.write_text("id,cost,cost,note,note\nt1,3,4,a,b\n", "utf-8")
    with pytest.raises(ConfigError, match="several columns 'cost'"):
        read_bill(file, "kling", MAP, "CNY")


@pytest.mark.parametrize("name", ["RMB", "rmb", "CNH", "人民币", "元", "CNY"])
def test_one_currency_has_many_names(file: Path, name: str) -> None:
    file.write_text(f"id,cost,in\nt1,3.5,{name}\n", "utf-8")
    assert read_bill(file, "kling", MAP | {"currency": "in"}) == [Charge("t1", Money("3.5 CNY"))]
    file.write_text("id,cost\nt1,RMB 3.5\n", "utf-8")
    assert read_bill(file, "kling", MAP, "CNY") == [Charge("t1", Money("3.5 CNY"))]


@pytest.mark.parametrize(
    ("cell", "stated"), [("$3", "CNY"), ("US$3", "CNY"), ("¥3", "USD"), ("￥3", "USD"), ("3元", "USD")]
)
def test_a_symbol_that_contradicts_the_currency_is_noticed(file: Path, cell: str, stated: str) -> None:
    file.write_text(f"id,cost\nt1,{cell}\n", "utf-8")
    with pytest.raises(ConfigError, match=f"not in {stated}"):
        read_bill(file, "kling", MAP, stated)


def test_ten_thousand_rows_are_summed_to_the_last_digit(file: Path) -> None:
    rows = [f"t{n},{n // 7}.{n:06d}" for n in range(10_000)]
    file.write_text("id,cost\n" + "\n".join(rows), "utf-8")
    read = sum((charge.money.amount for charge in read_bill(file, "kling", MAP, "CNY")), Decimal())
    exact = sum((n // 7) * 1_000_000 + n for n in range(10_000))
    assert read * 1_000_000 == exact
