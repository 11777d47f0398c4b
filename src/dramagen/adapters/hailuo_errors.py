"""What MiniMax answers when something is wrong, in both generations of its video API.

The first generation speaks of it in ``base_resp.status_code``, mostly inside HTTP 200; the second in the HTTP status
and an ``error`` object, whose message ends in the same numbers: ``... (2013)``. Sources, read 2026-11-22:
platform.minimax.io "Error codes", "Video generation V2, create"; and the vendor's own command line client
(mmx-cli 1.0.27) for the codes of plans. That client calls 1002 and 1039 a moderation verdict; the vendor's table
says request and token limit, and the table is followed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from httpx import Response

from dramagen.adapters.base import json_body
from dramagen.adapters.faults import BY_STATUS, Rule, by_status, retry_after, who
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

REFUSALS: Mapping[int, Rule] = {
    1002: Rule(RateLimited, "too many requests", True),
    1004: Rule(AuthError, "the key was not accepted: is it one of this region?"),
    1008: Rule(InsufficientBalance, "the balance is used up"),
    1026: Rule(partial(ContentRejected, stage="input"), "the input was refused by moderation"),
    1028: Rule(QuotaExhausted, "the plan's allowance is used up"),
    1030: Rule(QuotaExhausted, "the plan's allowance is used up"),
    1039: Rule(RateLimited, "too many tokens a minute", True),
    1041: Rule(ConcurrencyLimited, "too many jobs at once", True),
    1042: Rule(InvalidShot, "the prompt holds too many invisible characters"),
    2013: Rule(InvalidShot, "the request's parameters were refused"),
    2038: Rule(AuthError, "the account's owner is not verified yet"),
    2045: Rule(RateLimited, "requests rose too fast", True),
    2049: Rule(AuthError, "the API key is not valid"),
    2056: Rule(QuotaExhausted, "the plan's five-hour allowance is used up"),
    2061: Rule(AuthError, "the plan does not include this model"),
}
"""Every code that means no job was made."""

OUTPUT_REFUSED = 1027
"""The clip was made and held back: a code of queries and failed jobs, not of creates."""

OUTAGES: Mapping[int, str] = {
    1000: "an unknown error",
    1001: "a timeout",
    1013: "an internal error",
    1024: "an internal error",
    1033: "an error of a system behind it",
}
"""A job may have been made all the same."""

_TYPES: Mapping[str, Rule] = {
    "bad_request_error": REFUSALS[2013],
    "authorized_error": REFUSALS[1004],
    "insufficient_balance_error": REFUSALS[1008],
    "unprocessable_entity_error": REFUSALS[1026],
    "rate_limit_error": REFUSALS[1002],
}
"""What the second generation calls its refusals; the number in the message says more, where there is one."""

_REFUSED = Rule(InvalidShot, "the request was refused")

_NUMBER_AT_THE_END = re.compile(r"\((\d{4})\)\W*$")
_UNKNOWN_TASK = re.compile(
    r"invalid task.?id|task.{0,12}(not (found|exist)|does not exist)|任务.{0,6}不存在", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Told:
    """The vendor's own words in an answer: the number, the type's name, the message, the request's id."""

    code: int | None
    type: str | None
    message: str
    request_id: str | None

    @property
    def unknown_task(self) -> bool:
        """Whether they say that there is no such task (any more): a bad request that speaks of the task's id."""
        return self.code in (None, 2013) and bool(_UNKNOWN_TASK.search(self.message))


def told(body: object) -> Told | None:
    """The vendor's words in an answer of either generation; None where it holds none, or holds a success."""
    if not isinstance(body, Mapping):
        return None
    base, error = body.get("base_resp"), body.get("error")
    request_id = _text(body.get("request_id"))
    if isinstance(base, Mapping):
        code = number(base.get("status_code"))
        return Told(code, None, _text(base.get("status_msg")) or "", request_id) if code else None
    if isinstance(error, Mapping):
        message, kind = _text(error.get("message")) or "", _text(error.get("type"))
        found = _NUMBER_AT_THE_END.search(message)
        return Told(int(found[1]) if found else number(error.get("code")), kind, message, request_id)
    return None


def ok(body: object) -> bool:
    """Whether a first-generation answer says that all is well; one that does not say is not believed."""
    base = body.get("base_resp") if isinstance(body, Mapping) else None
    return isinstance(base, Mapping) and number(base.get("status_code")) == 0


def fault(response: Response, route: Route | None = None) -> DramagenError:
    """The typed error of any answer that is not a success: by the body's code first, by HTTP status second.

    ``refused`` only for the codes the vendor gives for a create it did not take, and for a 4xx in the second
    generation's own words, whatever they are; a timeout (408) is none.
    """
    words, status = told(json_body(response)), response.status_code
    rule = None if words is None else REFUSALS.get(words.code or 0)
    if rule is None and words is not None and words.type and 400 <= status < 500 and status != 408:
        rule = _TYPES.get(words.type) or BY_STATUS.get(status, _REFUSED)
    refused = rule is not None and status < 500  # a number on a 5xx is not trusted that far
    rule = (rule if refused else None) or _outage(words) or by_status(status)
    known: dict[str, Any] = {
        "provider": route.provider if route else "hailuo",
        "model": route.model if route else None,
        "code": (words.code or words.type if words else None) or f"HTTP {status}",
        "vendor_message": words.message or None if words else None,
        "request_id": (words.request_id if words else None) or _text(response.headers.get("trace-id")),
        "retry_after": retry_after(response),
        "refused": refused,
        "billed": False if refused else None,
    }
    return rule.error(**known)


def verdict(
    code: int | None, message: str, route: Route, *, billed: bool | None, request_id: str | None = None
) -> DramagenError:
    """Why a job ended as failed."""
    known: dict[str, Any] = who(route) | {
        "code": code or None,
        "vendor_message": message or None,
        "billed": billed,
        "request_id": request_id,
    }
    if code == OUTPUT_REFUSED:
        return ContentRejected("the clip was held back by moderation", stage="output", **known)
    rule = REFUSALS.get(code or 0)
    if rule is not None and code == 1026:
        return rule.make(rule.meaning, **known)
    why = rule.meaning if rule else OUTAGES.get(code or 0)
    return JobFailed(
        f"the generation failed: {why}" if why else "the generation failed",
        retryable=code in OUTAGES or bool(rule and rule.retryable),
        **known,
    )


def number(value: object) -> int | None:
    """A whole number, also where it is written as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def identifier(value: object) -> str | None:
    """A task's or file's id as text. Files are numbers of 18 digits in one answer and text in another."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


def _outage(words: Told | None) -> Rule | None:
    if words is None:
        return None
    if words.code == OUTPUT_REFUSED:
        return Rule(partial(ContentRejected, stage="output"), "the clip was held back by moderation")
    why = OUTAGES.get(words.code or 0)
    return Rule(ProviderUnavailable, f"the service reports {why}", True) if why else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
