"""Result files: signed URLs that expire, served with ranges as an object store does."""

import hashlib
import hmac
import re
from functools import partial
from urllib.parse import urlencode

import anyio.to_thread
from starlette.responses import Response

from dramagen.emulator import media
from dramagen.emulator.state import Account, Job
from dramagen.emulator.world import Call, Endpoint, World

_TYPES = {"mp4": "video/mp4", "mov": "video/quicktime", "jpeg": "image/jpeg"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def file_url(world: World, origin: str, job: Job, name: str, expires: float) -> str:
    """A URL under ``origin`` (scheme, host and the provider's prefix) that works until ``expires`` (virtual)."""
    query = {"expires": int(expires), "signature": _sign(world, job.id, name, int(expires))}
    return f"{origin}/_files/{job.id}/{name}?{urlencode(query)}"


def _sign(world: World, job_id: str, name: str, expires: int) -> str:
    text = f"{job_id}/{name}?{expires}".encode()
    return hmac.new(world.secret, text, hashlib.sha256).hexdigest()


async def serve_file(call: Call) -> Response:
    """GET or HEAD of a result file; no key is needed, the signature is."""
    name, job_id = call.params["name"], call.params["job"]
    expires = call.query.get("expires", "")
    signature = _sign(call.world, job_id, name, int(expires) if expires.isdigit() else 0)
    job = _job(call, job_id)
    if job is None or not hmac.compare_digest(signature, call.query.get("signature", "")):
        return call.vendor.file_refused(call, expired=False)
    if call.now >= int(expires) or call.vendor.gone(call, job):
        return call.vendor.file_refused(call, expired=True)
    suffix = name.rpartition(".")[2]
    make = partial(media.last_frame, job.clip) if suffix == "jpeg" else partial(media.clip, job.clip, job.id)
    data = await anyio.to_thread.run_sync(make)
    if call.request.method == "GET":
        job.downloads += 1
    return _ranged(data, call.request.headers.get("range", ""), _TYPES[suffix])


def _job(call: Call, job_id: str) -> Job | None:
    for account in call.world.accounts.values():
        if _same_place(call, account) and job_id in account.jobs:
            account.advance(call.now)
            return account.jobs[job_id]
    return None


def _same_place(call: Call, account: Account) -> bool:
    return (account.provider, account.region) == (call.vendor.name, call.region)


def _ranged(data: bytes, wanted: str, media_type: str) -> Response:
    headers = {"accept-ranges": "bytes", "etag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'}
    match = _RANGE.match(wanted)
    if match is None or not any(match.groups()):
        return Response(data, headers=headers, media_type=media_type)
    first, last = match.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    stop = min(int(last) + 1, len(data)) if first and last else len(data)
    if start >= stop:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{len(data)}"})
    headers["content-range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return Response(data[start:stop], 206, headers, media_type)


FILES = (
    Endpoint("GET", "/_files/{job}/{name}", serve_file, "content"),
    Endpoint("HEAD", "/_files/{job}/{name}", serve_file, "content"),
)
