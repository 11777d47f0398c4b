"""Kling's older API (``/v1/videos/…``): only for what lives nowhere else.

That is the models before 2.5, and three fields: ``negative_prompt``, ``camera_control`` and, through the caller's
options, motion masks. Success is spelled ``succeed`` here. Source: Kling's pages "Text to video" and "Image to
video" of the legacy API (klingai.com/document-api), captured 2026-02.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from httpx import Request, Response

from dramagen.adapters.base import (
    PAID,
    Absent,
    Attempt,
    Download,
    Flow,
    Status,
    Ticket,
    Unsure,
    Usage,
    json_body,
)
from dramagen.adapters.faults import who
from dramagen.adapters.kling_answers import (
    STATES,
    code_of,
    decimal,
    download,
    failure,
    fault,
    identifier,
)
from dramagen.adapters.kling_create import model_of, picture, product_of
from dramagen.adapters.kling_words import wording
from dramagen.catalog.order import Order
from dramagen.errors import DramagenError, InvalidShot, JobExpired, ProviderUnavailable

_PRODUCTS = {"text-to-video": "text2video", "image-to-video": "image2video"}
_MODES = {"720p": "std", "1080p": "pro", "4k": "4k"}
_SOUND = ("kling-v2-6", "kling-v3")

_CAMERA_FIELD: tuple[tuple[str, str | None, str, Decimal], ...] = (
    ("kling-v1", "text2video", "std", Decimal(5)),
    ("kling-v1-5", "image2video", "pro", Decimal(5)),
)
"""The only model, product, mode and seconds that take ``camera_control``."""

_CAMERA = {
    "truck_left": ("horizontal", -1),
    "truck_right": ("horizontal", 1),
    "pedestal_down": ("vertical", -1),
    "pedestal_up": ("vertical", 1),
    "pan_left": ("pan", -1),  # about the y axis on the Chinese page; an English copy swaps pan and tilt
    "pan_right": ("pan", 1),
    "tilt_down": ("tilt", -1),
    "tilt_up": ("tilt", 1),
    "roll": ("roll", 1),
    "zoom_in": ("zoom", -1),  # negative is the longer focal length
    "zoom_out": ("zoom", 1),
}
_STRENGTH = {"slow": 3, "normal": 5, "fast": 8}  # of 10; the vendor gives no speeds, these are ours


def serves(order: Order) -> bool:
    """Whether the model's card says this generation serves it."""
    return order.wire.get("protocol") == "legacy"


def owns(ticket: Ticket) -> bool:
    """Whether a job was made through this generation."""
    return ticket.data.get("protocol") == "legacy"


def body_of(order: Order, attempt: Attempt | None = None) -> dict[str, Any]:
    """What the paid POST says. Raises ``InvalidShot`` for what this API cannot be told.

    Without an attempt it lacks its tag and pictures: so that a plan refuses what could not be sent.
    """
    product, model = _product(order), model_of(order)
    if order.references or order.cuts or any(line.voice for line in order.dialogue):
        raise InvalidShot("the legacy API films no references, cuts or chosen voices", **who(order.route))
    if order.duration != int(order.duration):
        raise InvalidShot(f"Kling films whole seconds, not {order.duration}", **who(order.route))
    if (product == "image2video") is not (order.first_frame is not None):
        raise InvalidShot("a first frame goes with image to video, and only there", **who(order.route))
    control = _camera_control(order)
    body: dict[str, Any] = {
        "model_name": model,  # an old `model` key would quietly mean the default model
        "prompt": wording(order, negative_field=True, camera_field=control is not None),
        "mode": _mode(order),
        "duration": str(int(order.duration)),
        "watermark_info": {"enabled": False},
        "external_task_id": attempt.tag if attempt else "",
    }
    if order.negative_prompt:
        body["negative_prompt"] = order.negative_prompt
    if model in _SOUND:
        body["sound"] = "on" if order.audio else "off"
    elif order.audio:
        raise InvalidShot(f"{order.route.model} films without sound", **who(order.route))
    if product == "text2video" and order.aspect_ratio:
        body["aspect_ratio"] = order.aspect_ratio
    if order.first_frame:
        body["image"] = picture(order.first_frame, attempt)
    if order.last_frame:
        body["image_tail"] = picture(order.last_frame, attempt)
    if control is not None:
        body["camera_control"] = control
    if attempt and attempt.callback_url:
        body["callback_url"] = attempt.callback_url
    # A chosen voice has a price of its own, which this order did not reserve.
    clash = sorted((body.keys() | {"model", "voice_list", "multi_shot"}) & order.options.keys())
    if clash:
        raise InvalidShot(f"options cannot set {', '.join(clash)} here: the shot does", **who(order.route))
    return body | dict(order.options)


def submit(order: Order, attempt: Attempt) -> Flow[Ticket]:
    """Create the job with one paid POST."""
    path = f"/v1/videos/{_product(order)}"
    response = yield Request("POST", path, json=body_of(order, attempt), extensions={PAID: True})
    job = identifier(_task(response).get("task_id"))
    if job is None:
        raise fault(response, order.route)
    return _ticket(order, job)


def poll(tickets: Sequence[Ticket], *, answered: bool = False) -> Flow[Mapping[str, Status]]:
    """The state of each job, one request each.

    An answer that tells nothing leaves its job out; it is raised only where no other job was ``answered`` for.
    """
    told: dict[str, Status] = {}
    problem: DramagenError | None = None
    for ticket in tickets:
        response = yield _get(str(ticket.data.get("product")), ticket.id)
        task = _task(response)
        if _unknown(response):
            gone = JobExpired("Kling no longer has this job", **who(ticket.route))
            told[ticket.id] = Status(ticket, "missing", error=gone)
        elif code_of(json_body(response)) == 0 and identifier(task.get("task_id")) == ticket.id:
            told[ticket.id] = _status(ticket, task)
        else:
            problem = fault(response, ticket.route)
    if problem is not None and not told and not answered:
        raise problem
    return told


def find(order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
    """Look for a lost create by its tag, which stands in the path where an id would."""
    response = yield _get(_product(order), attempt.tag)
    if _unknown(response):
        return Absent()
    task = _task(response)
    job, info = identifier(task.get("task_id")), task.get("task_info")
    tag = info.get("external_task_id") if isinstance(info, Mapping) else None
    if code_of(json_body(response)) == 0 and job and (tag or attempt.tag) == attempt.tag:
        return _ticket(order, job)
    return Unsure(str(fault(response, order.route)))


def deliver(ticket: Ticket) -> Flow[Download]:
    """The clip's public link, asked for anew. Raises ``JobExpired`` when Kling no longer has the job."""
    response = yield _get(str(ticket.data.get("product")), ticket.id)
    if _unknown(response):
        raise JobExpired("Kling no longer has this job", **who(ticket.route))
    task = _task(response)
    if code_of(json_body(response)) != 0 or identifier(task.get("task_id")) != ticket.id:
        raise fault(response, ticket.route)
    status = _status(ticket, task)
    if status.error is not None:
        raise status.error
    result = task.get("task_result")
    videos = result.get("videos") if isinstance(result, Mapping) else None
    for video in videos if isinstance(videos, list) else ():
        found = download(video.get("url"), task.get("updated_at")) if isinstance(video, Mapping) else None
        if found is not None:
            return found
    raise ProviderUnavailable("Kling names no file for this job yet", billed=None, **who(ticket.route))


def _camera_control(order: Order) -> dict[str, Any] | None:
    """The camera as a field, where the model has it and nothing that excludes it is sent."""
    where = (model_of(order), _PRODUCTS.get(product_of(order)), _mode(order), order.duration)
    excluded = order.last_frame or {"static_mask", "dynamic_masks", "camera_control"} & order.options.keys()
    if order.camera is None or where not in _CAMERA_FIELD or excluded or order.camera.move not in _CAMERA:
        return None
    field, sign = _CAMERA[order.camera.move]
    return {"type": "simple", "config": {field: sign * _STRENGTH[order.camera.speed]}}


def _status(ticket: Ticket, task: Mapping[str, Any]) -> Status:
    word = task.get("task_status")
    state = STATES.get(word) if isinstance(word, str) else None
    if state is None:
        return Status(ticket, "running", note=f"unknown status {word!r}"[:80])
    if state not in ("succeeded", "failed"):
        return Status(ticket, state)
    units = decimal(task.get("final_unit_deduction"))
    paid = task.get("final_balance_deduction")
    cash = decimal(paid.get("quota")) if isinstance(paid, Mapping) else None
    # Cash comes without its currency: better to reckon such a job's cost than to book its zero units.
    usage = None if units is None or (cash and not units) else Usage(units=units)
    if state == "succeeded":
        return Status(ticket, state, usage=usage)
    error = failure(task.get("task_status_msg"), ticket.route, charged=bool(units or cash))
    return Status(ticket, state, usage=usage, error=error)


def _product(order: Order) -> str:
    product = product_of(order)
    if product not in _PRODUCTS:
        raise InvalidShot(f"Kling's legacy API is not used for {product}", **who(order.route))
    return _PRODUCTS[product]


def _mode(order: Order) -> str:
    return _MODES.get(order.resolution, order.resolution)


def _get(product: str, identity: str) -> Request:
    path = f"/v1/videos/{quote(product, safe='')}/{quote(identity, safe='')}"
    return Request("GET", path, headers={"Content-Type": "application/json"})


def _task(response: Response) -> Mapping[str, Any]:
    body = json_body(response)
    data = body.get("data") if isinstance(body, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _unknown(response: Response) -> bool:
    """Whether Kling says it has no such job: 1201 `Task not found` (seen live 2026-07), not any other 1201."""
    body = json_body(response)
    words = str(body.get("message", "")).lower() if isinstance(body, Mapping) else ""
    return code_of(body) == 1201 and ("not found" in words or "不存在" in words)


def _ticket(order: Order, job: str) -> Ticket:
    return Ticket(id=job, route=order.route, data={"protocol": "legacy", "product": _product(order)})
