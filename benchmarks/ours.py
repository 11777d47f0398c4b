"""This library, and a bare loop, as each waits for a wave of jobs; started by ``watching.py``.

python ours.py dramagen|httpx URL LOAD [--pin kling/kling-3.0] [--film 3/720p] [--collect 0]
"""

import argparse
import asyncio
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from inflight import Load, Row, cpu, main, measured

from dramagen import Clip, Config, Shot, Studio
from dramagen.clip import Facts, Original
from dramagen.config import Limits
from dramagen.engine.flight import Leg
from dramagen.engine.homeward import Homeward
from dramagen.engine.service import Service
from dramagen.money import Money

# --- this library ----------------------------------------------------------------------------------------

NO_LIMIT = Limits(concurrency=1_000_000, creates_per_minute=1_000_000)
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


async def dramagen(load: Load, url: str, pin: str, film: str, collect: int) -> Row:
    """This library, as a studio would use it; the vendor's limits on how much may run are lifted, no other."""
    service, model = pin.split("/")
    duration, resolution = film.split("/")
    with tempfile.TemporaryDirectory() as home:
        config = Config(
            home=Path(home), keys={service: "a-key-of-no-account"},
            limits={f"{service.partition(':')[0]}/{model}": NO_LIMIT},
            base_urls={service: f"{url}/{service.replace(':', '@')}"},
            allow_private=("127.0.0.1",),
        )  # fmt: skip
        with uncollected():
            async with Studio(config) as studio:

                async def filmed(prompt: str) -> str:
                    shot = Shot(prompt, duration=float(duration), resolution=resolution, pin=pin)
                    await studio.shoot(shot)
                    return prompt  # the journal says when it was ready

                row = await measured(load, url, filmed, lambda: verdicts(Path(home)))
        if collect:
            row |= await collected(config, min(load.jobs, collect))
    return row


async def collected(config: Config, most: int) -> Row:
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

POLL = 1.0
"""Seconds between the bare loop's questions about a job: half of it is its mean lag."""
CREATE = "/kling/text-to-video/kling-3.0"
SETTINGS = {"resolution": "720p", "duration": 3, "aspect_ratio": "9:16", "audio": "off", "multi_shot": False}
STATUS = "/kling/tasks?task_ids="


async def bare(load: Load, url: str) -> Row:
    """What anybody writes in ten minutes: one client, a create and a loop for each job. Nothing is kept on disk."""
    async with httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": "Bearer a-key-of-no-account"},
        timeout=60,
        limits=httpx.Limits(max_connections=200),
    ) as client:

        async def filmed(prompt: str) -> str:
            answer = await client.post(CREATE, json={"prompt": prompt, "settings": SETTINGS})
            job = str(answer.json()["data"]["id"])
            while True:
                await asyncio.sleep(POLL)
                said = (await client.get(STATUS + job)).json()["data"]
                if said and said[0]["status"] == "succeeded":
                    return job

        return await measured(load, url, filmed)


async def measure(who: str, url: str, load: Load, pin: str, film: str, collect: int) -> Row:
    """One row."""
    return await (dramagen(load, url, pin, film, collect) if who == "dramagen" else bare(load, url))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pin", default="kling/kling-3.0", help="dramagen's model")
    parser.add_argument("--film", default="3/720p", help="dramagen's duration and resolution")
    parser.add_argument("--collect", type=int, default=0, help="the most clips fetched; 0 for none")
    main(parser, measure)
