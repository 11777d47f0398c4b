"""What Kling answers, in both generations of its API: the envelope, the error table, a failed job's words.

Source: Kling's pages "Error codes" and "Callbacks", read 2026-09.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from httpx import URL, InvalidURL, Request, Response

from dramagen.adapters.base import Download, State, json_body
from dramagen.adapters.faults import by_status, retry_after, who
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
    RateLimited,
)

# The body's code decides, not the HTTP status: an empty account, a blocked address and a busy moment are all 429.
REFUSALS: Mapping[int, tuple[Any, str]] = {
    1000: (AuthError, "the key was not accepted"),
    1001: (AuthError, "the request carried no key"),
    1002: (AuthError, "the key was not accepted: is it one of this region?"),
    1003: (partial(AuthError, retryable=True), "the token is not valid yet: is this machine's clock right?"),
    1004: (partial(AuthError, retryable=True), "the token has expired: is this machine's clock right?"),
    1100: (AuthError, "something is wrong with the account"),
    1101: (InsufficientBalance, "the account is in arrears"),
    1102: (InsufficientBalance, "the resource pack is used up or has expired"),
    1103: (AuthError, "the account may not use this model"),
    1200: (InvalidShot, "Kling refused the request's parameters"),
    1201: (InvalidShot, "Kling refused the request's parameters"),
    1202: (InvalidShot, "Kling does not take this method here"),
    1203: (InvalidShot, "Kling has no such model or resource"),
    1300: (partial(ContentRejected, stage="input"), "the input is against Kling's platform policy"),
    1301: (partial(ContentRejected, stage="input"), "the input is against Kling's content policy"),
    1302: (RateLimited, "too many requests"),
    1303: (ConcurrencyLimited, "more jobs at once than the resource pack allows"),
    1304: (AuthError, "this address is not on the account's whitelist"),
}
"""Every code that means no job was made."""

OUTAGES: Mapping[int, str] = {
    5000: "an internal error",
    5001: "unavailable, usually for maintenance",
    5002: "an internal timeout, usually a backlog",
}
"""A job may have been made all the same."""

STATES: Mapping[str, State] = {
    "submitted": "queued",
    "processing": "running",
    "succeeded": "succeeded",  # how the current API spells it
    "succeed": "succeeded",  # how the legacy API does; believed from both, or a paid job would wait forever
    "failed": "failed",
}

# There is no code for a failed job, only free text; the documented example speaks of risk control.
_MODERATION = (
    "risk", "sensitive", "policy", "violat", "prohibit", "moderat", "safety", "unsafe", "nsfw",
    "inappropriate",
    "风控", "违规", "敏感", "审核", "风险", "违禁", "不合规",
)  # fmt: skip


def code_of(body: object) -> int | None:
    """The envelope's code, 0 for success; None where the answer is no envelope of Kling's."""
    code = body.get("code") if isinstance(body, dict) else None
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 20:
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def fault(response: Response, route: Route | None = None) -> DramagenError:
    """The typed error of any answer that is not a success: by the body's code first, by HTTP status second."""
    body = json_body(response)
    code, status = code_of(body), response.status_code
    message = body.get("message") if isinstance(body, dict) else None
    request_id = body.get("request_id") if isinstance(body, dict) else None
    # A code on a 5xx is not trusted that far: something between us and Kling may have answered.
    refused = code in REFUSALS and status < 500
    known: dict[str, Any] = {
        "provider": route.provider if route else "kling",
        "model": route.model if route else None,
        "code": code or status,
        "vendor_message": message if isinstance(message, str) and message else None,
        "request_id": request_id if isinstance(request_id, str) else None,
        "retry_after": retry_after(response),
        "refused": refused,
        "billed": False if refused else None,
    }
    if code is not None and code in REFUSALS:
        kind, words = REFUSALS[code]
        error: DramagenError = kind(words, **known)
        return error
    if code is not None and code in OUTAGES:
        return ProviderUnavailable(f"Kling reports {OUTAGES[code]}", **known)
    return by_status(status).error(**known)


def failure(words: object, route: Route, charged: bool) -> DramagenError:
    """Why a job failed. Nothing charged is taken as not billed: Kling says what it charged, never that it did not."""
    text = words if isinstance(words, str) else ""
    known = who(route) | {"vendor_message": text or None, "billed": charged}
    note = "" if charged else "; no charge is named for it"
    if any(word in text.lower() for word in _MODERATION):
        return ContentRejected(f"the clip was held back by moderation{note}", stage="output", **known)
    return JobFailed(f"the generation failed{note}", **known)


def identifier(value: object) -> str | None:
    """A job's id: text, not empty. Documented as text; a number is read too rather than lose a paid job."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


MOST = 10**12
"""No bill and no stock of units is as large: a larger amount is a broken answer."""


def decimal(value: object) -> Decimal | None:
    """An amount as Kling writes it (a decimal string), or None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < MOST else None


def download(url: object, updated: object) -> Download | None:
    """The finished file: public, signed, and deleted 30 days after ``updated`` (Unix milliseconds)."""
    if not isinstance(url, str):
        return None
    try:
        where = URL(url)
    except InvalidURL:
        return None
    if where.scheme not in ("http", "https") or not where.host:
        return None
    expires = None
    if isinstance(updated, int) and not isinstance(updated, bool) and 0 < updated < 10**15:
        expires = updated / 1000 + 30 * 86_400
    return Download(Request("GET", where), expires=expires)
