"""Finding a task whose create got no answer: the marks it carries, and the list they are looked for in.

Ark has no idempotency key and never shows a prompt again. Two values of a create come back on the task and change
neither picture nor price: the seed, where the shot leaves it open, and the time after which a waiting task gives
up. Together they tell one attempt from every other.
"""

import hashlib
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from httpx import Request, Response

from dramagen.adapters import seedance_errors as errors
from dramagen.adapters.base import Absent, Attempt, Flow, Ticket, Unsure, json_body
from dramagen.adapters.seedance_task import TASKS, integer
from dramagen.catalog.order import Order

PAGE = 500
"""The most tasks the list gives at once."""

KEPT = 7 * 86_400
"""Seconds the list looks back."""

SLACK = 300.0
"""Seconds by which the vendor's clock and ours may differ, and a request may be under way."""

SHORTEST_WAIT, LONGEST_WAIT = 86_400, 172_800
"""Seconds a task may wait before it expires: from a day to the two days the vendor takes by default."""


def marks(order: Order, attempt: Attempt) -> dict[str, int]:
    """The fields of the create by which its task is known again."""
    drawn = hashlib.sha256(attempt.tag.encode()).digest()
    known = {
        "execution_expires_after": SHORTEST_WAIT + int.from_bytes(drawn[:8]) % (LONGEST_WAIT - SHORTEST_WAIT)
    }
    if order.seed is not None:
        known["seed"] = order.seed
    elif order.wire.get("seed_echo", True):
        known["seed"] = int.from_bytes(drawn[8:16]) % 2**31
    return known


def ticket(id_: str, order: Order) -> Ticket:
    """The task as a ticket."""
    return Ticket(id=id_, route=order.route)


def listing(
    *,
    page: int = 1,
    page_size: int,
    ids: Sequence[str] = (),
    model: str | None = None,
    tier: str | None = None,
) -> str:
    """The list's path and query; ids are repeated, one each."""
    query: list[tuple[str, str]] = [("page_num", str(page)), ("page_size", str(page_size))]
    if model:
        query.append(("filter.model", model))
    if tier:
        query.append(("filter.service_tier", tier))
    query += [("filter.task_ids", id_) for id_ in ids]
    return f"{TASKS}?{urlencode(query)}"


def items(response: Response) -> Sequence[Mapping[str, Any]] | None:
    """The tasks of a page; None where the answer is not a page."""
    body = json_body(response)
    listed = body.get("items") if response.is_success and isinstance(body, Mapping) else None
    if not isinstance(listed, list):
        return None
    return [task for task in listed if isinstance(task, Mapping)]


def find(order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
    """Page through the model's tasks of the last 7 days, one request a second at most.

    A task is ours if it shows this attempt's waiting time, was made in the attempt's window and, once it shows a
    seed (a task that still runs may not), shows ours. ``Absent`` only after every task listed was read.
    """
    tier = order.options.get("service_tier")
    seen: set[str] = set()
    ours: set[str] = set()
    page = 1
    while True:
        response = yield Request(
            "GET", listing(page=page, page_size=PAGE, model=order.wire["model"], tier=tier)
        )
        tasks = items(response)
        if tasks is None:
            return Unsure(f"the list could not be read: {errors.fault(response)}")
        new = {str(task.get("id")): task for task in tasks if task.get("id")}
        new = {id_: task for id_, task in new.items() if id_ not in seen}
        seen |= new.keys()
        ours |= {id_ for id_, task in new.items() if _is_ours(task, order, attempt)}
        total = integer(json_body(response).get("total"))
        if total is None or total < len(tasks):
            return Unsure("the list does not say how long it is")
        if len(seen) >= total or not new or page >= PAGE:
            break
        page += 1
    if len(ours) == 1:
        return ticket(ours.pop(), order)
    if ours:
        return Unsure(f"{len(ours)} tasks look like this one: {', '.join(sorted(ours))}", sorted(ours))
    if len(seen) < total:
        return Unsure(f"the list showed {len(seen)} of {total} tasks")
    if _older_than_the_list(response, attempt):
        return Unsure("the create was sent more than 7 days ago, beyond the list's reach")
    return Absent()


def _is_ours(task: Mapping[str, Any], order: Order, attempt: Attempt) -> bool:
    sent = marks(order, attempt)
    if integer(task.get("execution_expires_after")) != sent["execution_expires_after"]:
        return False
    seed = integer(task.get("seed"))
    if seed is not None and "seed" in sent and seed != sent["seed"]:
        return False
    made = integer(task.get("created_at"))
    last = attempt.created if attempt.sent_until is None else attempt.sent_until
    return made is not None and attempt.created - SLACK <= made <= last + SLACK


def _older_than_the_list(response: Response, attempt: Attempt) -> bool:
    """By the vendor's own clock, where the answer shows it."""
    try:
        now = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except ValueError:
        return False
    return attempt.created < now - KEPT + SLACK
