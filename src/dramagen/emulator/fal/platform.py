"""The platform API: unit prices, and (where the account has it) the list of one's requests.

Source: fal's pages "Platform APIs", as read up to 2026-11-22. That the list covers requests to models one does not
own is not confirmed: a switch.
"""

import base64
import binascii
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from dramagen.emulator.fal.create import Detail
from dramagen.emulator.fal.endpoints import ENDPOINTS
from dramagen.emulator.fal.errors import Refusal, model_error, ok
from dramagen.emulator.state import TERMINAL, Account, Job
from dramagen.emulator.world import Call

_DAY = 86_400.0
_FLAT_KLING = Decimal("0.14")
"""What the pricing API names for every Kling v3 endpoint, whose cards say otherwise (a third party's finding)."""


def unit_price(call: Call, endpoint: str) -> Decimal:
    """USD a unit as the pricing API has it: one figure for an endpoint, whatever the tier."""
    if endpoint.startswith("fal-ai/kling-video/v3/"):
        return _FLAT_KLING
    model = ENDPOINTS[endpoint]
    prices = [*(model.clips or {}).values(), *(pair[0] for pair in model.rates.values())]
    return min(map(Decimal, prices), default=Decimal(call.options.unlisted_price))


async def pricing(call: Call, account: Account) -> Response:
    """Unit prices of the endpoints asked for."""
    asked = _endpoints(call)
    if unknown := [name for name in asked if name not in ENDPOINTS]:
        raise Refusal(404, "not_found", f"Endpoint id(s) not found: {', '.join(unknown)}")
    prices = [
        {
            "endpoint_id": name,
            "unit_price": float(unit_price(call, name)),
            "unit": "videos" if ENDPOINTS[name].clips else "seconds",
            "currency": "USD",
        }
        for name in asked
    ]
    return ok(call, {"prices": prices, "next_cursor": None, "has_more": False})


async def listing(call: Call, account: Account) -> Response:
    """One's requests to some endpoints, newest first."""
    if not call.options.requests_listed:
        raise Refusal(404, None, "Not Found")
    limit = call.query.get("limit", "50")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise model_error(400, "validation_error", "limit must be 1 to 100")
    start, size = _page(call.query.get("cursor", "")), int(limit)
    chosen = _chosen(call, account, _endpoints(call))
    page, more = chosen[start : start + size], len(chosen) > start + size
    payloads = "payloads" in call.query.get("expand", "")
    told = {
        "items": [_item(call, job, payloads=payloads) for job in page],
        "next_cursor": base64.b64encode(str(start + size).encode()).decode() if more else None,
        "has_more": more,
    }
    return ok(call, told)


def _endpoints(call: Call) -> list[str]:
    names = [name for value in call.query.getlist("endpoint_id") for name in value.split(",") if name]
    if not names:
        raise Refusal(400, "validation_error", "endpoint_id is needed")
    return names


def _page(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True)) if cursor else 0
    except (ValueError, binascii.Error):
        raise Refusal(400, "validation_error", "cursor") from None


def _chosen(call: Call, account: Account, endpoints: list[str]) -> list[Job]:
    now = call.stamp(call.now)
    since, until = _bound(call, "start", now - _DAY), _bound(call, "end", float("inf"))
    wanted = call.query.get("request_id")
    return [
        job
        for job in reversed(account.jobs.values())
        if not job.deleted
        and job.detail.endpoint in endpoints
        and since <= call.stamp(job.created) < until
        and call.now >= job.created + call.options.list_delay
        and (not call.options.list_ended or job.state(call.now) in TERMINAL)
        and wanted in (None, job.id)
    ]


def _bound(call: Call, name: str, default: float) -> float:
    text = call.query.get(name)
    if text is None:
        return default
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "validation_error", name) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _item(call: Call, job: Job, *, payloads: bool) -> dict[str, Any]:
    detail: Detail = job.detail
    state, at = job.state(call.now), job.updated(call.now)
    ended = state in TERMINAL
    status = 200 if state == "succeeded" else (detail.failure.status if detail.failure else 499)
    item: dict[str, Any] = {
        "request_id": job.id,
        "endpoint_id": detail.endpoint,
        "sent_at": moment(call.stamp(job.created)),
        "started_at": None if job.starts is None else moment(call.stamp(job.starts)),
        "ended_at": moment(call.stamp(at)) if ended else None,
        "status_code": status if ended else None,
        "duration": None if not ended or job.starts is None else round(at - job.starts, 3),
    }
    return item | ({"json_input": detail.body, "json_output": None} if payloads else {})


def moment(stamp: float) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(stamp, UTC).isoformat().replace("+00:00", "Z")
