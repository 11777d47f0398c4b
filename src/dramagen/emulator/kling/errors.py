"""Kling's answers: one envelope, its business codes. Source: Kling "error codes" page, as read up to 2026-11-22."""

from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from dramagen.emulator.world import Call

_CODES = {
    1000: (401, "authentication failed"),
    1001: (401, "Authorization is empty"),
    1002: (401, "api key not found"),
    1003: (401, "authorization is not yet valid"),
    1004: (401, "authorization has expired"),
    1100: (429, "account exception"),
    1101: (429, "account in arrears"),
    1102: (429, "resource pack exhausted"),
    1103: (403, "no permission to access the requested resource"),
    1200: (400, "invalid request parameters"),
    1201: (400, "invalid parameters"),
    1202: (404, "the requested method is invalid"),
    1203: (404, "the requested resource does not exist"),
    1300: (400, "platform policy"),
    1301: (400, "content security policy"),
    1302: (429, "too many requests"),
    1303: (429, "parallel task over resource pack limit"),
    1304: (429, "IP whitelist policy"),
    5000: (500, "server internal error"),
    5001: (503, "service unavailable"),
    5002: (504, "server internal timeout"),
}
_USUAL = {400: 1201, 401: 1002, 403: 1103, 404: 1203, 429: 1302, 500: 5000, 503: 5001, 504: 5002}


class Refusal(Exception):
    """The vendor refuses with one of its codes; the message defaults to the code's own."""

    def __init__(self, code: int, message: str = "") -> None:
        self.code = code
        self.status, usual = _CODES[code]
        self.message = message or usual
        super().__init__(f"{code}: {self.message}")


def invalid(message: str) -> Refusal:
    """1201, the message naming the field."""
    return Refusal(1201, message)


def ok(call: Call, data: Any) -> Response:
    return JSONResponse({"code": 0, "message": "SUCCEED", "request_id": call.request_id, "data": data})


def refused(call: Call, refusal: Refusal) -> Response:
    body = {"code": refusal.code, "message": refusal.message, "request_id": call.request_id}
    return JSONResponse(body, refusal.status)


def usual(call: Call, status: int, code: str | int | None) -> Response:
    """The everyday answer of a status; a proxy's HTML page for a status the API itself never sends."""
    if code is not None and int(code) in _CODES:
        return refused(call, Refusal(int(code)))
    if status not in _USUAL:
        return HTMLResponse(f"<html><body><h1>{status}</h1></body></html>", status)
    return refused(call, Refusal(_USUAL[status]))
