"""The second generation, the H3 family: create, get, list, and a DELETE that cancels or forgets."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from dramagen.emulator.hailuo import content
from dramagen.emulator.hailuo.errors import Refusal, invalid
from dramagen.emulator.hailuo.models import LONGEST, NEW, RATIOS, New, on_grid, pixels, value
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
    visible,
)
from dramagen.emulator.media import ClipSpec
from dramagen.emulator.state import Job
from dramagen.emulator.world import Call, World

_FIELDS = {"model", "content", "resolution", "duration", "ratio", "callback_url"}


async def create(call: Call) -> Response:
    owner = account(call)
    body = body_of(call)
    check_rate(call, owner, "v2")
    model = NEW.get(body.get("model", ""))
    if model is None:
        raise invalid(f"model {body.get('model')!r}")
    _check_fields(call, body, model)
    callback = await shake_hands(call, body.get("callback_url"))
    job = submit(call, owner, _wish(call, body, model, owner.currency, callback))
    announce(call, owner, job, lambda world, base, job, at: {"task": task_object(world, base, job, at)})
    return JSONResponse({"task_id": job.id})


def _check_fields(call: Call, body: Mapping[str, Any], model: New) -> None:
    known = _FIELDS | ({"extra"} if model.name == "MiniMax-H3-Max" else set())
    known |= {"aigc_watermark"} if call.region == "cn" else set()
    unknown = sorted(set(body) - known)
    if unknown and call.options.unknown_fields == "refuse":
        raise invalid(f"unknown field {unknown[0]}")
    extra = body.get("extra", {})
    mode = extra.get("prompt_expansion_mode", "balanced") if isinstance(extra, dict) else None
    if mode not in ("disabled", "balanced", "quality") or set(extra) - {"prompt_expansion_mode"}:
        raise invalid("extra")


def _wish(call: Call, body: Mapping[str, Any], model: New, currency: str, callback: str) -> Wish:
    tier, seconds = body.get("resolution"), body.get("duration")
    tiers = model.cny
    if not isinstance(tier, str) or tier not in tiers:
        raise invalid(f"resolution must be one of {', '.join(tiers)}")
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not model.shortest <= seconds <= LONGEST:
        raise invalid(f"duration must be an integer from {model.shortest} to {LONGEST}")
    brought = content.read(call, body.get("content"))
    ratio = _ratio(body.get("ratio", "adaptive"), brought, model)
    if ratio == "adaptive":
        shape = brought.first.ratio if brought.first else value("16:9")
        shown = min(RATIOS, key=lambda known: abs(value(known) - shape))
    else:
        shape, shown = value(ratio), ratio
    width, height = pixels(tier, shape, 64)
    frames = on_grid(seconds, call.options.grid_rounding)
    return Wish(
        generation="v2",
        model=model.name,
        prompt=brought.text,
        tier=tier,
        seconds=seconds,
        price=model.price(currency, tier, seconds, len(brought.pictures), brought.paid_seconds),
        clip=ClipSpec(width, height, frames, audio=True),
        ratio=shown if ratio != "adaptive" or call.options.adaptive_shown == "real" else "adaptive",
        pictures=len(brought.pictures),
        video=brought.paid_seconds,
        callback=callback,
    )


def _ratio(asked: object, brought: content.Content, model: New) -> str:
    if asked not in (*RATIOS, "adaptive"):
        raise invalid("ratio")
    if brought.mode == "frames":
        return "adaptive"  # whatever is asked
    if asked == "adaptive" and brought.mode == "text":
        raise invalid("ratio adaptive not allowed for text only")
    if asked == "adaptive" and model.fixed_ratio:
        raise invalid("ratio adaptive not allowed for this model")
    return str(asked)


async def get(call: Call) -> Response:
    job = found(call, account(call), call.params["id"], "v2")
    return JSONResponse({"task": task_object(call.world, origin(call), job, call.now)})


async def list_tasks(call: Call) -> Response:
    owner = account(call)
    number, size = _page(call, "page_num", 1), _page(call, "page_size", 20)
    wanted = {
        name: call.query.getlist(f"filter.{name}") for name in ("status", "task_ids", "model", "task_type")
    }
    ids = {each for text in wanted["task_ids"] for each in text.split(",")}
    chosen = [
        job
        for job in owner.jobs.values()
        if job.detail.wish.generation == "v2"
        and visible(call, job)
        and call.now >= job.created + call.options.list_delay
        and (not ids or job.id in ids)
        and (not wanted["model"] or job.model in wanted["model"])
        and (not wanted["status"] or job.state(call.now) in wanted["status"])
        and (not wanted["task_type"] or "generation" in wanted["task_type"])
    ]
    if call.options.list_order == "newest":
        chosen.reverse()
    page = chosen[(number - 1) * size : number * size]
    items = [task_object(call.world, origin(call), job, call.now) for job in page]
    return JSONResponse({"items": items, "total": len(chosen)})


def _page(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdigit() or not 1 <= int(text) <= 100:
        raise invalid(name)
    return int(text)


async def delete(call: Call) -> Response:
    """Cancels a queued task; of a finished one it throws the record away."""
    job = found(call, account(call), call.params["id"], "v2")
    state = job.state(call.now)
    if state in ("running", "cancelled"):
        raise Refusal(2013, f"invalid params, a {state} task cannot be deleted")
    if state == "queued":
        job.cancelled = call.now
        return JSONResponse({"task_id": job.id, "action": "cancelled", "status": "cancelled"})
    job.deleted = True
    return JSONResponse({"task_id": job.id, "action": "deleted", "status": state})


def task_object(world: World, base: str, job: Job, at: float) -> dict[str, Any]:
    """The task as get, list and callbacks show it at a moment of virtual time."""
    options: Any = world.options["hailuo"]
    detail: Detail = job.detail
    wish, state = detail.wish, job.state(at)
    task: dict[str, Any] = {
        "id": job.id,
        "model": job.model,
        "status": options.running_word if state == "running" else state,
        "created_at": stamp(world, job.created),
        "updated_at": stamp(world, job.updated(at)),
        "resolution": wish.tier,
        "duration": wish.seconds,
        "usage": {},
        "ratio": wish.ratio,
        "task_type": "generation",
        "modality": "video",
    }
    if state == "failed":
        words = "video description contains sensitive content" if detail.code == 1026 else "generation failed"
        words = "the generated video contains sensitive content" if detail.code == 1027 else words
        task["error"] = {"code": str(detail.code), "message": words}
    if state == "succeeded":
        task["content"] = {"url": link(world, base, job, world.clock.now())}
        task["usage"] = {
            "total_seconds": wish.seconds + wish.video,
            "input_seconds": wish.video,
            "output_seconds": wish.seconds,
            "input_image_count": wish.pictures,
            "total_tokens": 1,
            "prompt_tokens": 0,
            "completion_tokens": 1,
        }
    return task
