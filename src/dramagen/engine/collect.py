"""Fetching a finished file: to disk while hashing, going on where it broke off, atomically into the store."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
import tenacity

from dramagen.adapters.base import Download, Ticket
from dramagen.engine.clock import Clock
from dramagen.engine.guard import is_private
from dramagen.engine.http import Http
from dramagen.engine.service import Service
from dramagen.errors import DramagenError, ProviderUnavailable
from dramagen.store import Store
from dramagen.store.blobs import Stored

SIZE_LIMIT = 4 * 1024**3
"""Bytes. The longest 4k clip any vendor makes is far smaller."""

TRIES = 8


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
            JobExpired: the vendor no longer has it.
            ProviderUnavailable: it could not be fetched for now. The job stays ready; asking again goes on.
        """
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type((Broken, ProviderUnavailable)),
            stop=tenacity.stop_after_attempt(TRIES),
            wait=tenacity.wait_random_exponential(multiplier=1, max=20),
            sleep=self.clock.sleep,
            reraise=True,
        )
        part = await anyio.to_thread.run_sync(self.store.originals.staging, name)
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
        return await anyio.to_thread.run_sync(self.store.originals.put_file, part, "mp4", digest)

    async def _fetch(self, download: Download, part: Path, service: Service) -> str:
        have = await anyio.to_thread.run_sync(_size, part)
        request = httpx.Request(
            download.request.method, download.request.url,
            headers={k: v for k, v in download.request.headers.items() if k.lower() != "host"},
            extensions=dict(download.request.extensions),
        )  # fmt: skip
        if have:
            request.headers["Range"] = f"bytes={have}-"
        request.headers["Accept-Encoding"] = (
            "identity"  # a range of a compressed stream is no range of the file
        )
        guard = self.http.guard
        if is_private(service.access.host):
            guard = guard.plus("*")
        own = (service.adapter, service.access) if download.authenticated else (None, None)
        try:
            async with self.http.stream(request, guard, adapter=own[0], access=own[1]) as response:
                start = await self._start(response, have, part)
                return await _write(response, part, start)
        except (httpx.HTTPError, httpx.StreamError) as problem:
            raise Broken(type(problem).__name__) from None

    async def _start(self, response: httpx.Response, have: int, part: Path) -> int:
        """Where in the file the answer's body begins. Raises for an answer that is no file."""
        if response.status_code == 206:
            begins = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
            if begins and int(begins[1]) <= have:
                return int(begins[1])
            raise Broken("the server answered with another range")
        if response.status_code == 416 and have:
            await anyio.to_thread.run_sync(_truncate, part, 0)
            raise Broken("the file is shorter than what came before")
        if response.status_code == 200:
            return 0
        if response.status_code in (401, 403, 404, 410):
            raise Broken(f"the link is dead (HTTP {response.status_code})")
        raise Broken(f"HTTP {response.status_code}")


async def _write(response: httpx.Response, part: Path, start: int) -> str:
    expected = response.headers.get("content-length")
    hasher = await anyio.to_thread.run_sync(_hashed, part, start)
    size = start
    async with await anyio.open_file(part, "r+b") as file:
        await file.seek(start)
        await file.truncate()
        async for chunk in response.aiter_raw(1 << 18):
            size += len(chunk)
            if size > SIZE_LIMIT:
                raise DramagenError(f"a file of more than {SIZE_LIMIT:,} bytes is no clip", billed=True)
            hasher.update(chunk)
            await file.write(chunk)
    if expected is not None and size - start != int(expected):
        raise Broken(f"{size - start:,} of {int(expected):,} bytes")
    if not size:
        raise Broken("the file is empty")
    return hasher.hexdigest()


def _size(path: Path) -> int:
    path.touch(mode=0o600)
    return path.stat().st_size


def _truncate(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def _hashed(path: Path, size: int) -> "hashlib._Hash":
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        left = size
        while left and (chunk := file.read(min(left, 1 << 20))):
            hasher.update(chunk)
            left -= len(chunk)
    return hasher
