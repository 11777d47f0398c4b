"""Finding an H3 task whose create got no answer, by when and how it was made.

MiniMax has no idempotency key and shows neither prompt nor callback on a task. What a task does show is when it was
made, its model, length, tier and ratio: exactly one task that agrees in all of that is taken for ours, and nothing
else is believed. Whoever adopts it must still know that no other order of theirs has its id.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from httpx import Request

from dramagen.adapters.base import Attempt, Flow, Unsure, json_body
from dramagen.adapters.hailuo_errors import fault, identifier, number
from dramagen.adapters.hailuo_v2 import QUERY
from dramagen.catalog.order import Order

PAGE = 50
MOST_PAGES = 40

SLACK = 30.0
"""Seconds by which the vendor's clock and ours may differ, and a request may be under way."""


def find(order: Order, attempt: Attempt) -> Flow[str | Unsure]:
    """Read the model's tasks, page by page, for the one made by this attempt; its id."""
    start, end = attempt.window(SLACK)
    seen: dict[str, Mapping[str, Any]] = {}
    for page in range(1, MOST_PAGES + 1):
        query = urlencode({"page_num": page, "page_size": PAGE, "filter.model": order.wire["model"]})
        response = yield Request("GET", f"{QUERY}?{query}")
        body = json_body(response)
        items = body.get("items") if response.is_success and isinstance(body, Mapping) else None
        total = number(body.get("total")) if isinstance(body, Mapping) else None
        if not isinstance(items, list) or total is None:
            return Unsure(f"the list could not be read: {fault(response, order.route)}")
        tasks = [task for task in items if isinstance(task, Mapping) and identifier(task.get("id"))]
        new = {str(task["id"]): task for task in tasks if str(task["id"]) not in seen}
        seen |= new
        if len(seen) >= total or not new or _past(seen, start):
            break
    else:
        return Unsure(f"the list is longer than {MOST_PAGES * PAGE} tasks")
    if len(seen) < total and not _past(seen, start):
        return Unsure(f"the list showed {len(seen)} of {total} tasks")
    ours = [id_ for id_, task in seen.items() if _is_ours(task, order, start, end)]
    ours = [id_ for id_ in ours if id_ not in attempt.others]
    if len(ours) == 1 and not attempt.refused:
        return ours[0]
    if ours:
        return Unsure(f"{len(ours)} tasks look like this one: {', '.join(sorted(ours)[:5])}", ours)
    return Unsure("no task like this one was made at that time, which proves nothing: tasks carry no tag", ())


def _past(seen: Mapping[str, Mapping[str, Any]], start: float) -> bool:
    """Whether the rest is older than the window: the list's order is not documented, so it is looked at."""
    made = [number(task.get("created_at")) for task in seen.values()]
    known = [moment for moment in made if moment is not None]
    return (
        len(known) == len(made) and bool(known) and known == sorted(known, reverse=True) and known[-1] < start
    )


def _is_ours(task: Mapping[str, Any], order: Order, start: float, end: float) -> bool:
    made, ratio = number(task.get("created_at")), task.get("ratio")
    if made is None or not start <= made <= end:
        return False
    if task.get("model", order.wire["model"]) != order.wire["model"]:
        return False
    if number(task.get("duration")) != order.duration or task.get("resolution") != order.resolution.upper():
        return False
    # Asked to adapt, the task may come to show the ratio it found.
    return order.aspect_ratio is None or ratio in (None, order.aspect_ratio)
