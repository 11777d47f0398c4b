"""Real processes on one journal: the vendor never sees more jobs at once than may run; a dead one leaks no place."""

import itertools
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from dramagen import Config, Studio
from dramagen.emulator import running

FILM = """
import sys
import anyio
from pathlib import Path
from dramagen import Config, Shot, Studio

async def main():
    home, backend, database, name, count = sys.argv[1:]
    pin = "kling:cn/kling-2.5-turbo"
    shots = [Shot(f"{name} {n}", duration=5, resolution="720p", pin=pin) for n in range(int(count))]
    config = Config(home=Path(home), time_scale=300, database=database or None)
    async with Studio(config) as studio:
        print("open", flush=True)
        await studio.resume()
        async for event in studio.shoot_all(shots, episode=name):
            print("failed" if event.error else "done", event.error or "", flush=True)

anyio.run(main, backend=sys.argv[2])
"""

ORDER = """
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from dramagen import Budget, Money
from dramagen.catalog.order import Order, Price, Quote
from dramagen.catalog.route import Route
from dramagen.engine.database import SQLite
from dramagen.engine.jobs import Intent
from dramagen.engine.journal import Journal
from dramagen.engine.schema import MIGRATIONS
from dramagen.errors import BudgetExceeded
from dramagen.money import Rates

place, per, name = sys.argv[1:]
if place.startswith("postgresql"):
    from dramagen.engine.postgres import Postgres
    database = Postgres(place, MIGRATIONS)
else:
    database = SQLite(Path(place), MIGRATIONS)
journal = Journal(database, lambda: 1_795_000_000.0, Rates({"CNY": Decimal("7")}, date(2026, 10, 8)))
route = Route(provider="kling", region="cn", model="kling-3.0")
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    order = Order(route=route, wire={"model": "m"}, mode="text", prompt=f"{name} {number}", duration=Decimal(5),
                  resolution="720p", audio=False)
    price = Price(expected=Money("1 CNY"), most=Money("1 CNY"))
    try:
        journal.reserve(Intent(
            shot_hash="s1:one" if per == "shot" else f"s1:{name}{number}", take=int(name) * 100 + number,
            quote=Quote(route=route, order=order, price=price), order_hash=order.hash, shot={}, shot_id=None,
            episode="e", credential="c", owner=name, budgets=(Budget("3.5 USD", per=per),),
        ))
        print("reserved", flush=True)
    except BudgetExceeded:
        pass
journal.close()
"""


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest) -> str:
    """The address of a journal on a server, or nothing: then it is in the home."""
    return request.getfixturevalue("postgres") if request.param == "postgres" else ""


def start(program: str, *words: object, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def most_at_once(home: Path, shared: str) -> int:
    """By the journal: how many jobs had a ticket and no verdict yet."""
    studio = Studio(Config(home=home, database=shared or None))
    steps: list[tuple[float, int]] = []
    for job in studio.jobs():
        at = {line["kind"]: line["at"] for line in studio.timeline(job.id)}
        steps += [(at["accepted"], 1), (at["ready"], -1)]
    return max(itertools.accumulate(step for _, step in sorted(steps)))


@pytest.mark.matrix
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_two_processes_share_the_places(tmp_path: Path, shared: str, backend: str) -> None:
    with running(speed=300) as emulator:
        emulator.settings(kling={"concurrency": 3})
        # Nobody hears of an end before all three places were taken.
        emulator.faults(provider="kling", on="poll", kind="status", status=503, times=10**6)
        words = (tmp_path / "home", backend, shared)
        films = [start(FILM, *words, name, 6, DRAMAGEN_EMULATOR=emulator.url) for name in ("甲", "乙")]
        while len(emulator.bill()) < 3:
            assert all(film.poll() is None for film in films)
            time.sleep(0.05)
        emulator._control("DELETE", "faults")
        said = [film.communicate(timeout=120)[0] for film in films]
        assert [text.count("done") for text in said] == [6, 6], said
        creates = [request for request in emulator.requests() if request["method"] == "POST"]
        bill = emulator.bill()
    assert len(creates) == 12  # the vendor refuses a fourth, and it would come again
    assert most_at_once(tmp_path / "home", shared) == 3
    assert len(bill) == 12
    assert all(Decimal(row["amount"]) > 0 for row in bill)


@pytest.mark.matrix
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_killed_process_holds_its_places_for_no_longer_than_its_jobs(
    tmp_path: Path, shared: str, backend: str
) -> None:
    with running(speed=300) as emulator:
        emulator.settings(kling={"concurrency": 3})
        words = (tmp_path / "home", backend, shared)
        first = start(FILM, *words, "甲", 6, DRAMAGEN_EMULATOR=emulator.url)
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        while len(emulator.bill()) < 2:
            assert first.poll() is None
            time.sleep(0.05)
        second = start(FILM, *words, "乙", 4, DRAMAGEN_EMULATOR=emulator.url)
        assert second.stdout is not None
        assert second.stdout.readline() == "open\n"
        first.send_signal(signal.SIGKILL)
        first.communicate()
        said = second.communicate(timeout=120)[0]
        assert said.count("done") == 4, said
        assert len([row for row in emulator.bill() if Decimal(row["amount"]) > 0]) <= 10


@pytest.mark.matrix
@pytest.mark.parametrize("per", ["episode", "shot", "day", "route"])
def test_a_cap_holds_between_processes(tmp_path: Path, shared: str, per: str) -> None:
    """3.5 USD at 7 are 24 takes of 1 CNY and a half."""
    place = shared or str(tmp_path / "journal.sqlite")
    if shared:
        from dramagen.engine.postgres import Postgres
        from dramagen.engine.schema import MIGRATIONS

        Postgres(shared, MIGRATIONS).close()
    buyers = [start(ORDER, place, per, name) for name in ("1", "2")]
    for buyer in buyers:
        assert buyer.stdout is not None
        assert buyer.stdout.readline() == "ready\n", buyer.stdout.read()
    for buyer in buyers:
        assert buyer.stdin is not None
        buyer.stdin.write("go\n")
        buyer.stdin.flush()
    said = [buyer.communicate(timeout=60)[0] for buyer in buyers]
    assert sum(text.count("reserved") for text in said) == 24, said
