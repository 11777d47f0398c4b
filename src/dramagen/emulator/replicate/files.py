"""Files sent beforehand as a multipart form; inputs may then name their URL.

Source: Replicate's page "Files" and its Python client 1.0.7, as read up to 2026-11-22.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from dramagen.emulator.replicate.errors import Refusal, ok
from dramagen.emulator.state import Account
from dramagen.emulator.world import Call

_DISPOSITION = re.compile(rb'(name|filename)="([^"]*)"')
_TYPE = re.compile(rb"(?i)content-type: *([^\r\n;]+)")
_MOST = 100 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class File:
    """An uploaded file."""

    id: str
    name: str
    media_type: str
    data: bytes
    created: float


def origin(call: Call) -> str:
    """Where the caller sees this vendor."""
    return f"{call.request.url.scheme}://{call.request.url.netloc}{call.prefix}"


def uploaded(call: Call, account: Account, url: str) -> bytes | None:
    """What was sent to a file's URL; None where there is nothing (any more)."""
    found = _files(account).get(url.rpartition("/")[2])
    return found.data if found and call.now < found.created + call.options.file_life else None


async def create(call: Call, account: Account) -> Response:
    """One file in the part ``content``."""
    name, media_type, data = _content(call)
    if len(data) > _MOST:
        raise Refusal(422, "- content: the file is larger than 100 MiB\n")
    identity = base64.b32encode(secrets.token_bytes(25)).decode().lower()
    file = File(id=identity, name=name, media_type=media_type, data=data, created=call.now)
    _files(account)[identity] = file
    return ok(_shown(call, file), 201)


async def listing(call: Call, account: Account) -> Response:
    kept = [file for file in _files(account).values() if call.now < file.created + call.options.file_life]
    return ok({"next": None, "previous": None, "results": [_shown(call, file) for file in reversed(kept)]})


async def get(call: Call, account: Account) -> Response:
    return ok(_shown(call, _found(call, account)))


async def delete(call: Call, account: Account) -> Response:
    del _files(account)[_found(call, account).id]
    return Response(status_code=204)


def _files(account: Account) -> dict[str, File]:
    files: dict[str, File] = account.seen.setdefault("files", {})
    return files


def _found(call: Call, account: Account) -> File:
    file = _files(account).get(call.params["id"])
    if file is None or call.now >= file.created + call.options.file_life:
        raise Refusal(404)
    return file


def _shown(call: Call, file: File) -> dict[str, Any]:
    def moment(at: float) -> str:
        return datetime.fromtimestamp(call.stamp(at), UTC).isoformat().replace("+00:00", "Z")

    return {
        "id": file.id,
        "name": file.name,
        "content_type": file.media_type,
        "size": len(file.data),
        "etag": hashlib.md5(file.data, usedforsecurity=False).hexdigest(),
        "checksums": {"sha256": hashlib.sha256(file.data).hexdigest()},
        "metadata": {},
        "created_at": moment(file.created),
        "expires_at": moment(file.created + call.options.file_life),
        "urls": {"get": f"{origin(call)}/v1/files/{file.id}"},
    }


def _content(call: Call) -> tuple[str, str, bytes]:
    kind = call.request.headers.get("content-type", "")
    found = re.search(r'boundary="?([^";,]+)"?', kind)
    if not kind.lower().startswith("multipart/form-data") or found is None:
        raise Refusal(400)
    for part in call.body.split(b"--" + found[1].encode())[1:-1]:
        head, gap, content = part.partition(b"\r\n\r\n")
        named = dict(_DISPOSITION.findall(head))
        if gap and named.get(b"name") == b"content":
            media_type = _TYPE.search(head)
            return (
                named.get(b"filename", b"file").decode(errors="replace"),
                media_type[1].decode().strip() if media_type else "application/octet-stream",
                content.removesuffix(b"\r\n"),
            )
    raise Refusal(422, "- content is required\n", invalid_fields=[])
