"""A model's input as resellers describe it: flat JSON fields, each of one kind, and what is wrong with a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "choice", "loose", "whole", "number", "flag", "url", "urls", "objects"]
Fault = Literal[
    "missing",
    "unknown",
    "string",
    "integer",
    "number",
    "boolean",
    "list",
    "object",
    "url",
    "one_of",
    "greater_than_equal",
    "less_than_equal",
    "string_too_long",
    "sequence_too_short",
    "sequence_too_long",
]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field. ``loose`` is a choice of texts that takes a whole number too; ``most`` is of characters or items."""

    kind: Kind
    needed: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    most: int | None = None


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input; ``at`` is the path of the value, ``limit`` what it breaks."""

    at: tuple[str | int, ...]
    fault: Fault
    value: Any = None
    limit: Any = None


def text(most: int = 2500, *, needed: bool = False) -> Field:
    return Field(kind="text", most=most, needed=needed)


def choice(*choices: str, default: str | None = None) -> Field:
    return Field(kind="choice", choices=choices, default=default)


def loose(*choices: str, default: str | None = None) -> Field:
    return Field(kind="loose", choices=choices, default=default)


def whole(low: float | None = None, high: float | None = None, default: int | None = None) -> Field:
    return Field(kind="whole", low=low, high=high, default=default)


def one_of(*choices: int) -> Field:
    """One of a few whole numbers; the first is the default."""
    return Field(kind="whole", choices=tuple(map(str, choices)), default=choices[0])


def number(low: float, high: float, default: float | None = None) -> Field:
    return Field(kind="number", low=low, high=high, default=default)


def flag(default: bool | None = None) -> Field:
    return Field(kind="flag", default=default)


def url(*, needed: bool = False) -> Field:
    return Field(kind="url", needed=needed)


def urls(most: int, *, needed: bool = False) -> Field:
    return Field(kind="urls", most=most, needed=needed)


def objects(most: int) -> Field:
    return Field(kind="objects", most=most)


def digits(low: int, high: int) -> tuple[str, ...]:
    """Whole numbers as texts, both ends included."""
    return tuple(str(each) for each in range(low, high + 1))


def problems(fields: Mapping[str, Field], body: Mapping[str, Any], *, strangers: bool) -> list[Problem]:
    """All that is wrong with ``body``; ``strangers`` refuses fields the model does not know."""
    found = [
        Problem((name,), "missing")
        for name, field in fields.items()
        if field.needed and body.get(name) in (None, "", [])
    ]
    for name, value in body.items():
        if name not in fields:
            found += [Problem((name,), "unknown", value)] if strangers else []
        elif value is not None and not (fields[name].needed and value in ("", [])):
            found += _CHECKS[fields[name].kind](fields[name], (name,), value)
    return found


def filled(fields: Mapping[str, Field], body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the model's defaults where it says nothing."""
    values = {name: field.default for name, field in fields.items() if field.default is not None}
    return values | {name: value for name, value in body.items() if value is not None and name in fields}


_Check = Callable[[Field, tuple[str | int, ...], Any], list[Problem]]


def _text(field: Field, at: tuple[str | int, ...], value: Any) -> list[Problem]:
    if not isinstance(value, str):
        return [Problem(at, "string", value)]
    if field.most is not None and len(value) > field.most:
        return [Problem(at, "string_too_long", value[:40], field.most)]
    return []


def _choice(field: Field, at: tuple[str | int, ...], value: Any) -> list[Problem]:
    # A number is no member of a set of texts, so the vendors name the set and not the type.
    taken = isinstance(value, str) and value in field.choices
    return [] if taken else [Problem(at, "one_of", value, field.choices)]


def _loose(field: Field, at: tuple[str | int, ...], value: Any) -> list[Problem]:
    same = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return _choice(field, at, same)


def _whole(field: Field, at: tuple[str | int, ...], value: Any) -> list[Problem]:
    if isinstance(value, bool) or not isinstance(value, int):
        return [Problem(at, "integer", value)]
    if field.choices and str(value) not in field.choices:
        return [Problem(at, "one_of", value, field.choices)]
    return _between(field, at, value)


def _number(field: Field, at: tuple[str | int, ...], value: Any) -> list[Problem]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return [Problem(at, "number", value)]
    return _between(field, at, value)


def _between(field: Field, at: tuple[str | int, ...], value: float) -> list[Problem]:
    if field.low is not None and value < field.low:
        return [Problem(at, "greater_than_equal", value, field.low)]
    if field.high is not None and value > field.high:
        return [Problem(at, "less_than_equal", value, field.high)]
    return []


def _flag(_: Field, at: tuple[str | int, ...], value: Any) -> list[Problem]:
    return [] if isinstance(value, bool) else [Problem(at, "boolean", value)]


def _url(_: Field, at: tuple[str | int, ...], value: Any) -> list[Problem]:
    if not isinstance(value, str):
        return [Problem(at, "string", value)]
    known = value.startswith(("http://", "https://", "data:"))
    return [] if known else [Problem(at, "url", value[:40])]


def _urls(field: Field, at: tuple[str | int, ...], value: Any) -> list[Problem]:
    return _counted(field, at, value) or [
        problem for index, each in enumerate(value) for problem in _url(field, (*at, index), each)
    ]


def _objects(field: Field, at: tuple[str | int, ...], value: Any) -> list[Problem]:
    return _counted(field, at, value) or [
        Problem((*at, index), "object", each)
        for index, each in enumerate(value)
        if not isinstance(each, dict)
    ]


def _counted(field: Field, at: tuple[str | int, ...], value: Any) -> list[Problem]:
    if not isinstance(value, list):
        return [Problem(at, "list", value)]
    if field.most is not None and len(value) > field.most:
        return [Problem(at, "sequence_too_long", len(value), field.most)]
    return []


_CHECKS: Mapping[Kind, _Check] = {
    "text": _text,
    "choice": _choice,
    "loose": _loose,
    "whole": _whole,
    "number": _number,
    "flag": _flag,
    "url": _url,
    "urls": _urls,
    "objects": _objects,
}
