"""DashScope's error codes, read as this library's errors.

Source: Alibaba Cloud Model Studio "Error codes" (help.aliyun.com/model-studio/error-code) and the classes of the
dashscope 2.0.2 package, read 2026-11-22. The code decides, not the HTTP status: an empty account is 400, an overdue
bill 429. The same codes stand in an error answer and in a failed task.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from httpx import Response

from dramagen.adapters.base import json_body
from dramagen.adapters.faults import Rule, by_status, retry_after, who
from dramagen.catalog.route import Route
from dramagen.errors import (
    AuthError,
    ConcurrencyLimited,
    ContentRejected,
    DramagenError,
    InsufficientBalance,
    InvalidShot,
    JobFailed,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)

_input = partial(ContentRejected, stage="input")


_MODERATED = Rule(_input, "the input was refused by moderation")
_BUSY = Rule(RateLimited, "too many requests", True)
_DOWN = Rule(ProviderUnavailable, "the service failed inside", True)
_KEY = Rule(AuthError, "the API key is wrong, or of another region than the host")
_MODEL = Rule(AuthError, "no such model for this key in this region")

_RULES: Mapping[str, Rule] = {
    # invalid request
    "InvalidParameter": Rule(InvalidShot, "a parameter is not valid for this model"),
    "InvalidParameter.DataInspection": Rule(InvalidShot, "a file could not be fetched in time", True),
    "BadRequest": Rule(InvalidShot, "the request is not valid"),
    "InvalidURL": Rule(InvalidShot, "a URL is not valid"),
    "InvalidFile": Rule(InvalidShot, "a file is not what the model takes"),
    "InvalidImage": Rule(InvalidShot, "an image is not what the model takes"),
    "InvalidImageResolution": Rule(InvalidShot, "an image has a size the model does not take"),
    "InvalidImageFormat": Rule(InvalidShot, "an image has a format the model does not take"),
    "UnsupportedOperation": Rule(DramagenError, "the job's state does not allow this"),
    # key, account, permission
    "InvalidApiKey": _KEY,
    "invalid_api_key": _KEY,
    "NOT AUTHORIZED": Rule(AuthError, "the key may not use this workspace"),
    "AccessDenied": Rule(AuthError, "the key may not do this"),
    "AccessDenied.Unpurchased": Rule(AuthError, "the service is not opened for this account"),
    "Model.AccessDenied": Rule(AuthError, "the key may not use this model"),
    "Workspace.AccessDenied": Rule(AuthError, "the key may not use this workspace"),
    "App.AccessDenied": Rule(AuthError, "the key may not do this"),
    "Endpoint.AccessDenied": Rule(AuthError, "the model is not served (any more)"),
    "ModelNotFound": _MODEL,
    "model_not_found": _MODEL,
    "Model.NotExist": _MODEL,
    "CommodityNotPurchased": Rule(AuthError, "the service is not opened for this account"),
    # money
    "Arrearage": Rule(InsufficientBalance, "the account is in arrears"),
    "PrepaidBillOverdue": Rule(InsufficientBalance, "a bill of the account is overdue"),
    "PostpaidBillOverdue": Rule(InsufficientBalance, "a bill of the account is overdue"),
    "AllocationQuota.FreeTierOnly": Rule(QuotaExhausted, "the free quota is used up and paying is switched off"),
    # moderation
    "DataInspectionFailed": _MODERATED,
    "data_inspection_failed": _MODERATED,
    "IPInfringementSuspect": Rule(_input, "the input was refused over copyright"),
    "CustomRoleBlocked": Rule(_input, "the input was refused by the account's own rules"),
    "FaqRuleBlocked": Rule(_input, "the input was refused by the account's own rules"),
    # limits
    "Throttling": _BUSY,
    "LimitRequests": _BUSY,
    "limit_requests": _BUSY,
    "limit_burst_rate": _BUSY,
    "insufficient_quota": _BUSY,
    # service
    "InternalError": _DOWN,
    "InternalError.Timeout": Rule(ProviderUnavailable, "the service gave no result within 3 hours", True),
    "SystemError": _DOWN,
    "ModelServiceFailed": _DOWN,
    "RewriteFailed": Rule(ProviderUnavailable, "the rewriting of the prompt failed", True),
    "RequestTimeOut": Rule(ProviderUnavailable, "the service took too long", True),
    "ModelServingError": Rule(ProviderUnavailable, "the service is at its capacity", True),
    "ModelUnavailable": Rule(ProviderUnavailable, "the model is down for now", True),
    "ServiceUnavailable": Rule(ProviderUnavailable, "the service is down for now", True),
}  # fmt: skip

_NO_ANSWER = Rule(ProviderUnavailable, "the service gave no usable answer", True)

_BY_STATUS: Mapping[int, Rule] = {
    401: _KEY,
    403: Rule(AuthError, "the key may not do this"),
    404: _MODEL,
    408: _NO_ANSWER,
    429: _BUSY,
}
_REFUSED = Rule(InvalidShot, "the request was refused")

_FREE = re.compile(r"free\b.*\bquota|免费额度", re.IGNORECASE)
_CONCURRENT = re.compile(r"concurren|并发", re.IGNORECASE)
_OUTPUT = re.compile(r"^\s*output\b|^\s*输出", re.IGNORECASE)
_FIELDS: Mapping[str, str] = {"text": "prompt", "image": "image", "video": "video", "audio": "voice"}
_INPUT_FIELD = re.compile(r"^\s*input (text|image|video|audio)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The vendor's own words in an answer or a failed task."""

    code: str
    message: str


def envelope(body: Any) -> Envelope | None:
    """The error in a body, flat or the way OpenAI nests it; None where there is none."""
    if not isinstance(body, Mapping):
        return None
    nested = body.get("error")
    for form in (body, nested if isinstance(nested, Mapping) else {}):
        code = form.get("code") or form.get("type")
        if isinstance(code, str) and code.strip():
            words = form.get("message")
            return Envelope(code.strip(), words if isinstance(words, str) else "")
    return None


def fault(response: Response, route: Route | None = None) -> DramagenError:
    """The typed error of a non-success answer.

    ``refused`` only for a 4xx in the vendor's own envelope: then no task exists. A page of some proxy, a 5xx, or
    a 2xx that is not a task leaves open what happened, and ``billed`` is None.
    """
    status, told = response.status_code, envelope(json_body(response))
    refused = told is not None and 400 <= status < 500
    known: dict[str, Any] = (who(route) if route else {}) | {
        "request_id": _request_id(response),
        "retry_after": retry_after(response),
        "refused": refused,
        "billed": False if refused else None,
    }
    if told is None:
        return by_status(status).error(code=f"HTTP {status}", **known)
    known |= {"code": told.code, "vendor_message": told.message}
    fallback = _BY_STATUS.get(status, _REFUSED if 400 <= status < 500 else _NO_ANSWER)
    return _rule(told, fallback).error(**known)


def verdict(told: Envelope | None, raw: str, route: Route, request_id: str | None) -> DramagenError:
    """Why a task ended as failed. Only successes are counted for the bill (Wan 3.0 reference: ``usage``)."""
    known = who(route) | {"request_id": request_id, "billed": False}
    if told is None:
        return JobFailed("the job failed and gave no reason", vendor_message=raw, **known)
    known |= {"code": told.code, "vendor_message": told.message}
    rule = _rule(told, Rule(JobFailed, "the vendor gives a code its pages do not explain"))
    error = rule.error(**known)
    if isinstance(error, ContentRejected):
        return error
    return JobFailed(f"the job failed: {rule.meaning}", retryable=rule.retryable, **known)


def _rule(told: Envelope, fallback: Rule) -> Rule:
    code = told.code
    if code in ("DataInspectionFailed", "data_inspection_failed"):
        return _moderation(told.message)
    if code in ("Throttling.AllocationQuota", "insufficient_quota") and _FREE.search(told.message):
        return Rule(QuotaExhausted, "the free quota is used up")
    if code.startswith("Throttling") and _CONCURRENT.search(told.message):
        return Rule(ConcurrencyLimited, "too many jobs at once", True)
    while code:  # A.B.C is a kind of A.B, which is a kind of A
        if code in _RULES:
            return _RULES[code]
        code = code.rpartition(".")[0]
    return fallback


def _moderation(message: str) -> Rule:
    """One code for both ends of a job: only its words tell which. Where they name both, the input is blamed."""
    if _OUTPUT.search(message):
        # Another seed may pass where the picture was at fault and not the words.
        return Rule(partial(ContentRejected, stage="output"), "the clip was refused by moderation", True)
    named = _INPUT_FIELD.search(message)
    if named:
        field = _FIELDS[named[1].lower()]
        return Rule(partial(_input, field=field), f"the {field} was refused by moderation")
    return _MODERATED


def _request_id(response: Response) -> str | None:
    body = json_body(response)
    told = body.get("request_id") if isinstance(body, Mapping) else None
    if isinstance(told, str) and told:
        return told
    header: str | None = response.headers.get("x-request-id")
    return header
