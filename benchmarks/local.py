"""What a user waits for before any vendor is involved: a plan, a cache hit, a write to the journal, previz.

python benchmarks/local.py [--json]

The plan is of one shot over every route, with a prompt no plan has had before. Shots of a kind (length, ratio, tier,
sound, camera move, lines of dialogue) that was planned before share all but their words. A new length mostly comes to
orders that are known: 4.5 seconds are bought as five. The first of a shape, with a length in whole seconds, a ratio
or a tier no plan has had, and every shot that sends pictures or has cuts, has all of it to work out. The very first
plan of a process reads the cards and loads the adapters besides: the table of imports has that.
"""

import itertools
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
from report import Row, main, spent

from dramagen import Camera, Config, Shot, Studio
from dramagen.engine.journal import Journal
from dramagen.media.previz import Scene, render

RUNS = 60
KEYS = dict.fromkeys(
    ("kling", "seedance", "wan", "hailuo", "vidu", "fal", "replicate"), "a-key-of-no-account"
)


def plans(studio: Studio) -> list[Row]:
    """One shot over every route."""
    number = itertools.count()

    def plan(duration: float = 5.0, **more: Any) -> None:
        camera = Camera("push_in")
        studio.plan(Shot(f"雨夜，女主回头，第{next(number)}次", duration=duration, camera=camera, **more))

    lengths = itertools.count()
    shapes = itertools.product(range(3, 13), ("1:1", "16:9", "4:3"), ("1080p", "480p", "720p"))

    def first() -> None:
        duration, ratio, tier = next(shapes)
        plan(duration, aspect_ratio=ratio, resolution=tier)

    found = studio.plan(Shot("雨夜")).shots[0]
    about = f"{len(found.quotes) + len(found.refusals)} routes"
    return [
        {"what": f"plan of one shot, {about}"} | spent(plan, RUNS),
        {"what": f"the first plan of a length, {about}"}
        | spent(lambda: plan(4 + next(lengths) / 1000), RUNS),
        {"what": f"the first plan of a shape, {about}"} | spent(first, RUNS),
    ]


async def hits(studio: Studio) -> Row:
    """A take that was filmed before."""
    shot = Shot("雨夜，女主回头", duration=1, resolution="360p", pin="previz")
    await studio.shoot(shot)
    cpu, wall = [], []
    for _ in range(RUNS):
        begun, used = time.perf_counter(), time.process_time()
        clip = await studio.shoot(shot)
        cpu.append(time.process_time() - used)
        wall.append(time.perf_counter() - begun)
        assert clip.cached
    middle = sorted(wall)[len(wall) // 2]
    taken = {"cpu_min_ms": min(cpu), "wall_min_ms": min(wall), "wall_median_ms": middle}
    return {"what": "cache hit"} | {name: round(seconds * 1000, 2) for name, seconds in taken.items()}


def writes(journal: Journal, folder: Path) -> list[Row]:
    """One transition of a job, on disk for good; and the least SQLite takes for that on the same disk."""
    job: Any = journal.jobs()[0]
    with sqlite3.connect(folder / "bare.sqlite", isolation_level=None) as bare:
        bare.execute("PRAGMA journal_mode=WAL")
        bare.execute("PRAGMA synchronous=FULL")
        bare.execute("CREATE TABLE events (job TEXT, at REAL, kind TEXT, data TEXT)")
        row = ("a job", 0.0, "note", "{}")
        least = spent(lambda: bare.execute("INSERT INTO events VALUES (?, ?, ?, ?)", row), RUNS)
    ours = spent(lambda: journal.note(job, "note", {"seconds": 1}), RUNS)
    ratio = round(ours["wall_min_ms"] / least["wall_min_ms"], 1)
    return [
        {"what": "journal write"} | ours | {"ratio": ratio},
        {"what": "one row in bare SQLite, as safe"} | least | {"ratio": 1.0},
    ]


def previz() -> Row:
    """Five seconds at 720x1280, with a move, captions and tones."""
    scene = Scene(
        id="s01", prompt="雨夜，女主撑着红伞站在橱窗前，缓缓回头", captions=("女主: 你终于来了。",), move="push_in",
        width=720, height=1280, fps=24, frames=120, audio=True,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        return {"what": "previz, 5 s at 720x1280"} | spent(
            lambda: render(scene, Path(folder) / "clip.mp4", {}), 2
        )


async def studio_rows(home: Path) -> list[Row]:
    """What needs an open studio."""
    async with Studio(Config(home=home, keys=KEYS)) as studio:
        rows = [*plans(studio), await hits(studio)]
        none: list[Row] = []
        return rows + studio._books.look(lambda journal: writes(journal, home), none)


def measure() -> list[Row]:
    """All of it."""
    with tempfile.TemporaryDirectory() as home:
        return [*anyio.run(studio_rows, Path(home)), previz()]


if __name__ == "__main__":
    main(__doc__, measure)
