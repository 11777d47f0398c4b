"""A task as Ark shows it: the same shape alone, in the list and in a callback."""

from collections.abc import Mapping
from typing import Any

from httpx import URL, InvalidURL, Response

from dramagen.adapters import seedance_errors as errors
from dramagen.adapters.base import State, Status, Ticket, Usage, json_body
from dramagen.errors import DramagenError, JobExpired, JobFailed

TASKS = "/api/v3/contents/generations/tasks"
LINK_LIFE = 86_400
"""Seconds a finished clip's link lives, from the task's last change."""

_STATES: Mapping[str, State] = {
    "queued": "queued",
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "canceled",
    "expired": "expired",
}


def read(ticket: Ticket, response: Response) -> Status | None:
    """The state in the answer about one task; None where the answer does not say."""
    if errors.not_found(response):
        gone = "the vendor no longer knows this job: it keeps jobs for 7 days"
        return Status(ticket, "missing", error=JobExpired(gone, billed=None, **_where(ticket)))
    task = json_body(response)
    if not response.is_success or not isinstance(task, Mapping):
        return None
    if task.get("id", ticket.id) != ticket.id or not ("status" in task or "id" in task):
        return None
    return status(ticket, task)


def status(ticket: Ticket, task: Mapping[str, Any]) -> Status:
    """The state of a task object. Only succeeded tasks are billed."""
    word = task.get("status")
    state = _STATES.get(word) if isinstance(word, str) else None
    if state is None:
        return Status(ticket, "running", note=f"unknown status {word!r:.100}")
    where = _where(ticket)
    error: DramagenError | None = None
    if state == "failed":
        error = errors.verdict(errors.envelope({"error": task.get("error")}), repr(dict(task)), **where)
    elif state == "canceled":
        error = JobFailed("the job was cancelled", billed=False, **where)
    elif state == "expired":
        error = JobExpired("the job waited longer than the vendor keeps jobs waiting", billed=False, **where)
    return Status(ticket, state, error=error, usage=_usage(task.get("usage")), seed=_seed(task.get("seed")))


def _usage(usage: Any) -> Usage | None:
    """Tokens, the billed number. The schema says text, the answers say numbers: both are read."""
    if not isinstance(usage, Mapping):
        return None
    for name in ("completion_tokens", "total_tokens"):
        tokens = integer(usage.get(name))
        if tokens is not None and tokens > 0:
            return Usage(tokens=tokens)
    return None


def _seed(value: Any) -> int | None:
    seed = integer(value)
    return None if seed is None or seed < 0 else seed  # -1 is "any"


def link(task: Mapping[str, Any]) -> str | None:
    """The clip's signed link, where the task shows one."""
    content = task.get("content")
    url = content.get("video_url") if isinstance(content, Mapping) else None
    try:
        shown = isinstance(url, str) and url.startswith(("https://", "http://")) and bool(URL(url).host)
    except InvalidURL:
        return None
    return str(url) if shown else None


def link_expires(task: Mapping[str, Any]) -> float | None:
    """Unix seconds until which the link is good."""
    changed = integer(task.get("updated_at"))
    return None if changed is None else float(changed + LINK_LIFE)


def integer(value: Any) -> int | None:
    """A whole number, also where the vendor writes it as text; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value) if len(value) < 20 else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value


def _where(ticket: Ticket) -> dict[str, Any]:
    return {"provider": ticket.route.provider, "model": ticket.route.model}
