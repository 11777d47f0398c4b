"""From a checked create to a job, and from a job to the task object the vendor shows."""

import math
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from math import gcd
from typing import Any

from dramagen.emulator.files import file_url
from dramagen.emulator.media import FPS, ClipSpec
from dramagen.emulator.pixels import Size, fit_area
from dramagen.emulator.seedance.content import Content
from dramagen.emulator.seedance.errors import failed
from dramagen.emulator.seedance.fields import Fields
from dramagen.emulator.seedance.models import RATIOS, Model, tokens
from dramagen.emulator.state import Job, jitter
from dramagen.emulator.world import World

DAY = 86_400.0
_CHINA = timezone(timedelta(hours=8))
_AUTO_SECONDS = {"2.5": 10}  # what 2.5 chose in a reported run; 5 elsewhere


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What a task object echoes, and the verdict the task is heading for."""

    fields: Fields
    sent_model: str
    ratio: str
    seconds: int
    seed: int
    tokens: int
    error: Mapping[str, str] | None
    echo: Mapping[str, Any]
    newest: bool
    draft_of: str = ""


def new_id(stamp: float, tier: str) -> str:
    moment = datetime.fromtimestamp(stamp, UTC).astimezone(_CHINA)
    tail = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(5))
    return f"cgt-{'batch-' if tier == 'flex' else ''}{moment:%Y%m%d%H%M%S}-{tail}"


def new_job(
    *,
    world: World,
    body: Mapping[str, Any],
    model: Model,
    region: str,
    content: Content,
    fields: Fields,
    draft_of: Job | None = None,
) -> Job:
    """The job a create makes, with its price and the file it will leave."""
    options: Any = world.options["seedance"]
    now = world.clock.now()
    job_id = new_id(world.clock.stamp(now), fields.tier)
    size, ratio = _size(model, content, fields)
    seconds = fields.duration if fields.duration != -1 else _AUTO_SECONDS.get(model.generation, 5)
    frames = fields.frames or FPS * seconds + 1
    count = tokens(size, frames, sum(content.videos))
    if content.videos and options.video_input_floor == "times_1.8":
        count = max(count, tokens(size, math.ceil(FPS * seconds * 1.8) + 1, 0))
    currency = "CNY" if region == "cn" else "USD"
    rate = model.prices[fields.resolution].per_token(currency, has_video=bool(content.videos))
    spec = ClipSpec(*size, frames, fields.audio, "mov" if fields.container == "mov" else "mp4")
    for kind in ("short", "small", "mute", "corrupt"):
        if f"[[defect:{kind}]]" in content.text:
            spec = spec.defective(kind)
    error = _verdict(content, fields)
    seed = fields.seed if fields.seed != -1 else int(jitter(job_id, 0, 2**31))
    base = options.job_seconds
    return Job(
        id=job_id,
        model=model.id(region),
        price=rate * count / (2 if fields.tier == "flex" else 1),
        created=now,
        seconds=base * jitter(job_id, 0.8, 1.2),
        clip=spec,
        tag=f"{fields.seed}:{fields.expires_after}",
        outcome="failed" if error else "succeeded",
        priority=fields.priority,
        expires=now + fields.expires_after,
        detail=Detail(
            fields=fields,
            sent_model=str(body["model"]),
            ratio=ratio,
            seconds=seconds,
            seed=seed,
            tokens=count,
            error=error,
            echo={name: body[name] for name in ("safety_identifier", "tools") if name in body},
            newest=model.generation == "2.5",
            draft_of=draft_of.id if draft_of else "",
        ),
    )


def _size(model: Model, content: Content, fields: Fields) -> tuple[tuple[int, int], str]:
    """Pixels and ratio of the output; adaptive follows the first frame, landscape where it was not measured."""
    table = model.sizes[fields.resolution]
    if fields.ratio != "adaptive":
        return table[fields.ratio], fields.ratio
    frame = content.first
    if frame is None:
        return table["16:9"], "16:9"
    nearest = min(RATIOS, key=lambda ratio: abs(math.log(frame.ratio / (table[ratio][0] / table[ratio][1]))))
    if model.generation != "2.5" or abs(frame.ratio / _value(nearest) - 1) < 0.01:
        return table[nearest], nearest
    area = table["16:9"][0] * table["16:9"][1]
    return fit_area(frame.ratio, area), _spelled(frame)


def _value(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)


def _spelled(frame: Size) -> str:
    common = gcd(*frame)
    return f"{frame.width // common}:{frame.height // common}"


def _verdict(content: Content, fields: Fields) -> dict[str, str] | None:
    if "[[moderate-copyright]]" in content.text:
        code = "OutputVideoSensitiveContentDetected.PolicyViolation"
        return failed(code, "output video may be related to copyright restrictions")
    if "[[moderate-output]]" in content.text:
        code = "OutputVideoSensitiveContentDetected"
        return failed(code, "the output video may contain sensitive information")
    if fields.audio and "[[moderate-audio]]" in content.text:
        code = "OutputAudioSensitiveContentDetected"
        return failed(code, "the output audio may contain sensitive information")
    if "[[fail]]" in content.text:
        return failed("InternalServiceError", "the service encountered an unexpected internal error")
    return failed(*fields.late_error) if fields.late_error else None


def task_object(world: World, origin: str, job: Job, at: float) -> dict[str, Any]:
    """The task as get, list and callbacks show it at a moment of virtual time."""
    detail: Detail = job.detail
    fields = detail.fields
    state = job.state(at)
    options: Any = world.options["seedance"]
    word = options.running_word if state == "running" else state
    task: dict[str, Any] = {"id": job.id, "model": job.model, "status": word}
    if state == "failed" and options.failed_error:
        task["error"] = detail.error
    if state == "succeeded":
        expires = job.ends + DAY
        task["content"] = {"video_url": file_url(world, origin, job, f"video.{fields.container}", expires)}
        if fields.last_frame:
            task["content"]["last_frame_url"] = file_url(world, origin, job, "last_frame.jpeg", expires)
        count = _spelled_number(detail.tokens, options.numbers)
        task["usage"] = {"completion_tokens": count, "total_tokens": count}
        if "tools" in detail.echo:
            task["usage"]["tool_usage"] = {"web_search": 1}
    task["created_at"] = int(world.clock.stamp(job.created))
    task["updated_at"] = int(world.clock.stamp(job.updated(at)))
    if state == "succeeded" or options.echo_early:
        task |= _settled(detail, seed=options.seed_echo, numbers=options.numbers)
    return {
        **task,
        **detail.echo,
        "service_tier": fields.tier,
        "execution_expires_after": fields.expires_after,
        **({"priority": fields.priority} if state == "succeeded" else {}),
    }


def _settled(detail: Detail, *, seed: bool, numbers: str) -> dict[str, Any]:
    fields = detail.fields
    values: dict[str, Any] = {"seed": detail.seed} if seed else {}
    values |= {"resolution": fields.resolution, "ratio": detail.ratio}
    values |= (
        {"frames": fields.frames} if fields.frames else {"duration": _spelled_number(detail.seconds, numbers)}
    )
    values |= {"framespersecond": FPS, "generate_audio": fields.audio, "draft": fields.draft}
    if detail.newest:
        values["output_format"] = fields.container
    if detail.draft_of:
        values["draft_task_id"] = detail.draft_of
    return values


def _spelled_number(value: int, style: str) -> int | str:
    return str(value) if style == "string" else value
