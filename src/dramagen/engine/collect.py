"""Fetching a finished file: to disk while hashing, going on where it broke off, atomically into the store."""

import hashlib
import re
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import anyio
import anyio.to_thread
import httpx
import tenacity

from dramagen.adapters.base import Download, Ticket
from dramagen.engine.clock import Clock
from dramagen.engine.guard import is_private
from dramagen.engine.http import Http
from dramagen.engine.service import Service
from dramagen.errors import DramagenError, JobExpired, ProviderUnavailable
from dramagen.store import Store
from dramagen.store.blobs import Stored, hash_file
from dramagen.store.durable import room_for, sync_file, write_whole

SIZE_LIMIT = 4 * 1024**3
"""Bytes. The longest 4k clip any vendor makes is far smaller."""

BLOCK = 1 << 20
"""Bytes written at once."""

TRIES = 8

PATIENCE = 1800.0
"""Seconds one connection may take for a file; a trickle is broken off, and asked for again from where it is."""


class Broken(Exception):
    """The file did not arrive whole; what came is kept and the rest is asked for."""


@dataclass(frozen=True, slots=True)
class Collector:
    """Fetches files into the store."""

    http: Http
    store: Store
    clock: Clock

    async def collect(self, name: str, ticket: Ticket, service: Service) -> Stored:
        """The finished file, stored by its content.

        Args:
            name: the same for every try at this file, also after a restart: its beginning is reused.

        Raises:
            JobExpired: the vendor no longer has it, and went on saying so.
            ProviderUnavailable: it could not be fetched for now. The job stays ready; asking again goes on.
            DiskFull, StoreUnavailable: it could not be stored; likewise, and it is not fetched again for that.
        """
        retrying = tenacity.AsyncRetrying(
            # Gone is not believed at once: a list that is behind looks the same.
            retry=tenacity.retry_if_exception_type((Broken, ProviderUnavailable, JobExpired)),
            stop=tenacity.stop_after_attempt(TRIES),
            wait=tenacity.wait_random_exponential(multiplier=1, max=20),
            sleep=self.clock.sleep,
            reraise=True,
        )
        part = await anyio.to_thread.run_sync(_Part, self.store, name)
        whole = await anyio.to_thread.run_sync(part.whole)
        if whole is not None:
            return await anyio.to_thread.run_sync(part.store, whole)
        try:
            async for attempt in retrying:
                with attempt:
                    # A fresh link each time: a signed one may have died meanwhile.
                    flow = service.adapter.deliver(ticket)
                    download = await self.http.run(flow, service.adapter, service.access)
                    digest = await self._fetch(download, part, service)
        except Broken as last:
            raise ProviderUnavailable(
                f"the file of job {ticket.id} could not be fetched whole: {last}. It is paid for; resume fetches it",
                provider=service.route.provider, model=service.route.model, billed=True,
            ) from None  # fmt: skip
        return await anyio.to_thread.run_sync(part.store, digest)

    async def _fetch(self, download: Download, part: "_Part", service: Service) -> str:
        have = await anyio.to_thread.run_sync(part.size)
        headers = {k: v for k, v in download.request.headers.items() if k.lower() != "host"}
        # A range of a compressed stream is no range of the file.
        headers["Accept-Encoding"] = "identity"
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": part.version()}
        request = httpx.Request(
            download.request.method, download.request.url, headers=headers,
            extensions=dict(download.request.extensions),
        )  # fmt: skip
        guard = self.http.guard
        if is_private(service.access.host):
            guard = guard.plus("*")
        own = (service.adapter, service.access) if download.authenticated else (None, None)
        try:
            with anyio.fail_after(PATIENCE), room_for(self.store.home):
                async with self.http.stream(request, guard, adapter=own[0], access=own[1]) as response:
                    start = await self._start(response, have, part)
                    return await _write(response, part, start)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, TimeoutError) as problem:
            raise Broken(type(problem).__name__) from None

    async def _start(self, response: httpx.Response, have: int, part: "_Part") -> int:
        """Where in the file the answer's body begins. Raises for an answer that is no file."""
        status = response.status_code
        if status == 200:
            await anyio.to_thread.run_sync(part.begin, _version(response))
            return 0
        if status in (206, 416) and have:
            begins = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
            if status == 206 and begins and int(begins[1]) == have and part.continues(_version(response)):
                return have
            await anyio.to_thread.run_sync(part.begin, "")
            raise Broken("what came before does not go on here; it is fetched anew")
        if status in (401, 403, 404, 410):
            raise Broken(f"the link is dead (HTTP {status})")
        raise Broken(f"HTTP {status}")


class _Part:
    """The beginning of a file, and beside it which version of the file that is, both kept over a restart."""

    def __init__(self, store: Store, name: str) -> None:
        self._blobs = store.originals
        self.path = self._blobs.staging(name)
        self._seal = self._blobs.staging(f"{name}-version")
        self._done = self._blobs.staging(f"{name}-whole")

    def size(self) -> int:
        """Bytes that can be gone on from: none where the server named no version of the file."""
        self.path.touch(mode=0o600)
        if not self.version():
            self.begin("")
        return self.path.stat().st_size

    def version(self) -> str:
        """The server's mark of the version of the file that was begun."""
        try:
            return self._seal.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def continues(self, version: str) -> bool:
        """Whether an answer's version is the one begun. Some servers answer with a range whatever was asked."""
        return not version or version == self.version()

    def begin(self, version: str) -> None:
        """Forget what came, then note the version of what comes now."""
        with self.path.open("wb"):
            pass
        self._seal.write_text(version, "utf-8")

    def whole(self) -> str | None:
        """The hash of a file that arrived whole before and could not be stored: it need not be fetched again."""
        if not self._done.exists():
            return None
        digest = self._done.read_text("utf-8")
        whole = self.path.exists() and hash_file(self.path) == digest
        if not whole:
            self._done.unlink(missing_ok=True)
        return digest if whole else None

    def store(self, digest: str) -> Stored:
        """Move the whole file into the store."""
        if self._blobs.remote is not None:
            # That takes a while and may fail, and the vendor's link may be dead by the next try.
            sync_file(self.path)
            write_whole(self._done, digest.encode())
        stored = self._blobs.put_file(self.path, "mp4", digest)
        self._forget()
        return stored

    def discard(self) -> None:
        """Leave nothing behind."""
        self.path.unlink(missing_ok=True)
        self._forget()

    def _forget(self) -> None:
        self._seal.unlink(missing_ok=True)
        self._done.unlink(missing_ok=True)


def _version(response: httpx.Response) -> str:
    """A strong validator (RFC 9110, 8.8): only those may be used to put ranges together."""
    etag = str(response.headers.get("etag", ""))
    return "" if etag.startswith("W/") or _packed(response) else etag


def _packed(response: httpx.Response) -> bool:
    return bool(response.headers.get("content-encoding", "identity") != "identity")


async def _write(response: httpx.Response, part: _Part, start: int) -> str:
    expected = response.headers.get("content-length")
    encoded = _packed(response)
    hasher = await anyio.to_thread.run_sync(_hashed, part.path, start)
    size = start
    # Unpacked where it comes compressed although we asked for it as it is; never gone on with then. No chunk size:
    # what waits in a chunk when the connection breaks would be fetched again.
    body = aclosing(response.aiter_bytes())  # type: ignore[type-var]  # a generator, declared as an iterator
    with await anyio.to_thread.run_sync(_opened, part.path, start) as file:
        writer = _Writer(file, hasher)
        async with body as chunks:
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > SIZE_LIMIT:
                        await anyio.to_thread.run_sync(part.discard)
                        raise DramagenError(
                            f"a file of more than {SIZE_LIMIT:,} bytes is no clip", billed=True
                        )
                    if writer.take(chunk):
                        await anyio.to_thread.run_sync(writer.write)
            finally:
                with anyio.CancelScope(shield=True):  # what came is gone on from, however this ends
                    await anyio.to_thread.run_sync(writer.write)
    if expected is not None and not encoded and size - start != int(expected):
        raise Broken(f"{size - start:,} of {int(expected):,} bytes")
    if not size:
        raise Broken("the file is empty")
    return hasher.hexdigest()


def _opened(path: Path, start: int) -> BinaryIO:
    """The file, to be written from ``start`` on."""
    file = path.open("r+b", buffering=0)
    file.seek(start)
    file.truncate()
    return file


class _Writer:
    """Hashes and writes in blocks: a thread for every packet would take longer than the packets."""

    def __init__(self, file: BinaryIO, hasher: "hashlib._Hash") -> None:
        self._file, self._hasher = file, hasher
        self._waiting: list[bytes] = []
        self._size = 0

    def take(self, chunk: bytes) -> bool:
        """Keep a chunk for later; whether there is enough to write."""
        self._waiting.append(chunk)
        self._size += len(chunk)
        return self._size >= BLOCK

    def write(self) -> None:
        """Write what waits."""
        block = memoryview(b"".join(self._waiting))
        self._waiting, self._size = [], 0
        self._hasher.update(block)
        while block:
            block = block[self._file.write(block) :]


def _hashed(path: Path, size: int) -> "hashlib._Hash":
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        left = size
        while left and (chunk := file.read(min(left, 1 << 20))):
            hasher.update(chunk)
            left -= len(chunk)
    return hasher
