"""Finding a task whose create got no answer: the account's list, and the prompt each task shows.

DashScope has no idempotency key, and its list shows neither prompt nor any value of ours. So every task of the model
made while the create was under way is asked for by itself, and its ``orig_prompt`` compared. A task shows that for
certain only once it has succeeded; until then nothing is settled.

Source: Alibaba Cloud Model Studio "Asynchronous task management", read 2026-11-22.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from httpx import Request, Response

from dramagen.adapters import wan_errors as errors
from dramagen.adapters import wan_task as task
from dramagen.adapters.base import Absent, Attempt, Flow, Ticket, Unsure, json_body
from dramagen.catalog.order import Order

SLACK = 120.0
"""Seconds by which the vendor's clock and ours may differ, and a request may be under way."""

PAGE_SIZES = (100, 10)
"""Tasks asked for at once. The page documents no limit, only that 10 is usual: a refusal falls back to that."""

MOST_PAGES = 60
MOST_ASKED = 40
"""Tasks asked for by themselves; an account that makes more of them in such a window cannot be searched."""

_CHINA = timezone(timedelta(hours=8))


def find(order: Order, attempt: Attempt, model: str, prompt: str) -> Flow[Ticket | Absent | Unsure]:
    """The one task of ``model`` made in the attempt's window that shows ``prompt``.

    ``Absent`` only after every task of the window was listed, and each showed another prompt, tier or length. Other
    keys of the account appear in the list as well, and two equal prompts in flight cannot be told apart: then,
    ``Unsure``.
    """
    found = yield from _listed(model, *attempt.window(SLACK))
    if isinstance(found, Unsure):
        return found
    listed = [id_ for id_ in found if id_ not in attempt.others]
    if len(listed) > MOST_ASKED:
        return Unsure(f"{len(listed)} tasks were made at that time: too many to look at each", listed)
    ours: list[str] = []
    hidden: list[str] = []
    mute = 0
    for id_ in listed:
        response = yield Request("GET", task.path(id_))
        output = task.output_of(response)
        word = None if output is None else output.get("task_status")
        shown = None if output is None else output.get("orig_prompt")
        if output is None:
            return Unsure(f"a task of that time could not be read: {errors.fault(response)}", [id_])
        if isinstance(shown, str) and shown.strip():
            if _same(shown, prompt) and not _another(json_body(response).get("usage"), order):
                ours.append(id_)
        elif word in ("FAILED", "CANCELED"):
            mute += 1
        else:
            hidden.append(id_)
    if hidden:
        why = f"{len(hidden)} tasks of that time do not show their prompt before they are done"
        return Unsure(why, [*ours, *hidden])
    if len(ours) == 1:
        return Ticket(id=ours[0], route=order.route)
    if ours:
        return Unsure(f"{len(ours)} tasks look like this one: {', '.join(sorted(ours))}", ours)
    if mute:  # a task that failed costs nothing, whosever it is: after a refusal nobody waits for it
        return Unsure(f"{mute} tasks of that time failed without showing their prompt", ())
    return Absent()


def listing(page: int, size: int, **query: str) -> str:
    """The list's path and query."""
    return f"{task.TASKS}/?{urlencode({'page_no': page, 'page_size': size, **query})}"


def _listed(model: str, first: float, last: float) -> Flow[list[str] | Unsure]:
    """The ids of the model's tasks made between two Unix times; or why they cannot be told."""
    # The zone of these times is not documented. From the first as UTC to the last as China's holds in both.
    query = {
        "model_name": model,
        "start_time": f"{datetime.fromtimestamp(first, UTC):%Y%m%d%H%M%S}",
        "end_time": f"{datetime.fromtimestamp(last, _CHINA):%Y%m%d%H%M%S}",
    }
    answer: list[str] | Unsure = Unsure("the list could not be read")
    for size in PAGE_SIZES:
        seen: dict[str, Mapping[str, Any]] = {}
        for page in range(1, MOST_PAGES + 1):
            response = yield Request("GET", listing(page, size, **query))
            items, total = _page(response)
            if items is None or total is None:
                answer = Unsure(f"the list could not be read: {errors.fault(response)}")
                break
            if _too_late(response, first):
                return Unsure("the create was sent more than 24 hours ago, beyond the list's reach")
            new = {str(item["task_id"]): item for item in items if item.get("task_id")}
            fresh = new.keys() - seen.keys()
            seen |= new
            if len(seen) >= total:
                return [id_ for id_, item in seen.items() if _made_between(item, first, last)]
            if not fresh:
                return Unsure(f"the list showed {len(seen)} of {total} tasks")
        else:
            return Unsure(f"the list is longer than {MOST_PAGES} pages")
        if response.status_code != 400:
            break
    return answer


def _page(response: Response) -> tuple[list[Mapping[str, Any]] | None, int | None]:
    body = json_body(response)
    if not response.is_success or not isinstance(body, Mapping):
        return None, None
    data, total = body.get("data"), body.get("total")
    if isinstance(total, str) and total.isascii() and total.isdigit() and len(total) < 10:
        total = int(total)
    if (
        not isinstance(data, list)
        or isinstance(total, bool)
        or not isinstance(total, int)
        or total < len(data)
    ):
        return None, None
    return [item for item in data if isinstance(item, Mapping)], total


def _made_between(item: Mapping[str, Any], first: float, last: float) -> bool:
    """Whether a listed task was made then; one that does not say may have been."""
    made = item.get("gmt_create")  # epoch milliseconds
    if isinstance(made, str) and made.isascii() and made.isdigit() and len(made) < 20:
        made = int(made)
    if isinstance(made, bool) or not isinstance(made, int | float):
        return True
    return first * 1000 <= made <= last * 1000  # compared, not divided: it may be too large for a fraction


def _too_late(response: Response, first: float) -> bool:
    """By the vendor's own clock, where the answer shows it."""
    try:
        now = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except ValueError:
        return False
    return first < now - task.KEPT + SLACK


def _another(usage: Any, order: Order) -> bool:
    """Whether a finished task was filmed in another tier or length than the order's: a draft of the same words."""
    if not isinstance(usage, Mapping):
        return False
    seconds = _number(usage.get("output_video_duration", usage.get("duration")))
    tier = _number(usage.get("SR"))
    return (seconds is not None and seconds != order.duration) or (
        tier is not None and tier != _number(order.resolution.rstrip("pP"))
    )


def _number(value: Any) -> Decimal | None:
    """A number as usage spells it: whole, with a fraction, or as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _same(shown: str, sent: str) -> bool:
    """Whether two prompts are one, however blanks were treated on the way."""
    return "".join(shown.split()) == "".join(sent.split())
