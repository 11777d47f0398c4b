"""What it takes to have the library: megabytes installed, and milliseconds until it is imported.

python benchmarks/footprint.py [--json]

Each in a virtual environment of its own, with what it installs by itself and nothing else. The interpreter's own
start is taken off. Files are compiled before. Processor time is the least of seven runs, which others on the machine
disturb little; wall time beside it.
"""

import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from peers import PEERS, Peer
from report import Row, main

RUNS = 7
CHECKOUT = str(Path(__file__).resolve().parents[1])
OURS = Peer("dramagen", (CHECKOUT,), "dramagen", "")

USED = {
    "dramagen": "from dramagen import Studio, Shot",
    "genblaze-core": "from genblaze_openai import SoraProvider",
}
"""What a program imports to make a clip, where that is more than the module's name: ours loads what is used."""

FIRST = f"{USED['dramagen']}; Studio().plan(Shot('rain'))"
"""All that is put off until then: the cards, the adapters and their client, the validators of the records."""


def started(interpreter: Path, code: str) -> tuple[float, float]:
    """Least milliseconds of processor and wall time of a process whose working directory and home are empty."""
    with tempfile.TemporaryDirectory() as folder:
        return _started(interpreter, code, folder)


def _started(interpreter: Path, code: str, folder: str) -> tuple[float, float]:
    cpu, wall = [], []
    for _ in range(RUNS + 1):
        begun, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [str(interpreter), "-c", code],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "DRAMAGEN_HOME": folder},
        )
        wall.append(time.perf_counter() - begun)
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)
    return min(cpu[1:]) * 1000, min(wall[1:]) * 1000


def size(peer: Peer) -> float:
    """Megabytes of its packages and theirs, without pip and compiled files."""
    packages = next((peer.interpreter.parents[1] / "lib").glob("python*/site-packages"))
    tools = ("pip", "setuptools", "_distutils_hack", "pkg_resources")
    files = (
        file for place in packages.iterdir() if not place.name.startswith(tools)
        for file in ([place] if place.is_file() else place.rglob("*"))
    )  # fmt: skip
    return sum(f.stat().st_size for f in files if f.is_file() and f.suffix != ".pyc") / 1e6


def measure() -> list[Row]:
    """Ours first; the others as multiples of it."""
    rows: list[Row] = []
    (OURS.interpreter.parents[1] / "installed").unlink(missing_ok=True)  # the checkout is not what it was
    for peer in (OURS, *PEERS):
        version = "this checkout" if peer is OURS else peer.version
        why = peer.install()
        if why is not None:
            rows.append({"library": peer.name, "version": version, "import_cpu_ms": why})
            continue
        bare = started(peer.interpreter, "pass")
        programs = [f"import {peer.module}", USED.get(peer.name, f"import {peer.module}")]
        for code in dict.fromkeys([*programs, FIRST] if peer is OURS else programs):
            cpu, wall = (
                found - least for found, least in zip(started(peer.interpreter, code), bare, strict=True)
            )
            rows.append(
                {
                    "library": peer.name, "version": version, "program": code, "import_cpu_ms": round(cpu, 1),
                    "import_wall_ms": round(wall, 1), "installed_mb": round(size(peer), 1),
                }
            )  # fmt: skip
    used = next(row for row in rows if row.get("program") == USED["dramagen"])
    for row in rows:
        if "program" in row:
            row["cpu_ratio"] = round(row["import_cpu_ms"] / used["import_cpu_ms"], 2)
            row["size_ratio"] = round(row["installed_mb"] / used["installed_mb"], 2)
    return rows


if __name__ == "__main__":
    main(__doc__, measure)
