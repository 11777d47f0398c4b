"""kill -9 before and after every single commit of a job's life: one paid row, and a history that tells of it."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dramagen import Config, Studio
from dramagen.emulator import running

PROGRAM = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
import anyio
from dramagen import Config, Shot, Studio
from dramagen.engine.database import SQLite

home, point, side = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
plain, count = SQLite.transaction, 0

def die(here):
    if here and count == point:
        os.kill(os.getpid(), signal.SIGKILL)

@contextmanager
def transaction(self):
    global count
    with plain(self) as tx:
        yield tx
        count += 1
        die(side == "before")
    die(side == "after")

async def main():
    async with Studio(Config(home=home, time_scale=600)) as studio:
        SQLite.transaction = transaction
        await studio.resume()
        clip = await studio.shoot(Shot("雨夜", duration=2, resolution="480p", pin=sys.argv[4]), episode="e")
        print("done", clip.cost, count, flush=True)

anyio.run(main)
"""
PINS = ("seedance/seedance-1.0-pro-fast", "kling:cn/kling-2.5-turbo")
LONGEST = 12
"""More commits than a shot ever takes; the run without a kill says how many there are."""
POINTS = list(itertools.product(PINS, range(1, LONGEST + 1), ("before", "after")))
ORDER = ["reserved", "sending", "accepted", "ready", "done"]


def run(
    home: Path, url: str, pin: str, point: int = 0, side: str = "never"
) -> subprocess.CompletedProcess[str]:
    """The program, killed at that commit; to its end without one."""
    command = [sys.executable, "-c", PROGRAM, str(home), str(point), side, pin]
    environment = {**os.environ, "DRAMAGEN_EMULATOR": url}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.timeout(1800)
@pytest.mark.matrix
def test_killed_at_each_commit(tmp_path: Path, sample: Callable[[Iterable[Any], int], list[Any]]) -> None:
    with running(speed=600) as emulator:
        for number, (pin, point, side) in enumerate(sample(POINTS, 1)):
            emulator.reset()
            home = tmp_path / str(number)
            case = f"{pin} {side} commit {point}"
            first = run(home, emulator.url, pin, point, side)
            if first.returncode == 0:
                assert point > len(ORDER), f"{case}: {first.stdout}"  # there are no so many commits
                continue
            assert first.returncode == -signal.SIGKILL, f"{case}: {first.stderr}"
            again = run(home, emulator.url, pin)
            studio = Studio(Config(home=home))
            (job, *more) = sorted(studio.jobs(), key=lambda job: job.state == "refused")
            assert {other.state for other in more} <= {"refused"}, case  # let go: it was never sent
            rows = [row for row in emulator.bill() if Decimal(row["amount"]) > 0]
            kinds = [line["kind"] for line in studio.timeline(job.id)]
            if again.returncode == 0:
                assert job.state == "done", case
                # A create sent again, where the vendor shows that it never arrived, is announced again.
                assert list(dict.fromkeys(k for k in kinds if k in ORDER)) == ORDER, f"{case}: {kinds}"
                assert len(rows) == 1, case
                assert job.cost is not None, case
                assert job.cost.amount == Decimal(rows[0]["amount"]), case
            else:
                # Announced and never sent, at a vendor that cannot prove it: a person decides. Nothing was paid.
                assert "OutcomeUnknown" in again.stderr, f"{case}: {again.stderr}"
                assert (job.state, rows) == ("unknown", []), f"{case}: {kinds}"
                assert studio.ledger().unknown, case
