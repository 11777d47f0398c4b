"""What makes two things the same: canonical JSON, and versioned hashes of shots and orders.

A hash names its version (``s1:…``), so bindings written by an older version stay readable. A field at its
default is left out, so that a field added later changes no hash made before it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from dramagen.medium import Media
from dramagen.money import Money
from dramagen.shot import Shot

SHOT_VERSION = "s1"
NOT_IDENTITY = frozenset({"id", "tags", "pin"})
"""Fields of a shot that change nothing that is seen or heard."""


def canonical(value: Any) -> str:
    """One text for one meaning: sorted keys, no spaces, shortest numbers. Raises ``TypeError`` otherwise."""
    return json.dumps(
        _plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, Money):
        return value.to_json()
    if isinstance(value, Mapping):
        return {_key(k): _plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_plain(v) for v in value), key=lambda v: json.dumps(v, sort_keys=True))
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(v) for v in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the key {key!r} is not text")
    return _text(key)


def _text(value: str) -> str:
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise TypeError(f"{value!r} holds half a character (a lone surrogate)")
    return value


def _number(value: int | float | Decimal) -> int | float:
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise TypeError(f"{value} is not a finite number")
    # 5, 5.0 and Decimal("5.00") are one duration.
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def digest(version: str, value: Any) -> str:
    """``version:sha256`` of the canonical form."""
    return f"{version}:{hashlib.sha256(canonical(value).encode()).hexdigest()}"


def shot_identity(shot: Shot, sha256: Callable[[Media], str] = lambda media: media.sha256) -> dict[str, Any]:
    """Every field that changes what is filmed, media by content. ``sha256`` gives a medium's content hash."""
    return _set_fields(shot, sha256, NOT_IDENTITY)


def shot_hash(shot: Shot, sha256: Callable[[Media], str] = lambda media: media.sha256) -> str:
    """The identity of a shot: equal for equal content, whatever its id, tags, pin or where its files are."""
    return digest(SHOT_VERSION, shot_identity(shot, sha256))


def _set_fields(
    record: BaseModel, sha256: Callable[[Media], str], leave_out: frozenset[str]
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, field in type(record).model_fields.items():
        value = getattr(record, name)
        if name in leave_out or (
            not field.is_required() and value == field.get_default(call_default_factory=True)
        ):
            continue
        kept[name] = _content(value, sha256)
    return kept


def _content(value: Any, sha256: Callable[[Media], str]) -> Any:
    if isinstance(value, Media):
        return {"sha256": sha256(value)}
    if isinstance(value, BaseModel):
        return _set_fields(value, sha256, frozenset())
    if isinstance(value, tuple):
        return [_content(item, sha256) for item in value]
    return value
