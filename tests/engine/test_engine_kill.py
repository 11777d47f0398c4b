"""kill -9 at random moments of a film of several shots, run again until it is done: one paid row a shot."""

import itertools
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dramagen import Config, Studio
from dramagen.emulator import running

PROGRAM = """
import os, sys
import anyio
from pathlib import Path
from dramagen import Config, Shot, Studio

PINS = ("seedance/seedance-1.0-pro-fast", "kling:cn/kling-2.5-turbo")
SHOTS = [
    Shot(f"雨夜 {n}", duration=5, resolution="480p" if n % 2 == 0 else "720p", pin=PINS[n % 2]) for n in range(4)
]

async def main():
    async with Studio(Config(home=Path(sys.argv[1]), time_scale=600, on_unknown=sys.argv[3])) as studio:
        print("open", flush=True)
        await studio.resume()
        done = 0
        async for event in studio.shoot_all(SHOTS, episode="e"):
            if event.error is not None:
                print(event.error, flush=True)
            else:
                done += 1
        print("done", done, flush=True)

anyio.run(main, backend=sys.argv[2])
"""
SHOTS = 4
MOMENTS = list(itertools.product(("asyncio", "trio"), ("hold", "resend"), range(15)))


def run(home: Path, backend: str, on_unknown: str, url: str, kill_after: float | None) -> str:
    """What the program printed; killed so many seconds after it opened its studio."""
    environment = {**os.environ, "DRAMAGEN_EMULATOR": url}
    command = [sys.executable, "-c", PROGRAM, str(home), backend, on_unknown]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first == "open\n", first + process.stdout.read()
        if kill_after is None:
            return process.communicate(timeout=120)[0]
        try:
            return process.communicate(timeout=kill_after)[0]
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return process.communicate()[0]


@pytest.mark.matrix
def test_killed_and_run_again_until_done(
    tmp_path: Path, sample: Callable[[Iterable[Any], int], list[Any]]
) -> None:
    with running(speed=600) as emulator:
        for backend, on_unknown, step in sample(MOMENTS, 1):
            emulator.reset()
            home = tmp_path / f"{backend}-{on_unknown}-{step}"
            delays = random.Random(step)
            for _ in range(6):
                said = run(home, backend, on_unknown, emulator.url, kill_after=delays.uniform(0.02, 1.2))
                if "done" in said:
                    break
            else:
                said = run(home, backend, on_unknown, emulator.url, kill_after=None)
            case = f"{backend} {on_unknown} {step}: {said}"
            ledger = Studio(Config(home=home)).ledger("e")
            # Killed between writing that it sends and sending: Seedance cannot prove that nothing arrived, so a
            # person decides. Nothing else stays undone, and what stays undone is not on the bill.
            unknown = ledger.jobs.get("unknown", 0)
            assert f"done {SHOTS - unknown}\n" in said, case
            assert not unknown or on_unknown == "hold", case
            rows = emulator.bill()
            assert len(rows) == SHOTS - unknown, case
            assert all(Decimal(row["amount"]) > 0 for row in rows), case
            billed: Counter[str] = Counter()
            for row in rows:
                billed[row["currency"]] += Decimal(row["amount"])  # type: ignore[assignment]  # a sum of money
            assert {money.currency: money.amount for money in ledger.spent} == dict(billed), case
            assert not ledger.reserved, case
