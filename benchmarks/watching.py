"""Jobs in flight: how late a finished one is noticed, how often the vendor is asked, and what that costs here.

python benchmarks/watching.py [--jobs 1 100 300] [--pin kling/kling-3.0] [--who dramagen httpx] [--json]

A vendor (``vendor.py``, in a process of its own, its time not counted) answers every request after 150 ms. Jobs run
for 20 s and are sent evenly over 60 s (``staggered``), or are sent at once and run for 20 to 80 s (``together``);
10,000 jobs over 600 s. One wave before is not counted. The card's concurrency is overridden.

lag: from the vendor being done to the verdict on disk (for the bare loop: in memory). polls: status requests. cpu:
user and system time of submitting and watching, in this process alone. Files are then fetched and checked in a phase
of their own, in clips a second.
"""

import argparse
import gc
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
from report import machine, table

from dramagen import Clip, Config, Shot, Studio
from dramagen.clip import Facts, Original
from dramagen.engine.flight import Leg
from dramagen.engine.homeward import Homeward
from dramagen.engine.service import Service
from dramagen.events import Event
from dramagen.money import Money

HERE = Path(__file__).parent
POLL = 1.0
"""Seconds between the bare loop's questions about a job: half of it is its mean lag."""


# --- the vendor ------------------------------------------------------------------------------------------


@contextmanager
def vendor(latency: float, seconds: float, spread: float) -> Iterator[str]:
    """A vendor in a process of its own; its URL."""
    said = {"latency": latency, "seconds": seconds, "spread": spread}
    arguments = [str(part) for name, value in said.items() for part in (f"--{name}", value)]
    with subprocess.Popen(
        [sys.executable, str(HERE / "vendor.py"), *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def told(url: str, forget: bool = False) -> dict[str, Any]:
    """What the vendor says of its load so far."""
    request = urllib.request.Request(f"{url}/_load", method="POST" if forget else "GET")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))


# --- measuring -------------------------------------------------------------------------------------------


def memory() -> int:
    """Bytes of this process in memory now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu() -> float:
    """Seconds of processor time this process has taken."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def spread_of(lags: list[float]) -> dict[str, float]:
    """Seconds: mean, 99th percentile, most."""
    lags = sorted(lags)
    return {
        "lag_mean_s": round(sum(lags) / len(lags), 3),
        "lag_p99_s": round(lags[min(len(lags) - 1, int(len(lags) * 0.99))], 3),
        "lag_max_s": round(lags[-1], 3),
    }


class Measured:
    """One wave: memory once every job is in flight, processor time until the last verdict."""

    def __init__(self, jobs: int, url: str) -> None:
        self._jobs = jobs
        self._url = url
        self._submitted = 0
        told(url, forget=True)
        self._memory = memory()
        self._cpu = cpu()
        self._begun = time.perf_counter()
        self.row: dict[str, float] = {"jobs": jobs}

    def submitted(self) -> None:
        """One more job is in flight."""
        self._submitted += 1
        if self._submitted == self._jobs:
            now = memory()
            self.row["rss_mb"] = round(now / 1e6, 1)
            self.row["kib_per_job"] = round((now - self._memory) / 1024 / self._jobs, 2)
            self.row["submit_s"] = round(time.perf_counter() - self._begun, 1)

    def over(self) -> None:
        """Every verdict is in."""
        used = cpu() - self._cpu
        self.row["cpu_s"] = round(used, 2)
        self.row["cpu_ms_per_job"] = round(1000 * used / self._jobs, 2)
        self.row["wall_s"] = round(time.perf_counter() - self._begun, 1)

    def told(self, verdicts: dict[str, float]) -> dict[str, float]:
        """The row, with lag and polls, from when each job's verdict was had."""
        load = told(self._url)
        lags = [verdicts[job] - ready for job, ready in load["ready"].items()]
        assert len(lags) == self._jobs, (len(lags), self._jobs)
        self.row |= spread_of(lags)
        self.row["polls_per_job"] = round(load["requests"].get("status", 0) / self._jobs, 2)
        return self.row


async def sent(shots: list[Shot], over: float, film: Any) -> None:
    """Film all of them side by side, begun evenly over so many seconds."""

    async def later(number: int, shot: Shot) -> None:
        await anyio.sleep(over * number / len(shots))
        await film(shot)

    async with anyio.create_task_group() as group:
        for number, shot in enumerate(shots):
            group.start_soon(later, number, shot)


# --- dramagen --------------------------------------------------------------------------------------------

NO_CLIP = Clip(
    path=Path(os.devnull), sha256="", original=Original(path=Path(os.devnull), sha256=""),
    media=Facts(duration=1, width=2, height=2, fps=24, has_audio=False, codec=""), cost=Money("0 CNY"),
    cost_source="computed", model="", provider="", region="", route="", take=1, seed=None, job_id="",
    cached=False, adjustments=(), warnings=(), shot=Shot("none"),
)  # fmt: skip


@contextmanager
def uncollected() -> Iterator[None]:
    """Until the block ends a job that is ready stays ready: fetching is measured by itself."""
    collect = Homeward.clip

    async def later(self: Homeward, leg: Leg, service: Service) -> Clip:
        return NO_CLIP

    Homeward.clip = later  # type: ignore[method-assign]  # a benchmark's own process
    try:
        yield
    finally:
        Homeward.clip = collect  # type: ignore[method-assign]  # likewise


def verdicts(home: Path) -> dict[str, float]:
    """When the journal has each vendor's job as ready, Unix seconds."""
    with sqlite3.connect(home / "journal.sqlite") as journal:
        rows = journal.execute(
            "SELECT jobs.ticket, events.at FROM events JOIN jobs ON jobs.id = events.job WHERE kind = 'ready'"
        )
        return {json.loads(ticket)["id"]: at for ticket, at in rows}


async def dramagen(asked: argparse.Namespace, jobs: int, over: float) -> dict[str, float]:
    """This library, as a studio would use it."""
    provider = asked.pin.split("/")[0]
    duration, resolution = asked.film.split("/")
    with tempfile.TemporaryDirectory() as home, vendor(asked.latency, *asked.runs) as url:
        config = Config(
            home=Path(home), keys={provider: "a-key-of-no-account"}, limits={asked.pin: 1_000_000},
            base_urls={provider: f"{url}/{provider}"}, allow_private=("127.0.0.1",),
        )  # fmt: skip

        def shots(what: str, count: int) -> list[Shot]:
            return [
                Shot(f"{what} {n}", duration=float(duration), resolution=resolution, pin=asked.pin)
                for n in range(count)
            ]

        measured: Measured | None = None

        def heard(event: Event) -> None:
            if event.kind == "submitted" and measured is not None:
                measured.submitted()

        with uncollected():
            async with Studio(config, on_event=heard) as studio:
                if asked.warm_up:
                    await sent(shots("warm", min(jobs, asked.warm_up)), over, studio.shoot)
                wave = shots("shot", jobs)
                measured = Measured(jobs, url)
                await sent(wave, over, studio.shoot)
                measured.over()
        row = measured.told(verdicts(Path(home)))
        if asked.collect:
            row |= await collected(config, min(jobs, asked.collect))
    return row


async def collected(config: Config, most: int) -> dict[str, float]:
    """Fetch, check and store what is ready, in clips a second."""
    async with Studio(config) as studio:
        waiting = list(studio.jobs(open_only=True))
        for job in waiting[most:]:
            with sqlite3.connect(studio.settings.home / "journal.sqlite") as journal:
                journal.execute("UPDATE jobs SET state = 'lost' WHERE id = ?", (job.id,))
        begun, used = time.perf_counter(), cpu()
        results = await studio.resume()
        taken, used = time.perf_counter() - begun, cpu() - used
    bad = [result.error for result in results if result.error is not None]
    assert not bad, bad[:3]
    return {
        "clips_per_s": round(len(results) / taken, 1),
        "cpu_ms_per_clip": round(1000 * used / len(results), 1),
    }


# --- a bare loop -----------------------------------------------------------------------------------------

CREATE = "/kling/text-to-video/kling-3.0"
SETTINGS = {"resolution": "720p", "duration": 3, "aspect_ratio": "9:16", "audio": "off", "multi_shot": False}
STATUS = "/kling/tasks?task_ids="


async def bare(asked: argparse.Namespace, jobs: int, over: float) -> dict[str, float]:
    """What anybody writes in ten minutes: one client, a create and a loop for each job. Nothing is kept on disk."""
    with vendor(asked.latency, *asked.runs) as url:
        found: dict[str, float] = {}
        async with httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": "Bearer a-key-of-no-account"},
            timeout=60,
            limits=httpx.Limits(max_connections=200),
        ) as client:

            async def film(shot: Shot) -> None:
                answer = await client.post(CREATE, json={"prompt": shot.prompt, "settings": SETTINGS})
                job = answer.json()["data"]["id"]
                if measured is not None:
                    measured.submitted()
                while True:
                    await anyio.sleep(POLL)
                    said = (await client.get(STATUS + job)).json()["data"]
                    if said and said[0]["status"] == "succeeded":
                        found[job] = time.time()
                        return

            measured: Measured | None = None
            await sent([Shot("warm")] * min(jobs, 20), 0, film)
            measured = Measured(jobs, url)
            await sent([Shot(f"shot {n}") for n in range(jobs)], over, film)
            measured.over()
        return measured.told(found)


WHO = {"dramagen": dramagen, "httpx": bare}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 100, 300])
    parser.add_argument("--who", nargs="+", choices=sorted(WHO), default=["dramagen", "httpx"])
    parser.add_argument("--load", choices=("staggered", "together"), default="staggered")
    parser.add_argument("--pin", default="kling/kling-3.0", help="dramagen's model")
    parser.add_argument("--film", default="3/720p", help="dramagen's duration and resolution")
    parser.add_argument("--latency", type=float, default=0.15)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long a job runs")
    parser.add_argument("--spread", type=float, help="ready times lie within so many seconds")
    parser.add_argument("--warm-up", type=int, default=100, help="the most jobs of the wave before")
    parser.add_argument("--collect", type=int, default=100, help="the most clips fetched; 0 for none")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    rows = [_one(asked, jobs, who) for jobs in asked.jobs for who in asked.who]
    about = machine() | {"load": asked.load, "pin": asked.pin, "latency_s": asked.latency}
    if asked.json:
        print(json.dumps(about | {"rows": rows}, indent=1))
        return
    print(", ".join(f"{name}: {value}" for name, value in about.items()))
    print(f"\n{table(rows)}")


def _one(asked: argparse.Namespace, jobs: int, who: str) -> dict[str, Any]:
    """One measurement, in a process of its own: memory once taken is not always given back."""
    spread = asked.spread if asked.spread is not None else (600.0 if jobs >= 10_000 else 60.0)
    together = asked.load == "together"
    asked.runs = (asked.seconds, spread if together else 0.0)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            row = anyio.run(WHO[who], asked, jobs, 0.0 if together else spread)
            os.write(write, json.dumps({"who": who} | row).encode())
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    if not text:
        raise SystemExit(f"{who} with {jobs} jobs failed")
    return dict(json.loads(text))


if __name__ == "__main__":
    main()
