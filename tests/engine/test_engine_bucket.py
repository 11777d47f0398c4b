"""Homes that share a bucket: a clip counts as done when the bucket has it, and is handed over from there."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from dramagen import Config, Image, Studio
from dramagen.store import StoreUnavailable, WrongContent
from dramagen.store.bucket import Bucket

pytest.importorskip("obstore")
pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]

Open = Callable[..., Studio]


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    """The folder that stands for the bucket."""
    return tmp_path / "bucket"


@pytest.fixture
def opened(stage: Any, bucket: Path) -> Open:
    """A studio in a home of its own; ``database`` shares its journal with others."""

    def make(name: str, **settings: Any) -> Studio:
        known = {"keys": {"seedance": stage.KEY}, "store": bucket.as_uri()} | settings
        config = Config(home=stage.home / name, **known)
        return Studio(config, clock=stage.clock, transports={"https": stage.vendor})

    return make


def files(bucket: Path, area: str) -> list[Path]:
    return [path for path in bucket.glob(f"{area}/**/*") if path.is_file()]


def kept(bucket: Path, area: str) -> list[str]:
    return sorted(path.name for path in files(bucket, area))


def deaf(stage: Any) -> Any:
    """The vendor answers nobody any more."""
    stage.make_vendor(["unavailable"] * 100)
    return stage


async def test_a_take_of_one_home_is_had_by_another_without_a_word_to_the_vendor(
    stage: Any, opened: Open, postgres: str
) -> None:
    async with opened("one", database=postgres) as one:
        first = await one.shoot(stage.shot)
    deaf(stage)
    async with opened("two", database=postgres) as two:
        again = await two.shoot(stage.shot)
        assert again.cached
        assert (again.sha256, again.cost, again.job_id) == (first.sha256, first.cost, first.job_id)
        assert again.path.is_relative_to(stage.home / "two")
        assert again.path.read_bytes() == first.path.read_bytes()
        assert again.original.sha256 == first.original.sha256
    assert stage.vendor.requests == []


async def test_done_is_written_when_the_bucket_has_everything(
    stage: Any, opened: Open, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = stage.shot.changed(duration=1.5)  # trimmed
    seen: list[tuple[list[str], ...]] = []
    async with opened("one") as studio:
        journal = studio._running().engine.journal
        move = type(journal).move

        def noted(self: Any, job: Any, to: Any, **known: Any) -> Any:
            if to == "done":
                seen.append(tuple(kept(bucket, area) for area in ("originals", "derived", "receipts")))
            return move(self, job, to, **known)

        monkeypatch.setattr(type(journal), "move", noted)
        clip = await studio.shoot(shot)
    ((originals, derived, receipts),) = seen
    assert originals == [f"{clip.original.sha256}.mp4"]
    assert derived == ([f"{clip.sha256}.mp4"] if clip.sha256 != clip.original.sha256 else [])
    assert len(receipts) == 1


@pytest.mark.parametrize("broken", ["keep", "note"])
async def test_an_interrupted_put_keeps_the_money_and_the_file(
    stage: Any, opened: Open, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """What was fetched is stored by the next try, although the vendor has it no longer."""

    def cut(self: Bucket, name: str, content: Any) -> None:
        raise StoreUnavailable("the line is cut")

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, broken, cut)
        async with opened("one") as studio:
            with pytest.raises(StoreUnavailable) as caught:
                await studio.shoot(stage.shot)
            assert caught.value.retryable
            (job,) = studio.jobs()
            assert job.state == "ready"
            (spent,) = studio.ledger().spent
            assert spent.amount == stage.COST

    creates = stage.creates
    if broken == "keep":
        stage.vendor._clip = b""  # fetched again it would not be the same
    async with opened("one") as studio:
        clip = await studio.shoot(stage.shot)
        assert clip.job_id == job.id
        assert clip.path.stat().st_size == len(stage.film)
        assert studio.ledger().spent == (spent,)
    assert stage.creates == creates == 1


async def test_other_content_in_the_bucket_is_a_typed_error_and_the_job_stays(
    stage: Any, opened: Open, bucket: Path
) -> None:
    async with opened("one") as studio:
        clip = await studio.shoot(stage.shot)
    (place,) = files(bucket, "originals")
    place.write_bytes(b"something else")
    async with opened("two") as studio:
        with pytest.raises(WrongContent):
            await studio.shoot(stage.shot)
        (job,) = studio.jobs()
        assert job.state == "ready"
        place.unlink()
        assert (await studio.shoot(stage.shot)).sha256 == clip.sha256
        assert len(studio.jobs()) == 1


async def test_what_a_dead_machine_stored_and_did_not_write_down_is_not_fetched_again(
    stage: Any, opened: Open, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened("one", database=postgres) as one:
        engine = one._running().engine
        move = type(engine.journal).move

        def die(self: Any, job: Any, to: Any, **known: Any) -> Any:
            if to == "done":
                raise sqlite3.OperationalError("dead")
            return move(self, job, to, **known)

        with monkeypatch.context() as patch:
            patch.setattr(type(engine.journal), "move", die)
            with pytest.raises(Exception, match="dead"):
                await one.shoot(stage.shot)
    deaf(stage)
    async with opened("two", database=postgres) as two:
        clip = await two.shoot(stage.shot)
        (job,) = two.jobs()
        assert (job.state, job.id) == ("done", clip.job_id)
    assert stage.vendor.requests == []


async def test_pictures_are_had_where_the_order_is_taken_over(
    stage: Any, opened: Open, bucket: Path, tmp_path: Path
) -> None:
    pillow = pytest.importorskip("PIL.Image")
    pillow.new("RGB", (480, 864), "navy").save(tmp_path / "frame.png")
    picture = Image.from_path(tmp_path / "frame.png")
    async with opened("one") as one:
        await one.shoot(stage.shot.changed(first_frame=picture))
    assert kept(bucket, "inputs")
    two = opened("two")
    data = await anyio.to_thread.run_sync(two.store.inputs.read, picture.sha256)
    assert data == (tmp_path / "frame.png").read_bytes()


async def test_a_bucket_that_cannot_be_reached_stops_an_order_with_pictures_before_it_is_paid(
    stage: Any, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pillow = pytest.importorskip("PIL.Image")
    pillow.new("RGB", (480, 864), "navy").save(tmp_path / "frame.png")

    def cut(self: Bucket, name: str, content: Any = None) -> None:
        raise StoreUnavailable("the line is cut")

    monkeypatch.setattr(Bucket, "keep", cut)
    monkeypatch.setattr(Bucket, "find", cut)
    async with opened("one") as studio:
        with pytest.raises(StoreUnavailable):
            await studio.shoot(stage.shot.changed(first_frame=Image.from_path(tmp_path / "frame.png")))
        assert studio.jobs() == []
    assert stage.creates == 0
