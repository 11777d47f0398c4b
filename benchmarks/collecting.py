"""Fetching a clip: hashed, checked against its length and stored for good, against a bare stream to disk.

python benchmarks/collecting.py [--json]

A file of 256 MiB from a server in a process of its own on loopback, in turn through the collector and through httpx's
``aiter_bytes`` written to a file and synced to disk, five times each after one that is not counted. On loopback
nothing hides the processor's work; over a network both wait for the vendor.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
from report import Row, main

from dramagen.adapters.base import Download, Flow, Ticket
from dramagen.catalog.route import Route
from dramagen.engine.clock import RealClock
from dramagen.engine.collect import Collector
from dramagen.engine.guard import Guard
from dramagen.engine.http import Http
from dramagen.store import Store

SIZE = 256 * 2**20
RUNS = 5

SERVER = """
import asyncio, sys
BLOCK = bytes(range(256)) * 4096
async def serve(reader, writer):
    try:
        await reader.readuntil(b"\\r\\n\\r\\n")
        size = int(sys.argv[1])
        head = f"HTTP/1.1 200 OK\\r\\ncontent-length: {size}\\r\\netag: \\"v1\\"\\r\\nconnection: close\\r\\n\\r\\n"
        writer.write(head.encode())
        for _ in range(size // len(BLOCK)):
            writer.write(BLOCK)
            await writer.drain()
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[2]))
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class Waiting:
    """A vendor whose file is ready: there is nothing to ask."""

    host = "127.0.0.1"

    def __init__(self, url: str) -> None:
        self._url = url

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """Where it is."""
        yield from ()
        return Download(httpx.Request("GET", self._url))


async def bare(url: str, folder: Path) -> None:
    """What is least: every byte on disk. Nothing is hashed, nothing is checked."""
    path = folder / "bare.mp4"
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client, client.stream("GET", url) as answer:
        with path.open("wb") as file:
            async for chunk in answer.aiter_bytes():
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    path.unlink()


async def collected(url: str, folder: Path, number: int) -> None:
    """The same through the collector, into a store of its own."""
    http = Http(guard=Guard(("127.0.0.1",)), now=time.time)
    store = Store(folder / f"store-{number}")
    vendor: Any = SimpleNamespace(adapter=Waiting(url), access=Waiting(url), route=None)
    stored = await Collector(http, store, RealClock()).collect(
        "job", Ticket(id="job", route=Route.from_id("wan:cn/wan-3.0")), vendor
    )
    await http.aclose()
    assert stored.path.stat().st_size == SIZE
    stored.path.unlink()


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    begun, used = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - begun, time.process_time() - used


def measure() -> list[Row]:
    """In turn, so that whatever else the machine does meets both."""
    taken: dict[str, list[tuple[float, float]]] = {"bare stream to disk": [], "collect": []}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/clip.mp4"
    with (
        tempfile.TemporaryDirectory() as place,
        subprocess.Popen(
            [sys.executable, "-c", SERVER, str(SIZE), str(port)], stdout=subprocess.PIPE, text=True
        ) as server,
    ):
        try:
            assert server.stdout is not None
            server.stdout.readline()
            folder = Path(place)
            for number in range(RUNS + 1):
                taken["bare stream to disk"].append(timed(lambda: anyio.run(bare, url, folder)))
                taken["collect"].append(timed(partial(anyio.run, collected, url, folder, number)))
        finally:
            server.terminate()
    rows = []
    for what, runs in taken.items():
        wall, cpu = (min(column[1:]) for column in zip(*runs, strict=True))
        rows.append({"what": what, "mb_per_s": round(SIZE / 1e6 / wall), "cpu_s": round(cpu, 2)})
    for row in rows:
        row["ratio"] = round(row["mb_per_s"] / rows[0]["mb_per_s"], 2)
    return rows


if __name__ == "__main__":
    main(__doc__, measure)
