"""The store as the engine uses it: clips, receipts, index and trims together; what it takes and what may go."""

import json
import logging
import os
import stat
from pathlib import Path

import pytest

from dramagen.clip import Facts
from dramagen.money import Money
from dramagen.store import IndexUnavailable, MemoryIndex, Receipt, Store, prune, usage

MEDIA = Facts(duration=5.0, width=720, height=1280, fps=24.0, has_audio=True, codec="h264", frames=120)
NOW = 1_795_000_000.0
DAY = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


def bought(store: Store, key: str = "job:j1", data: bytes = b"film") -> Receipt:
    stored = store.originals.put_bytes(data, "mp4")
    receipt = Receipt(
        key=key, sha256=stored.sha256, order="o1:cd", route="kling:cn/kling-3.0", job_id="j1",
        cost=Money("3 CNY"), cost_source="reported", media=MEDIA, created=NOW,
    )  # fmt: skip
    store.remember(receipt)
    return receipt


def aged(path: Path, days: float) -> Path:
    os.utime(path, (NOW - days * DAY, NOW - days * DAY))
    return path


def files(store: Store) -> set[str]:
    return {place.name for place in store.home.rglob("*") if place.is_file()}


def test_making_a_store_touches_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "home")
    store.close()
    assert not (tmp_path / "home").exists()
    assert usage(store)["original"].files == 0


def test_a_bought_clip_is_recalled_also_by_the_next_process(store: Store) -> None:
    receipt = bought(store)
    assert store.recall("job:j1") == receipt
    store.close()
    assert Store(store.home).recall("job:j1") == receipt
    assert store.recall("job:j2") is None


def test_a_clip_whose_file_is_gone_is_not_recalled(store: Store) -> None:
    receipt = bought(store)
    store.originals.remove(receipt.sha256)
    assert store.recall("job:j1") is None


def test_a_lost_index_is_found_again_from_the_receipts(store: Store) -> None:
    receipt = bought(store)
    (store.home / "index" / "cache.db").write_bytes(b"garbage" * 1000)
    assert Store(store.home).recall("job:j1") == receipt


def test_another_index_can_be_filled_from_the_receipts(store: Store) -> None:
    receipts = [bought(store, f"job:{n}", bytes([n])) for n in range(3)]
    other = Store(store.home, MemoryIndex())
    assert other.recall("job:0") is None
    assert other.rebuild() == 3
    assert [other.recall(receipt.key) for receipt in receipts] == receipts


@pytest.mark.parametrize("row", [b"", b"{}", b"[]", b'{"sha256": "../../etc/passwd"}', b"\xff"])
def test_a_row_that_is_no_receipt_reads_as_missing(
    store: Store, caplog: pytest.LogCaptureFixture, row: bytes
) -> None:
    store.index.set("job:j1", row)
    store.index.set("trim:t", row)
    with caplog.at_level(logging.WARNING):
        assert store.recall("job:j1") is None
        assert store.trim_for("t") is None
    assert "job:j1" in caplog.text


def test_a_receipt_row_cannot_name_a_path(store: Store) -> None:
    receipt = bought(store)
    row = json.loads(receipt.to_bytes()) | {"sha256": "../../../etc/passwd"}
    store.index.set("job:j1", json.dumps(row).encode())
    assert store.recall("job:j1") is None


class NoIndex(MemoryIndex):
    """An index that cannot be used."""

    def get(self, key: str) -> bytes | None:
        raise IndexUnavailable("locked")

    def set(self, key: str, value: bytes) -> None:
        raise IndexUnavailable("locked")


def test_a_clip_is_not_lost_over_the_index(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        receipt = bought(Store(tmp_path, NoIndex()))
        assert Store(tmp_path, NoIndex()).recall("job:j1") is None
    assert "locked" in caplog.text
    assert Store(tmp_path).recall("job:j1") == receipt


def test_a_trim_is_made_once(store: Store) -> None:
    key = f"{'ab' * 32}/0/79/1"
    assert store.trim_for(key) is None
    stored = store.derived.put_bytes(b"cut", "mp4")
    store.remember_trim(key, stored.sha256)
    assert Store(store.home).trim_for(key) == stored.path
    stored.path.unlink()
    assert store.trim_for(key) is None


def test_everything_under_the_home_is_private(store: Store) -> None:
    bought(store)
    store.inputs.put_bytes(b"face", "png")
    store.derived.staging()
    for place in store.home.rglob("*"):
        if place.is_dir():
            assert stat.S_IMODE(place.stat().st_mode) == 0o700, place
    assert stat.S_IMODE(store.home.stat().st_mode) == 0o700


@pytest.fixture
def furnished(store: Store) -> Store:
    """One of everything, all of it 10 days old."""
    receipt = bought(store, "job:old", b"old film")
    bought(store, "job:kept", b"kept film")
    store.derived.put_bytes(b"cut", "mp4")
    store.inputs.put_bytes(b"face", "png")
    store.originals.staging("lost").write_bytes(b"ha")
    (store.receipts.root / receipt.sha256[:2] / "half.part").write_bytes(b"{")
    store.renders.mkdir()
    (store.renders / "o1-ab.mp4").write_bytes(b"animatic")
    for place in store.home.rglob("*"):
        if place.is_file():
            aged(place, 10)
    return store


def test_usage_counts_each_kind(furnished: Store) -> None:
    told = {kind: (room.files, room.size) for kind, room in usage(furnished).items()}
    assert told == {
        "original": (2, 17), "derived": (1, 3), "input": (1, 4), "render": (1, 8), "partial": (2, 3),
    }  # fmt: skip


def test_pruning_takes_only_what_is_made_again(furnished: Store) -> None:
    gone = prune(furnished, now=NOW)
    assert sorted(item.kind for item in gone) == ["derived", "partial", "partial", "render"]
    assert {kind for kind, room in usage(furnished).items() if room.files} == {"original", "input"}


def test_a_dry_run_tells_the_same_and_takes_nothing(furnished: Store) -> None:
    before = files(furnished)
    planned = prune(furnished, now=NOW, older_than=5 * DAY, dry_run=True)
    assert files(furnished) == before
    assert prune(furnished, now=NOW, older_than=5 * DAY) == planned


def test_old_files_nobody_refers_to_go_and_receipts_stay(furnished: Store) -> None:
    kept = furnished.recall("job:kept")
    assert kept is not None
    gone = prune(furnished, now=NOW, older_than=5 * DAY, referenced={kept.sha256})
    assert sorted(item.kind for item in gone) == [
        "derived",
        "input",
        "original",
        "partial",
        "partial",
        "render",
    ]
    assert [stored.sha256 for stored in furnished.originals] == [kept.sha256]
    assert {receipt.key for receipt in furnished.receipts.read_all()} == {"job:old", "job:kept"}
    assert furnished.recall("job:old") is None


def test_young_originals_stay(furnished: Store) -> None:
    gone = prune(furnished, now=NOW, older_than=11 * DAY)
    assert not {"original", "input"} & {item.kind for item in gone}


def test_what_is_referred_to_goes_only_by_force(furnished: Store) -> None:
    everything = {stored.sha256 for stored in (*furnished.originals, *furnished.inputs, *furnished.derived)}
    gone = prune(furnished, now=NOW, older_than=0, referenced=everything)
    assert {item.sha256 for item in gone} == {None}
    prune(furnished, now=NOW, older_than=0, referenced=everything, force=True)
    assert {room.files for room in usage(furnished).values()} == {0}


def test_a_download_or_render_under_way_is_left_alone(furnished: Store) -> None:
    download = aged(furnished.originals.staging("lost"), 0.5)
    render = aged(furnished.renders / "o1-ab.mp4", 0.5)
    prune(furnished, now=NOW, older_than=0)
    assert download.exists()
    assert render.exists()
