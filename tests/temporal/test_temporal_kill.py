"""Two workers with homes apart, one Postgres, a limit of ten: one is killed half-way, every order is paid once."""

import os
import signal
from decimal import Decimal
from typing import Any

import anyio
import pytest

pytest.importorskip("temporalio", reason="pip install 'dramagen[temporal]'")

from dramagen import Shot, Studio
from dramagen.money import Money, total
from dramagen.temporal import connect, start_shot
from dramagen.temporal.client import result

pytestmark = pytest.mark.anyio

COMPLETE = os.environ.get("DRAMAGEN_MATRIX") == "all"
ORDERS = 200 if COMPLETE else 12
AT_ONCE = 10
LEASE = 3
"""Seconds, in the place of the usual 60, after which a worker of another home is taken for dead."""
DEAD_AFTER = 15 if COMPLETE else 4
"""Seconds, in the place of the usual 30, after which Temporal takes it for dead. A busy machine is not a death."""
SHOTS = [Shot(f"雨夜,第{n}镜", duration=3, pin="kling:cn/kling-3.0", id=f"s{n:03}") for n in range(ORDERS)]


async def count(team: Any, running: list[int]) -> None:
    """How many jobs the vendor has under way, now and then."""
    while True:
        running.append(sum(row["state"] in ("queued", "running") for row in team.paid()))
        await anyio.sleep(0.1)


@pytest.mark.timeout(900)
async def test_a_worker_killed_half_way_leaves_every_order_paid_once(
    team: Any, postgres: str, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    monkeypatch.setenv("DRAMAGEN_DATABASE", postgres)
    monkeypatch.setenv("DRAMAGEN_STORE", (team.work / "store").as_uri())
    settings = (team.work / "dramagen.toml").read_text("utf-8")
    (team.work / "dramagen.toml").write_text(f"{settings}\n[limits]\nkling = {AT_ONCE}\n", "utf-8")
    # The vendor refuses one more than ten, and the journal would tell of it. Its jobs last a second here.
    team.vendor.settings(kling={"concurrency": AT_ONCE, "job_seconds": 300})
    hurried = f"from dramagen.engine import leases; leases.LENGTH = {LEASE}"
    first = team.worker(home=team.work / "one", before=hurried)
    team.worker(home=team.work / "two", before=hurried)
    client = await connect(team.address)
    running: list[int] = []
    began = anyio.current_time()
    async with anyio.create_task_group() as counting:
        counting.start_soon(count, team, running)
        async with Studio(team.config) as studio:
            handles = [
                await start_shot(client, studio, shot, queue=team.queue, dead_after=DEAD_AFTER)
                for shot in SHOTS
            ]
        await team.until(lambda: len(done(team)) >= ORDERS // 2, seconds=240, pause=0.1)
        first.send_signal(signal.SIGKILL)
        await anyio.to_thread.run_sync(first.wait)
        taken = [await result(handle) for handle in handles]
        counting.cancel_scope.cancel()
    seconds = anyio.current_time() - began

    bill = team.paid()
    assert len(bill) == len(taken) == ORDERS
    assert len({one.job_id for one in taken}) == ORDERS
    studio = Studio(team.config)
    ledger = studio.ledger()
    assert ledger.jobs == {"done": ORDERS}
    assert ledger.spent == total(Money(Decimal(row["amount"]), row["currency"]) for row in bill)
    assert not ledger.reserved
    assert not ledger.unknown
    refused = [line for job in taken for line in studio.timeline(job.job_id) if line["kind"] == "intended"]
    assert not refused, "the vendor was sent more than it takes"
    assert max(running) <= AT_ONCE
    assert max(running) > AT_ONCE // 2 or not COMPLETE, (
        "a busy machine may miss the tenth, but not half of them"
    )
    for name, figure in (("rows", len(bill)), ("peak", max(running)), ("seconds", round(seconds, 1))):
        record_property(name, figure)


def done(team: Any) -> list[Any]:
    return [row for row in team.paid() if row["state"] == "succeeded"]
