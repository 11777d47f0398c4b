"""Replicate's error answers, in the shape of problem details.

Source: Replicate's pages on its HTTP API and rate limits and its Python client, as read up to 2026-11-22.
"""

from collections.abc import Sequence
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from dramagen.emulator.inputs import Problem

_USUAL = {
    400: ("Bad request", "The request could not be read."),
    401: ("Unauthenticated", "You did not pass a valid authentication token"),
    402: ("Insufficient credit", "You have insufficient credit to run this model."),
    403: ("Forbidden", "You are not allowed to do that."),
    404: ("Not found", "The requested resource could not be found."),
    422: ("Input validation failed", "The input is wrong."),
    429: ("Too many requests", "Request was throttled. Your rate limit resets in ~30s."),
    500: ("Internal server error", "An error occurred."),
    503: ("Service unavailable", "The service is temporarily unavailable."),
}


class Refusal(Exception):
    """An error answer: its status, title and detail, and what else stands in its body."""

    def __init__(self, status: int, detail: str = "", title: str = "", **more: Any) -> None:
        usual = _USUAL.get(status, ("", ""))
        super().__init__(f"{status} {detail}")
        self.status = status
        self.body = {"title": title or usual[0], "detail": detail or usual[1], "status": status, **more}


def invalid(found: Sequence[Problem]) -> Refusal:
    """A 422 that lists the fields at fault."""
    lines = [f"- input.{_path(problem)}: {_words(problem)}\n" for problem in found]
    fields = [
        {"type": problem.fault, "field": f"input.{_path(problem)}", "description": _words(problem)}
        for problem in found
    ]
    return Refusal(422, "".join(lines), invalid_fields=fields)


def _path(problem: Problem) -> str:
    return ".".join(map(str, problem.at))


def _words(problem: Problem) -> str:
    match problem.fault:
        case "missing":
            return f"{problem.at[-1]} is required"
        case "unknown":
            return "Additional property is not allowed"
        case "one_of":
            return f"must be one of {', '.join(map(str, problem.limit))}"
        case "string" | "integer" | "number" | "boolean" | "list" | "object":
            return f"Invalid type. Expected: {problem.fault}, given: {type(problem.value).__name__}"
        case _:
            return f"{problem.fault.replace('_', ' ')} {problem.limit if problem.limit is not None else ''}".strip()


def ok(body: Any, status: int = 200) -> Response:
    return JSONResponse(body, status)


def refused(refusal: Refusal) -> Response:
    headers = {"retry-after": "30"} if refusal.status == 429 else {}
    return JSONResponse(refusal.body, refusal.status, headers)


def usual(status: int) -> Response:
    """The everyday answer of a status; a gateway's page for one the API itself never sends."""
    if status not in _USUAL:
        return HTMLResponse(f"<html><body><h1>{status}</h1></body></html>", status)
    return refused(Refusal(status))
