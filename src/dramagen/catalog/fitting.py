"""What the rules of a fit share: how to refuse, and where adjustments and warnings are written down."""

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from dramagen.catalog.order import Input
from dramagen.catalog.recipe import Recipe
from dramagen.clip import Adjustment
from dramagen.errors import InvalidShot
from dramagen.medium import Media

Measure = Callable[[Media], Input]
"""Reads a medium and says what it is. Raises :class:`NotMeasured` for a URL nobody has fetched yet."""

Adapt = Callable[[Media, Recipe], Input]
"""Changes a picture, keeps the result, and says what *that* is. Raises ``InvalidShot`` where it cannot."""

UNMEASURED = "unmeasured"
"""The content hash of a medium nobody has fetched: such an order can be priced and never be sent."""


class NotMeasured(InvalidShot):
    """A URL's content is not known yet: ``await studio.prepare(shots)`` fetches it."""


class Unfit(Exception):
    """The route cannot film the shot: the one rule it fails on, and why, for people."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


class Notes:
    """The adjustments and warnings of one fit, in the order they were made."""

    def __init__(self, strict: frozenset[str]) -> None:
        self._strict = strict
        self.adjustments: list[Adjustment] = []
        self.warnings: list[str] = []

    def adjust(self, field: str, asked: object, given: object, why: str) -> None:
        """Write down what is done differently. Raises ``Unfit`` where the shot is strict about the field."""
        if field in self._strict:
            raise Unfit(field, f"asked {asked}, would be {given} ({why}); the shot is strict about {field}")
        self.adjustments.append(
            Adjustment.of_checked(field=field, asked=str(asked), given=str(given), why=why)
        )

    def warn(self, text: str) -> None:
        """Write down what a person may want to know. Said twice, it is kept once."""
        if text not in self.warnings:
            self.warnings.append(text)


@lru_cache(maxsize=1024)
def same_ratio(one: str, other: str) -> bool:
    """Whether two spellings, such as ``9:16`` and ``720:1280``, are one ratio."""
    return fraction(one) == fraction(other)


@lru_cache(maxsize=256)
def fraction(ratio: str) -> Fraction:
    """``9:16`` as a number: width / height."""
    width, _, height = ratio.partition(":")
    return Fraction(int(width), int(height))
