"""A small web server that runs where the test runs, under asyncio and trio, and nothing from outside."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import h11
import pytest

Serve = Callable[[Any], AbstractAsyncContextManager[str]]


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, proxy, setting or ``dramagen.toml`` of the machine the tests run on."""
    for name in set(os.environ) - {"DRAMAGEN_MATRIX", "DRAMAGEN_SEED"}:
        ours = name.startswith(("DRAMAGEN_", "KLING_", "FAL_")) or name.endswith(("_API_KEY", "_API_TOKEN"))
        if ours or "proxy" in name.lower():
            monkeypatch.delenv(name)
    place = tmp_path / "cwd"
    place.mkdir()
    monkeypatch.chdir(place)


@pytest.fixture
def serve() -> Serve:
    """``async with serve(asgi) as url``: the application on a socket of this machine; one request a connection."""
    return _served


@asynccontextmanager
async def _served(application: Any) -> AsyncIterator[str]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, partial(_talk, application))
        yield f"http://127.0.0.1:{port}"
        group.cancel_scope.cancel()


async def _talk(application: Any, stream: anyio.abc.SocketStream) -> None:
    connection = h11.Connection(h11.SERVER)

    async def next_event() -> Any:
        while (event := connection.next_event()) is h11.NEED_DATA:
            try:
                connection.receive_data(await stream.receive())
            except anyio.EndOfStream:
                connection.receive_data(b"")
        return event

    async def receive() -> dict[str, Any]:
        event = await next_event()
        if isinstance(event, h11.Data):
            return {"type": "http.request", "body": bytes(event.data), "more_body": True}
        return {"type": "http.request" if isinstance(event, h11.EndOfMessage) else "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"connection", b"close")]
            await stream.send(
                connection.send(h11.Response(status_code=message["status"], headers=headers)) or b""
            )
        else:
            await stream.send(connection.send(h11.Data(data=message["body"])) or b"")
            await stream.send(connection.send(h11.EndOfMessage()) or b"")

    async with stream:
        request = await next_event()
        if isinstance(request, h11.Request):
            path, _, query = request.target.partition(b"?")
            scope = {
                "type": "http", "method": request.method.decode(), "path": path.decode(), "raw_path": path,
                "query_string": query, "root_path": "", "headers": [*request.headers],
            }  # fmt: skip
            await application(scope, receive, send)
