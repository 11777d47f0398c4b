"""Files sent beforehand: by the CDN's token, whole or in parts, or by a signed URL of the older storage.

Source: fal's Python client 1.0.3, as driven against a local server.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.responses import Response

from dramagen.emulator.fal.errors import Refusal, ok
from dramagen.emulator.state import Account
from dramagen.emulator.world import Call

_TOKEN_LIFE = 3600.0


@dataclass(eq=False, kw_only=True)
class Upload:
    """One file, being sent or sent."""

    data: bytes = b""
    media_type: str = "application/octet-stream"
    expires: float = float("inf")
    parts: dict[int, bytes] = field(default_factory=dict)
    multipart: str = ""
    complete: bool = True


def origin(call: Call) -> str:
    """Where the caller sees this vendor."""
    return f"{call.request.url.scheme}://{call.request.url.netloc}{call.prefix}"


def uploaded(call: Call, account: Account, url: str) -> bytes | None:
    """What was sent to one of this vendor's own URLs; None where there is nothing (any more)."""
    upload = _files(account).get(url.removeprefix(origin(call)).partition("?")[0])
    return upload.data if upload and upload.complete and call.now < upload.expires else None


def lifetime(preference: str) -> float | None:
    """Seconds a file lives by a lifecycle header, None where it says nothing; raises ``Refusal``."""
    try:
        asked = json.loads(preference)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise Refusal(400, "bad_request", "The object lifecycle preference is not a JSON object")
    seconds = asked.get("expiration_duration_seconds")
    return float(seconds) if isinstance(seconds, (int, float)) and seconds > 0 else None


async def token(call: Call, account: Account) -> Response:
    """A token for the CDN."""
    if call.query.get("storage_type") != "fal-cdn-v3":
        raise Refusal(400, "bad_request", "storage_type must be fal-cdn-v3")
    value = secrets.token_urlsafe(24)
    account.seen["cdn"] = (value, call.now + _TOKEN_LIFE)
    ends = datetime.fromtimestamp(call.stamp(call.now + _TOKEN_LIFE), UTC)
    told = {"token": value, "token_type": "Bearer", "base_url": origin(call), "expires_at": ends.isoformat()}
    return ok(call, told)


async def upload(call: Call) -> Response:
    """A whole file to the CDN."""
    account = _holder(call)
    path, kept = _new(call, account)
    kept.data = call.body
    return ok(call, {"access_url": origin(call) + path})


async def begin(call: Call) -> Response:
    """Begin a file in parts."""
    account = _holder(call)
    path, kept = _new(call, account)
    kept.multipart, kept.complete = secrets.token_hex(16), False
    return ok(call, {"access_url": origin(call) + path, "uploadId": kept.multipart})


async def part(call: Call) -> Response:
    """One part of a file."""
    kept = _part_of(call)
    number = call.params["number"]
    if not number.isdigit() or not 1 <= int(number) <= 10_000:
        raise Refusal(400, "bad_request", "No such part number")
    kept.parts[int(number)] = call.body
    etag = hashlib.md5(call.body, usedforsecurity=False).hexdigest()
    return ok(call, {}, headers={"etag": f'"{etag}"'})


async def complete(call: Call) -> Response:
    """All parts of a file, named with their ETags."""
    kept = _part_of(call)
    try:
        named = {part["partNumber"]: part["etag"].strip('"') for part in call.json()["parts"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refusal(400, "bad_request", "parts must be a list of partNumber and etag") from None
    sent = {n: hashlib.md5(data, usedforsecurity=False).hexdigest() for n, data in kept.parts.items()}
    if not named or any(sent.get(number) != etag for number, etag in named.items()):
        raise Refusal(400, "bad_request", "A part is missing or differs")
    kept.data, kept.complete = b"".join(kept.parts[number] for number in sorted(named)), True
    return ok(call, {"url": call.request.url.path})


async def initiate(call: Call, account: Account) -> Response:
    """A signed URL of the older storage."""
    try:
        asked = call.json()
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or not all(
        isinstance(asked.get(name), str) for name in ("file_name", "content_type")
    ):
        raise Refusal(422, "missing", [{"loc": ["body", "file_name"], "msg": "Missing", "type": "missing"}])
    path, kept = _new(call, account, asked["file_name"])
    kept.media_type, kept.complete = asked["content_type"], False
    url = origin(call) + path
    return ok(call, {"upload_url": f"{url}?signature={_signature(call, path)}", "file_url": url})


async def put(call: Call) -> Response:
    """A file to a signed URL; no key is needed."""
    path = f"/files/b/{call.params['id']}/{call.params['name']}"
    signed = hmac.compare_digest(_signature(call, path), call.query.get("signature", ""))
    kept = _find(call, path)
    if not signed or kept is None:
        raise Refusal(403, None, "SignatureDoesNotMatch")
    if call.request.headers.get("content-type") != kept.media_type:
        raise Refusal(403, None, "The content type is not the one announced")
    kept.data, kept.complete = call.body, True
    return Response(b"")


async def fetch(call: Call) -> Response:
    """An uploaded file is public."""
    kept = _find(call, f"/files/b/{call.params['id']}/{call.params['name']}")
    if kept is None or not kept.complete or call.now >= kept.expires:
        raise Refusal(404, None, "Not Found")
    return Response(kept.data, media_type=kept.media_type)


def _new(call: Call, account: Account, name: str = "") -> tuple[str, Upload]:
    headers: Mapping[str, str] = call.request.headers
    name = name or headers.get("x-fal-file-name") or "upload.bin"
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    kept = Upload(media_type=headers.get("content-type", "application/octet-stream"))
    wanted = headers.get("x-fal-object-lifecycle") or headers.get("x-fal-object-lifecycle-preference")
    seconds = lifetime(wanted) if wanted else None
    if seconds is not None:
        kept.expires = call.now + seconds
    path = f"/files/b/{secrets.token_hex(8)}/{safe}"
    _files(account)[path] = kept
    return path, kept


def _files(account: Account) -> dict[str, Upload]:
    files: dict[str, Upload] = account.seen.setdefault("files", {})
    return files


def _find(call: Call, path: str) -> Upload | None:
    for account in call.world.accounts.values():
        if account.provider == call.vendor.name and path in _files(account):
            return _files(account)[path]
    return None


def _part_of(call: Call) -> Upload:
    account = _holder(call)
    kept = _files(account).get(f"/files/b/{call.params['id']}/{call.params['name']}")
    if kept is None or kept.complete or kept.multipart != call.params["upload"]:
        raise Refusal(404, None, "No such upload")
    return kept


def _holder(call: Call) -> Account:
    """The account whose CDN token was sent."""
    if call.options.uploads == "storage":
        raise Refusal(500, "internal_error", "The CDN takes no files")
    for account in call.world.accounts.values():
        value, ends = (
            account.seen.get("cdn", ("", 0.0)) if account.provider == call.vendor.name else ("", 0.0)
        )
        if value and hmac.compare_digest(value, call.bearer) and call.now < ends:
            return account
    raise Refusal(401, None, "Unauthorized")


def _signature(call: Call, path: str) -> str:
    return hmac.new(call.world.secret, path.encode(), hashlib.sha256).hexdigest()
