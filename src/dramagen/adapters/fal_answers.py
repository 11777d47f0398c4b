"""What fal answers: the table of error types, what a job's status and result say, where its file is.

Sources: fal's pages "Errors", "Request errors", "Queue" and "Reliability" (fal.ai/docs: model APIs), copies of
2026-03 to 2026-11; fal-client 1.0.3 as observed. A type is what is gone by, never the words beside it. fal says that
runs which end in a 5xx are not billed, and is silent about others: of those only the billable units can tell.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from httpx import URL, InvalidURL, Request, Response

from dramagen.adapters.base import Download, json_body
from dramagen.adapters.faults import BY_STATUS, by_status, retry_after, who
from dramagen.catalog.route import Route
from dramagen.errors import (
    ConcurrencyLimited,
    ContentRejected,
    DramagenError,
    InsufficientBalance,
    InvalidShot,
    JobExpired,
    JobFailed,
    ProviderUnavailable,
)

_INPUT = (InvalidShot, "fal refused an input of the request")
_MEDIUM = (InvalidShot, "a picture, video or sound cannot be used")
_RUNNER = (ProviderUnavailable, "fal's own machine broke down")
_SLOW = (ProviderUnavailable, "the job took too long")
_MODEL = (ProviderUnavailable, "the model's own service failed")
_STOPPED = (partial(ProviderUnavailable, retryable=False), "the job was stopped")

TYPES: Mapping[str, tuple[Any, str]] = {
    **dict.fromkeys(
        (
            "missing", "greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of",
            "sequence_too_short", "sequence_too_long", "one_of", "feature_not_supported", "value_error",
            "bad_request",
        ),
        _INPUT,
    ),
    **dict.fromkeys(
        (
            "image_too_small", "image_too_large", "image_load_error", "file_download_error", "file_too_large",
            "unsupported_image_format", "unsupported_audio_format", "unsupported_video_format",
            "audio_duration_too_long", "audio_duration_too_short", "video_duration_too_long",
            "video_duration_too_short", "face_detection_error",
        ),
        _MEDIUM,
    ),
    "content_policy_violation": (ContentRejected, "refused by moderation"),
    "no_media_generated": (ContentRejected, "no clip came of it, which is mostly moderation"),
    **dict.fromkeys(
        (
            "runner_scheduling_failure", "runner_connection_timeout", "runner_disconnected",
            "runner_connection_refused", "runner_connection_error", "runner_incomplete_response",
            "runner_server_error",
        ),
        _RUNNER,
    ),
    **dict.fromkeys(("request_timeout", "startup_timeout", "generation_timeout"), _SLOW),
    **dict.fromkeys(
        ("internal_server_error", "downstream_service_error", "downstream_service_unavailable"), _MODEL
    ),
    "internal_error": (partial(ProviderUnavailable, retryable=False), "fal reports an internal error"),
    **dict.fromkeys(("client_disconnected", "client_cancelled"), _STOPPED),
    "concurrent_requests_limit": (ConcurrencyLimited, "more jobs at once than the account may run"),
}  # fmt: skip
"""What each of fal's error types becomes, and the sentence for people."""

CANCELED = frozenset({"client_cancelled", "client_disconnected"})
_UNFINISHED = "still in progress"


def type_of(response: Response) -> str | None:
    """fal's type of an error; None where the answer is no typed error of fal's."""
    body = json_body(response)
    named = body.get("error_type") if isinstance(body, Mapping) else None
    detail = body.get("detail") if isinstance(body, Mapping) else None
    for item in detail if isinstance(detail, list) else ():
        if isinstance(item, Mapping) and isinstance(item.get("type"), str):
            named = named or item["type"]
    header: str | None = response.headers.get("x-fal-error-type")
    return named if isinstance(named, str) and named else header or None


def fault(response: Response, route: Route | None = None) -> DramagenError:
    """The typed error of any answer that is not a success: by its type first, by HTTP status second.

    ``refused`` only for a 4xx in fal's own words: then nothing was made.
    """
    body, status, named = json_body(response), response.status_code, type_of(response)
    words = _words(body)
    refused = 400 <= status < 500 and (named is not None or words is not None)
    known: dict[str, Any] = {
        "provider": route.provider if route else "fal",
        "model": route.model if route else None,
        "code": named or status,
        "vendor_message": words,
        "request_id": response.headers.get("x-fal-request-id"),
        "retry_after": retry_after(response),
        "refused": refused,
        "billed": False if refused else None,
    }
    kind, meaning = TYPES.get(named or "", (None, ""))
    if kind is None and status == 403 and "balance" in (words or "").lower():
        kind, meaning = InsufficientBalance, "the account is empty"
    elif kind is None and refused and status not in BY_STATUS:
        kind, meaning = _INPUT
    elif kind is None:
        return by_status(status).error(**known)
    if kind is ContentRejected:
        known |= {"stage": "input", "field": _field(body)}
    if not refused and kind is InvalidShot:
        kind = partial(ProviderUnavailable, retryable=False)
    error: DramagenError = kind(meaning, **known)
    return error


def verdict(response: Response, route: Route, told: Mapping[str, Any]) -> DramagenError | None:
    """Why a completed job has no result: the result's own error decides, the status's where it names none.

    None where neither is a verdict: an outage on the way to a result is not the job's end.
    """
    status_type = told.get("error_type")
    named = type_of(response) or (status_type if isinstance(status_type, str) and status_type else None)
    if named is None and not (response.status_code == 422 and _words(json_body(response))):
        return None
    kind, meaning = TYPES.get(named or "", (JobFailed, "no reason is given"))
    known = who(route) | {
        "code": named or response.status_code,
        "vendor_message": _words(json_body(response)),
        "request_id": response.headers.get("x-fal-request-id"),
        "billed": billed(response),
    }
    if kind is ContentRejected:
        # The same type stands for both: an input that was refused is pointed at.
        field = _field(json_body(response))
        stage: Any = "output" if field is None or named == "no_media_generated" else "input"
        return ContentRejected(meaning, stage=stage, field=field if stage == "input" else None, **known)
    return JobFailed(f"the job failed: {meaning}", retryable=kind is ProviderUnavailable, **known)


def billed(response: Response) -> bool | None:
    """Whether a failed run was billed, as far as can be told."""
    units = units_of(response)
    if units is not None:
        return units > 0
    return False if response.status_code >= 500 else None


def units_of(response: Response) -> Decimal | None:
    """Billable units of a run. What a unit is differs from endpoint to endpoint, so they are kept, not priced."""
    header = response.headers.get("x-fal-billable-units", "")
    try:
        units = Decimal(header)
    except InvalidOperation:
        return None
    return units if units.is_finite() and 0 <= units < 10**9 and len(header) < 20 else None


def unfinished(response: Response) -> bool:
    """Whether a result was asked for too early."""
    return response.status_code < 500 and _UNFINISHED in (_words(json_body(response)) or "").lower()


def not_found(response: Response) -> bool:
    """Whether fal says, in its own shape, that it does not know the job."""
    body = json_body(response)
    return (
        response.status_code == 404
        and isinstance(body, Mapping)
        and (isinstance(body.get("detail"), str) or body.get("status") == "NOT_FOUND")
    )


def download(response: Response) -> Download | None:
    """The finished file: a public link, whose life is the account's own setting."""
    body = json_body(response)
    video = body.get("video") if response.is_success and isinstance(body, Mapping) else None
    url = video.get("url") if isinstance(video, Mapping) else None
    return public(url)


def public(url: object) -> Download | None:
    """A link, if it is one, to be fetched without the key."""
    try:
        where = URL(url) if isinstance(url, str) else None
    except InvalidURL:
        return None
    if where is None or where.scheme not in ("http", "https") or not where.host:
        return None
    return Download(Request("GET", where))


def is_id(value: object) -> bool:
    """Whether that is an id of a request."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def seed_of(response: Response) -> int | None:
    """The seed used, where the result names it."""
    body = json_body(response)
    seed = body.get("seed") if isinstance(body, Mapping) else None
    return seed if isinstance(seed, int) and not isinstance(seed, bool) else None


def gone(route: Route) -> JobExpired:
    """The error of a job fal does not know (any more)."""
    return JobExpired("fal does not know this job, or no longer", **who(route))


def _words(body: object) -> str | None:
    """The text of an error, for people."""
    detail = body.get("detail") if isinstance(body, Mapping) else None
    if isinstance(detail, list):
        said = [item.get("msg") for item in detail if isinstance(item, Mapping)]
        return "; ".join(text for text in said if isinstance(text, str)) or None
    return detail if isinstance(detail, str) and detail else None


def _field(body: object) -> str | None:
    """Which field of the input an error points at."""
    detail = body.get("detail") if isinstance(body, Mapping) else None
    for item in detail if isinstance(detail, list) else ():
        where = item.get("loc") if isinstance(item, Mapping) else None
        if isinstance(where, list) and len(where) > 1 and where[0] == "body" and isinstance(where[1], str):
            return where[1]
    return None
