"""fal: its queue, storage, CDN, platform API and webhook keys, all under one address.

What fal serves from several hosts stands here side by side, by path; so the direct, waiting calls of ``fal.run``,
which have the same paths as the queue's, cannot be told apart and are not there.

Source: fal's pages on its inference and platform APIs and its Python client, as read up to 2026-11-22.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import anyio.to_thread
from starlette.responses import JSONResponse, Response

from dramagen.emulator.fal import create, errors, platform, requests, uploads, webhook
from dramagen.emulator.fal.errors import Refusal, ok
from dramagen.emulator.fal.settings import Settings
from dramagen.emulator.files import FILES
from dramagen.emulator.state import TERMINAL, Account, Job
from dramagen.emulator.world import Call, Endpoint, Handler


def _answered(act: Handler) -> Handler:
    """Turn a refusal raised anywhere into the vendor's error answer."""

    async def handle(call: Call) -> Response:
        try:
            return await act(call)
        except Refusal as refusal:
            return errors.refused(call, refusal)

    return handle


def _keyed(act: Callable[[Call, Account], Awaitable[Response]]) -> Handler:
    """A call that needs a key."""

    async def handle(call: Call) -> Response:
        return await act(call, _account(call))

    return _answered(handle)


def _account(call: Call) -> Account:
    scheme, _, key = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "key" or not key.strip() or key.startswith("bad"):
        raise Refusal(401, None, "Cannot access application. Authentication is required.")
    return call.account(key.strip())


async def _submit(call: Call, account: Account) -> Response:
    job = create.submit(call, account)
    call.request_id = job.id  # what is said of a request carries its id, also in the header
    if job.detail.webhook:
        call.world.outbox.add(requests.notice(call, account, job))
    told = {"status": "IN_QUEUE", "request_id": job.id, "queue_position": 0, **requests.links(call, job)}
    _, now = requests.status(call, account, job)
    return ok(call, told | {"queue_position": now.get("queue_position", 0)})


def _job(call: Call, account: Account) -> Job:
    job = account.find(call.params["id"])
    app = f"{call.params['owner']}/{call.params['app']}"
    if job is None or job.detail.app != app or not requests.kept(call, job):
        raise Refusal(404, None, "Request not found")
    call.request_id = job.id
    if call.never:
        job.stall(call.now)
    return job


async def _status(call: Call, account: Account) -> Response:
    code, told = requests.status(call, account, _job(call, account))
    return ok(call, told, code)


async def _result(call: Call, account: Account) -> Response:
    job = _job(call, account)
    if job.state(call.now) not in TERMINAL:
        raise Refusal(call.options.early_status, None, "Request is still in progress")
    failure = requests.failure(call.now, job)
    if failure is not None:
        raise failure
    told = await anyio.to_thread.run_sync(partial(requests.result, call.world, uploads.origin(call), job))
    return ok(call, told, headers=requests.billable_units(call, job))


async def _cancel(call: Call, account: Account) -> Response:
    job = account.find(call.params["id"])
    if job is None or job.detail.app != f"{call.params['owner']}/{call.params['app']}":
        return ok(call, {"status": "NOT_FOUND"}, 404)
    state = job.state(call.now)
    if state in TERMINAL:
        return ok(call, {"status": "ALREADY_COMPLETED"}, 400)
    if state == "queued" or call.options.cancel_running == "stops":
        job.cancelled = call.now
    if state == "queued" and call.options.cancel_queued == 200:
        return ok(call, {"status": "OK"})
    return ok(call, {"status": "CANCELLATION_REQUESTED"}, 202)


async def _keys(call: Call) -> Response:
    return JSONResponse(webhook.key_set(call.world))


async def _meta(call: Call) -> Response:
    return ok(call, {"webhook_ip_ranges": ["127.0.0.0/8"]})


_REQUEST = "/{owner}/{app}/requests/{id}"
_FILE = "/files/b/{id}/{name}"


class Fal:
    """fal's model APIs."""

    name = "fal"
    regions: Mapping[str, str] = {"global": "USD"}
    settings = Settings
    endpoints = (
        *FILES,
        Endpoint("POST", "/storage/auth/token", _keyed(uploads.token), "upload"),
        Endpoint("POST", "/storage/upload/initiate", _keyed(uploads.initiate), "upload"),
        Endpoint("POST", "/files/upload", _answered(uploads.upload), "upload"),
        Endpoint("POST", "/files/upload/multipart", _answered(uploads.begin), "upload"),
        Endpoint("PUT", _FILE + "/multipart/{upload}/{number}", _answered(uploads.part), "upload"),
        Endpoint("POST", _FILE + "/multipart/{upload}/complete", _answered(uploads.complete), "upload"),
        Endpoint("PUT", _FILE, _answered(uploads.put), "upload"),
        Endpoint("GET", _FILE, _answered(uploads.fetch), "upload"),
        Endpoint("GET", "/.well-known/jwks.json", _keys, "account"),
        Endpoint("GET", "/v1/meta", _meta, "account"),
        Endpoint("GET", "/v1/models/pricing", _keyed(platform.pricing), "account"),
        Endpoint("GET", "/v1/models/requests/by-endpoint", _keyed(platform.listing), "find"),
        Endpoint("GET", _REQUEST + "/status", _keyed(_status), "poll"),
        Endpoint("GET", _REQUEST, _keyed(_result), "poll"),
        Endpoint("PUT", _REQUEST + "/cancel", _keyed(_cancel), "cancel"),
        Endpoint("POST", "/{endpoint:path}", _keyed(_submit), "create"),
    )

    def failure(self, call: Call, status: int, code: str | int | None) -> Response:
        return errors.usual(call, status, code)

    def lost(self, call: Call, *, path_exists: bool) -> Response:
        return errors.refused(call, Refusal(405 if path_exists else 404, None, "Not Found"))

    def gone(self, call: Call, job: Job) -> bool:
        return False

    def file_refused(self, call: Call, *, expired: bool) -> Response:
        """The CDN answers the same whether a file is gone or never was."""
        return Response("Not Found", 404, media_type="text/plain")


VENDOR = Fal()
