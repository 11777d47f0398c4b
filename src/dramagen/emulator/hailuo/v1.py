"""The first generation: create, query, and the file's own page with its link."""

from collections.abc import Mapping
from typing import Any

import anyio.to_thread
from starlette.responses import JSONResponse, Response

from dramagen.emulator import media
from dramagen.emulator.hailuo.errors import base, invalid
from dramagen.emulator.hailuo.models import OLD, Old, pixels, value
from dramagen.emulator.hailuo.pictures import V1_PICTURE, picture
from dramagen.emulator.hailuo.tasks import (
    Detail,
    Wish,
    account,
    announce,
    body_of,
    check_rate,
    found,
    link,
    origin,
    shake_hands,
    stamp,
    submit,
)
from dramagen.emulator.media import FPS, ClipSpec
from dramagen.emulator.pixels import Size
from dramagen.emulator.state import Job, State
from dramagen.emulator.world import Call, World

_FIELDS = {
    "model", "prompt", "first_frame_image", "last_frame_image", "subject_reference", "duration", "resolution",
    "prompt_optimizer", "fast_pretreatment", "callback_url", "aigc_watermark",
}  # fmt: skip
_DEFAULT_TIER = {"t2v": "768P", "i2v": "768P", "fl2v": "768P", "s2v": "720P"}
_WORDS: Mapping[State, str] = {
    "queued": "Queueing",
    "running": "Processing",
    "succeeded": "Success",
}
_CALLED: Mapping[State, str] = {"running": "processing", "succeeded": "success", "failed": "failed"}


async def create(call: Call) -> Response:
    owner = account(call)
    body = body_of(call)
    check_rate(call, owner, "v1")
    callback = await shake_hands(call, body.get("callback_url"))
    wish = _wish(call, body, owner.currency, callback)
    job = submit(call, owner, wish)
    announce(call, owner, job, _called)
    return _ok(call, {"task_id": job.id})


def _wish(call: Call, body: Mapping[str, Any], currency: str, callback: str) -> Wish:
    model = OLD.get(body.get("model", ""))
    if model is None:
        raise invalid(f"model {body.get('model')!r}")
    unknown = sorted(set(body) - _FIELDS)
    if unknown and call.options.unknown_fields == "refuse":
        raise invalid(f"unknown field {unknown[0]}")
    prompt = body.get("prompt", "")
    if not isinstance(prompt, str) or len(prompt) > 2000:
        raise invalid("prompt: at most 2000 characters")
    for name in ("prompt_optimizer", "fast_pretreatment", "aigc_watermark"):
        if not isinstance(body.get(name, False), bool):
            raise invalid(name)
    mode, frame = _mode(call, body, model)
    if mode == "t2v" and not prompt.strip():
        raise invalid("prompt is required")
    if mode == "s2v" and ("duration" in body or "resolution" in body):
        frame = None  # the vendor's own guide sends both, its page has neither: taken and not obeyed
    tier, seconds = _length(body, model, mode)
    width, height = pixels(tier, frame.ratio if frame else value("16:9"), 2)
    return Wish(
        generation="v1",
        model=model.name,
        prompt=prompt,
        tier=tier,
        seconds=seconds,
        price=model.price(currency, tier, seconds),
        clip=ClipSpec(width, height, FPS * seconds + 1, audio=False),
        callback=callback,
    )


def _mode(call: Call, body: Mapping[str, Any], model: Old) -> tuple[str, Size | None]:
    """Which page's request this is, and the first frame's size where it is known."""
    first, last = body.get("first_frame_image"), body.get("last_frame_image")
    if "subject_reference" in body:
        mode, frame = "s2v", None
        _subject(call, body["subject_reference"])
    elif last is not None:
        mode = "fl2v"
        picture(call, last, "last_frame_image", V1_PICTURE)
        frame = picture(call, first, "first_frame_image", V1_PICTURE)
    elif first is not None:
        mode, frame = "i2v", picture(call, first, "first_frame_image", V1_PICTURE)
    else:
        mode, frame = "t2v", None
    if mode not in model.modes:
        raise invalid(f"model {model.name} does not support {mode}")
    return mode, frame


def _subject(call: Call, listed: object) -> None:
    one = listed[0] if isinstance(listed, list) and len(listed) == 1 else None
    faces = one.get("image") if isinstance(one, dict) and one.get("type") == "character" else None
    if not isinstance(faces, list) or len(faces) != 1:
        raise invalid("subject_reference: one character with one image")
    picture(call, faces[0], "subject_reference", V1_PICTURE)


def _length(body: Mapping[str, Any], model: Old, mode: str) -> tuple[str, int]:
    if mode == "s2v":
        return "720P", 6
    tiers = model.modes[mode]
    usual = _DEFAULT_TIER[mode] if _DEFAULT_TIER[mode] in tiers else next(iter(tiers))
    tier, seconds = body.get("resolution", usual), body.get("duration", 6)
    if not isinstance(tier, str) or tier not in tiers:
        raise invalid(f"resolution {tier!r} is not supported by {model.name} in {mode}")
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds not in tiers[tier]:
        raise invalid(f"duration {seconds!r} is not supported by {model.name} at {tier}")
    return tier, seconds


async def query(call: Call) -> Response:
    owner = account(call)
    job = found(call, owner, call.query.get("task_id", ""), "v1")
    detail: Detail = job.detail
    state = job.state(call.now)
    word = call.options.fail_word if state == "failed" else _WORDS[state]
    shown: dict[str, Any] = {"task_id": job.id, "status": "Preparing" if _fresh(call, job) else word}
    if state == "failed":
        return _ok(call, shown, detail.code, _reason(detail.code))
    return _ok(call, shown | (_result(job) if state == "succeeded" else {}))


def _fresh(call: Call, job: Job) -> bool:
    return job.state(call.now) == "queued" and call.now < job.created + 1


def _reason(code: int) -> str:
    return {1026: "input new_sensitive", 1027: "output new_sensitive"}.get(code, "generation failed")


def _result(job: Job) -> dict[str, Any]:
    return {
        "file_id": str(job.detail.file),
        "video_width": job.clip.width,
        "video_height": job.clip.height,
    }


def _called(world: World, at_origin: str, job: Job, at: float) -> dict[str, Any]:
    """A callback: the query's shape, its states in small letters."""
    state = job.state(at)
    shown: dict[str, Any] = {"task_id": job.id, "status": _CALLED[state]}
    if state == "failed":
        return shown | base(job.detail.code, _reason(job.detail.code))
    return shown | ({"file_id": str(job.detail.file)} if state == "succeeded" else {}) | base()


async def retrieve(call: Call) -> Response:
    job = _of_file(call)
    shown = {
        "file_id": job.detail.file,  # a number here, text in the query
        "bytes": 5_123_456,
        "created_at": stamp(call.world, job.ends),
        "filename": "output.mp4",
        "purpose": "video_generation",
        "download_url": link(call.world, origin(call), job, call.now),
    }
    return _ok(call, {"file": shown})


async def retrieve_content(call: Call) -> Response:
    job = _of_file(call)
    data = await anyio.to_thread.run_sync(media.clip, job.clip, job.id)
    return Response(data, media_type="video/mp4")


def _of_file(call: Call) -> Job:
    owner, wanted = account(call), call.query.get("file_id", "")
    for job in owner.jobs.values():
        if str(job.detail.file) == wanted and job.state(call.now) == "succeeded":
            return found(call, owner, job.id, "v1")
    raise invalid("file_id not found")


def _ok(call: Call, body: dict[str, Any], code: int = 0, message: str = "success") -> Response:
    return JSONResponse(body | base(code, message), headers={"trace-id": call.request_id})
