"""Faults on demand: connections cut, answers late, refused or mangled, jobs that never end."""

from collections.abc import Awaitable, Callable
from typing import Literal

import anyio
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Operation = Literal["create", "poll", "find", "content", "cancel"]
DROP = "dramagen.drop"
"""The extension of an ASGI scope by which this package's server offers a function that cuts the connection."""


class Fault(BaseModel):
    """One fault to play ``times`` times, then no more.

    ``after_accept`` lets the vendor act first (a create makes its job, billed), then spoils the answer.
    ``seconds`` is virtual time. ``code`` picks the vendor's error code where a status has several.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str
    on: Operation
    kind: Literal["drop", "slow", "status", "malformed", "never"]
    status: int = Field(default=500, ge=400, le=599)
    code: str | int | None = None
    after_accept: bool = False
    times: int = Field(default=1, ge=1)
    seconds: float = Field(default=60.0, ge=0)


class Faults:
    """The faults still to be played, oldest first."""

    def __init__(self) -> None:
        self._left: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        self._left.append((fault, fault.times))

    def clear(self) -> None:
        self._left.clear()

    def pending(self) -> list[dict[str, object]]:
        return [{**fault.model_dump(), "times": times} for fault, times in self._left]

    def take(self, provider: str, on: str) -> Fault | None:
        """The next fault for a request, its play counted at once so that no other request gets it too."""
        for at, (fault, times) in enumerate(self._left):
            if fault.provider in (provider, "*") and fault.on == on:
                self._left[at : at + 1] = [(fault, times - 1)] if times > 1 else []
                return fault
        return None

    def put_back(self, fault: Fault) -> None:
        """Undo one ``take``."""
        self._left.insert(0, (fault, 1))


class Dropped(Response):
    """No answer: the connection is cut, after the first ``keep`` bytes of ``body`` where there is one."""

    def __init__(self, answer: Response | None = None, keep: int = 0) -> None:
        super().__init__()
        self._answer = answer
        self._keep = keep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._answer is not None:
            head = {"type": "http.response.start", "status": self._answer.status_code}
            await send({**head, "headers": self._answer.raw_headers})
            body = bytes(self._answer.body)[: self._keep]
            await send({"type": "http.response.body", "body": body, "more_body": True})
        drop = scope.get("extensions", {}).get(DROP)
        if drop is None:
            raise ConnectionResetError("the emulated vendor dropped the connection")
        drop()
        while (await receive())["type"] != "http.disconnect":
            pass


def truncated(answer: Response) -> Response:
    """The first half of an answer, as if it were all."""
    body = bytes(answer.body)
    return Response(body[: len(body) // 2], answer.status_code, media_type=answer.media_type)


async def hold(request: Request, seconds: float) -> bool:
    """Wait ``seconds`` real seconds, or until the client goes away; True if it is still there."""
    here = True
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            nonlocal here
            while (await request.receive())["type"] != "http.disconnect":
                pass
            here = False
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        await anyio.sleep(seconds)
        tasks.cancel_scope.cancel()
    return here


async def played(
    fault: Fault,
    faults: Faults,
    request: Request,
    handle: Callable[[], Awaitable[Response]],
    refuse: Callable[[], Response],
    speed: float,
) -> Response:
    """Answer a request as ``fault`` says; ``handle`` is the vendor acting, ``refuse`` its error answer."""
    changes = fault.on in ("create", "cancel")
    answer = await handle() if fault.after_accept or not changes or fault.kind == "never" else None
    if answer is not None and answer.status_code >= 400:
        faults.put_back(fault)  # the vendor refused by itself; the fault waits for the next request
        return answer
    match fault.kind:
        case "drop":
            cut = answer if fault.on == "content" and request.method == "GET" else None
            return Dropped(cut, keep=len(cut.body) // 2 if cut else 0)
        case "slow":
            here = await hold(request, fault.seconds / speed)
            return answer or (await handle() if here else Response(status_code=499))
        case "status":
            return refuse()
        case "malformed":
            return truncated(answer) if answer else Response(b'{"id": "', media_type="application/json")
        case "never":
            return answer or await handle()
