"""Previz: an animatic drawn on this machine, for nothing, with no key.

The renderer is spoken to like any vendor, over four calls of its own:

* ``POST /renders`` with ``{"id", "scene", "pictures": {sha256: base64}}`` starts a render;
* ``GET /renders/{id}`` says ``{"id", "state"}``, and of a failed one ``"error"`` and ``"detail"``;
* ``GET /renders/{id}/file`` is the MP4;
* ``DELETE /renders/{id}`` says ``{"canceled": true}`` where it had not begun.

Any other answer is 4xx with ``{"error", "detail"}``. The id is the order's hash, so the same order is never
drawn twice; a render the renderer no longer knows is drawn again from the ticket.
"""

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from httpx import Request, Response

from dramagen.adapters.base import (
    PAID,
    Absent,
    Account,
    Attempt,
    Delivery,
    Download,
    Flow,
    Notice,
    Secret,
    State,
    Status,
    Ticket,
    Unsure,
    json_body,
)
from dramagen.adapters.faults import by_status
from dramagen.catalog.order import Input, Order
from dramagen.errors import (
    AuthError,
    DramagenError,
    InvalidShot,
    JobExpired,
    JobFailed,
    MissingExtra,
    ProviderUnavailable,
)

DEFAULT_FPS = Decimal(24)
_LABEL = 24
"""Characters of the prompt that stand for a shot without a label."""

_STATES: Mapping[str, State] = {
    "queued": "queued",
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
}


class PrevizAdapter:
    """The local renderer's own small protocol."""

    name = "previz"
    batch = 1

    def wording(self, order: Order) -> str:
        """The prompt as it stands: it is shown, not obeyed."""
        return order.prompt

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        """Start the render; its pictures travel along."""
        ticket = self._ticket(order)
        pictures = {
            item.sha256: base64.b64encode(attempt.inputs[item.sha256]).decode()
            for item in _pictures(order)
            if item.sha256 in attempt.inputs
        }
        response = yield _create(ticket, pictures, paid=True)
        if not response.is_success:
            raise self.fault(response)
        if _answer(response).get("id") != ticket.id:
            raise ProviderUnavailable("the renderer's answer names no render", provider=self.name)
        return ticket

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        """The state of each; a render nobody knows any more is started again, which costs nothing."""
        told: dict[str, Status] = {}
        for ticket in tickets:
            response = yield Request("GET", _path(ticket))
            if _unknown(response):
                response = yield _create(ticket, {}, paid=False)
                if _refused(response):
                    told[ticket.id] = Status(ticket, "failed", error=self.fault(response))
                    continue
            if response.is_success:
                told[ticket.id] = self._status(ticket, _answer(response))
        return told

    def find(self, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        """The render of this order, whoever started it."""
        ticket = self._ticket(order)
        response = yield Request("GET", _path(ticket))
        if response.is_success and _answer(response).get("id") == ticket.id:
            return ticket
        return Absent() if _unknown(response) else Unsure("the renderer gave no clear answer")

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """The file, from the renderer itself."""
        response = yield Request("GET", _path(ticket))
        if _unknown(response):
            raise JobExpired("the rendered file is gone", provider=self.name, billed=False)
        if _answer(response).get("state") != "succeeded":
            raise ProviderUnavailable("the render has no file yet", provider=self.name)
        return Download(Request("GET", f"{_path(ticket)}/file"), authenticated=True)

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """Take a render that has not begun out of the queue."""
        response = yield Request("DELETE", _path(ticket))
        return response.is_success and _answer(response).get("canceled") is True

    def keys(self) -> Flow[Mapping[str, str]]:
        """None have to be fetched."""
        yield from ()
        return {}

    def receive(self, delivery: Delivery, keys: Mapping[str, str], secret: Secret, now: float) -> Notice:
        """Nothing is ever delivered: previz calls nobody back."""
        raise AuthError("previz sends no callbacks", provider=self.name)

    def probe(self) -> Flow[Account]:
        """Whether the renderer can draw here, and how many at once."""
        response = yield Request("GET", "/renders")
        answer = _answer(response)
        workers = answer.get("workers")
        if not response.is_success:
            return Account(valid=False, error=self.fault(response))
        known = workers if isinstance(workers, int) and not isinstance(workers, bool) else None
        return Account(valid=True, concurrency=known, detail="local, free, no key")

    def fault(self, response: Response) -> DramagenError:
        """By the ``error`` word of the renderer; anything that is not its own answer is an outage."""
        answer = _answer(response)
        if not _refused(response):
            return by_status(response.status_code).error(provider=self.name)
        return self._error(answer, "the renderer refused", refused=True)

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        """There is no key."""

    def _ticket(self, order: Order) -> Ticket:
        return Ticket(id=order.hash, route=order.route, data={"scene": scene(order)})

    def _status(self, ticket: Ticket, answer: Mapping[str, Any]) -> Status:
        word = answer.get("state")
        state = _STATES.get(word) if isinstance(word, str) else None
        if state is None:
            return Status(ticket, "running", note=f"unknown state {_text(word) or word!r}")
        if state not in ("failed", "canceled"):
            return Status(ticket, state)
        return Status(ticket, state, error=self._error(answer, f"the render was {state}", refused=False))

    def _error(self, answer: Mapping[str, Any], what: str, *, refused: bool) -> DramagenError:
        word, detail = _text(answer.get("error")), _text(answer.get("detail"))
        known: dict[str, Any] = {"provider": self.name, "code": word or None, "refused": refused}
        match word:
            case "missing extra":
                return MissingExtra("media", "drawing a previz", **known)
            case "unknown render":
                return JobExpired("the renderer knows no such render", billed=False, **known)
        return JobFailed(what, vendor_message=detail or None, **known)


def scene(order: Order) -> dict[str, Any]:
    """The JSON document the renderer draws, pictures by SHA-256.

    Raises:
        InvalidShot: the order does not say how large the picture is.
    """
    if order.width is None or order.height is None:
        raise InvalidShot("previz needs the picture's width and height in pixels", provider="previz")
    fps = order.fps or DEFAULT_FPS
    opening, ending = _opening(order), order.last_frame
    return {
        "id": _label(order),
        "prompt": order.prompt,
        "captions": [f"{line.speaker}: {line.text}" for line in order.dialogue],
        "picture": opening.sha256 if opening else None,
        "last_picture": ending.sha256 if ending else None,
        "move": order.camera.move if order.camera else "static",
        "speed": order.camera.speed if order.camera else "normal",
        "cuts": [[cut.prompt, cut.duration] for cut in order.cuts],
        "width": order.width,
        "height": order.height,
        "fps": float(fps),
        "frames": max(1, round(order.duration * fps)),
        "audio": order.audio,
        "seed": order.seed or 0,
    }


def _label(order: Order) -> str:
    label = order.options.get("label")
    if isinstance(label, str) and label:
        return label
    prompt = " ".join(order.prompt.split())
    return prompt if len(prompt) <= _LABEL else prompt[: _LABEL - 1] + "…"


def _opening(order: Order) -> Input | None:
    """What the shot opens on: its first frame, else the first picture of its first reference."""
    if order.first_frame is not None:
        return order.first_frame
    return next((image for reference in order.references for image in reference.images), None)


def _pictures(order: Order) -> tuple[Input, ...]:
    return tuple(item for item in (_opening(order), order.last_frame) if item is not None)


def _path(ticket: Ticket) -> str:
    return f"/renders/{quote(ticket.id, safe=':')}"


def _create(ticket: Ticket, pictures: Mapping[str, str], *, paid: bool) -> Request:
    document = {"id": ticket.id, "scene": ticket.data.get("scene"), "pictures": dict(pictures)}
    return Request("POST", "/renders", json=document, extensions={PAID: True} if paid else {})


def _answer(response: Response) -> Mapping[str, Any]:
    body = json_body(response)
    return body if isinstance(body, dict) else {}


def _refused(response: Response) -> bool:
    """Whether the renderer itself, in its own words, said no."""
    return response.is_client_error and bool(_text(_answer(response).get("error")))


def _unknown(response: Response) -> bool:
    return response.status_code == 404 and _answer(response).get("error") == "unknown render"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
