"""fal's two error shapes: of a model (a list of details) and of a request (a text and a type).

Source: fal's pages "Errors" and "Request errors" and its Python client, as read up to 2026-11-22.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from dramagen.emulator.inputs import Problem
from dramagen.emulator.world import Call

_USUAL = {
    400: ("bad_request", "Bad request"),
    401: (None, "Cannot access application. Authentication is required to access this application."),
    403: (None, "User is locked. Reason: Exhausted balance."),
    404: (None, "Request not found"),
    429: ("concurrent_requests_limit", "Reached concurrent requests limit"),
    499: ("client_cancelled", "Request was cancelled by the client"),
    500: ("internal_error", "Internal error"),
    503: ("runner_scheduling_failure", "Failed to schedule a runner"),
    504: ("request_timeout", "Request timed out"),
}
_RETRYABLE = frozenset({
    "request_timeout", "startup_timeout", "runner_scheduling_failure", "runner_connection_timeout",
    "runner_disconnected", "runner_connection_refused", "runner_connection_error", "runner_incomplete_response",
    "runner_server_error", "internal_server_error", "generation_timeout", "downstream_service_error",
    "downstream_service_unavailable", "concurrent_requests_limit",
})  # fmt: skip
_TYPES = {
    "unknown": "extra_forbidden",
    "string": "string_type",
    "integer": "int_type",
    "number": "float_type",
    "boolean": "bool_type",
    "list": "list_type",
    "object": "dict_type",
    "url": "value_error",
}
"""Where fal's own list has no word, its models answer with pydantic's."""


class Refusal(Exception):
    """An error answer: a status with one of the two bodies. ``kind`` is its type, None where there is none."""

    def __init__(
        self, status: int, kind: str | None, detail: str | Sequence[dict[str, Any]], **headers: str
    ) -> None:
        super().__init__(f"{status} {kind}")
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    @property
    def body(self) -> dict[str, Any]:
        if not isinstance(self.detail, str):
            return {"detail": list(self.detail)}
        return {"detail": self.detail} | ({"error_type": self.kind} if self.kind else {})

    @property
    def text(self) -> str:
        return self.detail if isinstance(self.detail, str) else str(self.detail[0]["msg"])


def model_error(status: int, kind: str, message: str, *at: str | int, value: Any = None) -> Refusal:
    """One detail in the shape of a model's errors."""
    return Refusal(status, kind, [_detail(kind, message, at, value)])


def invalid(found: Sequence[Problem]) -> Refusal:
    """A 422 about an input."""
    details = []
    for problem in found:
        kind = _TYPES.get(problem.fault, problem.fault)
        detail = _detail(kind, f"Input is wrong: {kind}", problem.at, problem.value)
        if problem.limit is not None:
            detail["ctx"] = {"limit": problem.limit}
        details.append(detail)
    return Refusal(422, details[0]["type"], details)


def _detail(kind: str, message: str, at: Sequence[str | int], value: Any) -> dict[str, Any]:
    return {
        "loc": ["body", *at],
        "msg": message,
        "type": kind,
        "url": f"https://docs.fal.ai/errors#{kind}",
        "input": value,
    }


def ok(call: Call, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(body, status, {"x-fal-request-id": call.request_id, **(headers or {})})


def refused(call: Call, refusal: Refusal) -> Response:
    headers = {"x-fal-request-id": call.request_id, **refusal.headers}
    if refusal.kind:
        headers["x-fal-error-type"] = refusal.kind
        headers["x-fal-retryable"] = "true" if refusal.kind in _RETRYABLE else "false"
    return JSONResponse(refusal.body, refusal.status, headers)


def usual(call: Call, status: int, code: str | int | None) -> Response:
    """The everyday answer of a status; the gateway's page for 502, for others, and where ``code`` is nginx."""
    if status not in _USUAL or code == "nginx":
        page = f"<html><body><center><h1>{status}</h1></center><hr><center>nginx</center></body></html>"
        return HTMLResponse(page, status)
    kind, detail = _USUAL[status]
    return refused(call, Refusal(status, str(code) if code else kind, detail))
