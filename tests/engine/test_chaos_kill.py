"""An episode of forty shots, filmed by a process that is killed (-9) ten times at random instants and started again.

The vendors are an emulator in a process of its own, which cuts connections, mangles answers and refuses while the
episode is filmed. In the end every shot is one clip or one typed error, and the vendors' bill has no row that the
ledger has not: what was paid for, once, or a create without an answer, listed as money at risk.
"""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dramagen import Config, Studio
from dramagen.emulator import Handle
from dramagen.engine.jobs import Job
from dramagen.engine.ledger import ASSUMED, spent
from dramagen.engine.state import JobState
from dramagen.money import Money, total

SPEED = 600
SHOTS = 40
KILLS = 10
"""Of one episode. The ten cases are a hundred kills; a normal run films one of them."""
STEPS = 3 * SHOTS
"""A film has more: so many are told before its last kill."""

FILMING = """
import json, os, signal, sys, time
from pathlib import Path
import anyio
from dramagen import Config, Shot, Studio

home, backend, on_unknown, speed, shots = sys.argv[1:]
SHOTS = [Shot(**shot) for shot in json.loads(shots)]
LIMITS = {shot.pin.partition(":")[0]: 4 for shot in SHOTS}

async def film(home, shots, tell):
    config = Config(home=Path(home), time_scale=float(speed), on_unknown=on_unknown, limits=LIMITS)
    async with Studio(config, on_event=lambda event: tell(event.kind)) as studio:
        await studio.resume()
        ends = []
        async for result in studio.shoot_all(shots, episode="rain"):
            end = result.clip.sha256 if result.clip else type(result.error).__name__
            ends.append((result.shot.id, end, str(result.error or "")))
    tell(json.dumps(sorted(ends)))

def life(steps, pause):
    "One process that films; killed a moment after it told so many steps at vendors, if any."
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.close(ours)
        code = 1
        try:
            anyio.run(film, home, SHOTS, lambda word: os.write(theirs, f"{word}\\n".encode()), backend=backend)
            code = 0
        finally:
            os._exit(code)
    os.close(theirs)
    last = ""
    with open(ours) as told:
        for line in told:
            last = line.strip()
            if steps is not None and last in STEPS:
                steps -= 1
                if not steps:
                    time.sleep(pause)
                    os.kill(child, signal.SIGKILL)
                    break
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), last

STEPS = {"submitted", "queued", "running", "ready", "collected", "verified"}
# Everything is imported and loaded once: after that a process is started in no time.
anyio.run(film, home + "-other", SHOTS[:1], lambda word: None)
print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(life(*json.loads(line))), flush=True)
"""

SOLD: dict[str, dict[str, Any]] = {
    "seedance": {"duration": 2, "resolution": "480p", "pin": "seedance:cn/seedance-1.0-pro-fast"},
    "kling": {"duration": 3, "pin": "kling:cn/kling-3.0"},
    "wan": {"duration": 2, "resolution": "480p", "pin": "wan:cn/wan-3.0"},
    "hailuo": {"duration": 5, "resolution": "480p", "pin": "hailuo:cn/minimax-h3-max"},
    "vidu": {"duration": 1, "resolution": "540p", "pin": "vidu:cn/viduq3-turbo"},
    "sora": {"duration": 4, "pin": "sora:intl/sora-2"},
    "fal": {"duration": 2, "resolution": "480p", "pin": "fal:intl/wan-3.0"},
    "replicate": {"duration": 2, "resolution": "480p", "pin": "replicate:intl/wan-3.0"},
}
"""The smallest clip of each provider."""

FAULTS: list[dict[str, Any]] = [
    {"on": "create", "kind": "drop"},
    {"on": "create", "kind": "drop", "after_accept": True},
    {"on": "create", "kind": "malformed"},
    {"on": "create", "kind": "malformed", "after_accept": True},
    {"on": "create", "kind": "status", "status": 500},
    {"on": "create", "kind": "status", "status": 503, "after_accept": True},
    {"on": "create", "kind": "status", "status": 429},
    {"on": "create", "kind": "slow", "after_accept": True},
    {"on": "find", "kind": "status", "status": 500, "times": 2},
    {"on": "find", "kind": "drop"},
    {"on": "poll", "kind": "status", "status": 502, "times": 3},
    {"on": "poll", "kind": "drop", "times": 2},
    {"on": "poll", "kind": "malformed", "times": 2},
    {"on": "content", "kind": "drop"},
    {"on": "content", "kind": "status", "status": 403},
    {"on": "content", "kind": "status", "status": 503, "times": 2},
]
ENDS_WITHOUT_A_CLIP = {7: "[[moderate-input]]", 18: "[[moderate-output]]", 29: "[[fail]]"}
"""What a vendor is told in a prompt to refuse or to fail."""

ENDS = {
    JobState.UNKNOWN: ("OutcomeUnknown",),
    JobState.REFUSED: ("ContentRejected", "ProviderUnavailable"),
    JobState.FAILED: ("ContentRejected", "JobFailed"),
}
"""The errors a shot may end with, by the state of its job. After much trouble a breaker lets nothing be sent."""


def episode(providers: list[str]) -> list[dict[str, Any]]:
    return [
        SOLD[providers[n % len(providers)]]
        | {"prompt": f"雨夜,第{n}镜 {ENDS_WITHOUT_A_CLIP.get(n, '')}", "id": f"s{n:02}"}
        for n in range(SHOTS)
    ]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Handle]:
    """The command, as a process of its own."""
    command = [sys.executable, "-c", "from dramagen.cli import main; main()", "emulate", "--port", "0"]
    with subprocess.Popen([*command, "--speed", str(SPEED)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        host, port = server.stdout.readline().strip().rpartition("http://")[2].split(":")
        yield Handle(host, int(port))
        server.terminate()


Life = Callable[..., tuple[int, str]]


@pytest.fixture
def filming(emulator: Handle, tmp_path: Path, kept: dict[str, Any]) -> Iterator[Callable[..., Life]]:
    """Starts a process that films, as often as asked: ``life(steps, pause)`` gives its exit code and last word."""
    with ExitStack() as stack:

        def begin(backend: str, on_unknown: str, shots: list[dict[str, Any]]) -> Life:
            arguments = [str(tmp_path / "home"), backend, on_unknown, str(SPEED), json.dumps(shots)]
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", FILMING, *arguments],
                    env=os.environ | {"DRAMAGEN_EMULATOR": emulator.url},
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                )
            )  # fmt: skip

            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            emulator.reset()
            emulator.settings(**kept)

            def life(steps: int | None = None, pause: float = 0.0) -> tuple[int, str]:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps([steps, pause]) + "\n")
                process.stdin.flush()
                code, last = json.loads(process.stdout.readline())
                return code, last

            stack.callback(lambda: process.stdin and process.stdin.close())
            return life

        yield begin


CASES = [
    ("two", "hold"),
    ("two", "resend"),
    ("all", "hold"),
    ("two", "hold"),
    ("all", "hold"),
] * 2


@pytest.mark.matrix
@pytest.mark.parametrize(("seed", "which", "on_unknown"), [(n, *case) for n, case in enumerate(CASES)])
def test_killed_ten_times_an_episode_is_paid_once(
    emulator: Handle, filming: Callable[..., Life], tmp_path: Path, seed: int, which: str, on_unknown: str
) -> None:
    seeded = f"{os.environ['DRAMAGEN_SEED']}/{seed}"
    rng = random.Random(seeded)
    providers = ["seedance", "kling"] if which == "two" else [*SOLD]
    shots = episode(providers)
    life = filming(("asyncio", "trio")[seed % 2], on_unknown, shots)
    instants = [0, *sorted(rng.sample(range(1, STEPS), KILLS))]
    for before, at in pairwise(instants):
        for fault in rng.choices(FAULTS, k=5):
            emulator.faults(provider=rng.choice(providers), **({"seconds": 60} | fault))
        code, last = life(at - before, rng.uniform(0, 0.03))
        assert code == -signal.SIGKILL, f"{seeded}: it ended before it was killed, {last}"
    for vendors in ("in trouble", "well again"):
        code, last = life()
        case = f"{seeded}, vendors {vendors}: {last}"
        assert code == 0, case
        ends = json.loads(last)
        assert [shot_id for shot_id, *_ in ends] == [shot["id"] for shot in shots], case
        studio = Studio(Config(home=tmp_path / "home"))
        jobs = studio.jobs()
        for shot_id, end, _ in ends:
            check_end(end, [job for job in jobs if job.shot_id == shot_id], studio, case)
        unknown = check_bill(jobs, emulator.bill(), case)
        ledger = studio.ledger("rain")
        assert not ledger.reserved, case
        assert ledger.unknown == total(job.reserved for job in unknown), case
        emulator._control("DELETE", "faults")
    if on_unknown == "resend":
        # Sent again, a refused create is looked for and not believed: a person decides about that shot alone.
        assert {job.shot_id for job in unknown} <= {"s07"}, case


def check_end(end: str, jobs: list[Job], studio: Studio, case: str) -> None:
    """One clip that is there, or a typed error; of several jobs of a shot only the last was ever sent."""
    *before, job = jobs
    assert {each.state for each in before} <= {JobState.REFUSED}, case
    if job.state == JobState.DONE:
        assert studio.store.originals.verify(end) or studio.store.derived.verify(end), case
    else:
        assert end in ENDS.get(job.state, ()), case


def check_bill(jobs: list[Job], bill: list[dict[str, Any]], case: str) -> list[Job]:
    """Every charge on the bill is that of one job, to the cent; the jobs nobody knows of, which may have one each."""
    rows = {(row["provider"], row["id"]): row for row in bill}
    assert len(rows) == len(bill), case
    for job in jobs:
        if job.ticket is not None:
            row = rows.pop((job.route.provider, job.ticket.id))
            charged, booked = Money(Decimal(row["amount"]), row["currency"]), spent(job)
            assert booked is not None, f"{job.id} {case}"
            # A failure of which a vendor does not say whether it is billed is taken to be, and marked so.
            assert booked == charged or (job.cost_source == ASSUMED and booked > charged), f"{job.id} {case}"
    unknown = [job for job in jobs if job.state == JobState.UNKNOWN]
    held = [job.route.provider for job in unknown]
    for provider, _ in rows:
        assert provider in held, f"on the bill, and not in the ledger: {rows}; {case}"
        held.remove(provider)
    return unknown
