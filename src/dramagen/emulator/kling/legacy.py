"""The older API under ``/v1/videos``: ``model_name`` in the body, one poll route a product.

Source: Kling's older video pages (Chinese copies of 2026-02 and later readings), as read up to 2026-11-22.
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from dramagen.emulator.kling import auth
from dramagen.emulator.kling.contents import body_of
from dramagen.emulator.kling.errors import Refusal, invalid, ok
from dramagen.emulator.kling.legacy_create import read_create
from dramagen.emulator.kling.modern import notice
from dramagen.emulator.kling.tasks import (
    Detail,
    Wish,
    by_external_id,
    duration_text,
    looked_up,
    origin,
    paid_units,
    submit,
    video_urls,
)
from dramagen.emulator.state import Account, Job, State, charge
from dramagen.emulator.world import Call, World, plain

_SPELLING: Mapping[State, str] = {
    "queued": "submitted",
    "running": "processing",
    "succeeded": "succeed",
    "failed": "failed",
}
_PRODUCTS = frozenset(
    {"text2video", "image2video", "omni-video", "motion-control", "multi-image2video", "video-extend"}
)


def _product(call: Call) -> str:
    product = call.params["product"]
    if product not in _PRODUCTS:
        raise Refusal(1203)
    return product


async def create(call: Call) -> Response:
    account = auth.account(call, modern=False)
    job, new = submit(call, account, read_create(call, _product(call), body_of(call)))
    if new and job.detail.wish.callback:
        call.world.outbox.add(notice(call, account, job, task_object))
    created = int(call.stamp(job.created) * 1000)
    data = {
        "task_id": job.id,
        "task_status": "submitted",
        "task_info": _info(job),
        "created_at": created,
        "updated_at": created,
    }
    return ok(call, data)


async def get(call: Call) -> Response:
    """One task, by its own id or by the external one."""
    account = auth.account(call, modern=False)
    product, wanted = _product(call), call.params["id"]
    job = account.find(wanted) or by_external_id(account, wanted)
    hidden = job is not None and job.id != wanted and not looked_up(call, job)
    if job is None or hidden or not _mine(job, product):
        raise invalid("Task not found")
    if call.never:
        job.stall(call.now)
    return ok(call, task_object(call.world, origin(call), job, call.now))


async def list_tasks(call: Call) -> Response:
    account = auth.account(call, modern=False)
    product = _product(call)
    number, size = _page(call, "pageNum", 1, 1000), _page(call, "pageSize", 30, 500)
    jobs = [job for job in reversed(account.jobs.values()) if _mine(job, product) and looked_up(call, job)]
    page = jobs[(number - 1) * size : number * size]
    return ok(call, [task_object(call.world, origin(call), job, call.now) for job in page])


async def costs(call: Call) -> Response:
    """The account's resource packs: one pack here, as large as the balance."""
    account = auth.account(call, modern=False)
    times = [call.query.get(name, "") for name in ("start_time", "end_time")]
    if not all(each.isdigit() for each in times):
        raise invalid("start_time and end_time are required")
    return ok(call, {"code": 0, "msg": "SUCCEED", "resource_pack_subscribe_infos": [_pack(call, account)]})


def _pack(call: Call, account: Account) -> dict[str, Any]:
    total = call.options.balance
    used = sum(job.detail.units for job in account.jobs.values() if charge(job, call.now))
    now = int(call.stamp(call.now) * 1000)
    return {
        "resource_pack_name": "emulated video pack",
        "resource_pack_id": "pack-1",
        "resource_pack_type": "decreasing_total",
        "total_quantity": float(total),
        "remaining_quantity": float(total - used),
        "purchase_time": now,
        "effective_time": now,
        "invalid_time": now + 180 * 86_400_000,
        "status": "online" if total > used else "runOut",
    }


def _mine(job: Job, product: str) -> bool:
    wish: Wish = job.detail.wish
    return wish.generation == "legacy" and wish.product == product


def _page(call: Call, name: str, default: int, most: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise invalid(f"{name} is invalid: 1 to {most}")
    return int(text)


def _info(job: Job) -> dict[str, str]:
    external = job.detail.wish.external_id
    return {"external_task_id": external} if external else {}


def task_object(world: World, base: str, job: Job, at: float) -> dict[str, Any]:
    """The task as its route and callbacks show it at a moment of virtual time."""
    detail: Detail = job.detail
    options: Any = world.options["kling"]
    state = job.state(at)
    task: dict[str, Any] = {
        "task_id": job.id,
        "task_status": _SPELLING[state],
        "task_status_msg": detail.reason if state == "failed" else "",
        "task_info": _info(job),
    }
    if state == "succeeded":
        url, marked = video_urls(world, base, job)
        video = {"id": str(int(job.id) + 10**15), "url": url, "watermark_url": marked}
        duration = duration_text(job, options.duration_text)
        if duration is not None:
            video["duration"] = duration
        task["task_result"] = {"videos": [video]}
        if options.billing == "units":
            task["final_unit_deduction"] = paid_units(job, at)
        elif options.billing == "cash":
            amount = plain(detail.units)
            task["final_balance_deduction"] = {"quota": amount, "list_price": amount}
    task["watermark_info"] = {"enabled": detail.wish.watermark}
    task["created_at"] = int(world.clock.stamp(job.created) * 1000)
    task["updated_at"] = int(world.clock.stamp(job.updated(at)) * 1000)
    return task
