"""Jobs paid for one order when answers are lost: this library and others, each as its defaults have it.

python benchmarks/lost.py [--json]

One logical create for each of: the connection cut, an answer three seconds late (timeouts are one second), HTTP 500,
a mangled answer, HTTP 429; each before the vendor made a job and all but the 429 after. Then one more whose every
answer is lost. What was paid is what the emulator's bill lists, not what a client thinks. Apart from these: a 429
after a job was made, an untruth that no vendor's page knows, since a 429 in the vendor's own words says that there is
no job.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
from peers import PEERS, Peer
from report import Row, main

from dramagen import Config, Shot, Studio
from dramagen.emulator import Handle, running
from dramagen.emulator.fixed_hosts import standing_in
from dramagen.engine import http
from dramagen.errors import DramagenError, OutcomeUnknown

SPEED = 1000
BOUND = 120
"""Seconds one create may take; some wait more than a minute between their attempts."""

KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "drop"}, {"kind": "slow", "seconds": 3.0 * SPEED}, {"kind": "status", "status": 500},
    {"kind": "malformed"}, {"kind": "status", "status": 429},
)  # fmt: skip
FAULTS = [kind | {"after_accept": after, "times": 1} for kind in KINDS for after in (False, True)]
UNTRUE = FAULTS.pop()
ALWAYS: dict[str, Any] = {"kind": "drop", "after_accept": True, "times": 50}
OURS = ("seedance", "wan", "kling", "hailuo", "vidu", "sora", "fal", "replicate")

Create = Callable[[], str]
"""One order; what its caller is told: ``accepted``, ``error`` or ``unknown``."""


def counted(name: str, version: str, vendors: Handle, vendor: str, create: Create) -> Row:
    """One row: paid jobs for each fault once, and for an answer that is always lost."""
    jobs: list[int] = []
    told: list[str] = []
    for fault in [*FAULTS, ALWAYS, UNTRUE]:
        vendors.reset()
        vendors.faults(provider=vendor, on="create", **fault)
        told.append(create())
        jobs.append(len(vendors.bill()))
    *once, always, untrue = jobs
    wrong = sum(made > 0 and said == "error" for made, said in zip(jobs, told, strict=True))
    return {
        "library": name, "version": version, "vendor": vendor, "paid_mean": round(sum(once) / len(once), 2),
        "paid_max": max(once), "every_answer_lost": always, "untrue_429": untrue,
        "told_accepted": told.count("accepted"), "told_unknown": told.count("unknown"),
        "told_error": told.count("error"), "error_though_paid": wrong,
    }  # fmt: skip


# --- this library ----------------------------------------------------------------------------------------


async def _shot(studio: Studio, shot: Shot) -> str:
    try:
        await studio.shoot(shot)
    except OutcomeUnknown:
        return "unknown"
    except DramagenError:
        return "error"
    return "accepted"


def ours(vendors: Handle) -> Iterator[Row]:
    """A studio of its own for every vendor; the cheapest model there that films five seconds."""
    http.Limits.timeout = lambda self, paid: httpx.Timeout(1.0)  # type: ignore[method-assign]  # as the others
    for vendor in OURS:
        number = iter(range(1000))
        with tempfile.TemporaryDirectory() as home:
            config = Config(home=Path(home), time_scale=SPEED)

            def create(config: Config = config, vendor: str = vendor, number: Iterator[int] = number) -> str:
                async def one() -> str:
                    async with Studio(config) as studio:
                        seconds = 4 if vendor == "sora" else 5
                        shot = Shot(f"rain at night, {next(number)}", duration=seconds, pin=vendor)
                        with anyio.fail_after(BOUND):
                            return await _shot(studio, shot)

                return anyio.run(one)

            yield counted("dramagen", "this checkout", vendors, vendor, create)


# --- the others ------------------------------------------------------------------------------------------


@contextmanager
def started(peer: Peer, url: str, environment: dict[str, str]) -> Iterator[Create]:
    """A peer's client in a process of its own environment."""
    here = Path(__file__).parent
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with subprocess.Popen(
        [str(peer.interpreter), str(here / "peer.py"), peer.name, url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=clean | environment,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        sent, heard = process.stdin, process.stdout

        def answer() -> dict[str, Any]:
            if not select.select([heard], [], [], BOUND)[0]:
                raise TimeoutError(f"{peer.name} says nothing for {BOUND} s")
            line = heard.readline()
            if not line:
                raise OSError(f"{peer.name} ended")
            return dict(json.loads(line))

        def create() -> str:
            sent.write("\n")
            sent.flush()
            said = answer()
            if os.environ.get("DRAMAGEN_BENCHMARK_VERBOSE"):
                print(peer.name, said, file=sys.stderr)
            return str(said["said"])

        try:
            answer()
            yield create
        finally:
            process.kill()


def theirs(peer: Peer, vendors: Handle) -> Row:
    """The row of one peer; why there is none where it cannot be installed, or does not reach the emulator."""
    row: Row = {"library": peer.name, "version": peer.version, "vendor": peer.vendor}
    why = peer.install()
    if why is not None:
        return row | {"paid_mean": why}
    hosts = ("queue.fal.run", "rest.fal.ai", "v3.fal.media")
    with (
        tempfile.TemporaryDirectory() as folder,
        standing_in(hosts, vendors.url, "/fal", Path(folder)) as proxied,
    ):
        try:
            with started(peer, vendors.url, proxied if peer.vendor == "fal" else {}) as create:
                vendors.reset()
                if create() != "accepted" or len(vendors.bill()) != 1:
                    return row | {"paid_mean": "does not make a job here"}
                provider = peer.vendor.partition("@")[0]
                return counted(peer.name, peer.version, vendors, provider, create)
        except (OSError, TimeoutError) as problem:
            return row | {"paid_mean": str(problem)}


def measure() -> list[Row]:
    """Ours at every vendor, then each peer at its own."""
    with running(speed=SPEED) as vendors:
        os.environ["DRAMAGEN_EMULATOR"] = vendors.url
        rows = []
        for row in ours(vendors):
            rows.append(row)
            print(row, file=sys.stderr)
        for peer in PEERS:
            begun = time.monotonic()
            rows.append(theirs(peer, vendors))
            print(rows[-1], f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    return rows


if __name__ == "__main__":
    main(__doc__, measure)
