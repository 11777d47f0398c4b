"""DashScope's error answers. Source: Model Studio "Error codes", as read up to 2026-11-22."""

import uuid

from starlette.responses import HTMLResponse, JSONResponse, Response

_USUAL = {
    400: ("InvalidParameter", "Required parameter(s) missing or invalid, please check the request parameters."),
    401: ("InvalidApiKey", "Invalid API-key provided."),
    403: ("AccessDenied", "Access denied."),
    404: ("ModelNotFound", "Model can not be found."),
    429: ("Throttling.RateQuota", "Requests rate limit exceeded, please try again later."),
    500: ("InternalError", "An internal error has occured, please try again later or contact service support."),
    503: ("ModelUnavailable", "Model is unavailable, please try again later."),
}  # fmt: skip


class Refusal(Exception):
    """The vendor refuses: HTTP status, error code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def invalid(message: str, code: str = "InvalidParameter") -> Refusal:
    """A 400 about one field."""
    return Refusal(400, code, message)


def request_id() -> str:
    """A new request's id."""
    return str(uuid.uuid4())


def refused(refusal: Refusal) -> Response:
    """The flat error body; no ``output`` in it."""
    number = request_id()
    body = {"code": refusal.code, "message": refusal.message, "request_id": number}
    return JSONResponse(body, refusal.status, {"x-request-id": number})


def usual(status: int, code: str | int | None) -> Response:
    """The everyday answer of a status; a gateway's HTML page for a status the API itself never sends."""
    if status not in _USUAL:
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
        return HTMLResponse(page, status)
    default, message = _USUAL[status]
    return refused(Refusal(status, str(code or default), message))


def stored(status: int, code: str, message: str) -> Response:
    """An answer of the object store, in XML."""
    xml = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(xml, status, media_type="application/xml")
