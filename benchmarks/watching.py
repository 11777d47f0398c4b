"""Jobs in flight: how late a finished one is noticed, how often the vendor is asked, and what that costs here.

python benchmarks/watching.py [--jobs 1 100 300] [--pin kling/kling-3.0] [--who dramagen httpx] [--json]

A vendor (``vendor.py``, in a process of its own, its time not counted) answers every request after 150 ms. Jobs run
for 20 s and are sent evenly over 60 s (``staggered``), or are sent at once and run for 20 to 80 s (``together``);
10,000 are sent over 600 s, or run for 600 to 1200 s, so that the last is sent before the first ends: ``at_once``
tells. One wave before is not counted. The card's concurrency is overridden.

lag: from the vendor being done to the verdict on disk (for the bare loop: in memory). polls: status requests. cpu:
user and system time of submitting and watching, in this process alone. rss: the most memory during the wave, and by
how much the process grew for each job: at the most, and, where there is such a moment (``together``), when all jobs
wait for the vendor and none is being sent. Files are then fetched and checked in a phase of their own, in clips a
second.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from inflight import Load, Row
from report import machine, table

HERE = Path(__file__).parent
MANY = 10_000
"""From so many jobs on sending them takes minutes, and they run for longer."""


@dataclass(frozen=True)
class Vendor:
    """How slow it is to answer, and how long its jobs run: ``seconds`` and evenly up to ``spread`` more."""

    latency: float = 0.15
    seconds: float = 20.0
    spread: float = 0.0

    @contextmanager
    def serving(self) -> Iterator[str]:
        """It, in a process of its own, until the block ends; its URL."""
        said = {"latency": self.latency, "seconds": self.seconds, "spread": self.spread}
        arguments = [str(part) for name, value in said.items() for part in (f"--{name}", value)]
        with subprocess.Popen(
            [sys.executable, str(HERE / "vendor.py"), *arguments], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline().strip()
            finally:
                process.terminate()


def measured(
    vendor: Vendor, load: Load, who: str, *arguments: str, script: str = "ours.py", python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
) -> Row:  # fmt: skip
    """One wave, by a process of its own: memory once taken is not always given back.

    Raises ``subprocess.CalledProcessError`` where that process fails.
    """
    with vendor.serving() as url:
        ended = subprocess.run(
            [python, str(HERE / script), who, url, load.spoken(), *arguments],
            check=True, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
    return dict(json.loads(ended.stdout))


def scene(asked: argparse.Namespace, jobs: int) -> tuple[Vendor, Load]:
    """The vendor and the load for so many jobs."""
    many, together = jobs >= MANY, asked.load == "together"
    spread = asked.spread if asked.spread is not None else 600.0 if many else 60.0
    seconds = asked.seconds if asked.seconds is not None else 600.0 if many and together else 20.0
    vendor = Vendor(asked.latency, seconds, spread if together else 0.0)
    return vendor, Load(jobs, 0.0 if together else spread, asked.warm_up)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 100, 300])
    parser.add_argument("--who", nargs="+", choices=("dramagen", "httpx"), default=["dramagen", "httpx"])
    parser.add_argument("--load", choices=("staggered", "together"), default="staggered")
    parser.add_argument("--pin", default="kling/kling-3.0", help="dramagen's model")
    parser.add_argument("--film", default="3/720p", help="dramagen's duration and resolution")
    parser.add_argument("--latency", type=float, default=0.15)
    parser.add_argument("--seconds", type=float, help="how long a job runs: 20, or 600 for 10,000 together")
    parser.add_argument("--spread", type=float, help="ready times lie within so many seconds: 60, or 600")
    parser.add_argument("--warm-up", type=int, default=100, help="the most jobs of the wave before")
    parser.add_argument("--collect", type=int, default=100, help="the most clips fetched; 0 for none")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    ours = ["--pin", asked.pin, "--film", asked.film, "--collect", str(asked.collect)]
    about = machine() | {"load": asked.load, "pin": asked.pin, "latency_s": asked.latency}
    rows = [
        {"who": who} | measured(*scene(asked, jobs), who, *ours) for jobs in asked.jobs for who in asked.who
    ]
    if asked.json:
        print(json.dumps(about | {"rows": rows}, indent=1))
        return
    print(", ".join(f"{name}: {value}" for name, value in about.items()))
    print(f"\n{table(rows)}")


if __name__ == "__main__":
    main()
