"""The emulator on a real socket: in the foreground, or beside a test in a thread of its own."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope
from starlette.types import Send as ASGISend
from uvicorn.protocols.http.h11_impl import H11Protocol

from dramagen.emulator.application import app
from dramagen.emulator.callbacks import Send
from dramagen.emulator.clock import Clock
from dramagen.emulator.faults import DROP
from dramagen.emulator.world import Settings


class _DroppingProtocol(H11Protocol):
    """HTTP/1.1 that lets the application cut its connection without a word."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def with_drop(scope: Scope, receive: Receive, send: ASGISend) -> None:
            scope.setdefault("extensions", {})[DROP] = self.transport.abort
            await inner(scope, receive, send)

        self.app = with_drop


class _Server(uvicorn.Server):
    """A server that stops at once: whoever still waits for a slow answer is cut off."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    # asyncio turns Nagle's delay (40 ms an answer) off only on sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _server(application: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        application,
        http=_DroppingProtocol,
        ws="none",
        loop="asyncio",
        log_config=None,
        log_level="error",
        access_log=False,
        date_header=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
    )
    return _Server(config)


def serve(
    host: str = "127.0.0.1", port: int = 8900, speed: float = 1.0, *, settings: Settings | None = None
) -> None:
    """Serve until interrupted; prints one line with the URL. Port 0 takes a free one.

    Raises ``OSError`` where the port is taken.
    """
    with _listen(host, port) as listener:
        url = f"http://{host}:{listener.getsockname()[1]}"
        print(f"dramagen emulator at {url} (speed {speed:g}); DRAMAGEN_EMULATOR={url}", flush=True)  # noqa: T201  # the one line
        with suppress(KeyboardInterrupt):
            _server(app(speed=speed, settings=settings)).run(sockets=[listener])


class Handle:
    """A running emulator, as a test holds it. Every call goes over its socket."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self.url = f"http://{host}:{port}"

    def bill(self) -> list[dict[str, Any]]:
        """Every job accepted, oldest first; ``amount`` is a decimal string."""
        return list(self._control("GET", "bill")["jobs"])

    def faults(self, **fault: Any) -> None:
        """Order one fault: ``provider``, ``on``, ``kind`` and what ``Fault`` has more."""
        self._control("POST", "faults", fault)

    def requests(self) -> list[dict[str, Any]]:
        """Every request to a vendor so far, keys redacted."""
        return list(self._control("GET", "requests")["requests"])

    def reset(self) -> None:
        """Forget jobs, accounts, requests, faults and changed settings."""
        self._control("POST", "reset")

    def settings(self, **providers: dict[str, Any]) -> dict[str, Any]:
        """Change options, as in ``settings(kling={"concurrency": 1})``; gives all that are in force."""
        return dict(self._control("POST", "settings", providers))

    def _control(self, method: str, name: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        try:
            connection.request(method, f"/_emulator/{name}", json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status >= 400:
            raise ValueError(content["error"])
        return content


@contextmanager
def running(
    *,
    speed: float = 1.0,
    clock: Clock | None = None,
    settings: Settings | None = None,
    send: Send | None = None,
    port: int = 0,
) -> Iterator[Handle]:
    """An emulator on 127.0.0.1 in a thread, until the block ends; arguments as for ``app``."""
    with _listen("127.0.0.1", port) as listener:
        server = _server(app(speed=speed, clock=clock, settings=settings, send=send))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Handle("127.0.0.1", listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
