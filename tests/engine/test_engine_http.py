"""Talking HTTP over real sockets: fresh connections for creates, pinned addresses for files, no secret anywhere."""

import gzip
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from dramagen.adapters.base import PAID, Flow, Secret
from dramagen.catalog.access import Access
from dramagen.engine.guard import Guard
from dramagen.engine.http import Http, Limits, LostAnswer
from dramagen.errors import InvalidShot, ProviderUnavailable

pytestmark = pytest.mark.anyio

KEY = "sk-0123456789abcdef-secret"


class Server:
    """A bare server on 127.0.0.1: each connection is answered by ``answer``, which gets the request's head."""

    def __init__(self, answer: Callable[[str], bytes | None]) -> None:
        self.answer = answer
        self.connections = 0
        self.heads: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        with peer:
            peer.settimeout(5)
            buffer = b""
            while True:
                while b"\r\n\r\n" not in buffer:
                    try:
                        data = peer.recv(65536)
                    except OSError:
                        return
                    if not data:
                        return
                    buffer += data
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                self.heads.append(head.decode())
                said = self.answer(head.decode())
                if said is None:
                    return
                peer.sendall(said)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._socket.close()


def reply(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[str], bytes | None]], Server]]:
    servers: list[Server] = []

    def start(answer: Callable[[str], bytes | None]) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Signer:
    """As much of an adapter as signs."""

    def sign(self, request: httpx.Request, secret: Secret, now: float) -> None:
        request.headers["Authorization"] = f"Bearer {secret.key}"


def access(server: Server, prefix: str = "") -> Access:
    return Access("seedance", "cn", f"http://127.0.0.1:{server.port}{prefix}", True, Secret(key=KEY))


def flow(*requests: httpx.Request) -> Flow[list[httpx.Response]]:
    answers = []
    for request in requests:
        answers.append((yield request))  # noqa: PERF401 - a comprehension cannot yield
    return answers


def create(path: str = "/make") -> httpx.Request:
    return httpx.Request("POST", path, json={"prompt": "雨夜"}, extensions={PAID: True})


@pytest.fixture
async def http() -> Any:
    opened = Http(limits=Limits(connect=2, read=0.3, create=0.3), now=lambda: 0.0)
    yield opened
    await opened.aclose()


async def run(http: Http, server: Server, *requests: httpx.Request, prefix: str = "") -> list[httpx.Response]:
    answers: list[httpx.Response] = await http.run(flow(*requests), Signer(), access(server, prefix))
    return answers


async def test_a_create_uses_a_connection_no_request_has_used(http: Http, serve: Any) -> None:
    server = serve(lambda head: reply())
    get = httpx.Request("GET", "/look")
    for request, connections in ((get, 1), (get, 1), (create(), 2), (create(), 3), (get, 3)):
        await run(http, server, request)
        assert server.connections == connections


async def test_a_prefix_and_the_signature_are_added(http: Http, serve: Any) -> None:
    server = serve(lambda head: reply())
    await run(http, server, httpx.Request("GET", "/v1/tasks?a=1&b=%E9%9B%A8"), prefix="/gateway")
    assert server.heads[0].startswith("GET /gateway/v1/tasks?a=1&b=%E9%9B%A8 HTTP/1.1")
    assert f"Bearer {KEY}" in server.heads[0]
    assert f"Host: 127.0.0.1:{server.port}" in server.heads[0]


@pytest.mark.parametrize(
    "answer",
    [
        lambda head: None,  # drops the connection
        lambda head: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",  # and waits
        lambda head: b"",  # says nothing
        lambda head: b"rubbish\r\n\r\n",
        lambda head: reply(b"not gzip", "200 OK", "Content-Encoding: gzip"),
        lambda head: reply(gzip.compress(bytes(80 * 1024 * 1024)), "200 OK", "Content-Encoding: gzip"),
    ],
)
# The client leaves an iterator of its own half read where a body cannot be unpacked.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_no_answer_to_a_create_is_lost_and_to_a_question_unavailable(
    http: Http, serve: Any, answer: Callable[[str], bytes | None]
) -> None:
    server = serve(answer)
    with pytest.raises(LostAnswer):
        await run(http, server, create())
    with anyio.fail_after(60):
        while not server.heads:  # noqa: ASYNC110 - a busy machine may let the client give up before the server has read
            await anyio.sleep(0.005)
    assert len(server.heads) == server.connections == 1  # nothing is sent again here
    with pytest.raises(ProviderUnavailable) as caught:
        await run(http, server, httpx.Request("GET", "/look"))
    assert not caught.value.refused


async def test_a_host_that_does_not_listen_is_refused(http: Http, serve: Any) -> None:
    server = serve(lambda head: reply())
    server.close()
    with pytest.raises(ProviderUnavailable) as caught:
        await run(http, server, create())
    assert caught.value.refused


async def test_what_announcing_raises_goes_up_and_nothing_is_sent(http: Http, serve: Any) -> None:
    server = serve(lambda head: reply())

    async def full(sent: Any) -> None:
        assert sent.path == "/make"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await http.run(flow(create()), Signer(), access(server), on_create=full)
    assert server.heads == []


async def test_a_create_is_not_sent_on_by_a_redirect(http: Http, serve: Any) -> None:
    server = serve(lambda head: reply(b"", "307 Temporary Redirect", "Location: /again"))
    (answer,) = await run(http, server, create())
    assert answer.status_code == 307
    assert len(server.heads) == 1


async def test_proxies_of_the_environment_are_not_asked_about_this_machine(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server = serve(lambda head: reply())
    http = Http(now=lambda: 0.0)
    (answer,) = await run(http, server, create())
    assert answer.status_code == 200
    await http.aclose()


# --- files -----------------------------------------------------------------------------------------------------


async def fetch(http: Http, url: str, guard: Guard) -> bytes:
    async with http.stream(httpx.Request("GET", url), guard) as response:
        return await response.aread()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ``.test`` name is this machine; ``moves.test`` was a public address a moment ago."""

    def look_up(host: str, port: int, *rest: Any, **known: Any) -> Any:
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.usefixtures("names")
async def test_a_file_comes_from_the_address_that_was_checked_under_its_own_name(
    http: Http, serve: Any
) -> None:
    server = serve(lambda head: reply(b"film"))
    url = f"http://cdn.test:{server.port}/clip.mp4?sign=abc"
    assert await fetch(http, url, Guard(("127.0.0.0/8",))) == b"film"
    assert f"Host: cdn.test:{server.port}" in server.heads[0]
    assert "authorization" not in server.heads[0].lower()
    with pytest.raises(InvalidShot, match=r"cdn\.test is a private address"):
        await fetch(http, url, Guard())
    assert len(server.heads) == 1


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(
    "target", ["http://inside.test/x", "http://127.0.0.1:1/x", "http://[::1]/x", "//10.0.0.1/x"]
)
async def test_a_redirect_to_a_private_address_is_not_followed(http: Http, serve: Any, target: str) -> None:
    server = serve(lambda head: reply(b"", "302 Found", f"Location: {target}"))
    with pytest.raises(InvalidShot, match="private address"):
        await fetch(http, f"http://cdn.test:{server.port}/a", Guard(("cdn.test",)))


@pytest.mark.usefixtures("names")
async def test_redirects_keep_the_range_and_lose_the_key(http: Http, serve: Any) -> None:
    def answer(head: str) -> bytes:
        if head.startswith("GET /a"):
            return reply(b"", "302 Found", "Location: /b?x=1")
        return reply(b"film", "206 Partial Content")

    server = serve(answer)
    request = httpx.Request("GET", "/a", headers={"Range": "bytes=5-", "If-Range": '"v1"'})
    signer: Any = Signer()
    local = Guard(("127.0.0.1",))
    async with http.stream(request, local, adapter=signer, access=access(server)) as response:
        assert await response.aread() == b"film"
    assert f"Bearer {KEY}" in server.heads[0]
    assert "bearer" not in server.heads[1].lower()
    assert "range: bytes=5-" in server.heads[1].lower()
    assert 'if-range: "v1"' in server.heads[1].lower()


@pytest.mark.usefixtures("names")
async def test_redirects_end(http: Http, serve: Any) -> None:
    server = serve(lambda head: reply(b"", "302 Found", "Location: /again"))
    with pytest.raises(ProviderUnavailable, match="too many redirects"):
        await fetch(http, f"http://cdn.test:{server.port}/a", Guard(("*",)))
    assert len(server.heads) <= 7


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "http:///x", "gopher://127.0.0.1/"])
async def test_only_http_fetches_files(http: Http, url: str) -> None:
    with pytest.raises(ProviderUnavailable, match="scheme"):
        await fetch(http, url, Guard(("*",)))


async def test_behind_a_proxy_names_are_left_to_it_and_written_private_addresses_refused(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(lambda head: reply(b"film"))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    http = Http(now=lambda: 0.0)
    assert await fetch(http, "http://cdn.example/clip.mp4", Guard()) == b"film"
    assert proxy.heads[0].startswith("GET http://cdn.example/clip.mp4 ")
    for host in ("127.0.0.1", "10.1.2.3", "localhost"):
        with pytest.raises(InvalidShot, match="private"):
            await fetch(http, f"http://{host}/x", Guard())
    await http.aclose()


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.0.0.1", False),
        ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False),
        ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("::", False),
        ("fe80::1", False), ("fc00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False), ("64:ff9b::808:808", True), ("2002:7f00:1::", False), ("ff02::1", False),
    ],
)  # fmt: skip
async def test_which_addresses_are_private(address: str, fine: bool) -> None:
    host = f"[{address}]" if ":" in address else address
    if fine:
        assert ip_address(await Guard().address(host, 443)) == ip_address(address)
    else:
        with pytest.raises(InvalidShot):
            await Guard().address(host, 443)
        assert ip_address(await Guard(("*",)).address(host, 443)) == ip_address(address)


# --- secrets -----------------------------------------------------------------------------------------------------


async def test_no_key_and_no_signed_link_reaches_disk_log_or_error(
    stage: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    secrets = (stage.KEY.encode(), b"signature=fake")
    for number, script in enumerate((["succeed"], ["lose"], ["drop"], ["reject_input"], ["fail"]), start=1):
        stage.make_vendor(script)
        async with stage.studio() as studio:
            try:
                await studio.shoot(stage.shot, take=number)
            except Exception as error:
                seen += [str(error), repr(error)]
            seen += [repr(studio.jobs()), repr(studio), str(studio.ledger()), repr(studio.access)]
            seen += [str(studio.timeline(job.id)) for job in studio.jobs()]
    assert any(b"signature" in r.url.query for r in stage.vendor.requests) or stage.vendor.requests
    seen += [record.getMessage() + str(record.exc_text or "") for record in caplog.records]
    for path in (p for p in stage.home.rglob("*") if p.is_file()):
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets), path
    assert not any(secret.decode() in text for secret in secrets for text in seen)


async def test_a_real_client_logs_no_query_of_a_signed_link(
    http: Http, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(lambda head: reply(b"film"))
    url = f"http://127.0.0.1:{server.port}/clip.mp4?X-Signature=abcdef0123456789"
    await fetch(http, url, Guard(("*",)))
    await run(http, server, create())
    assert "abcdef0123456789" in server.heads[0]
    assert caplog.records
    assert "abcdef0123456789" not in caplog.text
    assert KEY not in caplog.text
