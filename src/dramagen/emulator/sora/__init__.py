"""The OpenAI Videos protocol: OpenAI's own service, and the servers and gateways that speak it since.

``profile`` of the settings says which. Sources: OpenAI's API reference, video generation and webhooks guides, as read
up to 2026-11-22; PyPI packages sglang 0.5.23 and vllm-omni 0.30.0.
"""

from collections.abc import Mapping
from functools import partial

import anyio.to_thread
from pydantic import BaseModel
from starlette.responses import JSONResponse, RedirectResponse, Response

from dramagen.emulator import media
from dramagen.emulator.files import FILES, file_url
from dramagen.emulator.sora import errors
from dramagen.emulator.sora.create import SIZES, read_wish
from dramagen.emulator.sora.errors import FormRefusal, Refusal, invalid, missing
from dramagen.emulator.sora.events import notice
from dramagen.emulator.sora.form import read_form
from dramagen.emulator.sora.jobs import failure_status, kept, submit, video
from dramagen.emulator.sora.settings import Settings
from dramagen.emulator.state import Account, Job
from dramagen.emulator.world import Call, Endpoint, Handler


def _answered(act: Handler) -> Handler:
    """Turn a refusal raised anywhere into the server's error answer."""

    async def handle(call: Call) -> Response:
        try:
            return await act(call)
        except Refusal as refusal:
            return errors.refused(call, refusal)
        except FormRefusal as refusal:
            return errors.unread(refusal)

    return handle


def _account(call: Call) -> Account:
    if errors.own_server(call):
        if call.options.api_key and call.bearer != call.options.api_key:
            raise Refusal(401, None, "Unauthorized")
        return call.account("everybody")  # one server, one queue
    if not call.bearer or call.bearer.startswith("bad"):
        raise Refusal(401, "invalid_api_key", "Incorrect API key provided.")
    return call.account(call.bearer)


def _base(call: Call) -> str:
    return f"{call.request.url.scheme}://{call.request.url.netloc}{call.prefix}"


def _object(call: Call, job: Job, *, listed: bool = False) -> dict[str, object]:
    return video(call.world, call.options, _base(call), job, call.now, listed=listed)


def _find(call: Call) -> Job:
    job = _account(call).find(call.params["id"])
    if job is None or not kept(call, job):
        raise missing()
    if call.never:
        job.stall(call.now)
    return job


async def _create(call: Call) -> Response:
    account = _account(call)
    if call.options.retired == "404":
        raise Refusal(404, "model_not_found", "The model does not exist or you do not have access to it.")
    if call.options.retired == "410":
        raise Refusal(410, "model_retired", "The model has been retired.")
    job = submit(call, account, read_wish(call, read_form(call)))
    if call.options.webhook_url:
        call.world.outbox.add(notice(call, account, job))
    return JSONResponse(_object(call, job), headers=_advice(call))


async def _get(call: Call) -> Response:
    job = _find(call)
    failed = job.state(call.now) == "failed" and call.options.profile == "vllm-omni"
    status = failure_status(job.detail) if failed else 200
    return JSONResponse(_object(call, job), status, headers=_advice(call))


def _advice(call: Call) -> dict[str, str]:
    wait = call.options.poll_after_ms
    return {"openai-poll-after-ms": str(wait)} if wait else {}


async def _list(call: Call) -> Response:
    account = _account(call)
    limit, order = call.query.get("limit", "20"), call.query.get("order", "desc")
    if not limit.isdigit() or int(limit) > 100 or order not in ("asc", "desc"):
        raise invalid("Invalid 'limit' or 'order'.")
    jobs = [
        job
        for job in account.jobs.values()
        if kept(call, job) and call.now >= job.created + call.options.lookup_delay
    ]
    if order == "desc":
        jobs.reverse()
    if after := call.query.get("after"):
        ids = [job.id for job in jobs]
        jobs = jobs[ids.index(after) + 1 :] if after in ids else []
    page = [_object(call, job, listed=True) for job in jobs[: int(limit)]]
    ends = (
        {"first_id": page[0]["id"], "last_id": page[-1]["id"]}
        if page
        else {"first_id": None, "last_id": None}
    )
    return JSONResponse({"object": "list", "data": page, "has_more": len(jobs) > int(limit), **ends})


async def _delete(call: Call) -> Response:
    job = _find(call)
    ended = job.state(call.now) in ("succeeded", "failed")
    match call.options.profile:
        case "sglang":
            job.deleted = True  # forgotten, not stopped
            return JSONResponse({**_object(call, job), "status": "deleted"})
        case "vllm-omni" if not ended:
            job.cancelled = call.now
        case _ if not ended:
            raise invalid("Video is still being processed.")
        case _:
            job.deleted = True
    return JSONResponse({"id": job.id, "object": "video.deleted", "deleted": True})


async def _content(call: Call) -> Response:
    job = _find(call)
    variant, state = call.query.get("variant"), job.state(call.now)
    if state == "failed" and call.options.profile == "vllm-omni":
        raise Refusal(422, None, "Video generation failed. Check job status for error details.")
    if state != "succeeded":
        raise Refusal(404, None, "Generation is still in-progress")
    if call.now >= job.ends + call.options.content_life:
        raise Refusal(404, None, "Video content has expired.")
    if call.options.profile == "sglang" and variant not in (None, "0"):
        raise Refusal(404, None, f"Video variant {variant} not found")
    link = file_url(call.world, _base(call), job, "video.mp4", job.ends + call.options.content_life)
    if call.options.content == "redirect":
        return RedirectResponse(link, 302)
    if call.options.content == "cloud" and call.options.profile == "sglang":
        raise invalid(f"Video has been uploaded to cloud storage. Please use the cloud URL: {link}")
    if variant in ("thumbnail", "spritesheet"):
        picture = await anyio.to_thread.run_sync(media.last_frame, job.clip)
        return Response(picture, media_type="image/jpeg")
    data = await anyio.to_thread.run_sync(partial(media.clip, job.clip, job.id))
    job.downloads += 1
    return Response(data, media_type="video/mp4")


async def _models(call: Call) -> Response:
    _account(call)
    names = call.options.served or (["served-model"] if errors.own_server(call) else [*SIZES])
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "system"} for name in names]
    return JSONResponse({"object": "list", "data": data})


class Sora:
    """OpenAI's Videos API."""

    name = "sora"
    regions: Mapping[str, str] = {"intl": "USD"}
    settings: type[BaseModel] = Settings
    endpoints = (
        *FILES,
        Endpoint("POST", "/v1/videos", _answered(_create), "create"),
        Endpoint("GET", "/v1/videos", _answered(_list), "find"),
        Endpoint("GET", "/v1/videos/{id}", _answered(_get), "poll"),
        Endpoint("DELETE", "/v1/videos/{id}", _answered(_delete), "cancel"),
        Endpoint("GET", "/v1/videos/{id}/content", _answered(_content), "content"),
        Endpoint("GET", "/v1/models", _answered(_models), "models"),
    )

    def failure(self, call: Call, status: int, code: str | int | None) -> Response:
        return errors.usual(call, status, code)

    def lost(self, call: Call, *, path_exists: bool) -> Response:
        if errors.own_server(call):
            return JSONResponse(
                {"detail": "Method Not Allowed" if path_exists else "Not Found"}, 405 if path_exists else 404
            )
        return errors.refused(
            call, Refusal(404, None, f"Invalid URL ({call.request.method} {call.request.url.path})")
        )

    def gone(self, call: Call, job: Job) -> bool:
        return False

    def file_refused(self, call: Call, *, expired: bool) -> Response:
        return JSONResponse(
            {"error": {"message": "link expired", "type": None, "param": None, "code": None}}, 403
        )


VENDOR = Sora()
