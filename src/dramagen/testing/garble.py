"""Answers gone wrong: what a vendor might send on a bad day, made from what it sends on a good one."""

import copy
import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

from httpx import Response


def _nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**18, -(10**18), 10**400, 0.5, 1e300, float("nan"), float("inf"), float("-inf"),
    "", " ", "0", "-1", "NaN", "1e999", "9" * 5000, "junk", "…", "\x00", "\ud800", "x" * 20_000, "../..", "%2e%2e/?#",
    "2026-13-45T99:99:99Z", "https://", "http://[", "file:///etc/passwd", [], {}, [None], {"x": 1}, ["junk"],
    _nested(200),
)  # fmt: skip
"""No vendor's word for anything."""

PAGES = (
    b"", b"null", b"[]", b"42", b'"junk"', b"{", b"NaN", b"[[]]", b"{}", b'{"": {}}', b"\xff\xfe\x00",
    b"<html>502 Bad Gateway</html>", b"<!doctype html><title>Just a moment...</title>", b"[" * 100_000,
    b'{"a":' * 50_000, b"9" * 10_000, b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b"\x1f\x8b\x08\x00",
)  # fmt: skip

FEW, MANY = 300, 2000


def tries() -> int:
    """How many broken answers each operation is fed: ``DRAMAGEN_FUZZ``, else 300, or 2,000 in a complete run."""
    asked = os.environ.get("DRAMAGEN_FUZZ", "")
    return int(asked) if asked else MANY if os.environ.get("DRAMAGEN_MATRIX") == "all" else FEW


def garbled(answer: Response, seed: int) -> Response:
    """A broken copy of ``answer``, the same for the same seed; its status stays.

    The first seeds give whole pages of nonsense. Of the others most are JSON with one to three values replaced,
    taken away, wrapped, of another type or of another place; some are cut, written twice or in another encoding.
    An answer that is not JSON stays as it is.
    """
    if seed < len(PAGES):
        return _answer(answer, PAGES[seed])
    try:
        body = json.loads(answer.content)
    except ValueError:
        return _answer(answer, answer.content)
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    if chance.random() < 0.15:
        return _answer(answer, chance.choice(_SPELT)(_written(body), chance))
    for _ in range(chance.randint(1, 3)):
        body = _spoilt(body, chance)
    return _answer(answer, _written(body).encode())


def _answer(answer: Response, content: bytes) -> Response:
    kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_THE_BODY}
    return Response(answer.status_code, headers=kept, content=content)


_OF_THE_BODY = ("content-length", "content-encoding", "transfer-encoding")


def _written(body: Any) -> str:
    return json.dumps(body)  # plain ASCII, so that half a character can be sent too; NaN as Python writes it


def _cut(text: str, chance: random.Random) -> bytes:
    return text.encode()[: chance.randrange(len(text) or 1)]


def _doubled(text: str, chance: random.Random) -> bytes:
    """Every key of the outermost object twice: junk first or last, whichever a reader believes."""
    if not text.startswith("{") or text == "{}":
        return (text * 2).encode()
    junk = ", ".join(f"{json.dumps(key)}: {json.dumps(chance.choice(JUNK))}" for key in json.loads(text))
    inside = text[1:-1]
    return f"{{{junk}, {inside}}}".encode() if chance.random() < 0.5 else f"{{{inside}, {junk}}}".encode()


def _encoded(text: str, chance: random.Random) -> bytes:
    shown = json.dumps(json.loads(text), ensure_ascii=False)
    return shown.encode(chance.choice(("utf-16", "utf-16-be", "utf-32", "latin-1", "gb18030")), "replace")


def _scratched(text: str, chance: random.Random) -> bytes:
    content = bytearray(text.encode())
    for _ in range(chance.randint(1, 8)):
        if content:
            content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


def _trailed(text: str, chance: random.Random) -> bytes:
    return text.encode() + chance.choice((b"\x00", b"}", b"<html>", b" null", text.encode()))


_SPELT: tuple[Callable[[str, random.Random], bytes], ...] = (_cut, _doubled, _encoded, _scratched, _trailed)


def _spoilt(body: Any, chance: random.Random) -> Any:
    places = list(_places(body))
    if not places:
        return copy.deepcopy(chance.choice(JUNK))
    holder, key = chance.choice(places)
    match chance.randrange(9):
        case 0 if isinstance(holder, dict):
            del holder[key]
        case 1:
            holder[key] = chance.choice(([holder[key]], {"x": holder[key]}))
        case 2:
            holder[key] = _retyped(holder[key])
        case 3:
            holder[key] = _altered(holder[key], chance)
        case 4:
            other, at = chance.choice(places)
            # A word from elsewhere may be the vendor's own word for a state, and so no nonsense.
            if not (isinstance(other[at], str) and other[at].isalpha()):
                holder[key] = copy.deepcopy(other[at])
        case 5 if isinstance(holder, list):
            holder *= 2
        case _:
            holder[key] = copy.deepcopy(chance.choice(JUNK))
    return body


def _retyped(value: Any) -> Any:
    """The same value as another type would hold it."""
    match value:
        case str():
            return (
                int(value) if value.isascii() and value.isdigit() and len(value) < 4000 else list(value[:50])
            )
        case bool() | int() | float():
            return str(value)[:4000] if not isinstance(value, int) or abs(value) < 10**4000 else "9"
        case dict():
            return list(value.values())
        case list():
            return dict(zip(map(str, range(len(value))), value, strict=True))
        case _:
            return {}


def _altered(value: Any, chance: random.Random) -> Any:
    """Another value of the same type: an id that is not ours, a number that is not right."""
    match value:
        case str():
            return chance.choice((value + "x", value[::-1], value[:-1], value.swapcase(), f" {value}\n"))
        case bool():
            return not value
        case int() | float():
            return chance.choice((-value, value + 1, value * 1000))
        case _:
            return copy.deepcopy(value) if value is None else type(value)()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(inside):
        yield value, key
        yield from _places(item)
