"""Finding a prediction whose create got no answer: the list of that time, by model and input.

Replicate takes no idempotency key and no tag. The one prediction of the send window with this order's model and
input is taken for ours. Whether the list shows inputs is not documented: one that does not is asked for by itself.

Source: Replicate's page "HTTP API: list predictions" (replicate.com/docs), copies of 2026.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from httpx import Request, Response

from dramagen.adapters import endpoint
from dramagen.adapters.base import Absent, Attempt, Flow, Unsure, json_body
from dramagen.adapters.moments import moment
from dramagen.adapters.replicate_answers import fault, is_id, prediction_of
from dramagen.catalog.order import Order

LIST = "/v1/predictions"
MOST_PAGES = 30
MOST_LOOKS = 60
"""The most predictions asked for one by one."""

SLACK = 60.0
"""Seconds by which Replicate's clock and ours may differ, and a request may be under way."""


def path_of(id_: str, what: str = "") -> str:
    """The path of one prediction."""
    return f"{LIST}/{quote(id_, safe='')}{what}"


def find(order: Order, attempt: Attempt) -> Flow[str | Absent | Unsure]:
    """Read the list back to this attempt's time, for the one prediction that is its; the id of that."""
    start, end = attempt.window(SLACK)
    maybe: dict[str, Mapping[str, Any]] = {}
    cursor = ""
    for _ in range(MOST_PAGES):
        response = yield Request("GET", LIST + (f"?cursor={quote(cursor, safe='')}" if cursor else ""))
        page = _page(response)
        if page is None:
            return Unsure(f"the list could not be read: {fault(response, order.route)}")
        listed, cursor = page
        maybe |= {each["id"]: each for each in listed if _may_be_ours(each, order, start, end)}
        if not cursor or _past(listed, start):
            break
    else:
        return Unsure("the list goes on and on")
    return (yield from _ours(order, {id_: told for id_, told in maybe.items() if id_ not in attempt.others}))


def _ours(order: Order, maybe: Mapping[str, Mapping[str, Any]]) -> Flow[str | Absent | Unsure]:
    if not maybe:
        return Absent()
    if len(maybe) > MOST_LOOKS:
        return Unsure(f"{len(maybe)} predictions with this model were made at that time", [*maybe])
    ours, untold = [], []
    for id_, listed in maybe.items():
        told: Mapping[str, Any] | None = listed
        if not listed.get("input"):
            told = prediction_of((yield Request("GET", path_of(id_))), id_)
        if told is None or not told.get("input"):
            untold.append(id_)
        elif endpoint.is_same(order, told["input"]):
            ours.append(id_)
    if len(ours) == 1:
        return ours[0]
    if ours or untold:
        some = ours or untold
        return Unsure(f"{len(some)} predictions may be this one: {', '.join(some[:5])}", some)
    return Absent()


def _page(response: Response) -> tuple[list[Mapping[str, Any]], str] | None:
    """The predictions of a page, and the cursor of the next, or nothing at the end; None where it is no page."""
    body = json_body(response)
    results = body.get("results") if response.is_success and isinstance(body, Mapping) else None
    if not isinstance(results, list) or not isinstance(body, Mapping) or "next" not in body:
        return None
    if not all(isinstance(each, Mapping) and is_id(each.get("id")) for each in results):
        return None
    following = body["next"]
    if following is None:
        return results, ""
    try:
        # Its host is not followed: a cursor is all that is new in it.
        cursor = parse_qs(urlsplit(following).query).get("cursor") if isinstance(following, str) else None
    except ValueError:
        return None
    return (results, cursor[0]) if cursor else None


def _may_be_ours(told: Mapping[str, Any], order: Order, start: float, end: float) -> bool:
    made, model = moment(told.get("created_at")), told.get("model")
    if made is not None and not start <= made <= end:
        return False
    return model == endpoint.id_of(order) if isinstance(model, str) and model else True


def _past(listed: list[Mapping[str, Any]], start: float) -> bool:
    """Whether the rest is older: only where the page is seen to run from newest to oldest."""
    made = [moment(each.get("created_at")) for each in listed]
    known = [when for when in made if when is not None]
    return (
        bool(known) and len(known) == len(made) and known == sorted(known, reverse=True) and known[-1] < start
    )
