"""MiniMax's second generation of video: the H3 family.

One array of content, real HTTP statuses, the link on the task itself, a list and a cancel. The schema names no seed,
no negative prompt and no switch for sound, and what an unknown field does is not documented: none is sent. Sources:
platform.minimax.io "Video generation V2" (create, query, list, delete) and their Chinese twins, read 2026-11-22.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from httpx import Request, Response

from dramagen.adapters.base import PAID, Attempt, Download, Flow, State, Status, Ticket, json_body
from dramagen.adapters.faults import who
from dramagen.adapters.hailuo_errors import fault, identifier, number, told, verdict
from dramagen.adapters.hailuo_inputs import data_uri, public
from dramagen.adapters.hailuo_words import wording
from dramagen.catalog.order import Order
from dramagen.errors import InvalidShot, JobExpired, JobFailed, ProviderUnavailable

TASKS = "/v2/video_generation"
QUERY = "/v2/query/video_generation"

_STATES: Mapping[str, State] = {
    "queued": "queued",
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "canceled",
    "expired": "expired",
}


def body_of(order: Order, attempt: Attempt | None = None) -> dict[str, Any]:
    """What the paid POST says. Raises ``InvalidShot`` for what H3 cannot be told.

    Without an attempt it lacks its media: so that a plan refuses what could not be sent.
    """
    if order.duration != int(order.duration):
        raise InvalidShot(f"H3 films whole seconds, not {order.duration}", **who(order.route))
    if not order.audio or order.seed is not None or order.negative_prompt:
        raise InvalidShot(
            "H3 always films with sound, and takes neither seed nor negative prompt", **who(order.route)
        )
    if any(line.voice for line in order.dialogue):
        raise InvalidShot("H3 has no voices to choose from", **who(order.route))
    if order.first_frame is None and order.aspect_ratio is None:
        raise InvalidShot("H3 needs a ratio where no frame gives one", **who(order.route))
    body: dict[str, Any] = {
        "model": order.wire["model"],
        "content": list(_content(order, attempt)),
        "resolution": order.resolution.upper(),
        "duration": int(order.duration),
        "ratio": order.aspect_ratio or "adaptive",
    }
    if attempt and attempt.callback_url:
        body["callback_url"] = attempt.callback_url
    clash = sorted(body.keys() & order.options.keys())
    if clash:
        raise InvalidShot(f"options cannot set {', '.join(clash)} here: the shot does", **who(order.route))
    return body | dict(order.options)


def _content(order: Order, attempt: Attempt | None) -> Iterator[dict[str, Any]]:
    if order.references and (order.first_frame or order.last_frame):
        raise InvalidShot("H3 takes frames or references, not both in one shot", **who(order.route))
    if order.last_frame and not order.first_frame:
        raise InvalidShot("H3 films towards a last frame only from a first one", **who(order.route))
    if order.references and not any(r.images or r.video for r in order.references):
        raise InvalidShot("H3 takes a voice only beside a picture or a film", **who(order.route))
    yield {"type": "text", "text": wording(order)}
    for frame, role in ((order.first_frame, "first_frame"), (order.last_frame, "last_frame")):
        if frame is not None:
            yield _item("image", data_uri(frame, "image", attempt), role)
    for reference in order.references:
        for image in reference.images:
            yield _item("image", data_uri(image, "image", attempt), "reference_image")
        if reference.video is not None:
            yield _item("video", data_uri(reference.video, "video", attempt), "reference_video")
        if reference.voice is not None:
            yield _item("audio", data_uri(reference.voice, "audio", attempt), "reference_audio")


def _item(kind: str, url: str, role: str) -> dict[str, Any]:
    return {"type": f"{kind}_url", f"{kind}_url": {"url": url}, "role": role}


def submit(order: Order, attempt: Attempt) -> Flow[str]:
    """Create the task with one paid POST, media inside it; its id."""
    response = yield Request("POST", TASKS, json=body_of(order, attempt), extensions={PAID: True})
    made = json_body(response)
    task = identifier(made.get("task_id")) if response.is_success and isinstance(made, Mapping) else None
    if task is None:
        raise fault(response, order.route)
    return task


def poll(ticket: Ticket) -> Flow[Status]:
    """The task's state. Raises the typed error of an answer that does not say.

    One task at a time: how the list takes several ids is not documented.
    """
    response = yield _query(ticket)
    return _status(ticket, response)


def deliver(ticket: Ticket) -> Flow[Download]:
    """A fresh reading of the task's link. Raises ``JobExpired`` after the seven days tasks are kept."""
    response = yield _query(ticket)
    status = _status(ticket, response)
    if status.error is not None:
        raise status.error
    content = json_body(response)["task"].get("content")
    found = public(content.get("url")) if isinstance(content, Mapping) else None
    if status.state != "succeeded" or found is None:
        raise ProviderUnavailable("MiniMax names no file for this job yet", billed=None, **who(ticket.route))
    return found


def cancel(ticket: Ticket) -> Flow[bool]:
    """Only a queued task can be cancelled.

    The state is read first, because the same DELETE throws away the record of a finished task, and with it the way to
    a clip that was paid for.
    """
    response = yield _query(ticket)
    task = _task(ticket, response)
    if task is None or task.get("status") != "queued":
        return task is not None and task.get("status") == "cancelled"
    response = yield Request("DELETE", f"{TASKS}/{quote(ticket.id, safe='')}")
    answer = json_body(response)
    return response.is_success and isinstance(answer, Mapping) and answer.get("action") == "cancelled"


def _query(ticket: Ticket) -> Request:
    return Request("GET", f"{QUERY}/{quote(ticket.id, safe='')}")


def _task(ticket: Ticket, response: Response) -> Mapping[str, Any] | None:
    """The task an answer shows; None where it shows none, or another one."""
    body = json_body(response)
    task = body.get("task") if response.is_success and isinstance(body, Mapping) else None
    if not isinstance(task, Mapping) or identifier(task.get("id")) != ticket.id:
        return None
    return task


def _status(ticket: Ticket, response: Response) -> Status:
    words = told(json_body(response))
    if response.status_code in (400, 404) and words is not None and words.unknown_task:
        gone = JobExpired(
            "MiniMax no longer knows this job: it keeps jobs for 7 days", billed=None, **who(ticket.route)
        )
        return Status(ticket, "missing", error=gone)
    task = _task(ticket, response)
    if task is None:
        raise fault(response, ticket.route)
    word = task.get("status")
    state = _STATES.get(word) if isinstance(word, str) else None
    if state is None:
        return Status(ticket, "running", note=f"unknown status {word!r:.100}")
    if state == "failed":
        error = task.get("error")
        reason = error if isinstance(error, Mapping) else {}
        message = reason.get("message")
        # Usage is shown on success alone: of a failed task nothing is counted.
        why = verdict(
            number(reason.get("code")),
            message if isinstance(message, str) else "",
            ticket.route,
            billed=False,
        )
        return Status(ticket, state, error=why)
    if state == "canceled":
        return Status(
            ticket, state, error=JobFailed("the job was cancelled", billed=False, **who(ticket.route))
        )
    if state == "expired":
        late = JobExpired("MiniMax let the job expire", billed=None, **who(ticket.route))
        return Status(ticket, state, error=late)
    return Status(ticket, state)
