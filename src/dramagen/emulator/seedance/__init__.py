"""Seedance: Volcengine Ark (cn) and BytePlus ModelArk (intl).

Source: the vendor's pages on creating, querying, listing and deleting video tasks, as read up to 2026-11-22.
"""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from dramagen.emulator.callbacks import Notice
from dramagen.emulator.files import FILES
from dramagen.emulator.seedance import errors
from dramagen.emulator.seedance.content import Content, read_content
from dramagen.emulator.seedance.errors import Refusal, invalid
from dramagen.emulator.seedance.fields import Fields, read_fields
from dramagen.emulator.seedance.models import ALLOW_LISTED, MODELS, Model
from dramagen.emulator.seedance.tasks import DAY, new_job, task_object
from dramagen.emulator.state import Account, Job
from dramagen.emulator.world import Call, Endpoint, Handler

_TASKS = "/api/v3/contents/generations/tasks"
_STATES = ("queued", "running", "cancelled", "succeeded", "failed", "expired")


class Settings(BaseModel):
    """How this emulated vendor behaves; seconds are virtual."""

    model_config = ConfigDict(extra="forbid")

    concurrency: int = Field(default=10, ge=0)
    """Tasks of one model running at once; more of them queue."""
    concurrency_4k: int = Field(default=1, ge=0)
    queue: int = Field(default=1000, ge=0)
    """Queued tasks of one model above which a create is refused."""
    balance: Decimal = Decimal(1_000_000)
    """What a new key may spend, in the region's currency."""
    job_seconds: float = Field(default=150.0, gt=0)
    rpm: int = Field(default=0, ge=0)
    """Creates a minute and model; 0 is no limit."""
    list_qps: float = Field(default=1.0, ge=0)
    """List calls a second and account; 0 is no limit."""
    frame_ratio: Literal["sync", "async"] = "sync"
    """Whether a concrete ratio on a 2.5 frame task is refused at once or fails later."""
    seed_echo: bool = True
    echo_early: bool = False
    """Whether a task shows seed, size and length before it succeeded."""
    failed_error: bool = True
    """Whether a failed task says why."""
    numbers: Literal["number", "string"] = "number"
    """How token counts and durations are spelled: the vendor's schema says one, its examples the other."""
    running_word: str = "running"
    """Another word here is a state no page names."""
    video_input_floor: Literal["none", "times_1.8"] = "none"
    """The vendor's minimum tokens with a video input; its table is not public."""
    reference_video_seconds: float = Field(default=5.0, gt=0)
    """Length assumed for a reference video whose URL does not say ``?seconds=``."""
    endpoints: dict[str, str] = {}
    """Endpoint id (``ep-...``) -> model id."""
    not_activated: list[str] = []
    retired: list[str] = []
    callbacks: Literal["deliver", "never", "duplicate", "reorder"] = "deliver"


def _answered(act: Handler) -> Handler:
    """Turn a refusal raised anywhere into the vendor's error answer."""

    async def handle(call: Call) -> Response:
        try:
            return await act(call)
        except Refusal as refusal:
            return errors.refused(call, refusal)

    return handle


def _account(call: Call) -> Account:
    if not call.bearer or call.bearer.startswith("bad"):
        raise Refusal(401, "AuthenticationError", "the API key in the request is missing or invalid")
    return call.account(call.bearer)


def _ok(call: Call, body: Any) -> Response:
    return JSONResponse(body, headers={"x-request-id": errors.request_id(call), "server": "istio-envoy"})


async def _create(call: Call) -> Response:
    account = _account(call)
    body = _body(call)
    model = _model(call, body)
    _check_rate(call, account, model)
    family = model.family(call.region)
    content = read_content(body.get("content"), model, family, call.options.reference_video_seconds)
    draft = _draft(call, account, body, content) if content.draft else None
    if draft is None:
        fields = read_fields(body, model, family, content, late_ratio=call.options.frame_ratio == "async")
    else:
        fields = _final(body, model, family, draft)
    _moderate(content)
    if account.spent(call.now) >= call.options.balance:
        raise Refusal(403, "AccountOverdueError", "account has an overdue balance")
    lane, slots = _lane(call, model, fields)
    if lane in account.lanes and account.lanes[lane].waiting(call.now) >= call.options.queue:
        raise Refusal(429, "QuotaExceeded", "the request has exceeded the quota: too many queued tasks")
    job = new_job(
        world=call.world,
        body=body,
        model=model,
        region=call.region,
        content=content,
        fields=fields,
        draft_of=draft,
    )
    if call.never:
        job.stall(call.now)
    account.add(job, lane=lane, slots=slots)
    if fields.callback:
        call.world.outbox.add(_notice(call, account, job))
    answer = {"id": job.id}
    if "safety_identifier" in body:
        answer["safety_identifier"] = body["safety_identifier"]
    return _ok(call, answer)


def _moderate(content: Content) -> None:
    if "[[moderate-input]]" in content.text:
        code = "InputTextSensitiveContentDetected"
        raise invalid("content[0].text", "the input text may contain sensitive information", code)
    if "[[moderate-face]]" in content.text:
        code = "InputImageSensitiveContentDetected.PrivacyInformation"
        raise invalid("", "input image 'content[1]' may contain real person", code)


def _body(call: Call) -> dict[str, Any]:
    """The JSON object sent, without its nulls: the vendor's own client sends every unset field as null."""
    try:
        body = call.json()
    except ValueError:
        raise invalid("", "the request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise invalid("", "the request body must be a JSON object")
    if len(call.body) > 64 * 1024 * 1024:
        raise invalid("", "the request body must be at most 64 MB")
    return {name: value for name, value in body.items() if value is not None}


def _model(call: Call, body: Mapping[str, Any]) -> Model:
    sent = body.get("model")
    if not isinstance(sent, str) or not sent:
        raise Refusal(
            400, "MissingParameter", "the request is missing one required parameter: model", "model"
        )
    known = {model.id(call.region): model for model in MODELS}
    wanted = call.options.endpoints.get(sent, sent)
    if wanted in call.options.not_activated or wanted in ALLOW_LISTED:
        raise Refusal(404, "ModelNotOpen", f"your account has not activated the model {sent}", "model")
    if wanted not in known or wanted in call.options.retired:
        text = f"the model or endpoint {sent} does not exist or you do not have access to it"
        raise Refusal(404, "InvalidEndpointOrModel.NotFound", text, "model")
    return known[wanted]


def _check_rate(call: Call, account: Account, model: Model) -> None:
    window = account.seen.setdefault(f"rpm:{model.stem}", [])
    window[:] = [moment for moment in window if moment > call.now - 60]
    if call.options.rpm and len(window) >= call.options.rpm:
        raise Refusal(429, "ModelAccountRpmRateLimitExceeded", "RPM limit of the model is exceeded")
    window.append(call.now)


def _lane(call: Call, model: Model, fields: Fields) -> tuple[str, float]:
    if fields.tier == "flex":
        return f"{model.stem}:flex", math.inf
    if fields.resolution == "4k":
        return f"{model.stem}:4k", call.options.concurrency_4k
    return model.stem, call.options.concurrency


def _draft(call: Call, account: Account, body: Mapping[str, Any], content: Content) -> Job:
    """The draft a final is made from: the account's own, succeeded, of the same model, at most 7 days old."""
    job = account.find(content.draft)
    usable = job is not None and job.detail.fields.draft and job.state(call.now) == "succeeded"
    if (
        job is None
        or not usable
        or call.now > job.created + 7 * DAY
        or job.detail.sent_model != body["model"]
    ):
        raise invalid("content[0].draft_task", "the draft task is not found or cannot be used")
    for name in (
        "duration",
        "ratio",
        "seed",
        "generate_audio",
        "omni_reference_task_type",
        "frames",
        "draft",
    ):
        if name in body:
            raise invalid(name, f"the parameter {name} must be empty for a task made from a draft")
    return job


def _final(body: Mapping[str, Any], model: Model, family: str, draft: Job) -> Fields:
    if str(body.get("resolution", "1080p")).lower() != "1080p":
        raise invalid("resolution", f"the parameter resolution must be 1080p for model {family} in draft")
    kept = draft.detail
    again = {
        **body,
        "resolution": "1080p",
        "ratio": kept.ratio,
        "duration": kept.seconds,
        "generate_audio": kept.fields.audio,
    }
    return read_fields(again, model, family, Content(text="draft"), late_ratio=False)


def _origin(call: Call) -> str:
    return f"{call.request.url.scheme}://{call.request.url.netloc}{call.prefix}"


def _notice(call: Call, account: Account, job: Job) -> Notice:
    origin, world = _origin(call), call.world

    def compose(at: float) -> tuple[Mapping[str, str], bytes]:
        task = task_object(world, origin, job, at)
        return {"content-type": "application/json"}, json.dumps(task).encode()

    return Notice(
        url=job.detail.fields.callback,
        account=account,
        job=job,
        compose=compose,
        states=frozenset({"queued", "running", "succeeded", "failed", "expired"}),
        resent=frozenset({"succeeded", "failed"}),
        resends=3,
        mode=call.options.callbacks,
    )


def _visible(call: Call, job: Job) -> bool:
    if job.deleted:
        return False
    if job.cancelled is not None and call.now >= job.cancelled + DAY:
        return False
    return call.now < job.created + 7 * DAY


def _find(call: Call, account: Account) -> Job:
    job = account.find(call.params["id"])
    if job is None or not _visible(call, job):
        raise Refusal(404, "NotFound.TaskNotFound", "the specified task is not found")
    if call.never:
        job.stall(call.now)
    return job


async def _get(call: Call) -> Response:
    job = _find(call, _account(call))
    return _ok(call, task_object(call.world, _origin(call), job, call.now))


async def _list(call: Call) -> Response:
    account = _account(call)
    limit = call.options.list_qps
    if limit and call.now < account.seen.get("listed", -math.inf) + 1 / limit:
        raise Refusal(429, "APIAccountRpmRateLimitExceeded", "the rate limit of the API is exceeded")
    account.seen["listed"] = call.now
    number, size = _page(call, "page_num", 1), _page(call, "page_size", 20)
    status = call.query.get("filter.status")
    if status is not None and status not in _STATES:
        raise invalid("filter.status", "the parameter filter.status specified in the request is not valid")
    ids = call.query.getlist("filter.task_ids")
    model = call.query.get("filter.model")
    tier = call.query.get("filter.service_tier", "default")
    chosen = [
        job
        for job in reversed(account.jobs.values())
        if _visible(call, job)
        and job.detail.fields.tier == tier
        and (status is None or job.state(call.now) == status)
        and (not ids or job.id in ids)
        and (model is None or job.detail.sent_model == model)
    ]
    if call.never:
        for job in chosen:
            job.stall(call.now)
    page = chosen[(number - 1) * size : number * size]
    items = [task_object(call.world, _origin(call), job, call.now) for job in page]
    return _ok(call, {"total": len(chosen), "items": items})


def _page(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdigit() or not 1 <= int(text) <= 500:
        raise invalid(name, f"the parameter {name} must be between 1 and 500")
    return int(text)


async def _delete(call: Call) -> Response:
    job = _find(call, _account(call))
    match job.state(call.now):
        case "queued":
            job.cancelled = call.now
        case "running":
            text = "cannot delete the task because it is currently running"
            raise Refusal(409, "InvalidAction.RunningTaskDeletion", text)
        case "cancelled":
            raise Refusal(409, "InvalidAction.CancelledTaskDeletion", "cannot delete a cancelled task")
        case _:
            job.deleted = True
    return _ok(call, {})


async def _models(call: Call) -> Response:
    _account(call)
    data = [{"id": model.id(call.region), "object": "model", "owned_by": "bytedance"} for model in MODELS]
    return _ok(call, {"object": "list", "data": data})


class Seedance:
    """Ark's video API."""

    name = "seedance"
    regions: Mapping[str, str] = {"cn": "CNY", "intl": "USD"}
    settings = Settings
    endpoints = (
        *FILES,
        Endpoint("POST", _TASKS, _answered(_create), "create"),
        # The vendor has no cancel route: a POST below a task falls through to create.
        Endpoint("POST", _TASKS + "/{rest:path}", _answered(_create), "create"),
        Endpoint(
            "GET",
            _TASKS,
            _answered(_list),
            lambda call: "poll" if call.query.get("filter.task_ids") else "find",
        ),
        Endpoint("GET", _TASKS + "/{id}", _answered(_get), "poll"),
        Endpoint("DELETE", _TASKS + "/{id}", _answered(_delete), "cancel"),
        Endpoint("GET", "/api/v3/models", _answered(_models), "models"),
    )

    def failure(self, call: Call, status: int, code: str | int | None) -> Response:
        return errors.usual(call, status, code)

    def lost(self, call: Call, *, path_exists: bool) -> Response:
        return errors.refused(call, Refusal(404, "NotFound", "the requested path is not found"))

    def gone(self, call: Call, job: Job) -> bool:
        return job.downloads >= 100 and job.detail.newest

    def file_refused(self, call: Call, *, expired: bool) -> Response:
        """TOS answers in XML."""
        why = "Request has expired" if expired else "The request signature does not match"
        xml = f'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>{why}</Message></Error>'
        return Response(xml, 403, media_type="application/xml")


VENDOR = Seedance()
