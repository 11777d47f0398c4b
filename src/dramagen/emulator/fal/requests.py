"""What is shown of a request: its status, its result or error, and the same in a webhook."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dramagen.emulator import media
from dramagen.emulator.callbacks import Notice
from dramagen.emulator.fal import platform, webhook
from dramagen.emulator.fal.create import Detail
from dramagen.emulator.fal.errors import Refusal
from dramagen.emulator.fal.uploads import origin
from dramagen.emulator.files import file_url
from dramagen.emulator.state import TERMINAL, Account, Job
from dramagen.emulator.world import Call, World, plain


def links(call: Call, job: Job) -> dict[str, str]:
    """A request's own URLs, under its owner and app alone."""
    base = f"{origin(call)}/{job.detail.app}/requests/{job.id}"
    return {"status_url": f"{base}/status", "response_url": base, "cancel_url": f"{base}/cancel"}


def status(call: Call, account: Account, job: Job) -> tuple[int, dict[str, Any]]:
    """HTTP status and body of the status of a request."""
    state = job.state(call.now)
    shown: dict[str, Any] = {"request_id": job.id, **links(call, job)}
    logs: list[dict[str, str]] | None = [] if call.query.get("logs", "").lower() in ("1", "true") else None
    if state == "queued":
        return 202, {"status": "IN_QUEUE", "queue_position": _position(call, account, job), **shown}
    if logs is not None:
        logs.append({"message": "running", "timestamp": platform.moment(call.stamp(job.starts or call.now))})
    if state == "running":
        return 202, {"status": call.options.unknown_status or "IN_PROGRESS", "logs": logs, **shown}
    took = 0.0 if job.starts is None else job.updated(call.now) - job.starts
    shown |= {"status": "COMPLETED", "logs": logs, "metrics": {"inference_time": round(took, 3)}}
    error = failure(call.now, job)
    if error is not None and call.options.status_errors:
        shown |= {"error": error.text, "error_type": error.kind}
    return 200, shown


def _position(call: Call, account: Account, job: Job) -> int:
    waiting = [each for each in account.jobs.values() if each.state(call.now) == "queued"]
    return sorted(waiting, key=lambda each: (-each.priority, each.created)).index(job)


def failure(now: float, job: Job) -> Refusal | None:
    """Why an ended request has no result."""
    detail: Detail = job.detail
    match job.state(now):
        case "cancelled":
            return Refusal(499, "client_cancelled", "Request was cancelled by the client")
        case "expired":
            return Refusal(504, "request_timeout", "Request timed out", x_fal_request_timeout_type="user")
        case "failed":
            return detail.failure
        case _:
            return None


def result(world: World, base: str, job: Job) -> dict[str, Any]:
    """The output of a request that succeeded."""
    detail: Detail = job.detail
    return {
        "video": {
            "url": file_url(world, base, job, "video.mp4", job.ends + detail.content_life),
            "content_type": "video/mp4",
            "file_name": "video.mp4",
            "file_size": len(media.clip(job.clip, job.id)),
        },
        "seed": detail.seed,
    }


def kept(call: Call, job: Job) -> bool:
    """Whether anything is still shown of a request."""
    state = job.state(call.now)
    if state == "cancelled" and call.options.cancelled_shown == "not found":
        return False
    detail: Detail = job.detail
    return state not in TERMINAL or call.now < job.updated(call.now) + detail.result_life


def billable_units(call: Call, job: Job) -> dict[str, str]:
    """The header with the billed units of a request that succeeded."""
    match call.options.units:
        case "seconds":
            units = Decimal(job.detail.length)
        case "price":
            units = job.price / platform.unit_price(call, job.model)
        case _:
            return {}
    return {"x-fal-billable-units": plain(units.quantize(Decimal("0.000001")))}


def notice(call: Call, account: Account, job: Job) -> Notice:
    """What a request owes the address in ``fal_webhook``."""
    world, base, detail = call.world, origin(call), job.detail

    def compose(at: float) -> tuple[Mapping[str, str], bytes]:
        error = failure(at, job)
        told: dict[str, Any] = {"request_id": job.id, "gateway_request_id": detail.runs[-1]}
        if error is None:
            told |= {"status": "OK", "payload": result(world, base, job)}
        else:
            told |= {
                "status": "ERROR",
                "error": f"Invalid status code: {error.status}",
                "payload": error.body,
            }
        body = json.dumps(told, ensure_ascii=False).encode()
        return webhook.headers(world, job.id, body), body

    return Notice(
        url=detail.webhook,
        account=account,
        job=job,
        compose=compose,
        states=TERMINAL,
        resent=TERMINAL,
        resends=3,
        mode=call.options.callbacks,
    )
