"""A home in trouble: a disk that fills up, one that cannot be written, damaged pages and files, a clock that jumps.

Whenever it happens, the error is typed and the vendor makes one job; once the trouble is over the clip is there.
"""

import itertools
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dramagen import Clip, Shot, Studio
from dramagen.engine.clock import VirtualClock
from dramagen.engine.database import JournalUnavailable, SQLite, Transaction
from dramagen.errors import ConfigError, DramagenError, JobExpired, OutcomeUnknown
from dramagen.store import StoreUnavailable
from dramagen.testing import FakeProvider

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]

Sample = Callable[[Iterable[Any], int], list[Any]]


async def shoot(studio: Studio, shot: Shot) -> Clip | DramagenError:
    try:
        return await studio.shoot(shot)
    except DramagenError as error:
        return error


async def paid_once(stage: Any, case: object) -> None:
    """The trouble is over: the clip is there, or comes, and nothing is bought again."""
    async with stage.studio() as studio:
        await studio.resume()
        clip = await shoot(studio, stage.shot)
        assert isinstance(clip, Clip), f"{case}: {clip!r}"
        assert studio.ledger().spent == (clip.cost,), case
        assert not studio.ledger().reserved, case
    assert stage.creates == stage.vendor.billed == 1, case


# --- a disk that fills up ----------------------------------------------------------------------------------------

TOKENS = 19_845
"""What the vendor bills for the shot of the stage."""
LONGEST = 14
"""More transactions than a film of one shot has."""


@contextmanager
def full(monkeypatch: pytest.MonkeyPatch, first: int, last: int) -> Iterator[None]:
    """The disk is full for these transactions, counted from now; SQLite says so when it commits."""
    plain, count = SQLite.transaction, itertools.count(1)

    @contextmanager
    def transaction(self: SQLite) -> Iterator[Transaction]:
        with plain(self) as tx:
            yield tx
            if first <= next(count) <= last:
                tx.execute("PRAGMA max_page_count = 1")
                tx.execute("CREATE TABLE more AS SELECT zeroblob(1000000) AS size")

    with monkeypatch.context() as patch:
        patch.setattr(SQLite, "transaction", transaction)
        yield


@pytest.mark.matrix
@pytest.mark.parametrize("lasts", [1, 3, 10**6])
async def test_a_disk_that_is_full_at_whichever_commit(
    stage: Any, monkeypatch: pytest.MonkeyPatch, lasts: int, sample: Sample
) -> None:
    """The lost tickets' file needs no journal, so what the vendor accepted is known even then."""
    said = set()
    firsts = sample(range(1, LONGEST + 1), 4)
    for first in firsts:
        stage.home = stage.home.with_name(f"home-{first}")
        stage.make_vendor()
        async with stage.studio() as studio:
            with full(monkeypatch, first, first + lasts - 1):
                end = await shoot(studio, stage.shot)
        if isinstance(end, DramagenError):
            assert isinstance(end, JournalUnavailable), f"{first}: {end!r}"
            assert "full" in str(end), first
            said.add(first)
        await paid_once(stage, first)
    assert LONGEST not in said
    assert len(firsts) < LONGEST or len(said) >= 4  # to reserve, to announce, the ticket, the verdict


# --- a home that cannot be written ---------------------------------------------------------------------------------


@contextmanager
def read_only(home: Path) -> Iterator[None]:
    """Nobody may write there. Root may write anywhere, so meanwhile this process is somebody else."""
    paths = [home, *home.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        yield
    finally:
        if root:
            os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.fixture
def reachable(stage: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A stage whose home everybody may enter, which pytest's own folders do not allow."""
    folder = Path(tempfile.mkdtemp(prefix="dramagen-"))
    folder.chmod(0o755)
    monkeypatch.chdir(folder)
    stage.home = folder / "home"
    yield stage
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows knows no such modes")
async def test_a_home_that_cannot_be_written_is_refused_before_anything_is_sent(reachable: Any) -> None:
    stage = reachable
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
    with read_only(stage.home), pytest.raises(ConfigError, match=r"cannot (open the journal|write to)"):
        async with stage.studio() as studio:
            await studio.shoot(stage.shot)
    await paid_once(stage, "writable again")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows knows no such modes")
async def test_a_home_that_cannot_be_written_any_more_only_delays_the_clip(reachable: Any) -> None:
    stage = reachable
    async with stage.studio() as studio:
        (stage.home / "clips").mkdir(exist_ok=True)
        with read_only(stage.home / "clips"):
            end = await shoot(studio, stage.shot)
        assert isinstance(end, StoreUnavailable), end
        assert f"cannot write to {stage.home / 'clips'}" in str(end)
        assert [job.state for job in studio.jobs()] == ["ready"]
    await paid_once(stage, "writable again")


# --- damage --------------------------------------------------------------------------------------------------------


def zeros(page: bytes, rng: random.Random) -> bytes:
    return bytes(len(page))


def noise(page: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(len(page))


def torn(page: bytes, rng: random.Random) -> bytes:
    """Half of it is what the disk had there before."""
    return page[: len(page) // 2] + bytes(len(page) - len(page) // 2)


@pytest.mark.matrix
@pytest.mark.parametrize("harm", [zeros, noise, torn])
async def test_a_broken_page_of_the_journal_is_told_and_nothing_is_bought_again(
    stage: Any, harm: Callable[[bytes, random.Random], bytes], sample: Sample
) -> None:
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
    (path,) = stage.home.glob("*.sqlite*")
    good = path.read_bytes()
    with sqlite3.connect(path) as plain:
        (size,) = plain.execute("PRAGMA page_size").fetchone()
    plain.close()
    for number in sample(range(len(good) // size), 8):
        page = good[number * size : (number + 1) * size]
        path.write_bytes(
            good[: number * size] + harm(page, random.Random(number)) + good[(number + 1) * size :]
        )
        try:
            async with stage.studio() as studio:
                end: Clip | DramagenError = await shoot(studio, stage.shot)
        except (ConfigError, JournalUnavailable) as refused:  # as the studio opens, or closes
            end = refused
        if isinstance(end, DramagenError):
            assert isinstance(end, ConfigError | JournalUnavailable), f"page {number}: {end!r}"
            assert str(path) in str(end), f"page {number}: {end}"
        assert stage.creates == 1, f"page {number}: bought again, {end!r}"
        for leftover in stage.home.glob("*.sqlite-*"):
            leftover.unlink()
    path.write_bytes(good)
    await paid_once(stage, "restored")


HARMS = [
    ("*.mp4", "gone"),
    ("*.mp4", "empty"),
    ("*.mp4", "noise"),
    *itertools.product(("*.json", "index/**/*"), ("gone", "empty", "noise")),
]


@pytest.mark.parametrize(("what", "harm"), HARMS)
async def test_damaged_files_cost_a_download_at_most(stage: Any, what: str, harm: str) -> None:
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
    files = [path for path in stage.home.rglob(what) if path.is_file()]
    assert files
    for path in files:
        if harm == "gone":
            path.unlink()
        else:
            path.chmod(0o600)
            path.write_bytes(b"" if harm == "empty" else random.Random(1).randbytes(path.stat().st_size))
    await paid_once(stage, f"{what} {harm}")
    async with stage.studio() as studio:
        clip = await studio.shoot(stage.shot)
        assert clip.path.read_bytes() == stage.film


@pytest.mark.parametrize("harm", ["gone", "cut", "altered"])
async def test_a_file_the_vendor_has_no_more_is_told_and_not_bought_again(stage: Any, harm: str) -> None:
    async with stage.studio() as studio:
        clip = await studio.shoot(stage.shot)
    film = clip.path.read_bytes()
    if harm == "gone":
        clip.path.unlink()
    else:
        clip.path.write_bytes(film[:-9] if harm == "cut" else film[:-9] + b"something")
    stage.vendor._clip = b"another film"
    async with stage.studio() as studio:
        with pytest.raises(JobExpired, match=r"not in this home as it was bought.*fresh=True films it again"):
            await studio.shoot(stage.shot)
        assert studio.ledger().spent == (clip.cost,)
    assert stage.creates == 1
    clip.path.write_bytes(film)  # somebody had a copy
    async with stage.studio() as studio:
        assert (await studio.shoot(stage.shot)).cached
    assert stage.creates == 1


# --- a clock that jumps --------------------------------------------------------------------------------------------


class Jumping(VirtualClock):
    """Somebody sets the machine's clock: Unix time jumps, what only goes forward does not."""

    off = 0.0

    def now(self) -> float:
        return self.true() + self.off

    def true(self) -> float:
        """The vendor's."""
        return super().now()

    def since(self, moment: float) -> float:
        return self.now() - moment


class AtRequest(httpx.AsyncBaseTransport):
    """The clock jumps as this request goes out, or as its answer comes in."""

    def __init__(self, vendor: FakeProvider, clock: Jumping, number: int, answered: bool, by: float) -> None:
        self.vendor, self.clock, self.number, self.answered, self.by = vendor, clock, number, answered, by

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.number -= 1
        if not self.number and not self.answered:
            self.clock.off += self.by
        try:
            return await self.vendor.handle_async_request(request)
        finally:
            if not self.number and self.answered:
                self.clock.off += self.by


JUMPS = [-86_400.0, -3600.0, 3600.0, 3 * 86_400.0]
CASES = list(itertools.product(JUMPS, (1, 2, 3, 4), (False, True), ("succeed", "lose")))


@pytest.mark.matrix
async def test_a_clock_that_jumps_during_a_job_costs_nothing(stage: Any, sample: Sample) -> None:
    for number, (by, at, answered, outcome) in enumerate(sample(CASES, 4)):
        case = f"{by:+} s at request {at}{' answered' if answered else ''}, {outcome}"
        stage.home = stage.home.with_name(f"home-{number}")
        stage.clock = Jumping()
        stage.vendor = FakeProvider(stage.film, [outcome], tokens=TOKENS, now=stage.clock.true)
        jumping = AtRequest(stage.vendor, stage.clock, at, answered, by)
        async with stage.studio(transport=jumping) as studio:
            first = await shoot(studio, stage.shot)
        async with stage.studio() as studio:
            await studio.resume()
            second = await shoot(studio, stage.shot)
            ledger = studio.ledger()
        assert stage.creates == stage.vendor.billed == 1, f"{case}: {first!r}, {second!r}"
        if isinstance(second, Clip):
            assert ledger.spent == (second.cost,), case
        else:
            # Its send window is told by two clocks: where nothing is found in it, a person decides.
            assert outcome == "lose", f"{case}: {second!r}"
            assert isinstance(second, OutcomeUnknown), f"{case}: {second!r}"
            assert ledger.unknown, case
