"""A create is checked and becomes a prediction."""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dramagen.emulator.inputs import Problem, filled, problems
from dramagen.emulator.media import FPS, ClipSpec
from dramagen.emulator.pixels import Size
from dramagen.emulator.replicate import files
from dramagen.emulator.replicate.errors import Refusal, invalid
from dramagen.emulator.replicate.models import MODELS, VERSIONS
from dramagen.emulator.resold import BadFile, Model, order, picture
from dramagen.emulator.state import Account, Job, jitter
from dramagen.emulator.world import Call

EVENTS = ("start", "output", "logs", "completed")
_KNOWN = frozenset({"input", "version", "webhook", "webhook_completed", "webhook_events_filter", "stream"})
_DEADLINE = re.compile(r"(\d+)(s|m|h)?$")
_UNITS = {None: 1, "s": 1, "m": 60, "h": 3600}
_SHORTEST = 5
"""Seconds: the least that Cancel-After takes."""


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What a prediction shows beside its state."""

    input: Mapping[str, Any]
    version: str
    error: str
    webhook: str
    events: frozenset[str]


def submit(call: Call, account: Account, name: str | None = None) -> Job:
    """The prediction of a create; of the model in the path, or of the version in the body. Raises ``Refusal``."""
    body = _body(call)
    if name is None:
        name = _versioned(body)
    model = MODELS.get(name)
    if model is None:
        raise Refusal(404)
    given = body.get("input")
    if not isinstance(given, dict):
        raise Refusal(422, "- input is required\n", invalid_fields=[])
    _throttle(call, account)
    values = _checked(call, model, given)
    wish = order(model, values, _pictures(call, account, model, values))
    price = wish.amount if wish.amount is not None else call.options.unlisted_price * wish.seconds
    if account.spent(call.now) + price > call.options.balance:
        raise Refusal(402)
    prompt = str(given.get("prompt", ""))
    clip = ClipSpec(*wish.size, FPS * wish.seconds + 1, wish.sound)
    for kind in ("short", "small", "mute", "corrupt"):
        if f"[[defect:{kind}]]" in prompt:
            clip = clip.defective(kind)
    return _added(call, account, name, body, given, price, clip)


def _body(call: Call) -> dict[str, Any]:
    try:
        body = call.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(400)
    if unknown := sorted(body.keys() - _KNOWN):
        raise Refusal(422, f"- Additional property {unknown[0]} is not allowed\n", invalid_fields=[])
    return body


def _versioned(body: Mapping[str, Any]) -> str:
    version = body.get("version")
    if not isinstance(version, str):
        raise Refusal(422, "- version is required\n", invalid_fields=[])
    name = VERSIONS.get(version.rpartition(":")[2], version)
    if name not in MODELS:
        raise Refusal(
            422,
            "The specified version does not exist (or perhaps you don't have permission to use it?)",
            "Invalid version or not permitted",
        )
    return name


def _throttle(call: Call, account: Account) -> None:
    recent = [at for at in account.seen.get("creates", []) if at > call.now - 60]
    if len(recent) >= call.options.creates_per_minute:
        raise Refusal(429)
    account.seen["creates"] = [*recent, call.now]


def _checked(call: Call, model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    found = problems(model.fields, given, strangers=call.options.unknown_fields == "refused")
    if found:
        raise invalid(found)
    values = filled(model.fields, given)
    frames = any(values.get(name) for name in ("image", "last_frame_image"))
    references = [
        name for name in ("reference_images", "reference_videos", "reference_audios") if values.get(name)
    ]
    if "last_frame_image" in model.fields and "image" in model.fields and frames and references:
        raise Refusal(422, f"- input.{references[0]}: frames and references exclude each other\n")
    if (
        values.get("resolution") == "1080p"
        and "prompt_optimizer" in model.fields
        and values["duration"] == 10
    ):
        raise invalid([Problem(("duration",), "less_than_equal", 10, 6)])
    return values


def _pictures(call: Call, account: Account, model: Model, values: Mapping[str, Any]) -> Size | None:
    """Look at every picture; the size of the first frame, where there is one that can be measured."""
    frame = None
    for name in model.fields:
        if "image" not in name and "frame" not in name:
            continue
        given = values.get(name) or []
        for value in [given] if isinstance(given, str) else given:
            try:
                size = picture(
                    value, files.origin(call) + "/v1/files/", lambda own: files.uploaded(call, account, own)
                )
            except BadFile:
                raise invalid([Problem((name,), "url", value[:80])]) from None
            if name in model.first:
                frame = size
    return frame


def _error(call: Call, prompt: str) -> str:
    if "[[moderate" in prompt:
        return str(call.options.moderation_words)
    return "Prediction failed: something went wrong" if "[[fail]]" in prompt else ""


def _added(
    call: Call,
    account: Account,
    name: str,
    body: Mapping[str, Any],
    given: Mapping[str, Any],
    price: Decimal,
    clip: ClipSpec,
) -> Job:
    job_id = base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
    error = _error(call, str(given.get("prompt", "")))
    webhook, events = _webhook(body)
    job = Job(
        id=job_id,
        model=name,
        price=price,
        created=call.now,
        seconds=call.options.job_seconds * jitter(job_id, 0.8, 1.2),
        clip=clip,
        outcome="failed" if error else "succeeded",
        expires=call.now + _deadline(call),
        charged_once_started=call.options.cancelled_billed,
        detail=Detail(
            input=dict(given),
            version=next(version for version, model in VERSIONS.items() if model == name),
            error=error,
            webhook=webhook,
            events=events,
        ),
    )
    if call.never:
        job.stall(call.now)
    account.add(job, lane="all", slots=call.options.concurrency)
    return job


def _webhook(body: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    address, wanted = body.get("webhook") or "", body.get("webhook_events_filter")
    if not isinstance(address, str) or (address and not address.startswith(("http://", "https://"))):
        raise Refusal(422, "- webhook: must be a URL\n", invalid_fields=[])
    events = EVENTS if wanted is None else wanted
    if not isinstance(events, (list, tuple)) or any(each not in EVENTS for each in events):
        raise Refusal(422, "- webhook_events_filter: unknown event\n", invalid_fields=[])
    return address, frozenset(events)


def _deadline(call: Call) -> float:
    """Seconds after which the prediction is aborted, or canceled where it runs."""
    asked = call.request.headers.get("cancel-after")
    if asked is None:
        return float("inf")
    match = _DEADLINE.match(asked.strip())
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if seconds < _SHORTEST:
        raise Refusal(422, "- Cancel-After: must be a duration of at least 5s\n", invalid_fields=[])
    return float(seconds)
