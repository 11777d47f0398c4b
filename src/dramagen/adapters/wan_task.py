"""A task as DashScope shows it, and where its clip is.

Source: Alibaba Cloud Model Studio "Wan 3.0 video generation" and "Asynchronous task management", read 2026-11-22.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from httpx import URL, InvalidURL, Response

from dramagen.adapters import wan_errors as errors
from dramagen.adapters.base import State, Status, Ticket, Usage, json_body
from dramagen.adapters.faults import who
from dramagen.errors import DramagenError, JobExpired, JobFailed

TASKS = "/api/v1/tasks"

KEPT = 86_400
"""Seconds a task, and the link to its clip, live."""

_CHINA = timezone(timedelta(hours=8))

_STATES: Mapping[str, State] = {
    "PENDING": "queued",
    "SUSPENDED": "queued",  # only the vendor's package knows the word
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "CANCELED": "canceled",
    "UNKNOWN": "missing",
}


def path(task_id: str) -> str:
    """Where a task is asked about."""
    return f"{TASKS}/{quote(task_id, safe='')}"


def output_of(response: Response) -> Mapping[str, Any] | None:
    """The ``output`` of a good answer; None of any other."""
    body = json_body(response)
    output = body.get("output") if response.is_success and isinstance(body, Mapping) else None
    return output if isinstance(output, Mapping) else None


def task_id(output: Mapping[str, Any] | None) -> str | None:
    """The id in an ``output``, where there is one."""
    found = output.get("task_id") if output is not None else None
    return found if isinstance(found, str) and found.strip() else None


def read(ticket: Ticket, response: Response) -> Status | None:
    """The state in the answer about one task; None where the answer does not say.

    A failed task is an HTTP 200 like any other: only ``task_status`` tells.
    """
    output = output_of(response)
    if output is None or output.get("task_id", ticket.id) != ticket.id or "task_status" not in output:
        return None
    word = output["task_status"]
    state = _STATES.get(word) if isinstance(word, str) else None
    if state is None:
        return Status(ticket, "running", note=f"unknown status {word!r:.100}")
    usage = _usage(response) if state == "succeeded" else None
    return Status(ticket, state, error=_error(ticket, state, output, response), usage=usage)


def _usage(response: Response) -> Usage | None:
    """The seconds that are billed: of the clip, and of the videos that went in. Numbers come as text, too."""
    shown = json_body(response).get("usage")
    seconds = shown.get("duration", shown.get("video_duration")) if isinstance(shown, Mapping) else None
    try:
        billed = Decimal(str(seconds))
    except InvalidOperation:
        return None
    return Usage(seconds=billed) if billed.is_finite() and billed > 0 else None


def _error(
    ticket: Ticket, state: State, output: Mapping[str, Any], response: Response
) -> DramagenError | None:
    known = who(ticket.route)
    if state == "failed":
        request = json_body(response).get("request_id")
        raw = repr({k: v for k, v in output.items() if k not in ("task_id", "task_status", "orig_prompt")})
        return errors.verdict(
            errors.envelope(output), raw, ticket.route, request if isinstance(request, str) else None
        )
    if state == "canceled":
        return JobFailed("the job was cancelled", billed=False, **known)
    if state == "missing":
        gone = "the vendor no longer knows this job: it keeps jobs for 24 hours"
        return JobExpired(gone, billed=None, **known)
    return None


def link(output: Mapping[str, Any]) -> str | None:
    """The clip's signed link, where the task shows one."""
    url = output.get("video_url")
    try:
        shown = isinstance(url, str) and url.startswith(("https://", "http://")) and bool(URL(url).host)
    except InvalidURL:
        return None
    return str(url) if shown else None


def link_expires(output: Mapping[str, Any]) -> float | None:
    """Unix seconds until which the link is good: a day from the task's end, a time in China without its zone."""
    ended = output.get("end_time")
    try:
        moment = datetime.strptime(str(ended), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=_CHINA)
    except ValueError:
        return None
    return moment.timestamp() + KEPT
