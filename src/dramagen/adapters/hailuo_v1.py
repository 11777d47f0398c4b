"""MiniMax's first generation of video: Hailuo 2.3, 02 and the 01 series.

Create, query, retrieve: a finished task names a file, and only the file's own page names its link, for an hour; asked
again it names another. There is no list and no cancel, so a create whose answer is lost cannot be looked for.
Sources: platform.minimax.io "Text to video", "Image to video", "First and last frame", "Subject reference", "Query a
video generation task", "Video download" and their Chinese twins, read 2026-11-22.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from httpx import Request, Response

from dramagen.adapters.base import PAID, Attempt, Download, Flow, State, Status, Ticket, json_body
from dramagen.adapters.faults import who
from dramagen.adapters.hailuo_errors import fault, identifier, ok, told, verdict
from dramagen.adapters.hailuo_inputs import data_uri, public
from dramagen.adapters.hailuo_words import commanded, with_commands
from dramagen.catalog.order import Order
from dramagen.errors import InvalidShot, JobExpired, ProviderUnavailable

CREATE = "/v1/video_generation"
QUERY = "/v1/query/video_generation"
RETRIEVE = "/v1/files/retrieve"

_STATES: Mapping[str, State] = {
    "preparing": "queued",
    "queueing": "queued",
    "processing": "running",
    "success": "succeeded",
    "fail": "failed",
    "failed": "failed",  # how callbacks and one of the vendor's clients spell it
}


def body_of(order: Order, attempt: Attempt | None = None) -> dict[str, Any]:
    """What the paid POST says. Raises ``InvalidShot`` for what this generation cannot be told.

    Without an attempt it lacks its pictures: so that a plan refuses what could not be sent.
    """
    if order.duration != int(order.duration):
        raise InvalidShot(f"Hailuo films whole seconds, not {order.duration}", **who(order.route))
    if order.audio or order.cuts or order.seed is not None or order.negative_prompt:
        raise InvalidShot(
            "this generation of Hailuo takes no sound, cuts, seed or negative prompt", **who(order.route)
        )
    body: dict[str, Any] = {"model": order.wire["model"], "prompt": with_commands(order)}
    body |= _pictures(order, attempt)
    if not order.wire.get("bare"):  # the page of subject references has neither field
        body |= {"duration": int(order.duration), "resolution": order.resolution.upper()}
    if commanded(order):
        body["prompt_optimizer"] = False  # it would write the commands away
    if attempt and attempt.callback_url:
        body["callback_url"] = attempt.callback_url
    clash = sorted(body.keys() & order.options.keys())
    if clash:
        raise InvalidShot(f"options cannot set {', '.join(clash)} here: the shot does", **who(order.route))
    return body | dict(order.options)


def _pictures(order: Order, attempt: Attempt | None) -> dict[str, Any]:
    if order.references:
        [*faces] = (image for reference in order.references for image in reference.images)
        others = any(r.video or r.voice for r in order.references)
        if len(faces) != 1 or others or order.first_frame or not order.wire.get("bare"):
            raise InvalidShot(
                "Hailuo takes the picture of one face, and nothing beside it", **who(order.route)
            )
        return {"subject_reference": [{"type": "character", "image": [data_uri(faces[0], "image", attempt)]}]}
    if order.last_frame and not order.first_frame:
        raise InvalidShot("Hailuo films towards a last frame only from a first one", **who(order.route))
    return {
        name: data_uri(frame, "image", attempt)
        for name, frame in (("first_frame_image", order.first_frame), ("last_frame_image", order.last_frame))
        if frame is not None
    }


def submit(order: Order, attempt: Attempt) -> Flow[str]:
    """Create the task with one paid POST; its id."""
    response = yield Request("POST", CREATE, json=body_of(order, attempt), extensions={PAID: True})
    made = json_body(response)
    # An id is believed whatever else the answer says: asking about it tells the truth for nothing.
    task = identifier(made.get("task_id")) if response.is_success and isinstance(made, Mapping) else None
    if task is None:
        raise fault(response, order.route)
    return task


def poll(ticket: Ticket) -> Flow[Status]:
    """The task's state. Raises the typed error of an answer that does not say."""
    response = yield _query(ticket)
    return _status(ticket, response)


def deliver(ticket: Ticket) -> Flow[Download]:
    """The file's link, made anew. Raises ``JobExpired`` when task or file are gone."""
    response = yield _query(ticket)
    status = _status(ticket, response)
    if status.error is not None:
        raise status.error
    file = identifier(json_body(response).get("file_id"))
    if status.state != "succeeded" or file is None:
        raise ProviderUnavailable("MiniMax names no file for this job yet", billed=None, **who(ticket.route))
    response = yield Request("GET", f"{RETRIEVE}?file_id={quote(file, safe='')}")
    page = json_body(response)
    words = told(page)
    if words is not None and words.code == 2013:
        raise JobExpired("MiniMax no longer has this job's file", billed=None, **who(ticket.route))
    found = page.get("file") if response.is_success and isinstance(page, Mapping) and ok(page) else None
    if isinstance(found, Mapping):
        for name in ("download_url", "backup_download_url"):
            download = public(found.get(name))
            if download is not None:
                return download
    raise fault(response, ticket.route)


def _query(ticket: Ticket) -> Request:
    return Request("GET", f"{QUERY}?task_id={quote(ticket.id, safe='')}")


def _status(ticket: Ticket, response: Response) -> Status:
    """A failed task carries its reason where other answers carry the answer's own error."""
    task = json_body(response)
    words = told(task)
    if words is not None and words.unknown_task:
        gone = JobExpired("MiniMax no longer knows this job", billed=None, **who(ticket.route))
        return Status(ticket, "missing", error=gone)
    if not response.is_success or not isinstance(task, Mapping) or not isinstance(task.get("status"), str):
        raise fault(response, ticket.route)
    state = _STATES.get(task["status"].lower())
    mine = identifier(task.get("task_id")) in (None, ticket.id)
    if not mine or (state != "failed" and not ok(task)):
        raise fault(response, ticket.route)
    if state is None:
        return Status(ticket, "running", note=f"unknown status {task['status']!r:.100}")
    if state != "failed":
        return Status(ticket, state)
    # Packages are not charged for it; of other accounts the vendor says nothing.
    error = verdict(words.code if words else None, words.message if words else "", ticket.route, billed=None)
    return Status(ticket, state, error=error)
