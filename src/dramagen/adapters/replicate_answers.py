"""What Replicate answers: problem details, what a prediction's status and error say, where its file is.

Sources: Replicate's pages "Prediction lifecycle", "Data retention", "Rate limits" and "Create a prediction"
(replicate.com/docs), copies of 2026; the changelog of 2025-10-16 on ``aborted``; replicate 1.0.7 as observed.
"""

import re
from collections.abc import Mapping
from typing import Any

from httpx import URL, InvalidURL, Request, Response

from dramagen.adapters.base import Download, State, Status, Ticket, json_body
from dramagen.adapters.faults import BY_STATUS, by_status, retry_after, who
from dramagen.adapters.moments import moment
from dramagen.catalog.route import Route
from dramagen.errors import (
    ContentRejected,
    DramagenError,
    InvalidShot,
    JobExpired,
    JobFailed,
)

LIFE = 3600.0
"""Seconds after which inputs, outputs, files and logs of a prediction made through the API are deleted."""

_STATES: Mapping[str, State] = {
    "starting": "queued",
    "processing": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
    "aborted": "expired",
}
_INVALID: Mapping[int, str] = {
    404: "Replicate has no such model",
    422: "Replicate refused the model's input",
}
_RESETS = re.compile(r"resets in ~?(\d{1,5})\s*s", re.IGNORECASE)
_MODERATED = re.compile(
    r"flagged as sensitive|\(?E005\)?\b|content polic|moderat|nsfw|sensitive (content|information)|"
    r"risk control|inappropriate",
    re.IGNORECASE,
)
"""How failures by moderation are worded: each vendor its own way, with no code they share."""


def fault(response: Response, route: Route | None = None) -> DramagenError:
    """The typed error of any answer that is not a success.

    ``refused`` only for a 4xx in Replicate's own shape: then nothing was made.
    """
    body, status = json_body(response), response.status_code
    title, detail = (_text(body, name) for name in ("title", "detail"))
    refused = 400 <= status < 500 and (title or detail) is not None
    known: dict[str, Any] = {
        "provider": route.provider if route else "replicate",
        "model": route.model if route else None,
        "code": title or status,
        "vendor_message": detail,
        "retry_after": retry_after(response) or _resets(detail),
        "refused": refused,
        "billed": False if refused else None,
    }
    if refused and status in (400, 422) and detail and _MODERATED.search(detail):
        return ContentRejected("the input was refused by moderation", stage="input", **known)
    if not refused or status in BY_STATUS:
        return by_status(status).error(**known)
    return InvalidShot(_INVALID.get(status, "Replicate refused the request"), **known)


def prediction_of(response: Response, id_: str | None = None) -> Mapping[str, Any] | None:
    """The prediction an answer shows; None where it shows none, or another one."""
    body = json_body(response)
    if not response.is_success or not isinstance(body, Mapping):
        return None
    shown = body.get("id")
    if not is_id(shown) or (id_ is not None and shown != id_):
        return None
    return body


def not_found(response: Response) -> bool:
    """Whether Replicate says, in its own shape, that it does not know the prediction."""
    body = json_body(response)
    return response.status_code == 404 and (_text(body, "title") or _text(body, "detail")) is not None


def status(ticket: Ticket, told: Mapping[str, Any]) -> Status:
    """Where a job stands. One that ended before it began is free; one that was stopped midway is charged."""
    word = told.get("status")
    state = _STATES.get(word) if isinstance(word, str) else None
    if state is None:
        return Status(ticket, "running", note=f"unknown status {word!r}"[:80])
    ticket = _measured(ticket, told)
    who_ = who(ticket.route)
    if state == "failed":
        return Status(ticket, state, error=_failure(told, ticket.route))
    if state == "canceled":
        began = isinstance(told.get("started_at"), str)
        stopped = JobFailed("the job was cancelled", billed=True if began else None, **who_)
        return Status(ticket, state, error=stopped)
    if state == "expired":
        late = JobExpired("the job was given up before it began", billed=False, **who_)
        return Status(ticket, state, error=late)
    return Status(ticket, state)


def download(told: Mapping[str, Any], route: Route) -> Download | None:
    """The finished file: a public link that lives for an hour. Raises ``JobExpired`` once it is deleted."""
    if told.get("data_removed") is True:
        raise JobExpired(
            "Replicate has deleted this clip: it keeps them for an hour", billed=True, **who(route)
        )
    output = told.get("output")
    if isinstance(output, list):
        output = output[0] if output else None
    try:
        where = URL(output) if isinstance(output, str) else None
    except InvalidURL:
        return None
    if where is None or where.scheme not in ("http", "https") or not where.host:
        return None
    done = moment(told.get("completed_at"))
    return Download(Request("GET", where), expires=None if done is None else done + LIFE)


def is_id(value: object) -> bool:
    """Whether that is an id of a prediction."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _failure(told: Mapping[str, Any], route: Route) -> DramagenError:
    """Why a job failed: free words of the model behind it. Whether it is charged is not said."""
    words = _text(told, "error")
    known = who(route) | {"vendor_message": words, "billed": None}
    if words and _MODERATED.search(words):
        stage: Any = (
            "output" if re.search(r"\boutput\b(?<!input or output)", words, re.IGNORECASE) else "input"
        )
        return ContentRejected("refused by moderation", stage=stage, **known)
    return JobFailed("the job failed", **known)


def _measured(ticket: Ticket, told: Mapping[str, Any]) -> Ticket:
    """The ticket with the seconds of compute, which no price here is stated in, for a person who compares bills."""
    metrics = told.get("metrics")
    took = metrics.get("predict_time") if isinstance(metrics, Mapping) else None
    if isinstance(took, bool) or not isinstance(took, int | float) or not 0 <= took < 10**6:
        return ticket
    return ticket.model_copy(update={"data": {**ticket.data, "predict_time": took}})


def _text(body: object, name: str) -> str | None:
    value = body.get(name) if isinstance(body, Mapping) else None
    return value if isinstance(value, str) and value else None


def _resets(detail: str | None) -> float | None:
    found = _RESETS.search(detail or "")
    return float(found[1]) if found else None
