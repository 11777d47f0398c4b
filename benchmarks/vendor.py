"""The emulator as a vendor under load: slow to answer, its jobs as long as asked, and nothing refused.

python benchmarks/vendor.py [--latency 0.15] [--seconds 20] [--spread 0]

Prints its URL. ``GET /_load`` tells when each job was made and ready (Unix seconds) and how many requests came of
each kind (``create``, ``poll``, ``find`` and so on); ``POST /_load`` forgets them. ``GET /_running`` tells how many
jobs run now. What the emulator checks in time
that grows with the jobs it has (balance, concurrency, a tag used twice) is left out: it would be the vendor's speed
that is measured.
"""

import argparse
import socket
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import anyio
import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dramagen.emulator import app
from dramagen.emulator.faults import Fault, Faults
from dramagen.emulator.kling import tasks as kling
from dramagen.emulator.state import Account, Job

GOLDEN = 0.6180339887498949
"""Multiples of it, without their whole part, fill the line from 0 to 1 evenly in whatever order they come."""

SETTINGS: dict[str, dict[str, Any]] = {
    "wan": {"task_qps": 0, "create_rps": 0},
    "replicate": {"wait_output": True},
}
"""No rates; and a create held until its job has ended brings the clip's URL, or nobody could tell which it was."""


class Load:
    """Wraps the emulator: answers after ``latency`` seconds, and counts."""

    def __init__(self, inner: ASGIApp, latency: float, seconds: float, spread: float) -> None:
        self._inner = inner
        self._latency = latency
        self._seconds = seconds
        self._spread = spread
        self._jobs: dict[str, Job] = {}
        self._requests: Counter[str] = Counter()

    def made(self, job: Job) -> None:
        """A job was accepted: it runs for as long as is its share of the spread, and begins now."""
        job.warmup = 0.0
        job.starts = job.created
        job.seconds = self._seconds + self._spread * (len(self._jobs) * GOLDEN % 1)
        self._jobs[job.id] = job

    def asked(self, on: str) -> None:
        """A request of that kind came."""
        self._requests[on] += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
        elif scope["path"] == "/_load":
            await self._answer(scope)(scope, receive, send)
        elif scope["path"] == "/_running":
            now = time.time()
            running = sum(job.ends > now for job in self._jobs.values())
            await JSONResponse({"running": running})(scope, receive, send)
        else:
            if "/_files/" not in scope["path"]:
                await anyio.sleep(self._latency)
            await self._inner(scope, receive, send)

    def _answer(self, scope: Scope) -> JSONResponse:
        jobs = {job.id: (job.created, job.ends) for job in self._jobs.values()}
        answer = JSONResponse({"jobs": jobs, "requests": dict(self._requests)})
        if scope["method"] == "POST":
            self._jobs.clear()
            self._requests.clear()
        return answer


def unchecked(load: Load) -> None:
    """Take out of the emulator what would make it the slow one."""
    add, take = Account.add, Faults.take

    def added(self: Account, job: Job, **lane: Any) -> None:
        load.made(job)
        add(self, job, lane=lane["lane"])

    def taken(self: Faults, provider: str, on: str) -> Fault | None:
        load.asked(on)
        return take(self, provider, on)

    # An emulator of thousands of jobs asks each of them on every create; this vendor has room for all.
    Account.add = added  # type: ignore[method-assign]  # a benchmark's own process
    Account.spent = lambda self, now: Decimal(0)  # type: ignore[method-assign]  # likewise
    Account.unfinished = lambda self, model, now: 0  # type: ignore[method-assign]  # likewise
    Faults.take = taken  # type: ignore[method-assign]  # the one place that is told what each request asks for
    kling.by_external_id = lambda account, external_id: None


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.15)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--spread", type=float, default=0.0)
    asked = parser.parse_args()
    load = Load(app(settings=SETTINGS), asked.latency, asked.seconds, asked.spread)
    unchecked(load)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(
            load, log_level="error", access_log=False, lifespan="on", ws="none",
            timeout_keep_alive=75,  # seconds, as servers have it that expect their clients back
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
