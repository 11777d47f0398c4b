"""Money and rates: exact, one currency at a time, and never read out of an ambiguous text."""

import copy
import json
import pickle
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen import Money
from dramagen.money import LARGEST, Rates, total

amounts = st.decimals(-(10**9), 10**9, allow_nan=False, places=6)
currencies = st.sampled_from(["CNY", "USD"])
money = st.builds(Money, amounts, currencies)
RATES = Rates({"CNY": "7.1"}, date(2026, 11, 22))


def test_three_spellings_of_one_amount() -> None:
    assert Money("80 CNY") == Money(Decimal("80"), "CNY") == Money("80.00", "cny") == Money("80CNY")
    assert len({Money("80 CNY"), Money("80.0 CNY")}) == 1


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1,234.50 CNY", "1234.50"), ("1_000 CNY", "1000"), ("-3.2 usd", "-3.2"), (" 1e3 CNY ", "1000")],
)
def test_grouped_and_signed_texts(text: str, amount: str) -> None:
    assert Money(text).amount == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    ["80", "CNY", "", "8,50 CNY", "1,2345 CNY", "1__0 CNY", "80 RMBB", "80 ¥", "nan CNY", "1e99 CNY"],
)
def test_a_text_that_may_mean_two_things_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|limit"):
        Money(text)


def test_floats_are_refused_everywhere() -> None:
    with pytest.raises(TypeError):
        Money(8.5, "CNY")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(TypeError):
        Money("1 CNY") * 1.5  # type: ignore[operator]  # the mistake under test
    with pytest.raises(TypeError):
        Rates({"CNY": 7.1}, date(2026, 11, 22))  # type: ignore[dict-item]  # the mistake under test


@given(money, money)
def test_currencies_never_mix(one: Money, two: Money) -> None:
    if one.currency == two.currency:
        assert (one + two) - two == one
        assert (one < two) is (one.amount < two.amount)
    else:
        assert one != two
        for operation in (lambda: one + two, lambda: one - two, lambda: one < two, lambda: one >= two):
            with pytest.raises(ValueError, match="without a rate"):
                operation()


@given(money)
def test_money_travels(value: Money) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value
    assert Money.parse(json.loads(json.dumps(value.to_json()))) == value
    assert Money(f"{value.amount:f} {value.currency}") == value


def test_money_does_not_change() -> None:
    with pytest.raises(AttributeError):
        Money("1 CNY").amount = Decimal(2)


@given(money)
def test_shown_to_the_cent_half_to_even(value: Money) -> None:
    shown = Decimal(str(value).split()[0])
    assert abs(shown - value.amount) <= Decimal("0.005")
    assert not str(value).startswith("-0.00 ")


def test_half_a_cent_goes_to_the_even_one() -> None:
    assert [str(Money(a, "CNY")) for a in ("0.005", "0.015", "-0.001")] == [
        "0.00 CNY",
        "0.02 CNY",
        "0.00 CNY",
    ]


@given(st.lists(money))
def test_total_is_one_exact_sum_per_currency(values: list[Money]) -> None:
    sums = total(values)
    assert [s.currency for s in sums] == sorted({v.currency for v in values})
    for one in sums:
        assert one.amount == sum(v.amount for v in values if v.currency == one.currency)


@pytest.mark.parametrize(
    "value", [80, 80.5, None, {"amount": "1"}, {"amount": "1", "currency": "CNY", "x": 1}]
)
def test_what_is_not_money_is_not_read_as_money(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        Money.parse(value)


def test_an_amount_beyond_reason_is_refused() -> None:
    Money(LARGEST - 1, "CNY").rounded()
    with pytest.raises(ValueError, match="limit"):
        Money(LARGEST, "CNY")


@given(amounts)
def test_conversion_there_and_back(amount: Decimal) -> None:
    there = RATES.convert(Money(amount, "USD"), "CNY")
    assert there == Money(amount * Decimal("7.1"), "CNY")
    assert RATES.convert(there, "USD").rounded() == Money(amount, "USD").rounded()


def test_an_unknown_rate_is_never_one() -> None:
    with pytest.raises(ValueError, match="no rate for EUR"):
        RATES.convert(Money("1 EUR"), "CNY")
    with pytest.raises(ValueError, match="no rate for EUR"):
        RATES.rate("EUR", "EUR")


@pytest.mark.parametrize(
    "rates", [{"CNY": "0"}, {"CNY": "-7"}, {"CNY": "seven"}, {"CNY": "inf"}, {"USD": "2"}]
)
def test_a_rate_is_a_positive_number_per_dollar(rates: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"CNY|USD"):
        Rates(rates, date(2026, 11, 22))


def test_rates_do_not_change() -> None:
    with pytest.raises(TypeError):
        RATES.per_usd["CNY"] = Decimal(1)  # type: ignore[index]  # the mistake under test
