"""A checked create becomes a job; what is shown of it alone, in the list and in callbacks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dramagen.emulator.files import file_url
from dramagen.emulator.media import FPS, ClipSpec
from dramagen.emulator.state import Account, Job, State, jitter
from dramagen.emulator.vidu.create import Wish
from dramagen.emulator.vidu.errors import Refusal
from dramagen.emulator.vidu.models import CREDIT
from dramagen.emulator.world import Call, World

DAY = 86_400.0
_FIRST_ID = 842_100_000_000_000_000
_STATES: Mapping[State, str] = {
    "queued": "queueing",
    "running": "processing",
    "succeeded": "success",
    "failed": "failed",
    "cancelled": "failed",
    "expired": "failed",
}


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What a task shows beside its state: the create, and the name of the error it is heading for."""

    wish: Wish
    err_code: str


def submit(call: Call, account: Account, wish: Wish) -> Job:
    """The job of a create; raises ``Refusal``."""
    _moderate(wish.prompt)
    options = call.options
    if left(call, account) < wish.credits:
        raise Refusal(options.balance_status, "CreditInsufficient", "credit insufficient")
    slots: float = options.concurrency
    if options.over_limit == "refuse":
        if running(call, account) >= slots:
            raise Refusal(429, "QuotaExceeded", "concurrency limit")
        slots = math.inf
    job = _job(call, account, wish)
    if call.never:
        job.stall(call.now)
    account.add(job, lane="all", slots=slots)
    return job


def left(call: Call, account: Account) -> int:
    """Credits the account has."""
    return int(call.options.balance - account.spent(call.now) / CREDIT[account.currency])


def running(call: Call, account: Account) -> int:
    """Jobs that have not ended."""
    states = (job.state(call.now) for job in account.jobs.values())
    return sum(state in ("queued", "running") for state in states)


def _moderate(prompt: str) -> None:
    if "[[moderate-input]]" in prompt:
        raise Refusal(400, "TaskPromptPolicyViolation", "prompt violates policy")
    if "[[moderate-face]]" in prompt:
        raise Refusal(400, "PhotoAuditNotPass", "the photo did not pass")


def _err_code(prompt: str) -> str:
    if "[[moderate-output]]" in prompt:
        return "CreationPolicyViolation"
    return "InternalServiceFailure" if "[[fail]]" in prompt else ""


def _job(call: Call, account: Account, wish: Wish) -> Job:
    job_id = str(_FIRST_ID + next(call.world.serial))
    clip = ClipSpec(*wish.size, FPS * wish.seconds + 1, wish.audio)
    for kind in ("short", "small", "mute", "corrupt"):
        if f"[[defect:{kind}]]" in wish.prompt:
            clip = clip.defective(kind)
    err_code = _err_code(wish.prompt)
    return Job(
        id=job_id,
        model=wish.model,
        price=Decimal(wish.credits) * CREDIT[account.currency],
        created=call.now,
        seconds=call.options.job_seconds * jitter(job_id, 0.8, 1.2),
        clip=clip,
        tag=wish.payload,
        outcome="failed" if err_code else "succeeded",
        warmup=call.options.off_peak_wait if wish.off_peak else 3.0,
        expires=call.now + 2 * DAY if wish.off_peak else math.inf,
        detail=Detail(wish=wish, err_code=err_code),
    )


def made(call: Call, job: Job) -> dict[str, Any]:
    """The answer to a create."""
    wish: Wish = job.detail.wish
    return {
        "task_id": job.id,
        "state": "created",
        "model": wish.model,
        "prompt": wish.prompt,
        "images": list(wish.images),
        "duration": wish.seconds,
        "seed": wish.seed or int(jitter(job.id, 1, 2**31)),
        "aspect_ratio": wish.ratio,
        "resolution": wish.resolution,
        "movement_amplitude": "auto",
        "payload": wish.payload,
        "off_peak": wish.off_peak,
        "audio": wish.audio,
        "credits": spelled(wish.credits, call.options.credits_spelling),
        "watermark": False,
        "created_at": stamped(call.stamp(job.created)),
    }


def shown(world: World, base: str, job: Job, at: float) -> dict[str, Any]:
    """The task as asked for by itself, at a moment of virtual time."""
    options: Any = world.options["vidu"]
    wish: Wish = job.detail.wish
    return {
        "id": job.id,
        "state": _word(job, at, options.unknown_state),
        "err_code": _error_of(job, at),
        "credits": spelled(_credits(job, at, options), options.credits_spelling),
        "payload": wish.payload,
        "bgm": False,
        "off_peak": wish.off_peak,
        "creations": creations(world, base, job, at),
    }


def listed(world: World, base: str, job: Job, at: float) -> dict[str, Any]:
    """The task as the list has it."""
    options: Any = world.options["vidu"]
    wish: Wish = job.detail.wish
    item = {
        "id": job.id,
        "key_id": "k1",
        "type": wish.kind,
        "template": "",
        "model": wish.model,
        "prompt": wish.prompt,
        "images": list(wish.images),
        "duration": wish.seconds,
        "resolution": wish.resolution,
        "aspect_ratio": wish.ratio,
        "state": _word(job, at, options.unknown_state),
        "creations": creations(world, base, job, at),
        "created_at": stamped(world.clock.stamp(job.created)),
        "credits": spelled(_credits(job, at, options), options.credits_spelling),
    }
    return item | ({"payload": wish.payload} if options.list_payload else {})


def creations(world: World, base: str, job: Job, at: float) -> list[dict[str, Any]]:
    """The files of a finished job."""
    if job.state(at) != "succeeded":
        return []
    options: Any = world.options["vidu"]
    expires = (world.clock.now() if options.links_renewed else job.ends) + DAY
    clip = job.clip
    return [
        {
            "id": str(int(job.id) + 10**15),
            "url": file_url(world, base, job, "video.mp4", expires),
            "cover_url": file_url(world, base, job, "cover.jpeg", expires),
            "watermarked_url": "",
            "video": {
                "duration": round(clip.seconds, 2),
                "fps": FPS,
                "resolution": {"width": clip.width, "height": clip.height},
            },
        }
    ]


def _word(job: Job, at: float, unknown: str) -> str:
    state = job.state(at)
    return unknown if unknown and state == "running" else _STATES[state]


def _error_of(job: Job, at: float) -> str:
    by_state = {"failed": job.detail.err_code, "cancelled": "UserCancelled", "expired": "Canceled"}
    return str(by_state.get(job.state(at), ""))


def _credits(job: Job, at: float, options: Any) -> int:
    free = job.state(at) in ("failed", "cancelled", "expired") and options.failed_credits == "zero"
    return 0 if free else int(job.detail.wish.credits)


def spelled(value: int, style: str) -> int | str:
    return str(value) if style == "string" else value


def stamped(moment: float) -> str:
    """RFC 3339 with nine digits, as the vendor writes it."""
    whole = datetime.fromtimestamp(moment, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{whole.microsecond * 1000:09d}Z"


def origin(call: Call) -> str:
    return f"{call.request.url.scheme}://{call.request.url.netloc}{call.prefix}"
