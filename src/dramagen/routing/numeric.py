"""What routing accepts as a number, and the error that says which one makes no sense."""

import math
from decimal import Decimal
from numbers import Real
from operator import index

from dramagen.errors import DramagenError

Number = float | Decimal
"""A cost or a worth: a plain number. All of one call are in one currency; the caller converts ``Money``."""


class InvalidNumbers(DramagenError, ValueError):
    """Routing was given what makes no sense, such as a chance of 1.2 or a cost below zero; says which and why."""


def finite(what: str, number: Number, *, least: float = -math.inf) -> Number:
    """The number itself. Raises ``InvalidNumbers`` for NaN, infinities, and anything below ``least``."""
    if not math.isfinite(real(what, number)):
        raise InvalidNumbers(f"{what} must be finite, not {number}")
    if number < least:
        raise InvalidNumbers(f"{what} must be at least {least:g}, not {number}")
    return number


def real(what: str, number: Number) -> Number:
    """The number itself, which may be infinite. Raises ``InvalidNumbers`` for NaN and what is no number."""
    if isinstance(number, bool) or not isinstance(number, (Real, Decimal)):
        raise InvalidNumbers(f"{what} must be a number, not {number!r}")
    if number.is_nan() if isinstance(number, Decimal) else math.isnan(number):
        raise InvalidNumbers(f"{what} is not a number")
    return number


def fraction(what: str, number: Number) -> float:
    """The number as a float. Raises ``InvalidNumbers`` outside 0 to 1."""
    if finite(what, number, least=0) > 1:
        raise InvalidNumbers(f"{what} must be at most 1, not {number}")
    return float(number)


def count(what: str, number: int) -> int:
    """The number as an int. Raises ``InvalidNumbers`` unless it is a whole one of zero or more."""
    if isinstance(number, bool) or not hasattr(number, "__index__") or number < 0:
        raise InvalidNumbers(f"{what} must be a whole number of zero or more, not {number!r}")
    return index(number)
