"""From a wish to a job, and from a job to what the API shows of it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from dramagen.emulator.files import file_url
from dramagen.emulator.media import FPS, ClipSpec
from dramagen.emulator.state import Job, State, jitter
from dramagen.emulator.wan.create import Wish
from dramagen.emulator.wan.models import Model
from dramagen.emulator.world import Call, World

DAY = 86_400.0
_CHINA = timezone(timedelta(hours=8))

SPELLING: Mapping[State, str] = {
    "queued": "PENDING",
    "running": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "CANCELED",
}


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What a task shows beside its state."""

    wish: Wish
    model: Model
    region: str
    request_id: str
    service: str
    error: tuple[str, str] | None


def new_job(call: Call, model: Model, sent_model: str, wish: Wish, request_id: str, service: str) -> Job:
    """The job a create makes, with its price and the file it will leave."""
    job_id = str(uuid.uuid4())
    error = _verdict(call, wish)
    spec = ClipSpec(*wish.size, FPS * wish.seconds, wish.sound)
    for kind in ("short", "small", "mute", "corrupt"):
        if f"[[defect:{kind}]]" in wish.prompt:
            spec = spec.defective(kind)
    return Job(
        id=job_id,
        model=sent_model,
        price=model.rate(call.region, wish.tier, sound=wish.sound) * Decimal(str(wish.billed)),
        created=call.now,
        seconds=call.options.job_seconds * jitter(job_id, 0.8, 1.2),
        clip=spec,
        outcome="failed" if error else "succeeded",
        detail=Detail(
            wish=wish, model=model, region=call.region, request_id=request_id, service=service, error=error
        ),
    )


def _verdict(call: Call, wish: Wish) -> tuple[str, str] | None:
    words = {
        "output": "Output data may contain inappropriate content.",
        "either": "Input or output data may contain inappropriate content.",
    }
    if "[[moderate-output]]" in wish.prompt:
        return "DataInspectionFailed", words[call.options.moderation_words]
    if "[[fail]]" in wish.prompt:
        return "InternalError.Algo", "inference internal error."
    if "[[timeout]]" in wish.prompt:
        return "InternalError.Timeout", "An internal timeout error has occurred during execution."
    return wish.late


def moment(world: World, at: float) -> str:
    """A virtual moment as tasks show it: China's time, without its zone."""
    return f"{datetime.fromtimestamp(world.clock.stamp(at), UTC).astimezone(_CHINA):%Y-%m-%d %H:%M:%S.%f}"[
        :-3
    ]


def task_body(call: Call, job: Job, request_id: str) -> dict[str, Any]:
    """The answer about one task."""
    detail: Detail = job.detail
    state = job.state(call.now)
    word = call.options.running_word if state == "running" else SPELLING[state]
    output: dict[str, Any] = {"task_id": job.id, "task_status": word}
    output["submit_time"] = moment(call.world, job.created)
    if job.starts is not None and job.starts <= call.now:
        output["scheduled_time"] = moment(call.world, job.starts)
    if state in ("succeeded", "failed"):
        output["end_time"] = moment(call.world, job.ends)
    if state == "succeeded" or (call.options.prompt_shown == "always" and state != "failed"):
        output["orig_prompt"] = detail.wish.prompt
    if state == "failed" and detail.error is not None and call.options.failed_reason:
        output["code"], output["message"] = detail.error
    body: dict[str, Any] = {"request_id": request_id, "output": output}
    if state == "succeeded":
        origin = f"{call.request.url.scheme}://{call.request.url.netloc}{call.prefix}"
        output["video_url"] = file_url(call.world, origin, job, "video.mp4", job.ends + DAY)
        body["usage"] = _usage(detail, call.options.numbers)
    return body


def _usage(detail: Detail, numbers: str) -> dict[str, Any]:
    wish, model = detail.wish, detail.model

    def spelled(value: float) -> Any:
        whole = int(value) if value == int(value) else value
        return {"int": whole, "float": float(value), "text": str(whole)}[numbers]

    if model.protocol == "legacy" and not model.id.startswith("wan2.6"):
        if model.id.startswith(("wan2.1", "wanx2.1")):
            return {"video_duration": spelled(wish.seconds), "video_ratio": "standard", "video_count": 1}
        if model.kind == "text":
            return {"video_duration": spelled(wish.seconds), "video_ratio": wish.ratio, "video_count": 1}
        return {"duration": spelled(wish.seconds), "SR": spelled(int(wish.tier[:-1])), "video_count": 1}
    usage: dict[str, Any] = {
        "video_count": 1,
        "duration": spelled(wish.billed),
        "input_video_duration": spelled(sum(wish.films)),
        "output_video_duration": spelled(wish.seconds),
        "SR": spelled(int(wish.tier[:-1])),
    }
    if model.protocol == "wan3":
        usage["fps"] = spelled(30)
    if wish.ratio is not None:
        usage["size" if model.protocol == "legacy" else "ratio"] = wish.ratio
    return usage


def listed(call: Call, job: Job) -> dict[str, Any]:
    """A task as the list shows it: neither prompt nor link, and times in milliseconds."""
    detail: Detail = job.detail
    state = job.state(call.now)

    def milliseconds(at: float) -> int:
        return int(call.stamp(at) * 1000)

    entry: dict[str, Any] = {
        "task_id": job.id,
        "status": SPELLING[state],
        "model_name": job.model,
        "gmt_create": milliseconds(job.created),
        "request_id": detail.request_id,
        "api_key_id": "151234",
        "caller_uid": "1",
        "caller_parent_id": "1",
        "region": f"cn-{'beijing' if detail.region == 'cn' else detail.region}",
        "user_api_unique_key": f"apikey:v1:aigc:{detail.service}:video-synthesis:{job.model}",
    }
    if job.starts is not None and job.starts <= call.now:
        entry["start_time"] = milliseconds(job.starts)
    if state in ("succeeded", "failed"):
        entry["end_time"] = milliseconds(job.ends)
    return entry
