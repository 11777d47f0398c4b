"""DashScope's own place for a create's inputs: free, for 48 hours, bound to the account and to one model.

Source: Alibaba Cloud Model Studio "Upload a local file for a temporary URL" (get-temporary-file-url), and the
dashscope 2.0.2 package, read 2026-11-22.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from httpx import URL, InvalidURL, Request, Response

from dramagen.adapters import wan_errors as errors
from dramagen.adapters.base import Flow, json_body
from dramagen.adapters.faults import who
from dramagen.adapters.wan_create import media_type
from dramagen.catalog.order import Input
from dramagen.catalog.route import Route
from dramagen.errors import InvalidShot, ProviderUnavailable

_EXTENSIONS: Mapping[str, str] = {
    "image/jpeg": "jpg", "audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/vnd.wave": "wav",
    "video/quicktime": "mov",
}  # fmt: skip


def upload(model: str, medium: Input, data: bytes, tag: str, route: Route) -> Flow[str]:
    """Put one input up and return its ``oss://`` address.

    The second request goes to the object store's host: its URL is absolute, and it must not carry the key.

    Raises:
        InvalidShot: the file is larger than the ticket allows.
        ProviderUnavailable: no ticket, or the object store does not take the file.
    """
    response = yield Request("GET", f"/api/v1/uploads?action=getPolicy&model={quote(model, safe='')}")
    ticket = _ticket(response, route)
    most = ticket.get("max_file_size_mb")
    if isinstance(most, int | float) and len(data) > most * 1024 * 1024:
        raise InvalidShot(f"an input of {len(data):,} bytes; the vendor takes {most} MB here")
    kind = media_type(medium)
    extension = _EXTENSIONS.get(kind, kind.partition("/")[2])
    name = f"{medium.sha256[:32]}.{extension}"
    key = f"{ticket['upload_dir'].strip('/')}/{name}"
    form = Request(
        "POST",
        ticket["upload_host"],
        # In this order, and the file last: the object store reads no field after it.
        data={
            "OSSAccessKeyId": ticket["oss_access_key_id"],
            "Signature": ticket["signature"],
            "policy": ticket["policy"],
            "key": key,
            "x-oss-object-acl": ticket["x_oss_object_acl"],
            "x-oss-forbid-overwrite": ticket["x_oss_forbid_overwrite"],
            "success_action_status": "200",
            "x-oss-content-type": kind,
        },
        files={"file": (name, data, kind)},
        headers={"Content-Type": f"multipart/form-data; boundary=dramagen-{tag}"},
    )
    form.read()  # one piece of bytes, as every request here is
    response = yield form
    # The name is the content's hash: what is already there is what would have been put there.
    if not response.is_success and not (response.status_code == 409 and "FileAlreadyExists" in response.text):
        raise ProviderUnavailable(
            "the object store did not take an input",
            code=f"HTTP {response.status_code}",
            billed=False,
            **who(route),
        )
    return f"oss://{key}"


_FIELDS = (
    "policy", "signature", "upload_dir", "upload_host", "oss_access_key_id", "x_oss_object_acl",
    "x_oss_forbid_overwrite",
)  # fmt: skip


def _ticket(response: Response, route: Route) -> Mapping[str, Any]:
    body = json_body(response)
    data = body.get("data") if response.is_success and isinstance(body, Mapping) else None
    if not isinstance(data, Mapping):
        raise errors.fault(response, route)
    if not all(isinstance(data.get(name), str) and data[name] for name in _FIELDS) or not _web(
        data["upload_host"]
    ):
        raise ProviderUnavailable("the upload ticket lacks a field", billed=False, **who(route))
    return data


def _web(url: str) -> bool:
    try:
        where = URL(url)
    except InvalidURL:
        return False
    return where.scheme in ("http", "https") and bool(where.host)
