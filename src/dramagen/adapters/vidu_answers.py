"""What Vidu answers: the error table, a task's state and verdict, what it took, where its file is.

Source: Vidu's pages "Error codes" and "Get generation" (platform.vidu.com docs), read 2026-07; the shape of an error
as Vidu's own clients read it (vidu-mcp 0.1.2). That failed jobs, moderated ones included, are free is said on the
international price page, as quoted 2026-10-08.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from httpx import URL, InvalidURL, Request, Response

from dramagen.adapters.base import Download, State, Status, Ticket, Usage, json_body
from dramagen.adapters.faults import BY_STATUS, by_status, retry_after, who
from dramagen.catalog.route import Route
from dramagen.errors import (
    AuthError,
    ConcurrencyLimited,
    ContentRejected,
    DramagenError,
    InsufficientBalance,
    InvalidShot,
    JobExpired,
    JobFailed,
    ProviderUnavailable,
    RateLimited,
)

_input = partial(ContentRejected, stage="input")
_REQUEST = (InvalidShot, "Vidu refused the request's parameters")
_PICTURE = (InvalidShot, "Vidu cannot use a picture")

NAMES: Mapping[str, tuple[Any, str]] = {
    **dict.fromkeys(("BadRequest", "FieldLacking", "FieldUnwanted", "FieldInvalid"), _REQUEST),
    "FieldItemCountOutOfRange": (InvalidShot, "too many or too few of something"),
    "PageSizeOutOfRange": (InvalidShot, "a picture is too large"),
    **dict.fromkeys(("ImageFormatInvalid", "ImageSizeInvalid", "VideoFormatInvalid"), _PICTURE),
    "ImageDownloadFailure": (InvalidShot, "Vidu could not fetch a picture"),
    "VideoDownloadFailure": (InvalidShot, "Vidu could not fetch a video"),
    "ModelUnavailable": (partial(ProviderUnavailable, retryable=False), "this model cannot be used here"),
    "TaskNotFound": (JobExpired, "Vidu does not know this job"),
    "CreationNotFound": (JobExpired, "Vidu does not know this job's file"),
    "NotFound": (InvalidShot, "Vidu has no such thing here"),
    "Conflict": (InvalidShot, "the request contradicts another one"),
    **dict.fromkeys(
        (
            "ImageCheckBodyJointsFailed", "ImageCheckFaceFailed", "ImageObjectsUndetected", "FaceDetectFailure",
            "FaceDetectNotPass", "NoFaceDetected", "MultiFaceDetected",
        ),
        (InvalidShot, "what a picture shows cannot be used"),
    ),
    "Unauthorized": (AuthError, "the key was not accepted: is it one of this region?"),
    "Forbidden": (AuthError, "the key may not do this"),
    "CreditInsufficient": (InsufficientBalance, "the account has too few credits"),
    "TaskPromptPolicyViolation": (partial(_input, field="prompt"), "the prompt was refused by moderation"),
    "AuditSubmitIllegal": (_input, "the input was refused by moderation"),
    "PhotoAuditNotPass": (_input, "a picture was refused by moderation"),
    "AuditFailed": (_input, "the input was refused by moderation"),
    "CreationPolicyViolation": (
        partial(ContentRejected, stage="output"),
        "the clip was held back by moderation",
    ),
    "QuotaExceeded": (ConcurrencyLimited, "more jobs at once than the account may run"),
    **dict.fromkeys(
        ("TooManyRequests", "SystemThrottling", "OperationInProcess"), (RateLimited, "too many requests")
    ),
    "InternalServiceFailure": (ProviderUnavailable, "Vidu reports an internal error"),
}  # fmt: skip
"""What each of Vidu's names for an error becomes, and the sentence for people."""

GONE = frozenset({"TaskNotFound", "CreationNotFound", "NotFound"})
_CANCELED = frozenset({"UserCancelled", "Canceled"})

_STATES: Mapping[str, State] = {
    "created": "queued",
    "queueing": "queued",
    "processing": "running",
    "success": "succeeded",
    "failed": "failed",
}


def name_of(body: object) -> str | None:
    """Vidu's name of an error; None where the answer is no error of Vidu's own."""
    if not isinstance(body, Mapping):
        return None
    for name in (body.get("reason"), body.get("code"), body.get("err_code")):
        if isinstance(name, str) and name and not name.isdigit():
            return name
    return None


def fault(response: Response, route: Route | None = None) -> DramagenError:
    """The typed error of any answer that is not a success: by its name first, by HTTP status second.

    ``refused`` only for a 4xx with a name of Vidu's own: then nothing was made. A 5xx, a proxy's page, and a 2xx
    without a job leave open what happened.
    """
    body, status = json_body(response), response.status_code
    name = name_of(body)
    words = body.get("message") if isinstance(body, Mapping) else None
    refused = name is not None and 400 <= status < 500
    known: dict[str, Any] = {
        "provider": route.provider if route else "vidu",
        "model": route.model if route else None,
        "code": name or status,
        "vendor_message": words if isinstance(words, str) and words else None,
        "request_id": _request_id(response, body),
        "retry_after": retry_after(response),
        "refused": refused,
        "billed": False if refused else None,
    }
    if name is not None and name in NAMES:
        kind, meaning = NAMES[name]
    elif refused and status not in BY_STATUS:
        kind, meaning = _REQUEST
    else:
        return by_status(status).error(**known)
    error: DramagenError = kind(meaning, **known)
    return error


def not_found(response: Response) -> bool:
    """Whether the answer is Vidu's word that it does not know the job."""
    return response.status_code == 404 and name_of(json_body(response)) in GONE


def task_of(response: Response, id_: str) -> Mapping[str, Any] | None:
    """The task in an answer about one job; None where the answer does not tell of it."""
    task = json_body(response)
    if not response.is_success or not isinstance(task, Mapping) or "state" not in task:
        return None
    return task if identifier(task.get("id", id_)) == id_ else None


def status(ticket: Ticket, task: Mapping[str, Any]) -> Status:
    """Where a job stands. A failed one is free by the vendor's word; if it names credits, nobody knows."""
    word = task.get("state")
    state = _STATES.get(word) if isinstance(word, str) else None
    if state is None:
        return Status(ticket, "running", note=f"unknown status {word!r}"[:80])
    taken = credits_of(task)
    if state == "succeeded":
        taken = taken or credits_of(ticket.data)
        return Status(ticket, state, usage=None if taken is None else Usage(units=taken))
    if state != "failed":
        return Status(ticket, state)
    error = _verdict(task.get("err_code"), ticket.route, billed=None if taken else False)
    return Status(ticket, "canceled" if error.code in _CANCELED else state, error=error)


def _verdict(code: object, route: Route, billed: bool | None) -> DramagenError:
    name = code if isinstance(code, str) and code else None
    known = who(route) | {"code": name, "billed": billed}
    if name in _CANCELED:
        return JobFailed("the job was cancelled", **known)
    kind, meaning = NAMES.get(name or "", (JobFailed, "no reason is given"))
    error: DramagenError = kind(meaning, **known)
    if isinstance(error, ContentRejected):
        return error
    return JobFailed(f"the job failed: {meaning}", retryable=kind is ProviderUnavailable, **known)


def credits_of(told: Mapping[str, Any]) -> Decimal | None:
    """Credits a job took: a number, which one copy of the page spells as text. None where none are named."""
    value = told.get("credits")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**9:
        return None
    return Decimal(value)


def ticket_of(route: Route, id_: str, told: Mapping[str, Any]) -> Ticket:
    """A job as a ticket, with the credits it takes: a create names them before there is a clip."""
    taken = credits_of(told)
    return Ticket(id=id_, route=route, data={} if taken is None else {"credits": int(taken)})


def identifier(value: object) -> str | None:
    """A job's id: long digits as text. A number is read too rather than lose a paid job."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


def download(task: Mapping[str, Any]) -> Download | None:
    """The finished file: a public, signed link that lives for 24 hours; from when on is not told."""
    creations = task.get("creations")
    for creation in creations if isinstance(creations, list) else ():
        url = creation.get("url") if isinstance(creation, Mapping) else None
        try:
            where = URL(url) if isinstance(url, str) else None
        except InvalidURL:
            continue
        if where is not None and where.scheme in ("http", "https") and where.host:
            return Download(Request("GET", where))
    return None


def _request_id(response: Response, body: object) -> str | None:
    metadata = body.get("metadata") if isinstance(body, Mapping) else None
    trace = metadata.get("trace_id") if isinstance(metadata, Mapping) else None
    header: str | None = response.headers.get("x-md-trace-id")
    return header or (trace if isinstance(trace, str) and trace else None)
