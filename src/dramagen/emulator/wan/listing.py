"""The account's list of tasks. Source: Model Studio "Asynchronous task management", as read up to 2026-11-22."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from dramagen.emulator.state import Account, Job
from dramagen.emulator.wan.errors import invalid
from dramagen.emulator.wan.tasks import DAY, SPELLING, listed
from dramagen.emulator.world import Call

_WORDS = (*SPELLING.values(), "UNKNOWN")


def page(call: Call, account: Account, request_id: str) -> dict[str, Any]:
    """One page, newest first; raises ``Refusal``."""
    number, size = _number(call, "page_no", 1), _number(call, "page_size", 10)
    most = call.options.page_most
    if size > most:
        if call.options.page_over == "refuse":
            raise invalid(f"page_size must be at most {most}")
        size = most
    start, end = _window(call)
    status = call.query.get("status")
    if status and status not in _WORDS:
        raise invalid("status is invalid")
    chosen = [job for job in reversed(account.jobs.values()) if _wanted(call, job, start, end)]
    if call.never:
        for job in chosen:
            job.stall(call.now)
    shown = chosen[(number - 1) * size : number * size]
    return {
        "request_id": request_id,
        "total": len(chosen),
        "total_page": -(-len(chosen) // size),
        "page_no": number,
        "page_size": size,
        "data": [listed(call, job) for job in shown],
    }


def _wanted(call: Call, job: Job, start: float, end: float) -> bool:
    if call.now < job.created + call.options.list_delay or call.now >= job.created + DAY:
        return False
    asked = call.query
    made = call.stamp(job.created)
    return (
        start <= made <= end
        and asked.get("model_name") in (None, "", job.model)
        and asked.get("task_id") in (None, "", job.id)
        and asked.get("status") in (None, "", SPELLING[job.state(call.now)])
    )


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise invalid(f"{name} must be a positive integer")
    return int(text)


def _window(call: Call) -> tuple[float, float]:
    """Unix times as clients see them: the last 24 hours, 24 hours from the one that is given, or both."""
    start, end = _time(call, "start_time"), _time(call, "end_time")
    if start is None and end is None:
        now = call.stamp(call.now)
        return now - DAY, now
    if start is None:
        start = (end or 0.0) - DAY
    elif end is None:
        end = start + DAY
    assert end is not None
    if not 0 <= end - start <= DAY:
        raise invalid("the time between start_time and end_time must be at most 24 hours")
    return start, end + 1


def _time(call: Call, name: str) -> float | None:
    text = call.query.get(name)
    if not text:
        return None
    zone = UTC if call.options.list_zone == "utc" else timezone(timedelta(hours=8))
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=zone).timestamp()
    except ValueError:
        raise invalid(f"{name} must be YYYYMMDDhhmmss") from None
