"""Ark's error answers. Source: Volcengine and BytePlus error-code pages, as read up to 2026-11-22."""

import secrets

from starlette.responses import HTMLResponse, JSONResponse, Response

from dramagen.emulator.world import Call

_TYPES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalServerError",
}

_USUAL = {
    400: ("InvalidParameter", "a parameter specified in the request is not valid."),
    401: ("AuthenticationError", "the API key in the request is missing or invalid."),
    403: ("AccountOverdueError", "account has an overdue balance."),
    404: ("NotFound.TaskNotFound", "the specified task is not found."),
    409: ("InvalidAction.RunningTaskDeletion", "cannot delete the task because it is currently running."),
    429: ("ModelAccountRpmRateLimitExceeded", "RPM limit of the model is exceeded."),
    500: ("InternalServiceError", "the service encountered an unexpected internal error."),
}


class Refusal(Exception):
    """The vendor refuses: HTTP status, error code, message, and the field at fault."""

    def __init__(self, status: int, code: str, message: str, param: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.param = param


def invalid(param: str, message: str, code: str = "InvalidParameter") -> Refusal:
    """A 400 about one field."""
    return Refusal(400, code, message, param)


def request_id(call: Call) -> str:
    """``02``, 13 digits of milliseconds, 38 hexadecimal digits."""
    return f"02{int(call.stamp(call.now) * 1000):013d}{call.request_id}"


def refused(call: Call, refusal: Refusal) -> Response:
    number = request_id(call)
    error = {
        "code": refusal.code,
        "message": f"{refusal.message.rstrip('.')}. Request id: {number}",
        "param": refusal.param,
        "type": _TYPES.get(refusal.status, "BadRequest"),
    }
    headers = {"x-request-id": number, "server": "istio-envoy"}
    if refusal.status == 401:
        headers["x-error-code"] = refusal.code
    return JSONResponse({"error": error}, refusal.status, headers)


def usual(call: Call, status: int, code: str | int | None) -> Response:
    """The everyday answer of a status; a gateway's HTML page for a status the API itself never sends."""
    if status not in _USUAL:
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
        return HTMLResponse(page, status, {"server": "istio-envoy"})
    default, message = _USUAL[status]
    return refused(call, Refusal(status, str(code or default), message))


def failed(code: str, message: str) -> dict[str, str]:
    """The ``error`` of a failed task."""
    number = f"02{secrets.randbelow(10**13):013d}{secrets.token_hex(19)}"
    return {"code": code, "message": f"{message}. Request id: {number}"}
