"""Wan and HappyHorse over DashScope: Beijing (cn), Singapore (intl), Virginia, Frankfurt, Tokyo and Hong Kong.

Source: Model Studio's pages on creating, querying, listing and cancelling video tasks, as read up to 2026-11-22.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from dramagen.emulator.files import FILES
from dramagen.emulator.state import Account, Job
from dramagen.emulator.wan import create, errors, listing, tasks, uploads
from dramagen.emulator.wan.errors import Refusal, invalid
from dramagen.emulator.wan.media import Desk
from dramagen.emulator.wan.models import Model, model_named
from dramagen.emulator.world import Call, Endpoint, Handler

_TASKS = "/api/v1/tasks"


class Settings(BaseModel):
    """How this emulated vendor behaves; seconds are virtual."""

    model_config = ConfigDict(extra="forbid")

    concurrency: int = Field(default=5, ge=0)
    """Tasks of one model running at once."""
    over_limit: Literal["queue", "refuse"] = "queue"
    """What happens to a create above that: the pages do not say."""
    balance: Decimal = Decimal(1_000_000)
    """What a new key may spend, in the region's currency."""
    job_seconds: float = Field(default=140.0, gt=0)
    create_rps: int = Field(default=0, ge=0)
    """Creates a second and model; 0 is no limit."""
    task_qps: int = Field(default=20, ge=0)
    """Calls about tasks a second and account; 0 is no limit."""
    prompt_shown: Literal["finished", "always"] = "finished"
    """Whether a task shows its prompt before it succeeded."""
    list_delay: float = Field(default=0.0, ge=0)
    """Seconds until a new task is in the list."""
    list_zone: Literal["china", "utc"] = "china"
    page_most: int = Field(default=100, ge=1)
    page_over: Literal["clamp", "refuse"] = "clamp"
    """What happens to a larger page than that: the page documents no limit."""
    data_uris: Literal["documented", "all"] = "documented"
    """Whether models take data URIs whose pages speak of public URLs alone."""
    image_check: Literal["strict", "lenient"] = "lenient"
    reference_video_seconds: float = Field(default=5.0, gt=0)
    """Length assumed for a video whose URL does not say ``?seconds=``."""
    upload_mb: int = Field(default=100, ge=0)
    moderation_words: Literal["output", "either"] = "output"
    failed_reason: bool = True
    """Whether a failed task says why."""
    running_word: str = "RUNNING"
    """Another word here is a state no page names."""
    numbers: Literal["int", "float", "text"] = "float"
    """How usage spells its numbers: all three were seen on the vendor's pages."""
    create_state: Literal["PENDING", "RUNNING"] = "PENDING"
    not_opened: list[str] = []
    retired: list[str] = []


def _answered(act: Handler) -> Handler:
    """Turn a refusal raised anywhere into the vendor's error answer."""

    async def handle(call: Call) -> Response:
        try:
            return await act(call)
        except Refusal as refusal:
            return errors.refused(refusal)

    return handle


def _account(call: Call) -> Account:
    if not call.bearer or call.bearer.startswith(("bad", "sk-sp-")):
        raise Refusal(401, "InvalidApiKey", "Invalid API-key provided.")
    return call.account(call.bearer)


def _ok(body: Mapping[str, Any]) -> Response:
    return JSONResponse(body, headers={"x-request-id": str(body["request_id"])})


def _limited(call: Call, account: Account, name: str, most: int, code: str) -> None:
    """At most so many calls a second."""
    window = account.seen.setdefault(name, [])
    window[:] = [moment for moment in window if moment > call.now - 1]
    if most and len(window) >= most:
        raise Refusal(429, code, "Requests rate limit exceeded, please try again later.")
    window.append(call.now)


async def _create(service: str, call: Call) -> Response:
    account = _account(call)
    if call.request.headers.get("x-dashscope-async") != "enable":
        raise Refusal(403, "AccessDenied", "current user api does not support synchronous calls.")
    body = _body(call)
    sent, model = _model(call, body)
    if ("kf2v" in model.id) is not (service == "image2video"):
        raise invalid("url error, please check url!")
    _limited(call, account, f"creates:{model.id}", call.options.create_rps, "Throttling.RateQuota")
    wish = create.read(model, body, Desk(call, account, model))
    if "[[moderate-input]]" in wish.prompt:
        raise invalid("Input text data may contain inappropriate content.", "DataInspectionFailed")
    if account.spent(call.now) >= call.options.balance:
        raise invalid("Access denied, please make sure your account is in good standing.", "Arrearage")
    if call.options.over_limit == "refuse" and account.unfinished(sent, call.now) >= call.options.concurrency:
        raise Refusal(429, "Throttling", "Too many concurrent requests, please try again later.")
    number = errors.request_id()
    job = tasks.new_job(call, model, sent, wish, number, service)
    if call.never:
        job.stall(call.now)
    account.add(job, lane=sent, slots=call.options.concurrency)
    return _ok(
        {"request_id": number, "output": {"task_id": job.id, "task_status": call.options.create_state}}
    )


def _body(call: Call) -> dict[str, Any]:
    try:
        body = call.json()
    except ValueError:
        raise invalid("the request body is not valid JSON", "BadRequest.IllegalInput") from None
    if not isinstance(body, dict):
        raise invalid("the request body must be a JSON object", "BadRequest.IllegalInput")
    return body


def _model(call: Call, body: Mapping[str, Any]) -> tuple[str, Model]:
    sent = body.get("model")
    if not isinstance(sent, str) or not sent:
        raise invalid("model is required", "BadRequest.EmptyModel")
    model = model_named(sent, call.region)
    if model is None:
        raise Refusal(404, "ModelNotFound", f"Model {sent} can not be found.")
    if sent in call.options.retired:
        raise Refusal(403, "Endpoint.AccessDenied", "The endpoint is not accessible.")
    if sent in call.options.not_opened:
        raise Refusal(403, "AccessDenied.Unpurchased", "Access to model denied.")
    return sent, model


def _find(call: Call, account: Account) -> Job | None:
    job = account.find(call.params["id"])
    if job is None or call.now >= job.created + tasks.DAY:
        return None
    if call.never:
        job.stall(call.now)
    return job


async def _get(call: Call) -> Response:
    account = _account(call)
    _limited(call, account, "tasks", call.options.task_qps, "Throttling.RateQuota")
    job, number = _find(call, account), errors.request_id()
    if job is None:
        output = {"task_id": call.params["id"], "task_status": "UNKNOWN"}
        return _ok({"request_id": number, "output": output})
    return _ok(tasks.task_body(call, job, number))


async def _list(call: Call) -> Response:
    account = _account(call)
    _limited(call, account, "tasks", call.options.task_qps, "Throttling.RateQuota")
    return _ok(listing.page(call, account, errors.request_id()))


async def _cancel(call: Call) -> Response:
    account = _account(call)
    _limited(call, account, "tasks", call.options.task_qps, "Throttling.RateQuota")
    job = _find(call, account)
    if job is None or job.state(call.now) != "queued":
        text = "Failed to cancel the task, please confirm if the task is in PENDING status."
        raise invalid(text, "UnsupportedOperation")
    job.cancelled = call.now
    return _ok({"request_id": errors.request_id()})


async def _upload_ticket(call: Call) -> Response:
    return uploads.ticket(call, _account(call))


class Wan:
    """DashScope's video tasks."""

    name = "wan"
    regions: Mapping[str, str] = {
        "cn": "CNY", "intl": "USD", "us": "USD", "eu": "USD", "jp": "USD", "hk": "USD",
    }  # fmt: skip
    settings = Settings
    endpoints = (
        *FILES,
        *(
            Endpoint(
                "POST",
                f"/api/v1/services/aigc/{service}/video-synthesis",
                _answered(partial(_create, service)),
                "create",
            )
            for service in ("video-generation", "image2video")
        ),
        Endpoint("GET", _TASKS, _answered(_list), "find"),
        Endpoint("GET", _TASKS + "/", _answered(_list), "find"),
        Endpoint("GET", _TASKS + "/{id}", _answered(_get), "poll"),
        Endpoint("POST", _TASKS + "/{id}/cancel", _answered(_cancel), "cancel"),
        # The asyncio half of the dashscope package asks and cancels with a slash at the end.
        Endpoint("GET", _TASKS + "/{id}/", _answered(_get), "poll"),
        Endpoint("POST", _TASKS + "/{id}/cancel/", _answered(_cancel), "cancel"),
        Endpoint("GET", "/api/v1/uploads", _answered(_upload_ticket), "upload"),
        Endpoint("POST", uploads.STORE, uploads.store, "upload"),
    )

    def failure(self, call: Call, status: int, code: str | int | None) -> Response:
        return errors.usual(status, code)

    def lost(self, call: Call, *, path_exists: bool) -> Response:
        return errors.refused(invalid("url error, please check url!"))

    def gone(self, call: Call, job: Job) -> bool:
        return False

    def file_refused(self, call: Call, *, expired: bool) -> Response:
        """OSS answers in XML."""
        why = "Request has expired." if expired else "The request signature does not match."
        return errors.stored(403, "AccessDenied" if expired else "SignatureDoesNotMatch", why)


VENDOR = Wan()
