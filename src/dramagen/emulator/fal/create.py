"""A submit is checked and becomes a job: by the endpoint asked for, or silently by another."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dramagen.emulator.fal import uploads
from dramagen.emulator.fal.endpoints import APPS, ENDPOINTS
from dramagen.emulator.fal.errors import Refusal, invalid, model_error
from dramagen.emulator.inputs import filled, problems
from dramagen.emulator.media import FPS, ClipSpec
from dramagen.emulator.pixels import Size
from dramagen.emulator.resold import BadFile, Model, Order, order, picture
from dramagen.emulator.state import Account, Job, jitter
from dramagen.emulator.world import Call

_MOST_RUNS = 11
"""The first run and ten more."""
_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What a request shows beside its state."""

    endpoint: str
    body: Any
    failure: Refusal | None
    runs: tuple[str, ...]
    """The gateway's id of each run; the last one counts."""
    seed: int
    length: int
    """Seconds of output."""
    content_life: float
    result_life: float
    webhook: str

    @property
    def app(self) -> str:
        return "/".join(self.endpoint.split("/")[:2])


def submit(call: Call, account: Account) -> Job:
    """The job of a submit; raises ``Refusal``."""
    endpoint = call.params["endpoint"].strip("/")
    if "/".join(endpoint.split("/")[:2]) not in APPS:
        raise Refusal(404, None, f"Application '{endpoint}' not found")
    _queue_length(call, account)
    body = _body(call)
    served, failure, wish = endpoint, None, None
    try:
        wish = _wish(call, account, endpoint, body)
        _moderate(str(body.get("prompt", "")))
        served = _served(call, endpoint)
    except Refusal as refusal:
        if call.options.input_checked == "submit" and refusal.status == 422:
            raise
        failure = refusal
    price = _price(call, wish, endpoint, served)
    if account.spent(call.now) + price > call.options.balance:
        raise Refusal(403, None, "User is locked. Reason: Exhausted balance.")
    return _added(call, account, endpoint, served, body, wish, failure, price)


def _body(call: Call) -> dict[str, Any]:
    try:
        body = call.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise model_error(422, "dict_type", "The body is not an object")
    return body


def _queue_length(call: Call, account: Account) -> None:
    most = call.query.get("fal_max_queue_length", "")
    waiting = sum(job.state(call.now) == "queued" for job in account.jobs.values())
    if most.isdigit() and waiting >= int(most):
        raise Refusal(429, "concurrent_requests_limit", "The queue is longer than fal_max_queue_length")


def _wish(call: Call, account: Account, endpoint: str, body: Mapping[str, Any]) -> Order:
    model = ENDPOINTS.get(endpoint)
    if model is None:
        raise Refusal(404, None, f"Path /{'/'.join(endpoint.split('/')[2:])} not found")
    found = problems(model.fields, body, strangers=call.options.unknown_fields == "refused")
    if not body.get("prompt") and not body.get("multi_prompt") and "multi_prompt" in model.fields:
        raise model_error(422, "missing", "prompt or multi_prompt is needed", "prompt")
    if body.get("prompt") and body.get("multi_prompt"):
        raise model_error(422, "value_error", "prompt and multi_prompt exclude each other", "multi_prompt")
    if found:
        raise invalid(found)
    values = filled(model.fields, body)
    return order(model, values, _pictures(call, account, model, values))


def _pictures(call: Call, account: Account, model: Model, values: Mapping[str, Any]) -> Size | None:
    """Look at every picture; the size of the first frame, where there is one that can be measured."""
    frame = None
    for name in model.fields:
        if "image" not in name:
            continue
        given = values.get(name) or []
        for at, value in enumerate([given] if isinstance(given, str) else given):
            size = _looked_at(call, account, value, (name,) if isinstance(given, str) else (name, at))
            if name in model.first:
                frame = size
    return frame


def _looked_at(call: Call, account: Account, value: str, at: tuple[str | int, ...]) -> Size | None:
    try:
        return picture(
            value, uploads.origin(call) + "/files/", lambda own: uploads.uploaded(call, account, own)
        )
    except BadFile as bad:
        kind = {"download": "file_download_error", "load": "image_load_error"}[bad.why]
        raise model_error(422, kind, "The picture cannot be used", *at, value=value[:80]) from None


def _moderate(prompt: str) -> None:
    for word, error in (
        ("[[moderate-input]]", model_error(422, "content_policy_violation", "Input was flagged", "prompt")),
        ("[[moderate-face]]", model_error(422, "content_policy_violation", "Input was flagged", "image_url")),
        ("[[moderate-output]]", model_error(422, "content_policy_violation", "Output was flagged")),
        ("[[no-media]]", model_error(422, "no_media_generated", "No media was generated", "prompt")),
        ("[[fail]]", model_error(500, "internal_server_error", "Generation failed")),
        ("[[downstream]]", model_error(400, "downstream_service_error", "The service behind failed")),
        ("[[timeout]]", model_error(504, "generation_timeout", "Generation took too long")),
    ):
        if word in prompt:
            raise error


def _served(call: Call, endpoint: str) -> str:
    """The endpoint that really runs; raises where it is out of order and no other may step in."""
    if endpoint not in call.options.troubled:
        return endpoint
    if call.request.headers.get(call.options.fallback_header, "").lower() == "true":
        raise Refusal(503, "runner_scheduling_failure", "The endpoint is out of order")
    return str(call.options.fallback)


def _price(call: Call, wish: Order | None, endpoint: str, served: str) -> Decimal:
    """What the endpoint that runs costs; nothing where no model is reached."""
    if wish is None:
        return Decimal(0)
    amount = wish.amount
    if served != endpoint:
        other = ENDPOINTS[served]
        amount = order(other, filled(other.fields, {"duration": wish.seconds}), None).amount
    return amount if amount is not None else Decimal(call.options.unlisted_price * wish.seconds)


def _added(
    call: Call,
    account: Account,
    endpoint: str,
    served: str,
    body: Any,
    wish: Order | None,
    failure: Refusal | None,
    price: Decimal,
) -> Job:
    job_id = str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
    broken = _broken_runs(call)
    if failure is None and (broken >= _MOST_RUNS or (broken and _no_retry(call))):
        broken = 0 if _no_retry(call) else _MOST_RUNS - 1
        failure = Refusal(503, "runner_disconnected", "The runner disconnected")
    runs = (*(str(uuid.uuid4()) for _ in range(broken)), job_id if not broken else str(uuid.uuid4()))
    length = wish.seconds if wish else 0
    job = Job(
        id=job_id,
        model=served,
        price=price,
        created=call.now,
        seconds=call.options.job_seconds * jitter(job_id, 0.8, 1.2) * len(runs) if wish else 1.0,
        clip=_clip(wish, str(body.get("prompt", ""))),
        outcome="failed" if failure else "succeeded",
        priority=-1 if _low(call) else 0,
        start_by=call.now + _start_within(call),
        charged_once_started=call.options.cancelled_billed,
        detail=Detail(
            endpoint=endpoint,
            body=body,
            failure=failure,
            runs=runs,
            seed=body["seed"] if isinstance(body.get("seed"), int) else int(jitter(job_id, 1, 2**31)),
            length=length,
            content_life=_content_life(call),
            result_life=_HOUR
            if call.request.headers.get("x-fal-store-io") == "0"
            else call.options.result_life,
            webhook=call.query.get("fal_webhook", ""),
        ),
    )
    if call.never:
        job.stall(call.now)
    account.add(job, lane="all", slots=call.options.concurrency)
    if call.options.reruns_billed:
        _bill_runs(account, job, runs[:-1])
    return job


def _bill_runs(account: Account, job: Job, runs: tuple[str, ...]) -> None:
    """Rows of the bill alone: no request finds a run by its gateway's id."""
    for run in runs:
        account.jobs[run] = Job(
            id=run,
            model=job.model,
            price=job.price,
            created=job.created,
            starts=job.created,
            seconds=0,
            clip=job.clip,
            deleted=True,
            detail=job.detail,
        )


def _clip(wish: Order | None, prompt: str) -> ClipSpec:
    if wish is None:
        return ClipSpec(2, 2, 1)
    clip = ClipSpec(*wish.size, FPS * wish.seconds + 1, wish.sound)
    for kind in ("short", "small", "mute", "corrupt"):
        if f"[[defect:{kind}]]" in prompt:
            clip = clip.defective(kind)
    return clip


def _broken_runs(call: Call) -> int:
    return int(call.options.runner_failures)


def _no_retry(call: Call) -> bool:
    return call.request.headers.get("x-fal-no-retry", "").lower() in ("1", "true", "yes")


def _low(call: Call) -> bool:
    header = call.request.headers.get("x-fal-queue-priority", "normal")
    return "low" in (header, call.query.get("priority"))


def _start_within(call: Call) -> float:
    """Seconds to the deadline by which the job must have started; the newer header goes first."""
    headers = call.request.headers
    asked = headers.get("x-fal-request-start-timeout") or headers.get("x-fal-request-timeout")
    if asked is None:
        return float("inf")
    try:
        seconds = float(asked)
    except ValueError:
        seconds = 0.0
    if seconds <= 0.1:
        raise Refusal(400, "bad_request", "X-Fal-Request-Timeout must be greater than 0.1")
    return seconds


def _content_life(call: Call) -> float:
    preference = call.request.headers.get("x-fal-object-lifecycle-preference")
    if preference is None:
        return float(call.options.content_life)
    seconds = uploads.lifetime(preference)
    return float(call.options.content_life) if seconds is None else seconds
