"""Refusals, in the envelope of whoever is emulated.

Sources: OpenAI's error codes page and its API reference, read up to 2026-11-22; sglang 0.5.23, vllm-omni 0.30.0.
"""

from typing import Any

from starlette.responses import JSONResponse, Response

from dramagen.emulator.world import Call


class Refusal(Exception):
    """An error answer: OpenAI's code and message, or a plain detail on one's own server."""

    def __init__(self, status: int, code: str | None, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param


class FormRefusal(Exception):
    """FastAPI's 422: which field, and what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """A 400 about the request."""
    return Refusal(400, code, message, param)


def missing() -> Refusal:
    """A job nobody knows."""
    return Refusal(404, None, "Video not found")


def refused(call: Call, refusal: Refusal) -> Response:
    """The answer of a refusal."""
    if own_server(call):
        return JSONResponse({"detail": refusal.message}, refusal.status)
    kind = {401: "invalid_request_error", 429: "requests"}.get(refusal.status, "invalid_request_error")
    body: dict[str, Any] = {
        "message": refusal.message,
        "type": "server_error" if refusal.status >= 500 else kind,
        "param": refusal.param,
        "code": refusal.code,
    }
    return JSONResponse({"error": body}, refusal.status, headers={"x-request-id": f"req_{call.request_id}"})


def unread(refusal: FormRefusal) -> Response:
    """The answer to a form that could not be read."""
    problem = {"type": "value_error", "loc": ["body", refusal.field], "msg": refusal.message, "input": None}
    return JSONResponse({"detail": [problem]}, 422)


_USUAL: dict[int, tuple[str | None, str]] = {
    400: (None, "Invalid request."),
    401: ("invalid_api_key", "Incorrect API key provided."),
    403: ("unsupported_country_region_territory", "Country, region, or territory not supported"),
    404: ("model_not_found", "The model does not exist or you do not have access to it."),
    429: ("rate_limit_exceeded", "Rate limit reached for requests per minute."),
    500: ("server_error", "The server had an error while processing your request."),
    503: ("server_error", "That model is currently overloaded with other requests."),
}
_BY_CODE: dict[str, tuple[str | None, str]] = {
    "insufficient_quota": ("insufficient_quota", "You exceeded your current quota."),
    "too_many_running_tasks": (None, "Too many running tasks. Please try again later."),
    "sentinel_block": ("sentinel_block", "This content may violate our guardrails."),
}


def usual(call: Call, status: int, code: str | int | None) -> Response:
    """The server's error answer of a status, for a fault on demand."""
    told = _BY_CODE.get(str(code)) or _USUAL.get(status, (None, f"HTTP {status}"))
    return refused(call, Refusal(status, *told))


def own_server(call: Call) -> bool:
    """Whether a diffusion server of one's own is emulated."""
    return call.options.profile in ("sglang", "vllm-omni")
