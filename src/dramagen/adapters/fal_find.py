"""Finding a job whose create got no answer: fal's list of an endpoint's requests, by when and what.

fal takes no idempotency key and no tag. Its list shows each request's input, so the one request of the send window
with this order's input is taken for ours. The list is sorted by when requests ended, and whether it shows those that
run is not said: that a job is not on it proves nothing.

Source: fal's page "List requests by endpoint" (fal.ai/docs: platform APIs), read 2026-11-22.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from httpx import Request, Response

from dramagen.adapters import endpoint
from dramagen.adapters.base import HOST, Attempt, Flow, Unsure, json_body
from dramagen.adapters.fal_answers import fault, is_id
from dramagen.adapters.moments import moment
from dramagen.catalog.order import Order

PATH = "/v1/models/requests/by-endpoint"
PAGE = 100
MOST_PAGES = 20

SLACK = 60.0
"""Seconds by which fal's clock and ours may differ, and a request may be under way."""


def listing(endpoint_id: str, **query: str | int) -> Request:
    """Ask for the requests of one endpoint."""
    asked = urlencode({"endpoint_id": endpoint_id, **query})
    return Request("GET", f"{PATH}?{asked}", extensions={HOST: "api"})


def find(order: Order, attempt: Attempt) -> Flow[str | Unsure]:
    """Read the list, page by page, for the one request made by this attempt; its id."""
    start, end = attempt.window(SLACK)
    ours: set[str] = set()
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        query: dict[str, str | int] = {"start": _stamp(start), "expand": "payloads", "limit": PAGE}
        if cursor is not None:
            query["cursor"] = cursor
        response = yield listing(endpoint.id_of(order), **query)
        page = _page(response)
        if page is None:
            return Unsure(f"the list could not be read: {fault(response, order.route)}")
        items, cursor = page
        ours |= {item["request_id"] for item in items if _is_ours(item, order, start, end)}
        if cursor is None:
            break
    else:
        return Unsure(f"the list is longer than {MOST_PAGES * PAGE} requests")
    ours -= attempt.others
    if len(ours) == 1:
        return ours.pop()
    if ours:
        return Unsure(f"{len(ours)} requests have this input: {', '.join(sorted(ours)[:5])}", sorted(ours))
    return Unsure("no request of that time has this input; one that still runs may not be on the list", ())


def _page(response: Response) -> tuple[list[Mapping[str, Any]], str | None] | None:
    """The requests of a page and the cursor of the next; None where the answer is no page."""
    body = json_body(response)
    items = body.get("items") if response.is_success and isinstance(body, Mapping) else None
    if not isinstance(items, list) or not isinstance(body, Mapping):
        return None
    if not all(isinstance(item, Mapping) and is_id(item.get("request_id")) for item in items):
        return None
    cursor = body.get("next_cursor")
    if body.get("has_more") is not True:
        return items, None
    return (items, cursor) if isinstance(cursor, str) and cursor else None


def _is_ours(item: Mapping[str, Any], order: Order, start: float, end: float) -> bool:
    sent = moment(item.get("sent_at"))
    if sent is None or not start <= sent <= end:
        return False
    if item.get("endpoint_id", endpoint.id_of(order)) != endpoint.id_of(order):
        return False
    return endpoint.is_same(order, item.get("json_input"))


def _stamp(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
