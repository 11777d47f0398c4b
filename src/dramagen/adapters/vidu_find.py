"""Finding a job whose create got no answer: the list of that time, then each job's own payload.

Vidu has no idempotency key. What a create says in ``payload`` comes back on the job; the list is not documented to
show it, so whoever may be ours is asked for by itself. Sources: Vidu's pages "List of tasks" (read 2026-03) and
"Get generation" (read 2026-07).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from httpx import Request, Response

from dramagen.adapters.base import Absent, Attempt, Flow, Ticket, Unsure, json_body
from dramagen.adapters.vidu_answers import fault, identifier, task_of, ticket_of
from dramagen.adapters.vidu_words import wording
from dramagen.catalog.order import Order

SLACK = 300.0
"""Seconds by which the vendor's clock and ours may differ, and a request may be under way."""

PAGE = 100
MOST_PAGES = 50
MOST_LOOKS = 60
"""The most jobs asked for one by one."""


def path_of(id_: str, what: str) -> str:
    """The path of what is asked of one job."""
    return f"/ent/v2/tasks/{quote(id_, safe='')}/{what}"


def creations(id_: str) -> Request:
    """The one request that tells everything about a job."""
    return Request("GET", path_of(id_, "creations"))


def find(order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
    """Whoever carries this attempt's tag. ``Absent`` only after every job on the list that may be ours was read."""
    jobs: dict[str, Mapping[str, Any]] = {}
    token = ""
    for page in range(MOST_PAGES):
        response = yield Request("GET", _listing(attempt, page, token))
        listed = _page(response)
        if listed is None:
            return Unsure(f"the list could not be read: {fault(response, order.route)}")
        tasks, token = listed
        known = len(jobs)
        jobs |= {id_: task for task in tasks if (id_ := identifier(task.get("id")))}
        if not token:
            break
        if len(jobs) == known:
            return Unsure("the list repeats itself")
    else:
        return Unsure(f"the list is longer than {MOST_PAGES * PAGE} jobs")
    return (yield from _ours(order, attempt, jobs))


def _ours(
    order: Order, attempt: Attempt, jobs: Mapping[str, Mapping[str, Any]]
) -> Flow[Ticket | Absent | Unsure]:
    unowned = {id_: task for id_, task in jobs.items() if id_ not in attempt.others}
    maybe = [id_ for id_, task in unowned.items() if _may_be_ours(task, order, attempt)]
    # Likely ones first. The prompt proves nothing: two takes have the same, and it may be edited on its way.
    words = wording(order)
    maybe.sort(key=lambda id_: (jobs[id_].get("payload") != attempt.tag, jobs[id_].get("prompt") != words))
    untold = []
    for id_ in maybe[:MOST_LOOKS]:
        if jobs[id_].get("payload") == attempt.tag:
            return ticket_of(order.route, id_, jobs[id_])
        task = task_of((yield creations(id_)), id_)
        if task is None or not isinstance(task.get("payload"), str):
            untold.append(id_)
        elif task["payload"] == attempt.tag:
            return ticket_of(order.route, id_, task)
    if untold or len(maybe) > MOST_LOOKS:
        untold += maybe[MOST_LOOKS:]
        return Unsure(f"{len(maybe)} jobs were made at that time, and not all say whose they are", untold)
    return Absent()


def _may_be_ours(task: Mapping[str, Any], order: Order, attempt: Attempt) -> bool:
    payload, model = task.get("payload"), task.get("model")
    if isinstance(payload, str) and payload:
        return payload == attempt.tag
    return not isinstance(model, str) or not model or model == order.wire.get("model")


def _listing(attempt: Attempt, page: int, token: str) -> str:
    first, last = attempt.window(SLACK)
    query = {"created_at.from": _stamp(first)}
    if attempt.sent_until is not None:
        query["created_at.to"] = _stamp(last)
    query |= {"pager.page": str(page), "pager.pagesz": str(PAGE)}
    if token:
        query["pager.page_token"] = token
    return f"/ent/v2/tasks?{urlencode(query)}"


def _page(response: Response) -> tuple[list[Mapping[str, Any]], str] | None:
    """The jobs of a page and the token of the next; None where the answer is no page."""
    body = json_body(response)
    tasks = body.get("tasks") if response.is_success and isinstance(body, Mapping) else None
    token = body.get("next_page_token") if isinstance(body, Mapping) else None
    if not isinstance(tasks, list) or not isinstance(token, str):
        return None
    if not all(isinstance(task, Mapping) and identifier(task.get("id")) for task in tasks):
        return None
    return tasks, token


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
