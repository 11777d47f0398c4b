"""The prediction object: alone, in the list, and in a webhook."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dramagen.emulator.callbacks import Notice
from dramagen.emulator.files import file_url
from dramagen.emulator.replicate import webhook
from dramagen.emulator.replicate.create import Detail
from dramagen.emulator.replicate.files import origin
from dramagen.emulator.state import TERMINAL, Account, Job, State
from dramagen.emulator.world import Call, World

_WORDS: Mapping[State, str] = {
    "queued": "starting",
    "running": "processing",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "canceled",
    "expired": "canceled",
}
_EVENTS: Mapping[State, frozenset[str]] = {
    "queued": frozenset({"start"}),
    "running": frozenset({"logs"}),
    "succeeded": frozenset({"output", "completed"}),
    "failed": frozenset({"completed"}),
    "cancelled": frozenset({"completed"}),
    "expired": frozenset({"completed"}),
}


def word(job: Job, at: float) -> str:
    """The status; one that was stopped before it started was aborted."""
    state = job.state(at)
    if state in ("cancelled", "expired") and job.starts is None:
        return "aborted"
    return _WORDS[state]


def removed(options: Any, job: Job, at: float) -> bool:
    """Whether input, output and logs are gone."""
    return job.state(at) in TERMINAL and at >= job.updated(at) + options.data_life


def shown(world: World, base: str, job: Job, at: float) -> dict[str, Any]:
    """The prediction at a moment of virtual time."""
    options: Any = world.options["replicate"]
    detail: Detail = job.detail
    state, gone = job.state(at), removed(options, job, at)
    ended = job.updated(at) if state in TERMINAL else None
    url = f"{base}/v1/predictions/{job.id}"
    started = job.starts if job.starts is not None and job.starts <= at else None
    metrics = {} if started is None or ended is None else {"predict_time": round(ended - started, 6)}
    if ended is not None:
        metrics["total_time"] = round(ended - job.created, 6)
    running_word = options.unknown_status if state == "running" else ""
    return {
        "id": job.id,
        "model": job.model,
        "version": detail.version,
        "status": running_word or word(job, at),
        "input": {} if gone else detail.input,
        "output": None if gone else _output(world, base, job, state),
        "error": detail.error if state == "failed" else None,
        "logs": "" if gone or started is None else "Using seed: 1\n",
        "metrics": metrics,
        "created_at": _moment(world.clock.stamp(job.created)),
        "started_at": None if started is None else _moment(world.clock.stamp(started)),
        "completed_at": None if ended is None else _moment(world.clock.stamp(ended)),
        "source": "api",
        "data_removed": gone,
        "urls": {"get": url, "cancel": f"{url}/cancel", "stream": f"{base}/v1/streams/{job.id}"}
        | ({"web": f"https://replicate.com/p/{job.id}"} if options.web_url else {}),
    }


def _output(world: World, base: str, job: Job, state: State) -> str | list[str] | None:
    options: Any = world.options["replicate"]
    if state != "succeeded":
        return None
    url = file_url(world, base, job, "output.mp4", job.ends + options.data_life)
    return url if options.output == "text" else [url]


def held(call: Call, job: Job) -> dict[str, Any]:
    """The answer to a create that waited: what ended is called ``processing``, anything else ``starting``."""
    told = shown(call.world, origin(call), job, call.now)
    if call.options.wait_status == "true":
        return told
    if job.state(call.now) not in TERMINAL:
        return told | {"status": "starting"}
    told |= {"status": "processing", "completed_at": None, "metrics": {}}
    return told if call.options.wait_output else told | {"output": None}


def listed(call: Call, job: Job) -> dict[str, Any]:
    """The prediction as an item of the list."""
    item = shown(call.world, origin(call), job, call.now)
    match call.options.list_input:
        case "empty":
            item["input"] = {}
        case "absent":
            del item["input"]
    return item


def notice(call: Call, account: Account, job: Job) -> Notice:
    """What a prediction owes its webhook."""
    world, base, detail = call.world, origin(call), job.detail

    def compose(at: float) -> tuple[Mapping[str, str], bytes]:
        body = json.dumps(shown(world, base, job, at), ensure_ascii=False).encode()
        return webhook.headers(world, account, job, body), body

    states = frozenset(state for state, events in _EVENTS.items() if events & detail.events)
    return Notice(
        url=detail.webhook,
        account=account,
        job=job,
        compose=compose,
        states=states,
        resent=states & TERMINAL,
        resends=3,
        mode=call.options.callbacks,
    )


def _moment(stamp: float) -> str:
    return datetime.fromtimestamp(stamp, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
