"""The one place that talks HTTP.

A flow yields unsigned requests; here each gets its host and its signature, is sent within its time limits,
and its answer is handed back. A create goes over a connection no earlier request has used, is announced to
the caller just before it is sent, and is never repeated here.
"""

import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import Any, Protocol, TypeVar
from urllib.request import getproxies, proxy_bypass

import anyio
import anyio.abc
import httpx

from dramagen.adapters.base import HOST, PAID, Flow, Secret
from dramagen.catalog.access import Access
from dramagen.engine.guard import Guard, is_private
from dramagen.engine.http_logs import silence
from dramagen.errors import DramagenError, ProviderUnavailable
from dramagen.redact import redact

T = TypeVar("T")

ANSWER_LIMIT = 32 * 1024 * 1024
"""Bytes; no vendor's JSON answer comes near it."""

REDIRECTS = 5

CREATES = 32
"""Creates under way to one host at once; more than any vendor takes from one key."""

_NOT_SENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol,
)  # fmt: skip
"""Failures after which the request cannot have arrived. A proxy's refusal comes before the request is sent."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds each phase of a request may take."""

    connect: float = 10.0
    write: float = 60.0
    read: float = 30.0
    create: float = 120.0
    """Reading the answer to a create: vendors look at inlined media for tens of seconds before they answer."""

    def timeout(self, paid: bool) -> httpx.Timeout:
        """As the client takes it."""
        read = self.create if paid else self.read
        return httpx.Timeout(connect=self.connect, write=self.write, read=read, pool=self.connect)


class LostAnswer(Exception):
    """A create was sent, or may have been, and no answer that can be understood came back."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was about to be sent, for the journal: a digest of the body, and nothing that is secret."""

    method: str
    path: str
    body_digest: str


OnCreate = Callable[[Sent], Awaitable[None]]


class Signer(Protocol):
    """Puts a credential on a request; of an adapter, all that sending needs."""

    def sign(self, request: httpx.Request, secret: Secret, now: float) -> None:
        """Sign the request in place."""
        ...


class Http:
    """All connections of one studio. ``transports`` serve URL schemes of their own (``previz://``)."""

    def __init__(
        self,
        *,
        guard: Guard | None = None,
        limits: Limits | None = None,
        transports: Mapping[str, httpx.AsyncBaseTransport] | None = None,
        now: Callable[[], float],
    ) -> None:
        silence()
        self.guard = guard or Guard()
        self._limits = limits or Limits()
        self._timeouts = {paid: self._limits.timeout(paid).as_dict() for paid in (False, True)}
        self._now = now
        self._transports = dict(transports or {})
        self._clients: dict[tuple[bool, bool, bool], httpx.AsyncClient] = {}
        self._direct: dict[tuple[bool, bool, bool], httpx.AsyncBaseTransport | None] = {}
        self._creates: dict[str, anyio.Semaphore] = {}
        self._ahead: dict[str, float] = {}
        self._ssl: ssl.SSLContext | None = None

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()
        for transport in self._direct.values():
            if transport is not None:
                await transport.aclose()
        self._clients.clear()
        self._direct.clear()

    def creating(self, access: Access) -> anyio.Semaphore:
        """Held while a create is announced and sent.

        Without it thousands that are begun together would all be announced before the first is sent, and after a
        crash all of them would be unknown.
        """
        return self._creates.setdefault(access.host, anyio.Semaphore(CREATES, fast_acquire=True))

    def ahead(self, access: Access) -> float | None:
        """Seconds by which the vendor's clock is ahead of ours, by its last refusal of a create; None if unknown."""
        return self._ahead.get(access.host)

    # --- flows -------------------------------------------------------------------------------------------

    async def run(
        self,
        flow: Flow[T],
        adapter: Signer,
        access: Access,
        *,
        on_create: OnCreate | None = None,
        pace: Callable[[], Awaitable[None]] | None = None,
    ) -> T:
        """Drive a flow to its value. ``pace`` is waited for before each of its free requests.

        Raises the flow's typed errors; ``ProviderUnavailable`` where a free request got no answer, or a create
        was certainly not sent (then ``refused`` is set); ``LostAnswer`` where a create may have been sent; and
        whatever ``on_create`` raises, in which case the create was not sent.
        """
        sent = False
        response: httpx.Response | None = None
        try:
            while True:
                try:
                    request = next(flow) if response is None else flow.send(response)
                except StopIteration as finished:
                    value: T = finished.value
                    return value
                except DramagenError as error:
                    error.hide(*access.secrets())
                    raise
                except Exception as problem:
                    # An adapter that trips over an answer must not lose the job behind it.
                    what = redact(f"{type(problem).__name__}: {problem}", *access.secrets(), limit=200)
                    if sent:
                        raise LostAnswer(f"the answer to the create was not understood ({what})") from None
                    raise ProviderUnavailable(
                        f"an answer was not understood ({what})", provider=access.provider, billed=None
                    ) from None
                paid = bool(request.extensions.get(PAID))
                if pace is not None and not paid:
                    await pace()
                response = await self._exchange(request, adapter, access, on_create if paid else None)
                sent = sent or paid
        finally:
            flow.close()

    async def _exchange(
        self, request: httpx.Request, adapter: Signer, access: Access, on_create: OnCreate | None
    ) -> httpx.Response:
        paid = bool(request.extensions.get(PAID))
        if request.url.is_absolute_url and not paid:
            # Where a vendor says a file is to be put: checked like any address out of an answer, and never signed.
            guard = self.guard.plus("*") if is_private(access.host) else self.guard
            ready = await self._checked(request, guard)
        else:
            ready = self._addressed(request, access)
            adapter.sign(ready, access.secret or Secret(), self._now())
        send = self._sender(ready.url, fresh=paid or request.url.is_absolute_url)
        if paid and on_create is not None:
            await on_create(Sent(ready.method, ready.url.path, hashlib.sha256(ready.content).hexdigest()))
        try:
            with anyio.fail_after(self._limits.create * 2 if paid else self._limits.read * 4):
                answer = await send(ready)
                try:
                    body = await _body(answer)
                finally:
                    await answer.aclose()
        except _NOT_SENT as problem:
            raise ProviderUnavailable(
                f"{access.host} cannot be reached ({type(problem).__name__})",
                provider=access.provider,
                refused=True,
            ) from None
        except Exception as problem:
            # Whatever else went wrong, the request may have arrived.
            why = f"no answer from {access.host} ({type(problem).__name__})"
            if paid:
                raise LostAnswer(why) from None
            raise ProviderUnavailable(why, provider=access.provider, billed=None) from None
        if paid and not answer.is_success:
            self._compare_clocks(access, answer)
        headers = [(k, v) for k, v in answer.headers.raw if k.lower() not in _UNDONE]
        return httpx.Response(answer.status_code, headers=headers, content=body, request=ready)

    def _compare_clocks(self, access: Access, answer: httpx.Response) -> None:
        try:
            told = parsedate_to_datetime(answer.headers["date"])
            # HTTP knows no other zone (RFC 9110, 5.6.7); one that is not said would be taken for this machine's.
            told = told if told.tzinfo else told.replace(tzinfo=UTC)
            self._ahead[access.host] = told.timestamp() - self._now()
        except (KeyError, ValueError, OverflowError):
            self._ahead.pop(access.host, None)

    def _addressed(self, request: httpx.Request, access: Access) -> httpx.Request:
        url = _url(access.url(request.url.raw_path.decode("ascii"), request.extensions.get(HOST)))
        headers = [(k, v) for k, v in request.headers.raw if k.lower() != b"host"]
        timeout = self._timeouts[bool(request.extensions.get(PAID))]
        extensions = {**request.extensions, "timeout": timeout}
        return httpx.Request(
            request.method, url, headers=headers, content=request.read(), extensions=extensions
        )

    # --- files -------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def stream(
        self,
        request: httpx.Request,
        guard: Guard,
        *,
        adapter: Signer | None = None,
        access: Access | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Open a file for reading. Redirects are followed here, each checked like the first address.

        With ``access`` the request is signed like any other call to that provider, and its redirects are not.
        """
        if access is not None and adapter is not None:
            ready = self._addressed(request, access)
            adapter.sign(ready, access.secret or Secret(), self._now())
        else:
            ready = await self._checked(request, guard)
        for _ in range(REDIRECTS + 1):
            origin = httpx.URL(ready.extensions.get("dramagen.url", str(ready.url)))
            # Never a connection another name was proven on: many names share an address.
            client = self._client(origin, fresh=True)
            response = await client.send(ready, stream=True, follow_redirects=False)
            try:
                target = response.headers.get("location")
                if not (response.is_redirect and target):
                    yield response
                    return
            finally:
                await response.aclose()
            kept = {k: v for k, v in request.headers.items() if k.lower() in ("range", "accept", "if-range")}
            ready = await self._checked(httpx.Request("GET", origin.join(target), headers=kept), guard)
        raise ProviderUnavailable("a file hides behind too many redirects", billed=None)

    async def _checked(self, request: httpx.Request, guard: Guard) -> httpx.Request:
        url = request.url
        if url.scheme in self._transports:
            return request
        if url.scheme not in ("http", "https") or not url.host:
            raise ProviderUnavailable(
                f"a file cannot be fetched over {url.scheme or 'no'} scheme", billed=None
            )
        port = url.port or (443 if url.scheme == "https" else 80)
        headers = {
            k: v for k, v in request.headers.items() if k.lower() not in ("host", "authorization", "cookie")
        }
        extensions = {"dramagen.url": str(url), "timeout": self._timeouts[False]}
        if _proxied(url):
            # The proxy looks the name up; there is no address here to hold on to.
            guard.check_written(url.host)
            return httpx.Request(
                request.method, url, headers=headers, content=request.read(), extensions=extensions
            )
        address = await guard.address(url.host, port)
        return httpx.Request(
            request.method,
            url.copy_with(host=address),
            headers={**headers, "Host": url.netloc.decode("ascii")},
            content=request.read(),
            extensions=extensions | {"sni_hostname": url.host},
        )

    # --- connections -------------------------------------------------------------------------------------

    def _sender(self, url: httpx.URL, *, fresh: bool) -> Callable[[httpx.Request], Awaitable[httpx.Response]]:
        """What sends a request there and returns once the answer's head is read.

        A client's cookies, redirects and passwords are of no use to a flow, and cost as much as the sending. It is
        needed where a proxy stands between: it knows those.
        """
        transport = None if url.userinfo else self._transport(url, fresh=fresh)
        if transport is not None:
            return transport.handle_async_request
        return partial(self._client(url, fresh=fresh).send, stream=True, follow_redirects=False)

    def _transport(self, url: httpx.URL, *, fresh: bool) -> httpx.AsyncBaseTransport | None:
        if url.scheme in self._transports:
            return self._transports[url.scheme]
        local = _local(url.host)
        key = (fresh, local, url.scheme == "https")
        if key not in self._direct:
            straight = local or not getproxies()  # a proxy cannot reach this machine's own servers
            trust, limits = self._trust(url.scheme, local), _pool(fresh)
            self._direct[key] = httpx.AsyncHTTPTransport(verify=trust, limits=limits) if straight else None
        return self._direct[key]

    def _client(self, url: httpx.URL, *, fresh: bool) -> httpx.AsyncClient:
        local = _local(url.host)
        key = (fresh, local, url.scheme == "https")
        if key not in self._clients:
            self._clients[key] = httpx.AsyncClient(
                verify=self._trust(url.scheme, local),
                trust_env=not local,
                limits=_pool(fresh),
                mounts={f"{scheme}://": transport for scheme, transport in self._transports.items()},
            )
        return self._clients[key]

    def _trust(self, scheme: str, local: bool) -> ssl.SSLContext:
        if "https" in self._transports or (local and scheme == "http"):
            # No TLS is spoken there. Reading the machine's certificates takes 0.1 s; this trusts nobody.
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self._ssl is None:
            self._ssl = httpx.create_ssl_context()
        return self._ssl


Handle = Callable[[str, str, bytes], Awaitable[Any]]


class LocalTransport(httpx.AsyncBaseTransport):
    """Serves a URL scheme from this process: ``handle(method, path, body)`` answers with status, headers, content.

    ``content`` is bytes or a path; a ``Range`` of the form ``bytes=N-`` is honoured for files.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._handle(
            request.method, request.url.raw_path.decode("ascii"), await request.aread()
        )
        content = answer.content
        if isinstance(content, bytes):
            return httpx.Response(
                answer.status, headers=dict(answer.headers), content=content, request=request
            )
        path = anyio.Path(content)
        size = (await path.stat()).st_size
        start = _range_start(request.headers.get("range"))
        headers = {k.lower(): v for k, v in answer.headers.items()}
        headers |= {"content-length": str(size - start), "accept-ranges": "bytes"}
        status = answer.status
        if start:
            status, headers["content-range"] = 206, f"bytes {start}-{size - 1}/{size}"
        return httpx.Response(status, headers=headers, stream=_FileStream(path, start), request=request)


class _FileStream(httpx.AsyncByteStream):
    def __init__(self, path: anyio.Path, start: int) -> None:
        self._path, self._start = path, start

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with await self._path.open("rb") as file:
            await file.seek(self._start)
            while chunk := await file.read(1 << 16):
                yield chunk


def _range_start(header: str | None) -> int:
    if header and header.startswith("bytes=") and header.endswith("-"):
        return int(header[6:-1])
    return 0


def _pool(fresh: bool) -> httpx.Limits:
    return httpx.Limits(max_connections=None, max_keepalive_connections=0 if fresh else 64)


@lru_cache(maxsize=64)
def _url(text: str) -> httpx.URL:
    # Reading one costs as much as a tenth of a request, and every create of a route goes to the same one.
    return httpx.URL(text)


_local = lru_cache(maxsize=64)(is_private)


_UNDONE = (b"content-encoding", b"content-length", b"transfer-encoding")
"""Headers of how a body travelled, which say nothing of it once it is read."""


async def _body(response: httpx.Response) -> bytes:
    chunks, size = [], 0
    async for chunk in response.aiter_bytes() if "content-encoding" in response.headers else _plain(response):
        size += len(chunk)
        if size > ANSWER_LIMIT:
            raise httpx.ReadError("the answer is too long")
        chunks.append(chunk)
    return b"".join(chunks)


def _plain(response: httpx.Response) -> httpx.AsyncByteStream:
    """The body as it travels: what unpacks is several generators deep."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return response.stream


def _proxied(url: httpx.URL) -> bool:
    """Whether the environment sends this URL through a proxy, as the client itself will decide."""
    proxies = getproxies()
    named = url.scheme in proxies or "all" in proxies
    return named and not is_private(url.host) and not proxy_bypass(url.host)
