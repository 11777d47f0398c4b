"""Drive an adapter's flow by hand: no client, no clock, no network."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from httpx import Request, Response

from dramagen.adapters.base import Flow

T = TypeVar("T")

Respond = Callable[[Request], Response]
"""The vendor's side of a talk: what it answers to each request."""


def drive(flow: Flow[T], respond: Respond) -> T:
    """Run a flow to its end against ``respond`` and return its result.

    What ``respond`` raises (a lost connection, say) closes the flow and goes on up, as it does in the engine.
    """
    try:
        request = next(flow)
    except StopIteration as end:
        return _result(end)
    while True:
        try:
            response = respond(request)
        except BaseException:
            flow.close()
            raise
        response.request = request
        try:
            request = flow.send(response)
        except StopIteration as end:
            return _result(end)


def _result(end: StopIteration) -> T:  # type: ignore[type-var]  # a generator's result is untyped at its end
    result: T = end.value
    return result


def always(answer: Response) -> Respond:
    """The same answer to every request."""
    return lambda _: answer


def in_turn(*answers: Response) -> Respond:
    """Answer the first request with the first answer, and so on. One request too many is a test's failure."""
    waiting = iter(answers)

    def respond(request: Request) -> Response:
        for answer in waiting:
            return answer
        raise AssertionError(f"nobody expected {request.method} {request.url.path}")

    return respond


class Heard:
    """Passes requests on to ``respond`` and keeps them: ``requests``, oldest first."""

    def __init__(self, respond: Respond, requests: Iterable[Request] = ()) -> None:
        self._respond = respond
        self.requests = list(requests)

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self._respond(request)
