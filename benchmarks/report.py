"""What the benchmarks share: the machine in words, spreads, one JSON document and one Markdown table each."""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]


def machine() -> Row:
    """Where and when it was measured, without a word about whose machine it is."""
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load_average": round(os.getloadavg()[0], 1),
        "day": datetime.now(UTC).date().isoformat(),
    }


def table(rows: list[Row]) -> str:
    """The rows as Markdown; a column for every key any of them has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(str(row.get(name, "")) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def spent(action: Callable[[], object], runs: int) -> Row:
    """Milliseconds of one call, after one that is not counted: least processor time, least and median wall."""
    action()
    cpu, wall = [], []
    for _ in range(runs):
        begun, used = time.perf_counter(), time.process_time()
        action()
        cpu.append(time.process_time() - used)
        wall.append(time.perf_counter() - begun)
    return {
        "cpu_min_ms": round(min(cpu) * 1000, 2),
        "wall_min_ms": round(min(wall) * 1000, 2),
        "wall_median_ms": round(statistics.median(wall) * 1000, 2),
    }


def main(about: str | None, measure: Callable[[], list[Row]]) -> None:
    """The command line of one benchmark: measure, then print a table, or JSON."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    document = machine() | {"rows": measure()}
    if asked.json:
        print(json.dumps(document, ensure_ascii=False, indent=1))
        return
    print(", ".join(f"{name}: {value}" for name, value in document.items() if name != "rows"))
    print(f"\n{table(document['rows'])}")
