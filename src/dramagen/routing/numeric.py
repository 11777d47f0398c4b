"""What routing accepts as a number, and the error that says which one makes no sense."""

import math
from decimal import Decimal
from numbers import Real
from operator import index
from reprlib import Repr

from dramagen.errors import DramagenError

Number = float | Decimal
"""A cost or a worth: a plain number. All of one call are in one currency; the caller converts ``Money``."""


LARGEST = 1e100
"""No cost and no worth is beyond this: sums and squares of such numbers stay finite."""


class InvalidNumbers(DramagenError, ValueError):
    """Routing was given what makes no sense, such as a chance of 1.2 or a cost below zero; says which and why."""


def finite(what: str, number: Number, *, least: float = -math.inf) -> Number:
    """The number itself. Raises ``InvalidNumbers`` for NaN, what is beyond :data:`LARGEST`, and below ``least``."""
    real(what, number)
    if number in (math.inf, -math.inf):
        raise InvalidNumbers(f"{what} must be finite, not {number}")
    if not -LARGEST <= number <= LARGEST:
        raise InvalidNumbers(f"{what} must be at most {LARGEST:g} in size; this one is larger")
    if number < least:
        raise InvalidNumbers(f"{what} must be at least {least:g}, not {number}")
    return number


def real(what: str, number: Number) -> Number:
    """The number itself, which may be infinite. Raises ``InvalidNumbers`` for NaN and what is no number."""
    if isinstance(number, bool) or not isinstance(number, (Real, Decimal)):
        raise InvalidNumbers(f"{what} must be a number, not {shown(number)}")
    if number.is_nan() if isinstance(number, Decimal) else number != number:
        raise InvalidNumbers(f"{what} is not a number")
    return number


def fraction(what: str, number: Number) -> float:
    """The number as a float. Raises ``InvalidNumbers`` outside 0 to 1."""
    if finite(what, number, least=0) > 1:
        raise InvalidNumbers(f"{what} must be at most 1, not {number}")
    return float(number)


def endless(what: str, number: Number) -> float:
    """The number as a float, which may be infinite. Raises ``InvalidNumbers`` for NaN and beyond :data:`LARGEST`."""
    real(what, number)
    return float(number if number in (math.inf, -math.inf) else finite(what, number))


def count(what: str, number: int, most: int) -> int:
    """The number as an int. Raises ``InvalidNumbers`` unless it is a whole one from zero to ``most``."""
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise InvalidNumbers(f"{what} must be a whole number from 0 to {most}, not {shown(number)}")
    if not 0 <= (whole := index(number)) <= most:
        found = whole if abs(whole) < LARGEST else "one of over a hundred digits"
        raise InvalidNumbers(f"{what} must be a whole number from 0 to {most}, not {found}")
    return whole


def shown(value: object) -> str:
    """What was given instead, short enough for an error; whole numbers of thousands of digits have no text."""
    brief = Repr()
    brief.maxstring = brief.maxother = 60
    try:
        return brief.repr(value)
    except ValueError:
        return f"a {type(value).__name__}"
