"""The bases of every table in a card."""

from datetime import date

from dramagen.errors import ConfigError, DramagenError
from dramagen.record import Record


class Part(Record):
    """A table of a card. A bad value is a ``ConfigError``: it is the card that is wrong, not the shot."""

    @classmethod
    def _error(cls, message: str, problems: list[tuple[str, str, str]]) -> DramagenError:
        return ConfigError(message)


class Sourced(Part):
    """A table that says where it was read, on which day, and what is inferred or unverified in it."""

    source: str | None = None
    checked: date | None = None
    note: str | None = None


def strings(value: object) -> object:
    """One word stands for a list of one."""
    return (value,) if isinstance(value, str) else value
