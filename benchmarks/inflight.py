"""One wave of jobs, measured from inside the process that sends and watches them.

Nothing but the standard library: it runs in this library's environment and in those of the others.
"""

import argparse
import asyncio
import gc
import json
import os
import resource
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LOOK = 2.0
"""Seconds between two questions whether all jobs are with the vendor."""

Row = dict[str, Any]
Film = Callable[[str], Awaitable[str]]
"""One job, from its prompt until its verdict is known: the vendor's id of it."""


@dataclass(frozen=True)
class Load:
    """What is sent: so many jobs, begun evenly over so many seconds, after ``warm_up`` jobs that are not counted."""

    jobs: int
    over: float
    warm_up: int

    def spoken(self) -> str:
        """As a process is told it on its command line."""
        return json.dumps(asdict(self))


def memory(what: str = "VmRSS") -> int:
    """Bytes of this process in memory now; with ``VmHWM`` the most since ``_peak_forgotten``."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def _peak_forgotten() -> None:
    with suppress(OSError):  # where it is not allowed the peak is that since the process began: no less
        Path("/proc/self/clear_refs").write_text("5")


def cpu() -> float:
    """Seconds of processor time this process has taken, all its threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def told(url: str, forget: bool = False, what: str = "_load") -> dict[str, Any]:
    """What the vendor says of its load so far."""
    request = urllib.request.Request(f"{url}/{what}", method="POST" if forget else "GET")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))


async def waited_for(url: str, jobs: int) -> int:
    """Bytes of this process in memory when all jobs are with the vendor at one moment, and none is being sent."""
    running = 0
    while running < jobs:
        await asyncio.sleep(LOOK)
        running = (await asyncio.to_thread(told, url, what="_running"))["running"]
    await asyncio.sleep(LOOK)  # the last answers are written down
    return memory()


def spread_of(lags: list[float]) -> Row:
    """Seconds: mean, 99th percentile, most."""
    lags = sorted(lags)
    return {
        "lag_mean_s": round(sum(lags) / len(lags), 3),
        "lag_p99_s": round(lags[min(len(lags) - 1, int(len(lags) * 0.99))], 3),
        "lag_max_s": round(lags[-1], 3),
    }


def at_once(jobs: list[tuple[float, float]]) -> int:
    """The most jobs that ran at one moment, from when each began and ended."""
    running = most = 0
    changes = sorted(  # of one moment those that end first
        [(end, -1) for _, end in jobs] + [(begin, 1) for begin, _ in jobs]
    )
    for _, change in changes:
        running += change
        most = max(most, running)
    return most


async def sent(prompts: list[str], over: float, film: Film) -> tuple[dict[str, float], list[str]]:
    """Film all of them side by side, begun evenly over so many seconds.

    Returns:
        When each job's verdict was had (Unix seconds, by the vendor's id), and what else was raised.
    """
    found: dict[str, float] = {}
    failed: list[str] = []

    async def one(number: int, prompt: str) -> None:
        await asyncio.sleep(over * number / len(prompts))
        try:
            job = await film(prompt)
        except Exception as problem:  # whatever its caller would see
            failed.append(f"{type(problem).__name__}: {problem}"[:300])
        else:
            found[job] = time.time()

    await asyncio.gather(*(one(number, prompt) for number, prompt in enumerate(prompts)))
    return found, failed


async def measured(
    load: Load, url: str, film: Film, verdicts: Callable[[], dict[str, float]] | None = None
) -> Row:
    """One wave not counted, at the same pace, then the one that is.

    Args:
        verdicts: when each job's verdict was had, Unix seconds, where that is not when ``film`` returned.
    """
    warm = min(load.jobs, load.warm_up)
    if warm:
        await sent([f"warm {n}" for n in range(warm)], load.over * warm / load.jobs, film)
    await asyncio.to_thread(told, url, forget=True)
    gc.collect()
    _peak_forgotten()
    before, used, begun = memory(), cpu(), time.perf_counter()

    def per_job(after: int) -> float:
        return round((after - before) / 1024 / load.jobs, 2)

    full = None if load.over else asyncio.create_task(waited_for(url, load.jobs))
    found, failed = await sent([f"shot {n}" for n in range(load.jobs)], load.over, film)
    used, wall, peak = cpu() - used, time.perf_counter() - begun, memory("VmHWM")
    waiting: Row = {}
    if full is not None and full.done():
        waiting["kib_waiting"] = per_job(full.result())
    elif full is not None:
        full.cancel()
    if failed:
        print(f"{len(failed)} failed, the first: {failed[0]}", file=sys.stderr)
    return {
        "jobs": load.jobs,
        "cpu_s": round(used, 2),
        "cpu_ms_per_job": round(1000 * used / load.jobs, 2),
        "rss_mb": round(peak / 1e6, 1),
        **waiting,
        "kib_per_job": per_job(peak),
        "wall_s": round(wall, 1),
        **seen(load, told(url), verdicts() if verdicts else found),
    }


def seen(load: Load, vendor: dict[str, Any], verdicts: dict[str, float]) -> Row:
    """What the vendor counted: how late each verdict came, how often it was asked, how many jobs it had at once."""
    jobs = vendor["jobs"]
    lags = [verdicts[job] - ready for job, (_, ready) in jobs.items() if job in verdicts]
    begun = [created for created, _ in jobs.values()]
    asked = vendor["requests"]
    row: Row = {
        "submit_s": round(max(begun) - min(begun), 1) if begun else 0.0,
        "at_once": at_once(list(jobs.values())),
        **(spread_of(lags) if lags else {}),
        "polls_per_job": round((asked.get("poll", 0) + asked.get("find", 0)) / load.jobs, 2),
    }
    if len(lags) != load.jobs:
        row["no_verdict"] = load.jobs - len(lags)
    if len(jobs) != load.jobs:
        row["jobs_made"] = len(jobs)
    return row


def main(parser: argparse.ArgumentParser, measure: Callable[..., Coroutine[Any, Any, Row]]) -> None:
    """The command line of a process that is measured: who, the vendor's URL, the load; its row on stdout."""
    parser.add_argument("who")
    parser.add_argument("url")
    parser.add_argument("load", type=lambda text: Load(**json.loads(text)))
    asked = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # some of them print
    row = asyncio.run(measure(**vars(asked)))
    print(json.dumps(row), file=answers, flush=True)
    os._exit(0)  # threads and tasks that a library leaves behind are not waited for
