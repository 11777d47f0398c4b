"""Vidu's error answers. Source: its page "Error codes" and its own clients, as read up to 2026-11-22."""

from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from dramagen.emulator.world import Call

_USUAL = {
    400: ("FieldInvalid", "a field is invalid"),
    401: ("Unauthorized", "unauthorized"),
    402: ("CreditInsufficient", "credit insufficient"),
    403: ("Forbidden", "forbidden"),
    404: ("TaskNotFound", "task not found"),
    409: ("Conflict", "conflict"),
    429: ("TooManyRequests", "too many requests"),
    500: ("InternalServiceFailure", "internal service failure"),
}


class Refusal(Exception):
    """The vendor refuses: HTTP status, its name for the reason, a message, and the fields at fault."""

    def __init__(self, status: int, reason: str, message: str = "", *fields: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message or reason
        self.fields = fields


def invalid(field: str, reason: str = "FieldInvalid") -> Refusal:
    """A 400 about one field."""
    return Refusal(400, reason, f"{field}: {reason}", field)


def ok(call: Call, body: Any) -> Response:
    return JSONResponse(body, headers={"x-md-trace-id": call.request_id})


def refused(call: Call, refusal: Refusal) -> Response:
    metadata: dict[str, str] = {"trace_id": call.request_id}
    if refusal.fields:
        metadata["fields"] = ",".join(refusal.fields)
    body: dict[str, Any] = {"code": refusal.status, "reason": refusal.reason}
    if call.options.error_name_in == "code":
        body = {"code": refusal.reason}
    body |= {"message": refusal.message, "metadata": metadata}
    return JSONResponse(body, refusal.status, {"x-md-trace-id": call.request_id})


def usual(call: Call, status: int, code: str | int | None) -> Response:
    """The everyday answer of a status; a gateway's HTML page for a status the API itself never sends."""
    if status not in _USUAL:
        return HTMLResponse(f"<html><body><h1>{status}</h1></body></html>", status)
    reason, message = _USUAL[status]
    return refused(call, Refusal(status, str(code or reason), message))
