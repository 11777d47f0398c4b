"""A wish becomes one job, and a job the video object its server shows."""

import base64
import secrets
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dramagen.emulator.files import file_url
from dramagen.emulator.media import FPS, ClipSpec
from dramagen.emulator.pixels import Size, fit_area
from dramagen.emulator.sora.create import Wish
from dramagen.emulator.sora.errors import Refusal, own_server
from dramagen.emulator.state import Account, Job, State, jitter
from dramagen.emulator.world import Call, World

PRICES = {
    "720p": Decimal("0.10"),
    "pro 720p": Decimal("0.30"),
    "pro 1024p": Decimal("0.50"),
    "pro 1080p": Decimal("0.70"),
}
"""USD a second, as OpenAI last published them."""

_WORDS: dict[State, str] = {
    "queued": "queued", "running": "in_progress", "succeeded": "completed", "failed": "failed",
    "cancelled": "failed", "expired": "expired",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What a job shows beside its state: the wish, why it fails, and seconds of compute."""

    wish: Wish
    code: str
    reason: str
    worked: float


def submit(call: Call, account: Account, wish: Wish) -> Job:
    """The job of a create; raises ``Refusal``."""
    if "[[moderate-input]]" in wish.prompt:
        raise Refusal(400, "sentinel_block", "This content may violate our guardrails.")
    full = account.unfinished(wish.model, call.now) >= call.options.concurrency
    if full and call.options.when_full == "refuse":
        raise Refusal(429, None, "Too many running tasks. Please try again later.")
    seconds = round(call.options.job_seconds * jitter(f"{next(call.world.serial)}", 0.8, 1.2), 1)
    cost = Decimal(str(seconds)) * call.options.compute_price if own_server(call) else _price(wish)
    if account.spent(call.now) + cost > call.options.balance:
        raise Refusal(429, "insufficient_quota", "You exceeded your current quota.")
    job = _job(call, wish, cost, seconds)
    if call.never:
        job.stall(call.now)
    account.add(job, lane=wish.model, slots=call.options.concurrency)
    return job


def _price(wish: Wish) -> Decimal:
    side = min(wish.size)
    tier = "pro 1080p" if side >= 1080 else "pro 1024p" if side >= 1024 else "pro 720p"
    return PRICES[tier if "pro" in wish.model else "720p"] * Decimal(str(wish.seconds))


def _job(call: Call, wish: Wish, cost: Decimal, seconds: float) -> Job:
    size = wish.size
    if wish.frame is not None and own_server(call):
        size = fit_area(
            wish.frame.ratio, wish.size.width * wish.size.height
        )  # the frame's shape, the size's area
    clip = ClipSpec(*_even(size), round(wish.seconds * FPS), wish.sound)
    for kind in ("short", "small", "mute", "corrupt"):
        if f"[[defect:{kind}]]" in wish.prompt:
            clip = clip.defective(kind)
    code, reason = _reason(wish.prompt)
    return Job(
        id=_identity(call),
        model=wish.model,
        price=cost,
        created=call.now,
        seconds=seconds,
        clip=clip,
        outcome="failed" if reason else "succeeded",
        detail=Detail(wish=wish, code=code, reason=reason, worked=seconds),
    )


def _even(size: Size) -> Size:
    return Size(size.width // 2 * 2, size.height // 2 * 2)


def _identity(call: Call) -> str:
    match call.options.profile:
        case "sglang":
            own = str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
        case "vllm-omni":
            own = f"video_gen_{secrets.token_hex(16)}"
        case _:
            own = f"video_{secrets.token_hex(24)}"
    if not call.options.long_ids:
        return own
    routing = f"litellm:custom_llm_provider:openai;model_id:{secrets.token_hex(32)};video_id:{own}"
    return "video_" + base64.b64encode(routing.encode()).decode()


def _reason(prompt: str) -> tuple[str, str]:
    if "[[moderate-output]]" in prompt:
        return "moderation_blocked", "Your request was blocked by our moderation system."
    return ("internal_error", "Video generation failed.") if "[[fail]]" in prompt else ("", "")


def kept(call: Call, job: Job) -> bool:
    """Whether the server still knows the job."""
    return bool(not job.deleted and job.cancelled is None and call.now < job.created + call.options.retention)


def video(
    world: World, options: Any, base: str, job: Job, now: float, *, listed: bool = False
) -> dict[str, Any]:
    """The video object at a moment of virtual time."""
    detail: Detail = job.detail
    state = job.state(now)
    word = _WORDS[state]
    shown: dict[str, Any] = {
        "id": job.id,
        "object": "video",
        "model": detail.wish.model,
        "status": options.running_word if word == "in_progress" else word,
        "progress": _progress(job, state, now),
        "created_at": int(world.clock.stamp(job.created)),
        "completed_at": int(world.clock.stamp(job.ends)) if state == "succeeded" else None,
        "expires_at": int(world.clock.stamp(job.created + options.retention))
        if state == "succeeded"
        else None,
        "seconds": detail.wish.shown_seconds,
        "size": f"{detail.wish.size.width}x{detail.wish.size.height}",
        "prompt": detail.wish.prompt if options.list_prompts or not listed else None,
        "remixed_from_video_id": None,
        "error": _error(options.profile, detail) if state == "failed" else None,
    }
    shown |= _dialect(world, options, base, job, state)
    if options.nulls == "left out":
        shown = {name: value for name, value in shown.items() if value is not None}
    return shown


def _dialect(world: World, options: Any, base: str, job: Job, state: State) -> dict[str, Any]:
    done = state == "succeeded"
    link = file_url(world, base, job, "video.mp4", job.ends + options.content_life) if done else None
    cloud = link if options.content == "cloud" else None
    match options.profile:
        case "sglang":
            return {
                "prompt": None, "expires_at": None, "quality": "standard", "url": cloud,
                "urls": [cloud] if cloud else None, "file_path": f"/outputs/{job.id}.mp4",
                "num_outputs": 1 if done else None, "inference_time_s": job.detail.worked if done else None,
            }  # fmt: skip
        case "vllm-omni":
            return {
                "prompt": job.detail.wish.prompt, "quality": "default", "media_type": "video/mp4",
                "file_name": f"{job.id}.mp4" if done else None,
                "inference_time_s": job.detail.worked if done else None,
            }  # fmt: skip
        case "generic":
            word = options.words.get(_WORDS[state], _WORDS[state])
            return {
                "status": word,
                "object": None,
                "progress": None,
                "completed_at": None,
                "video_url": cloud,
            }
        case _:
            return {}


def _progress(job: Job, state: State, now: float) -> int:
    if state == "succeeded":
        return 100
    if state != "running" or job.starts is None or job.ends <= job.starts:
        return 0
    return min(99, int((now - job.starts) / (job.ends - job.starts) * 100))


def _error(profile: str, detail: Detail) -> dict[str, Any]:
    match profile:
        case "sglang":
            return {"message": detail.reason}
        case "vllm-omni":
            return {"code": failure_status(detail), "message": detail.reason}
        case _:
            return {"code": detail.code, "message": detail.reason}


def failure_status(detail: Detail) -> int:
    """The HTTP status with which vLLM-Omni shows a failed job."""
    return 400 if detail.code == "moderation_blocked" else 500
