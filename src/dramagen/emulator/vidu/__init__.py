"""Vidu: the Open Platform of the China site (cn) and of the global one (intl), ``/ent/v2``.

Source: Vidu's pages (platform.vidu.cn and platform.vidu.com docs) and public clients, as read up to 2026-11-22.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from starlette.responses import Response

from dramagen.emulator.callbacks import Notice
from dramagen.emulator.files import FILES
from dramagen.emulator.state import Account, Job
from dramagen.emulator.vidu import errors, tasks, webhook
from dramagen.emulator.vidu.create import read_create
from dramagen.emulator.vidu.errors import Refusal, invalid, ok
from dramagen.emulator.vidu.settings import Settings
from dramagen.emulator.world import Call, Endpoint, Handler

_TASKS = "/ent/v2/tasks"


def _answered(act: Handler) -> Handler:
    """Turn a refusal raised anywhere into the vendor's error answer."""

    async def handle(call: Call) -> Response:
        try:
            return await act(call)
        except Refusal as refusal:
            return errors.refused(call, refusal)

    return handle


def _key(call: Call) -> str:
    scheme, _, key = call.request.headers.get("authorization", "").partition(" ")
    taken = ("token", "bearer") if call.options.schemes == "both" else ("token",)
    if scheme.lower() not in taken or not key.strip() or key.startswith("bad"):
        raise Refusal(401, "Unauthorized", "unauthorized")
    return key.strip()


def _account(call: Call) -> Account:
    return call.account(_key(call))


async def _create(kind: str, call: Call) -> Response:
    account = _account(call)
    wish = read_create(call, kind)
    job = tasks.submit(call, account, wish)
    if wish.callback:
        call.world.outbox.add(_notice(call, account, job))
    return ok(call, tasks.made(call, job))


def _job(call: Call) -> tuple[Account, Job]:
    if not call.params["id"].isdigit():
        raise invalid("id")  # it is read before the key is
    account = _account(call)
    job = account.find(call.params["id"])
    if job is None:
        raise Refusal(404, "TaskNotFound", "task not found")
    if call.never:
        job.stall(call.now)
    return account, job


async def _get(call: Call) -> Response:
    _, job = _job(call)
    return ok(call, tasks.shown(call.world, tasks.origin(call), job, call.now))


async def _cancel(call: Call) -> Response:
    """Only a job that still waits can be cancelled; what a running one answers is not documented."""
    _, job = _job(call)
    try:
        body = call.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or body.get("id") != job.id:
        raise invalid("id")
    if job.state(call.now) != "queued":
        raise Refusal(409, "Conflict", "the task is no longer queueing")
    job.cancelled = call.now
    return ok(call, {})


async def _list(call: Call) -> Response:
    account = _account(call)
    size = _whole(call, "pager.pagesz", 10)
    if not 1 <= size <= 100:
        raise invalid("pager.pagesz")
    token = call.query.get("pager.page_token", "")
    if token and not token.isdigit():
        raise invalid("pager.page_token")
    start = int(token) if token else _whole(call, "pager.page", 0) * size
    chosen = _chosen(call, account)
    page, more = chosen[start : start + size], len(chosen) > start + size
    items = [tasks.listed(call.world, tasks.origin(call), job, call.now) for job in page]
    return ok(call, {"next_page_token": str(start + size) if more else "", "tasks": items})


def _chosen(call: Call, account: Account) -> list[Job]:
    now = call.stamp(call.now)
    since, until = _moment(call, "created_at.from", now - 7 * tasks.DAY), _moment(call, "created_at.to", now)
    ids, states = call.query.getlist("task_ids"), call.query.getlist("states")
    models = call.query.getlist("model_versions")
    return [
        job
        for job in reversed(account.jobs.values())
        if since <= call.stamp(job.created) <= until
        and call.now >= job.created + call.options.list_delay
        and (not ids or job.id in ids)
        and (not models or job.model in models)
        and (not states or tasks.listed(call.world, "", job, call.now)["state"] in states)
    ]


def _moment(call: Call, name: str, default: float) -> float:
    text = call.query.get(name)
    try:
        moment = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise invalid(name) from None
    if moment is None:
        return default
    if moment.tzinfo is None:
        raise invalid(name)
    return moment.timestamp()


def _whole(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdigit():
        raise invalid(name)
    return int(text)


async def _credits(call: Call) -> Response:
    account = _account(call)
    pack = {
        "type": "metered",
        "credit_remain": tasks.left(call, account),
        "concurrency_limit": call.options.concurrency,
        "current_concurrency": min(tasks.running(call, account), call.options.concurrency),
    }
    return ok(call, {"remains": [pack]})


def _notice(call: Call, account: Account, job: Job) -> Notice:
    base, world, key = tasks.origin(call), call.world, _key(call)
    url: str = job.detail.wish.callback

    def compose(at: float) -> tuple[Mapping[str, str], bytes]:
        options: Any = world.options["vidu"]
        body = tasks.shown(world, base, job, at)
        if options.callback_word == "status":
            body["status"] = body.pop("state")
        stamp = world.clock.stamp(world.clock.now())
        signed = webhook.headers(key, url, stamp, secrets.token_hex(16), options.signed_headers)
        return {"content-type": "application/json", **signed}, json.dumps(body, ensure_ascii=False).encode()

    return Notice(
        url=url,
        account=account,
        job=job,
        compose=compose,
        states=frozenset({"running", "succeeded", "failed", "cancelled", "expired"}),
        resent=frozenset({"succeeded", "failed", "cancelled", "expired"}),
        resends=2,
        mode=call.options.callbacks,
    )


class Vidu:
    """Vidu's open platform."""

    name = "vidu"
    regions: Mapping[str, str] = {"cn": "CNY", "intl": "USD"}
    settings = Settings
    endpoints = (
        *FILES,
        *(
            Endpoint("POST", f"/ent/v2/{kind}", _answered(partial(_create, kind)), "create")
            for kind in ("text2video", "img2video", "start-end2video", "reference2video")
        ),
        Endpoint("GET", _TASKS, _answered(_list), "find"),
        Endpoint("GET", _TASKS + "/{id}/creations", _answered(_get), "poll"),
        Endpoint("POST", _TASKS + "/{id}/cancel", _answered(_cancel), "cancel"),
        Endpoint("GET", "/ent/v2/credits", _answered(_credits), "account"),
    )

    def failure(self, call: Call, status: int, code: str | int | None) -> Response:
        return errors.usual(call, status, code)

    def lost(self, call: Call, *, path_exists: bool) -> Response:
        return errors.refused(call, Refusal(405 if path_exists else 404, "NotFound", "not found"))

    def gone(self, call: Call, job: Job) -> bool:
        return False

    def file_refused(self, call: Call, *, expired: bool) -> Response:
        """An object store answers in XML."""
        why = "Request has expired" if expired else "SignatureDoesNotMatch"
        xml = f'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>{why}</Message></Error>'
        return Response(xml, 403, media_type="application/xml")


VENDOR = Vidu()
