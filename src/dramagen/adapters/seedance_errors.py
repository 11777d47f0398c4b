"""Ark's error codes, read as this library's errors.

Source: Volcengine "Error codes" (82379/1299023) and BytePlus ModelArk "Error codes", read 2026-11-22, with the
codes seen in live answers. The code decides, not the HTTP status: 401 and 403 are used for several things.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from httpx import Response

from dramagen.adapters.base import json_body
from dramagen.adapters.faults import Rule, by_status, retry_after
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
    QuotaExhausted,
    RateLimited,
)

_input = partial(ContentRejected, stage="input")
_output = partial(ContentRejected, stage="output")


_RULES: Mapping[str, Rule] = {
    # invalid request
    "MissingParameter": Rule(InvalidShot, "a parameter is missing"),
    "InvalidParameter": Rule(InvalidShot, "a parameter is not valid for this model"),
    "InvalidImageURL": Rule(InvalidShot, "an image URL is not valid"),
    "InvalidEndpoint.ClosedEndpoint": Rule(ProviderUnavailable, "the endpoint is closed for now", True),
    # account and permission
    "InvalidSubscription": Rule(InsufficientBalance, "the key's plan is not valid"),
    "AccountOverdueError": Rule(InsufficientBalance, "the account is in arrears"),
    "OperationDenied.ServiceOverdue": Rule(InsufficientBalance, "the account is in arrears"),
    "AuthenticationError": Rule(AuthError, "the API key is missing or wrong"),
    "InvalidAccountStatus": Rule(AuthError, "the account is not in order"),
    "AccessDenied": Rule(AuthError, "the key may not do this"),
    "OperationDenied": Rule(AuthError, "the account may not do this"),
    "ModelNotOpen": Rule(
        AuthError, "the model is not activated for this account: activate it in the console"
    ),
    "InvalidEndpointOrModel": Rule(AuthError, "no such model or endpoint for this key"),
    "InvalidEndpointOrModel.ModelIDAccessDisabled": Rule(
        AuthError, "this account may call the model through an endpoint id (ep-…) only"
    ),
    "UnsupportedModel": Rule(AuthError, "the model is not served here"),
    "NotFound": Rule(JobExpired, "the job is not known, or no longer"),
    # moderation
    "SensitiveContentDetected": Rule(_input, "the input was refused by moderation"),
    "InputTextSensitiveContentDetected": Rule(
        partial(_input, field="prompt"), "the prompt was refused by moderation"
    ),
    "InputTextRiskDetection": Rule(partial(_input, field="prompt"), "the prompt was refused by moderation"),
    "InputImageSensitiveContentDetected": Rule(
        partial(_input, field="image"), "an image was refused by moderation"
    ),
    "InputImageRiskDetection": Rule(partial(_input, field="image"), "an image was refused by moderation"),
    "InputVideoSensitiveContentDetected": Rule(
        partial(_input, field="video"), "a video was refused by moderation"
    ),
    "InputAudioSensitiveContentDetected": Rule(
        partial(_input, field="voice"), "a sound was refused by moderation"
    ),
    # The plain code comes and goes on equal input; the copyright one repeats.
    "OutputVideoSensitiveContentDetected": Rule(_output, "the clip was refused by moderation", True),
    "OutputVideoSensitiveContentDetected.PolicyViolation": Rule(
        _output, "the clip was refused over copyright"
    ),
    "OutputAudioSensitiveContentDetected": Rule(_output, "the clip's sound was refused by moderation", True),
    "OutputAudioSensitiveContentDetected.PolicyViolation": Rule(
        _output, "the clip's sound was refused over copyright"
    ),
    "ContentSecurityDetectionError": Rule(ProviderUnavailable, "moderation itself failed", True),
    # limits
    "RateLimitExceeded": Rule(RateLimited, "too many requests", True),
    "ServerOverloaded": Rule(RateLimited, "the service is overloaded", True),
    "RequestBurstTooFast": Rule(RateLimited, "requests rose too fast", True),
    "InflightBatchsizeExceeded": Rule(ConcurrencyLimited, "too many jobs at once", True),
    "QuotaExceeded": Rule(ConcurrencyLimited, "too many jobs are queued", True),
    "SetLimitExceeded": Rule(QuotaExhausted, "the account's own spending limit is reached"),
    # state and service
    "InvalidAction": Rule(DramagenError, "the job's state does not allow this"),
    "InternalServiceError": Rule(ProviderUnavailable, "the service failed inside", True),
}

_DOWN = Rule(ProviderUnavailable, "the service gave no usable answer", True)

_BY_STATUS: Mapping[int, Rule] = {
    400: Rule(InvalidShot, "the request was refused"),
    401: Rule(AuthError, "the API key is missing or wrong"),
    403: Rule(AuthError, "the key may not do this"),
    404: Rule(JobExpired, "not found"),
    408: _DOWN,
    409: Rule(DramagenError, "the job's state does not allow this"),
    413: Rule(InvalidShot, "the request is too large"),
    429: Rule(RateLimited, "too many requests", True),
}
_UNKNOWN = Rule(InvalidShot, "the request was refused")

_PLAN = re.compile(
    r"free|trial|5[- ]?hour|five[- ]hour|week|month|免费|试用|体验|5 ?小时|周|月", re.IGNORECASE
)
_REQUEST_ID = re.compile(r"request id:?\s*([0-9A-Za-z-]{8,})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The vendor's own words in an answer or a failed task."""

    code: str
    message: str


def envelope(body: Any) -> Envelope | None:
    """The error in a body, in any of the three forms the gateways use; None where there is none."""
    if not isinstance(body, Mapping):
        return None
    metadata = body.get("ResponseMetadata")
    forms = (
        (body.get("error"), "code", "message"),
        (metadata.get("Error") if isinstance(metadata, Mapping) else None, "Code", "Message"),
        (body, "code", "message"),
    )
    for form, code, message in forms:
        if isinstance(form, Mapping) and isinstance(form.get(code), str) and form[code]:
            words = form.get(message)
            return Envelope(form[code], words if isinstance(words, str) else "")
    return None


def fault(response: Response) -> DramagenError:
    """The typed error of a non-success answer.

    ``refused`` only for a 4xx in the vendor's own envelope: then no task exists. A page of some proxy, a 5xx, or
    a 2xx that is not a task leaves open what happened, and ``billed`` is None.
    """
    status = response.status_code
    told = envelope(json_body(response))
    refused = told is not None and 400 <= status < 500
    known: dict[str, Any] = {
        "request_id": _request_id(response, told),
        "retry_after": retry_after(response),
        "refused": refused,
        "billed": False if refused else None,
    }
    if told is None:
        return by_status(status).error(code=f"HTTP {status}", **known)
    fallback = _BY_STATUS.get(status, _DOWN if status >= 500 or status < 400 else _UNKNOWN)
    return _rule(told, fallback).error(code=told.code, vendor_message=told.message, **known)


def verdict(told: Envelope | None, raw: str, **known: Any) -> DramagenError:
    """Why a task ended as failed. Failed tasks are not billed. ``raw`` is kept where the task says no reason."""
    if told is None:
        return JobFailed("the job failed and gave no reason", vendor_message=raw, billed=False, **known)
    rule = _rule(told, Rule(JobFailed, "the job failed"))
    error = rule.error(code=told.code, vendor_message=told.message, billed=False, **known)
    if isinstance(error, ContentRejected):
        return error
    return JobFailed(
        f"the job failed: {rule.meaning}",
        code=told.code,
        vendor_message=told.message,
        retryable=rule.retryable,
        billed=False,
        **known,
    )


def not_found(response: Response) -> bool:
    """Whether the answer is the vendor's word that it does not know the job."""
    told = envelope(json_body(response))
    return response.status_code == 404 and told is not None and told.code.startswith("NotFound")


def _rule(told: Envelope, fallback: Rule) -> Rule:
    code = told.code
    if code == "QuotaExceeded" and _PLAN.search(told.message):
        return Rule(QuotaExhausted, "a trial or plan allowance is used up")
    if code.startswith("InvalidParameter") and "resource download failed" in told.message.lower():
        return Rule(InvalidShot, "the vendor could not fetch a file the order names", True)
    while code:  # A.B.C is a kind of A.B, which is a kind of A
        if code in _RULES:
            return _RULES[code]
        code = code.rpartition(".")[0]
    if told.code.endswith("RateLimitExceeded"):
        return _RULES["RateLimitExceeded"]
    return fallback


def _request_id(response: Response, told: Envelope | None) -> str | None:
    header: str | None = response.headers.get("x-request-id")
    if header:
        return header
    found = _REQUEST_ID.search(told.message) if told else None
    return found[1] if found else None
