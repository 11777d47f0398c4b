"""MiniMax's error answers, of both generations. Source: its error code pages, as read up to 2026-11-22."""

from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from dramagen.emulator.world import Call

_WORDS = {
    1000: "unknown error",
    1001: "request timeout",
    1002: "rate limit, please retry later",
    1004: "login fail: please carry the API secret key",
    1008: "insufficient balance",
    1013: "internal service error",
    1024: "internal error",
    1026: "video description contains sensitive content",
    1027: "output new_sensitive",
    1028: "plan quota exhausted",
    1030: "plan quota exhausted",
    1033: "downstream service error",
    1039: "token rate limit",
    1041: "too many tasks in flight",
    1042: "too many invisible characters",
    2013: "invalid params",
    2038: "real-name verification required",
    2045: "request growth too fast",
    2049: "invalid api key",
    2056: "plan limit of this window reached",
    2061: "your plan does not support this model",
}
_STATUS = {
    **dict.fromkeys((1004, 2038, 2049), 401),
    **dict.fromkeys((1008, 1028, 1030, 2056), 402),
    **dict.fromkeys((1026, 1027), 422),
    **dict.fromkeys((1002, 1039, 1041, 2045), 429),
    **dict.fromkeys((1000, 1001, 1013, 1024, 1033), 500),
}
_TYPES = {
    400: "bad_request_error",
    401: "authorized_error",
    402: "insufficient_balance_error",
    422: "unprocessable_entity_error",
    429: "rate_limit_error",
    500: "server_error",
    529: "overloaded_error",
}
_USUAL = {400: 2013, 401: 1004, 402: 1008, 422: 1026, 429: 1002, 500: 1000, 529: 1000}


class Refusal(Exception):
    """The vendor refuses with one of its codes; the message defaults to the code's own."""

    def __init__(self, code: int, message: str = "", *, status: int | None = None) -> None:
        self.code = code
        self.message = message or _WORDS[code]
        self.status = status or _STATUS.get(code, 400)
        super().__init__(f"{code}: {self.message}")


def invalid(message: str) -> Refusal:
    """2013, the message saying what is wrong."""
    return Refusal(2013, f"invalid params, {message}")


def base(code: int = 0, message: str = "success") -> dict[str, Any]:
    """What every answer of the first generation carries."""
    return {"base_resp": {"status_code": code, "status_msg": message}}


def refused(call: Call, refusal: Refusal) -> Response:
    """In the words of the generation whose path was called."""
    if not call.request.url.path.removeprefix(call.prefix).startswith("/v2"):
        body = base(refusal.code, refusal.message)
        if call.request.method == "POST" and call.options.v1_refused_id == "empty":
            body = {"task_id": "", **body}
        status = 200 if call.options.v1_status == "200" else refusal.status
        return JSONResponse(body, status, {"trace-id": call.request_id})
    error = {
        "type": _TYPES[refusal.status],
        "message": f"{refusal.message} ({refusal.code})",
        "http_code": str(refusal.status),
    }
    body = {"type": "error", "error": error, "request_id": call.request_id}
    return JSONResponse(body, refusal.status)


def usual(call: Call, status: int, code: str | int | None) -> Response:
    """The everyday answer of a status; a proxy's HTML page for a status the API itself never sends."""
    if code is not None and str(code).isdigit() and int(code) in _WORDS:
        return refused(call, Refusal(int(code), status=status if status in _TYPES else None))
    if status not in _USUAL:
        return HTMLResponse(f"<html><body><h1>{status}</h1></body></html>", status)
    return refused(call, Refusal(_USUAL[status], status=status))
