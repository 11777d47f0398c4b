"""Answers gone wrong: what a vendor might send on a bad day, made from what it sends on a good one."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

from httpx import Response

JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**18, 0.5, "", "0", "junk", "…", [], {}, [None], {"x": 1}, ["junk"],
)  # fmt: skip
"""No vendor's word for anything."""

PAGES = (b"", b"null", b"[]", b"42", b'"junk"', b"{", b"<html>502 Bad Gateway</html>", b"\xff\xfe\x00")


def garbled(answer: Response, seed: int) -> Response:
    """A broken copy of ``answer``, the same for the same seed.

    The first seeds give whole pages of nonsense, the others a body with one to three values replaced, taken
    away or wrapped. An answer that is not JSON stays as it is.
    """
    if seed < len(PAGES):
        return Response(answer.status_code, content=PAGES[seed])
    try:
        body = json.loads(answer.content)
    except ValueError:
        return answer
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for _ in range(chance.randint(1, 3)):
        body = _spoilt(body, chance)
    return Response(answer.status_code, json=body)


def _spoilt(body: Any, chance: random.Random) -> Any:
    places = list(_places(body))
    if not places:
        return chance.choice(JUNK)
    holder, key = chance.choice(places)
    match chance.randrange(4):
        case 0 if isinstance(holder, dict):
            del holder[key]
        case 1:
            holder[key] = [holder[key]]
        case _:
            holder[key] = copy.deepcopy(chance.choice(JUNK))
    return body


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(inside):
        yield value, key
        yield from _places(item)
