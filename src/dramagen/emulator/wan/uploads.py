"""The temporary store: a ticket from the API, then a form posted to the object store.

Source: Model Studio "Upload a local file for a temporary URL", as read up to 2026-11-22.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from dramagen.emulator.state import Account
from dramagen.emulator.wan.errors import invalid, request_id, stored
from dramagen.emulator.world import Call

KEPT = 48 * 3600.0
TICKET_LIFE = 300.0

STORE = "/_store"
_NAME = re.compile(rb'name="([^"]*)"')
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


@dataclass(frozen=True)
class Ticket:
    """Leave to put files under ``folder`` until ``expires`` (virtual), for one model."""

    folder: str
    model: str
    signature: str
    expires: float


@dataclass(frozen=True)
class Upload:
    """One file put up."""

    data: bytes
    model: str
    expires: float


def ticket(call: Call, account: Account) -> Response:
    """``GET /api/v1/uploads?action=getPolicy&model=``."""
    model = call.query.get("model", "")
    if call.query.get("action") != "getPolicy" or not model:
        raise invalid("action and model are required")
    policy, signature = secrets.token_hex(24), secrets.token_hex(14)
    folder = f"dashscope-instant/{secrets.token_hex(16)}"
    account.seen.setdefault("tickets", {})[policy] = Ticket(folder, model, signature, call.now + TICKET_LIFE)
    origin = f"{call.request.url.scheme}://{call.request.url.netloc}{call.prefix}"
    data = {
        "policy": policy,
        "signature": signature,
        "upload_dir": folder,
        "upload_host": origin + STORE,
        "expire_in_seconds": int(TICKET_LIFE),
        "max_file_size_mb": call.options.upload_mb,
        "capacity_limit_mb": 999999999,
        "oss_access_key_id": "LTAIemulated",
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
    }
    return JSONResponse({"request_id": request_id(), "data": data})


async def store(call: Call) -> Response:
    """The object store. It knows no API key: a request that carries one is signed twice, and refused."""
    if call.request.headers.get("authorization"):
        return stored(400, "InvalidArgument", "Only one auth mechanism is allowed")
    fields, data = _form(call)
    found = _ticket(call, fields.get("policy", ""))
    if data is None or found is None:
        return stored(400, "InvalidArgument", "The form has no file as its last field, or no policy")
    owner, allowed = found
    if fields.get("Signature") != allowed.signature or "OSSAccessKeyId" not in fields:
        return stored(403, "SignatureDoesNotMatch", "The signature does not match")
    if call.now >= allowed.expires:
        return stored(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    key = fields.get("key", "")
    if not key.startswith(f"{allowed.folder}/") or fields.get("x-oss-object-acl") != "private":
        return stored(403, "AccessDenied", "Invalid according to Policy")
    files = owner.seen.setdefault("uploads", {})
    if key in files and fields.get("x-oss-forbid-overwrite") == "true":
        return stored(409, "FileAlreadyExists", "The object you specified already exists")
    files[key] = Upload(data, allowed.model, call.now + KEPT)
    return Response(status_code=int(fields.get("success_action_status", "204")))


def _ticket(call: Call, policy: str) -> tuple[Account, Ticket] | None:
    for account in call.world.accounts.values():
        if (account.provider, account.region) == (call.vendor.name, call.region):
            found = account.seen.get("tickets", {}).get(policy)
            if found is not None:
                return account, found
    return None


def _form(call: Call) -> tuple[Mapping[str, str], bytes | None]:
    """The text fields before the file, and the file; what comes after it is not read."""
    boundary = _BOUNDARY.search(call.request.headers.get("content-type", ""))
    fields: dict[str, str] = {}
    for part in call.body.split(f"--{boundary[1]}".encode())[1:-1] if boundary else ():
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _NAME.search(head)
        value = value.removesuffix(b"\r\n")
        if name is None:
            continue
        if name[1] == b"file":
            return fields, value
        fields[name[1].decode()] = value.decode(errors="replace")
    return fields, None
