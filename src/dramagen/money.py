"""Money: a decimal amount and a currency, never a float.

Nothing is rounded until it is shown; totals are compared after rounding half-even to 0.01.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache, total_ordering
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

CENT = Decimal("0.01")
LARGEST = 10**15
# Commas stand only before groups of three: "8,50 CNY" is somebody's eight and a half, not 850.
_TEXT = re.compile(
    r"\s*(?P<amount>[+-]?(?:\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"\s*(?P<currency>[A-Za-z]{3})\s*"
)
_SYMBOLS = {"CNY": "¥", "USD": "$"}


@lru_cache(maxsize=256)
def _code(currency: str) -> str:
    """The currency's code in capitals. Raises ``ValueError`` for what is none."""
    if not re.fullmatch(r"[A-Za-z]{3}", currency):
        raise ValueError(f"{currency!r} is not a three-letter currency code, such as 'CNY'")
    return currency.upper()


@total_ordering
class Money:
    """An exact amount in one currency.

    ``Money("80 CNY")``, ``Money(Decimal("80"), "CNY")`` and ``Money("80", "CNY")`` are equal. Adding or
    comparing two currencies raises ``ValueError``: conversion is explicit, through :class:`Rates`.
    """

    __slots__ = ("amount", "currency")
    amount: Decimal
    currency: str

    def __init__(self, amount: "str | int | Decimal", currency: str | None = None) -> None:
        if isinstance(amount, float):
            raise TypeError(f"money is decimal, not float: write Money({str(amount)!r}, {currency!r})")
        if currency is None:
            match = _TEXT.fullmatch(str(amount))
            if match is None:
                raise ValueError(f"{amount!r} is not an amount with a currency, such as '80 CNY'")
            amount, currency = match["amount"].replace(",", "").replace("_", ""), match["currency"]
        code = _code(currency)
        try:
            value = Decimal(amount)
        except InvalidOperation:
            raise ValueError(f"{amount!r} is not a decimal amount") from None
        if not value.is_finite():
            raise ValueError(f"{amount!r} is not a finite amount")
        if abs(value) >= LARGEST:
            raise ValueError(f"{amount!r} is beyond any budget: the limit is {LARGEST:,}")
        object.__setattr__(self, "amount", value)
        object.__setattr__(self, "currency", code)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Money is immutable")

    def __reduce__(self) -> tuple[type["Money"], tuple[str, str]]:
        return Money, (str(self.amount), self.currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Nothing, in that currency."""
        return cls(Decimal(0), currency)

    def rounded(self) -> "Money":
        """The amount rounded half-even to 0.01, as totals are compared and shown."""
        cents = self.amount.quantize(CENT, ROUND_HALF_EVEN)
        return Money(cents or abs(cents), self.currency)  # no "-0.00"

    def to_json(self) -> dict[str, str]:
        """``{"amount": "<decimal string>", "currency": "CNY"}``, the form of money in every JSON document."""
        return {"amount": format(self.amount, "f"), "currency": self.currency}

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency} without a rate")

    def __add__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, factor: "int | Decimal") -> "Money":
        if isinstance(factor, float) or not isinstance(factor, int | Decimal):
            return NotImplemented
        return Money(self.amount * factor, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.currency == other.currency and self.amount == other.amount

    def __lt__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        self._same(other)
        return self.amount < other.amount

    def __hash__(self) -> int:
        return hash((self.amount, self.currency))

    def __str__(self) -> str:
        return f"{self.rounded().amount} {self.currency}"

    def __repr__(self) -> str:
        return f"Money('{self.amount:f} {self.currency}')"

    def __format__(self, spec: str) -> str:
        if spec == "symbol":
            return f"{_SYMBOLS.get(self.currency, self.currency + ' ')}{self.rounded().amount}"
        return format(str(self), spec)

    @classmethod
    def parse(cls, value: object) -> "Money":
        """Read money from text, a ``{"amount", "currency"}`` mapping or another ``Money``."""
        if isinstance(value, Money):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, Mapping) and set(value) == {"amount", "currency"}:
            return cls(str(value["amount"]), str(value["currency"]))
        raise ValueError('money is written \'80 CNY\' or {amount = "80", currency = "CNY"}')

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls.to_json, return_schema=core_schema.dict_schema()
            ),
        )


def total(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """One sum per currency, in alphabetical order of the currency; zero sums are kept."""
    sums: dict[str, Money] = {}
    for money in amounts:
        sums[money.currency] = sums.get(money.currency, Money.zero(money.currency)) + money
    return tuple(sums[currency] for currency in sorted(sums))


def _rate(currency: str, stated: "Decimal | str | int") -> Decimal:
    if isinstance(stated, float):
        raise TypeError(f"rate of {currency}: write it as text, {str(stated)!r}, not as a float")
    try:
        rate = Decimal(stated)
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite() or rate <= 0:
        raise ValueError(f"rate of {currency}: {stated!r} is not a positive number")
    return rate


class Rates:
    """Dated exchange rates: how many units of a currency one US dollar buys.

    Raises ``ValueError`` for a currency nobody stated a rate for: an unknown rate is never 1.
    """

    __slots__ = ("per_usd", "stated")

    def __init__(self, per_usd: Mapping[str, "Decimal | str | int"], stated: date) -> None:
        rates = {"USD": Decimal(1)} | {c.upper(): _rate(c, r) for c, r in per_usd.items()}
        if rates["USD"] != 1:
            raise ValueError("rates are per US dollar, so USD is 1")
        self.per_usd: Mapping[str, Decimal] = MappingProxyType(rates)
        self.stated = stated

    def rate(self, source: str, target: str) -> Decimal:
        """Units of ``target`` per unit of ``source``."""
        for currency in (source, target):
            if currency not in self.per_usd:
                known = ", ".join(sorted(self.per_usd))
                raise ValueError(f"no rate for {currency}; rates are stated for {known}")
        if source == target:
            return Decimal(1)
        return self.per_usd[target] / self.per_usd[source]

    def convert(self, money: Money, target: str) -> Money:
        """The same value in another currency, unrounded."""
        return Money(money.amount * self.rate(money.currency, target), target)

    def __repr__(self) -> str:
        rates = ", ".join(f"{c} {r}" for c, r in sorted(self.per_usd.items()) if c != "USD")
        return f"Rates(1 USD = {rates}, stated {self.stated})"
