"""Import, plan, cache hit and previz: what a user waits for before any vendor is involved.

python benchmarks/basics.py [--runs 5] [--json]
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import anyio

from dramagen import Camera, Config, Shot, Studio
from dramagen.media.previz import Scene, render


def spread(seconds: list[float]) -> dict[str, float]:
    """Milliseconds: least, median, most."""
    return {
        "min_ms": round(min(seconds) * 1000, 2),
        "median_ms": round(statistics.median(seconds) * 1000, 2),
        "max_ms": round(max(seconds) * 1000, 2),
    }


def timed(action: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each run, after one that is not counted."""
    action()
    taken = []
    for _ in range(runs):
        begun = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begun)
    return taken


def imports(runs: int) -> dict[str, dict[str, float]]:
    """A bare interpreter and one that imports dramagen, in turn."""
    pairs: dict[str, list[float]] = {"bare interpreter": [], "import dramagen": []}
    for _ in range(runs + 1):
        for name, code in (("bare interpreter", "pass"), ("import dramagen", "import dramagen")):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            pairs[name].append(time.perf_counter() - begun)
    rows = {name: spread(taken[1:]) for name, taken in pairs.items()}
    added = [b - a for a, b in zip(*(taken[1:] for taken in pairs.values()), strict=True)]
    return rows | {"import dramagen, added": spread(added)}


async def studio(runs: int) -> dict[str, dict[str, float]]:
    """A plan of one shot over every route, and a take that was filmed before."""
    shot = Shot("雨夜，女主回头", duration=1, resolution="360p", camera=Camera("push_in"), pin="previz")
    hits: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        async with Studio(Config(home=Path(home))) as open_studio:
            plans = timed(lambda: open_studio.plan(shot.pinned(None)), runs * 10)
            await open_studio.shoot(shot)
            for _ in range(runs * 10):
                begun = time.perf_counter()
                clip = await open_studio.shoot(shot)
                hits.append(time.perf_counter() - begun)
                assert clip.cached
    return {"plan of one shot, all routes": spread(plans), "cache hit": spread(hits)}


def previz(runs: int) -> dict[str, dict[str, float]]:
    """Five seconds at 720x1280, with a move, captions and tones."""
    scene = Scene(
        id="s01",
        prompt="雨夜，女主撑着红伞站在橱窗前，缓缓回头",
        captions=("女主: 你终于来了。",),
        move="push_in",
        width=720,
        height=1280,
        fps=24,
        frames=120,
        audio=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        taken = timed(lambda: render(scene, Path(folder) / "clip.mp4", {}), max(1, runs // 2))
    return {"previz, 5 s at 720x1280 with sound": spread(taken)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = imports(asked.runs) | anyio.run(studio, asked.runs) | previz(asked.runs)
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    if asked.json:
        print(
            json.dumps({"machine": machine, "runs": asked.runs, "rows": rows}, ensure_ascii=False, indent=1)
        )
        return
    print(f"{machine}\n\n| what | min ms | median ms | max ms |\n| --- | --: | --: | --: |")
    for name, row in rows.items():
        print(f"| {name} | {row['min_ms']} | {row['median_ms']} | {row['max_ms']} |")


if __name__ == "__main__":
    main()
