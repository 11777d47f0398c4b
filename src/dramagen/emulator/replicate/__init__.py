"""Replicate: predictions of its official models, files, account and webhook secret, ``/v1``.

Source: Replicate's pages on its HTTP API and its Python client 1.0.7, as read up to 2026-11-22.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from starlette.responses import Response

from dramagen.emulator.files import FILES
from dramagen.emulator.replicate import errors, files, predictions, webhook
from dramagen.emulator.replicate.create import submit
from dramagen.emulator.replicate.errors import Refusal, ok
from dramagen.emulator.replicate.models import MODELS, VERSIONS, schema
from dramagen.emulator.replicate.settings import Settings
from dramagen.emulator.state import TERMINAL, Account, Job
from dramagen.emulator.world import Call, Endpoint, Handler

_WAIT = re.compile(r"(?:^|,)\s*wait(?:=(\d+))?\s*(?:,|$)")
_LONGEST_WAIT = 60
_TICK = 0.01  # real seconds between two looks at a prediction somebody waits for


def _keyed(act: Callable[[Call, Account], Awaitable[Response]]) -> Handler:
    """A call that needs a token; a refusal raised anywhere becomes the vendor's error answer."""

    async def handle(call: Call) -> Response:
        try:
            if not call.bearer or call.bearer.startswith("bad"):
                raise Refusal(401)
            return await act(call, call.account(call.bearer))
        except Refusal as refusal:
            return errors.refused(refusal)

    return handle


async def _create(call: Call, account: Account) -> Response:
    owned = "owner" in call.params
    seconds = _held(call)
    job = submit(call, account, f"{call.params['owner']}/{call.params['name']}" if owned else None)
    if job.detail.webhook:
        call.world.outbox.add(predictions.notice(call, account, job))
    if seconds:
        await _wait(call, account, job, seconds)
        return ok(predictions.held(call, job), 201)
    return ok(_shown(call, job), 201)


def _held(call: Call) -> int:
    """Seconds for which the caller wants the create held."""
    found = _WAIT.search(call.request.headers.get("prefer", ""))
    if found is None:
        return 0
    seconds = int(found[1] or _LONGEST_WAIT)
    if not 1 <= seconds <= _LONGEST_WAIT:
        raise Refusal(422, "- Prefer: wait must be 1 to 60\n", invalid_fields=[])
    return seconds


async def _wait(call: Call, account: Account, job: Job, seconds: int) -> None:
    clock, until = call.world.clock, call.now + seconds
    gone = False
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            nonlocal gone
            while (await call.request.receive())["type"] != "http.disconnect":
                pass
            gone = True

        tasks.start_soon(watch)
        while not gone and clock.now() < until:
            account.advance(clock.now())
            if job.state(clock.now()) in TERMINAL:
                break
            await anyio.sleep(_TICK)
        tasks.cancel_scope.cancel()
    call.now = clock.now()
    account.advance(call.now)


def _shown(call: Call, job: Job) -> dict[str, Any]:
    return predictions.shown(call.world, files.origin(call), job, call.now)


def _job(call: Call, account: Account) -> Job:
    job = account.find(call.params["id"])
    if job is None:
        raise Refusal(404)
    if call.never:
        job.stall(call.now)
    return job


async def _get(call: Call, account: Account) -> Response:
    return ok(_shown(call, _job(call, account)))


async def _cancel(call: Call, account: Account) -> Response:
    """An ended prediction is left as it is."""
    job = _job(call, account)
    if job.state(call.now) not in TERMINAL:
        job.cancelled = call.now
    return ok(_shown(call, job))


async def _list(call: Call, account: Account) -> Response:
    cursor = call.query.get("cursor", "0")
    if not cursor.isdigit():
        raise Refusal(400)
    start, size = int(cursor), call.options.list_page
    visible = [
        job for job in reversed(account.jobs.values()) if call.now >= job.created + call.options.list_delay
    ]
    page = visible[start : start + size]
    base = f"{files.origin(call)}/v1/predictions?cursor="
    return ok(
        {
            "previous": f"{base}{max(0, start - size)}" if start else None,
            "next": f"{base}{start + size}" if len(visible) > start + size else None,
            "results": [predictions.listed(call, job) for job in page],
        }
    )


async def _model(call: Call, account: Account) -> Response:
    name = f"{call.params['owner']}/{call.params['name']}"
    model = MODELS.get(name)
    if model is None:
        raise Refusal(404)
    version = next(version for version, each in VERSIONS.items() if each == name)
    return ok(
        {
            "url": f"https://replicate.com/{name}",
            "owner": call.params["owner"],
            "name": call.params["name"],
            "description": "",
            "visibility": "public",
            "is_official": True,
            "github_url": None,
            "paper_url": None,
            "license_url": None,
            "run_count": 1,
            "cover_image_url": None,
            "default_example": None,
            "latest_version": {
                "id": version,
                "created_at": "2026-09-01T00:00:00.000000Z",
                "cog_version": "0.16.0",
                "openapi_schema": schema(model),
            },
        }
    )


async def _account(call: Call, account: Account) -> Response:
    return ok({"type": "user", "username": "emulated", "name": "Emulated", "github_url": None})


async def _secret(call: Call, account: Account) -> Response:
    return ok({"key": webhook.secret(account)})


class Replicate:
    """Replicate's HTTP API."""

    name = "replicate"
    regions: Mapping[str, str] = {"global": "USD"}
    settings = Settings
    endpoints = (
        *FILES,
        Endpoint("POST", "/v1/models/{owner}/{name}/predictions", _keyed(_create), "create"),
        Endpoint("POST", "/v1/predictions", _keyed(_create), "create"),
        Endpoint("GET", "/v1/predictions", _keyed(_list), "find"),
        Endpoint("GET", "/v1/predictions/{id}", _keyed(_get), "poll"),
        Endpoint("POST", "/v1/predictions/{id}/cancel", _keyed(_cancel), "cancel"),
        Endpoint("GET", "/v1/models/{owner}/{name}", _keyed(_model), "account"),
        Endpoint("GET", "/v1/account", _keyed(_account), "account"),
        Endpoint("GET", "/v1/webhooks/default/secret", _keyed(_secret), "account"),
        Endpoint("POST", "/v1/files", _keyed(files.create), "upload"),
        Endpoint("GET", "/v1/files", _keyed(files.listing), "upload"),
        Endpoint("GET", "/v1/files/{id}", _keyed(files.get), "upload"),
        Endpoint("DELETE", "/v1/files/{id}", _keyed(files.delete), "upload"),
    )

    def failure(self, call: Call, status: int, code: str | int | None) -> Response:
        return errors.usual(status)

    def lost(self, call: Call, *, path_exists: bool) -> Response:
        return errors.refused(Refusal(405 if path_exists else 404))

    def gone(self, call: Call, job: Job) -> bool:
        return predictions.removed(call.options, job, call.now)

    def file_refused(self, call: Call, *, expired: bool) -> Response:
        """The delivery host answers the same whether a file is gone or never was."""
        return Response("Not Found", 404, media_type="text/plain")


VENDOR = Replicate()
