"""The path-routed API: model in the path, one ``/tasks`` to ask about them all."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from dramagen.emulator.callbacks import Notice
from dramagen.emulator.kling import auth, webhook
from dramagen.emulator.kling.contents import body_of, read_create
from dramagen.emulator.kling.errors import Refusal, invalid, ok
from dramagen.emulator.kling.models import ROUTES
from dramagen.emulator.kling.tasks import (
    RETENTION,
    Detail,
    by_external_id,
    duration_text,
    looked_up,
    origin,
    paid_units,
    submit,
    video_urls,
)
from dramagen.emulator.state import Account, Job, State
from dramagen.emulator.world import Call, World

SPELLING: Mapping[State, str] = {
    "queued": "submitted",
    "running": "processing",
    "succeeded": "succeeded",
    "failed": "failed",
}


async def create(kind: str, call: Call) -> Response:
    """A create on ``/{kind}/{model}``."""
    account = auth.account(call, modern=True)
    rules = ROUTES.get((kind, call.params["model"]))
    if rules is None:
        raise Refusal(1203, f"model {call.params['model']} does not exist")
    job, new = submit(call, account, read_create(call, rules))
    if new and job.detail.wish.callback:
        call.world.outbox.add(notice(call, account, job, task_object))
    created = int(call.stamp(job.created) * 1000)
    data = {
        "id": job.id,
        "status": "submitted",
        "message": "",
        "create_time": created,
        "update_time": created,
    }
    if job.detail.wish.external_id:
        data["external_id"] = job.detail.wish.external_id
    return ok(call, data)


async def get(call: Call) -> Response:
    account = auth.account(call, modern=True)
    ids, names = call.query.get("task_ids", ""), call.query.get("external_task_ids", "")
    if bool(ids) == bool(names):
        raise invalid("task_ids or external_task_ids is required")
    if ids:
        jobs = [account.find(each.strip()) for each in ids.split(",")]
    else:
        jobs = [by_external_id(account, each.strip()) for each in names.split(",") if each.strip()]
        jobs = [job for job in jobs if job is not None and looked_up(call, job)]
    found = [job for job in jobs if job is not None and job.detail.wish.generation == "new"]
    if call.never:
        for job in found:
            job.stall(call.now)
    return ok(call, [task_object(call.world, origin(call), job, call.now) for job in found])


async def list_tasks(call: Call) -> Response:
    account = auth.account(call, modern=True)
    body = body_of(call)
    limit = _whole(body.get("limit", 100), "limit")
    if not 1 <= limit <= 500:
        raise invalid("limit is invalid: 1 to 500")
    now = call.stamp(call.now) * 1000
    start, end = (
        _whole(body.get("start_time", now - RETENTION * 1000), "start_time"),
        body.get("end_time", now),
    )
    skip = 0
    if body.get("cursor"):
        start, end, skip = _cursor(body["cursor"])
    chosen = [
        job
        for job in reversed(account.jobs.values())
        if job.detail.wish.generation == "new"
        and looked_up(call, job)
        and start <= int(call.stamp(job.created) * 1000) <= _whole(end, "end_time")
        and _passes(job, body.get("filters", []), call.now)
    ]
    page = chosen[skip : skip + limit]
    more = len(chosen) > skip + limit
    data: dict[str, Any] = {"count": len(page), "has_more": more}
    if page:
        data["result"] = [task_object(call.world, origin(call), job, call.now) for job in page]
    if more:
        data["next_cursor"] = f"{start}.{_whole(end, 'end_time')}.{skip + limit}"
    return ok(call, data)


def _whole(value: Any, name: str) -> int:
    """Milliseconds come as numbers on some pages and as strings on others."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise invalid(f"{name} is invalid: {value!r}") from None


def _cursor(cursor: Any) -> tuple[int, int, int]:
    try:
        start, end, skip = (int(part) for part in str(cursor).split("."))
    except ValueError:
        raise invalid("cursor is invalid") from None
    return start, end, skip


def _passes(job: Job, filters: Any, now: float) -> bool:
    if not isinstance(filters, list):
        raise invalid("filters is invalid")
    for each in filters:
        key, values = (each.get("key"), each.get("values")) if isinstance(each, dict) else (None, None)
        if key not in ("status", "product_type") or not isinstance(values, list):
            raise invalid("filters is invalid")
        if (SPELLING[job.state(now)] if key == "status" else "video") not in values:
            return False
    return True


def task_object(world: World, base: str, job: Job, at: float) -> dict[str, Any]:
    """The task as ``/tasks`` and callbacks show it at a moment of virtual time."""
    detail: Detail = job.detail
    state = job.state(at)
    task: dict[str, Any] = {
        "id": job.id,
        "status": SPELLING[state],
        "message": detail.reason if state == "failed" else "",
        "create_time": int(world.clock.stamp(job.created) * 1000),
        "update_time": int(world.clock.stamp(job.updated(at)) * 1000),
    }
    if detail.wish.external_id:
        task["external_id"] = detail.wish.external_id
    options: Any = world.options["kling"]
    task["outputs"] = _outputs(world, base, job, options) if state == "succeeded" else []
    if options.billing != "missing":
        task["billing"] = _billing(job, at, options.billing) if state == "succeeded" else []
    return task


def _outputs(world: World, base: str, job: Job, options: Any) -> list[dict[str, Any]]:
    url, marked = video_urls(world, base, job)
    number = str(int(job.id) + 10**15)
    video = {"type": "video", "id": number, "url": url, "watermark_url": marked}
    duration = duration_text(job, options.duration_text)
    if duration is not None:
        video["duration"] = duration
    extra = {"type": "image", "id": f"{number}0", "url": url, "watermark_url": "", "group_id": ""}
    return [extra, video] if options.extra_output else [video]


def _billing(job: Job, at: float, style: str) -> list[dict[str, Any]]:
    units = paid_units(job, at)
    if style == "cash":
        return [
            {
                "charge_type": "cash",
                "cash_type": "balance",
                "amount": units,
                "currency": "CNY",
                "list_price": units,
            }
        ]
    return [{"charge_type": "unit", "amount": units, "package_type": "video"}]


def notice(call: Call, account: Account, job: Job, render: Any) -> Notice:
    """The callbacks of a job; ``render`` gives the bare task object of its generation."""
    base, world = origin(call), call.world

    def compose(at: float) -> tuple[Mapping[str, str], bytes]:
        body = json.dumps(render(world, base, job, at), ensure_ascii=False).encode()
        options: Any = world.options["kling"]
        stamp = int(world.clock.stamp(world.clock.now()))
        signed = webhook.headers(options.webhook_secrets, f"{job.id}-{int(at * 1000)}", stamp, body)
        return {"content-type": "application/json", **signed}, body

    return Notice(
        url=job.detail.wish.callback,
        account=account,
        job=job,
        compose=compose,
        states=frozenset({"queued", "running", "succeeded", "failed"}),
        mode=call.options.callbacks,
    )
