"""The index: durable, private, without eviction, and deaf to rows it has not written."""

import logging
import pickle
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dramagen.store import DiskIndex, IndexUnavailable, MemoryIndex, ResultIndex
from dramagen.store.index import RawDisk


@pytest.fixture(params=["memory", "disk"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ResultIndex]:
    made: ResultIndex = MemoryIndex() if request.param == "memory" else DiskIndex(tmp_path / "index")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "index"


def database(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "cache.db")


def edit(folder: Path, statement: str, *values: object) -> None:
    with database(folder) as connection:
        connection.execute(statement, values)
    connection.close()


def test_what_is_set_is_got(index: ResultIndex) -> None:
    assert index.get("a") is None
    index.set("a", b"1")
    index.set("b", b"")
    index.set("a", b"2")
    assert (index.get("a"), index.get("b"), len(index)) == (b"2", b"", 2)
    index.delete("a")
    index.delete("never there")
    assert (index.get("a"), len(index)) == (None, 1)


def test_it_is_there_for_the_next_process_and_only_for_its_owner(folder: Path) -> None:
    DiskIndex(folder).set("a", b"1")
    assert DiskIndex(folder).get("a") == b"1"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_nothing_is_made_before_it_is_used(folder: Path) -> None:
    DiskIndex(folder).close()
    assert not folder.exists()


def test_every_commit_is_synced_and_nothing_is_evicted(folder: Path) -> None:
    index = DiskIndex(folder)
    for number in range(40):
        index.set(f"k{number}", bytes(1_000_000))
    assert len(index) == 40
    assert index.get("k0") == bytes(1_000_000)
    assert [place.name for place in folder.iterdir()] == ["cache.db"], "values outside would not be synced"
    with database(folder) as connection:
        stored = dict(connection.execute("SELECT key, value FROM Settings"))
    connection.close()
    assert (stored["sqlite_synchronous"], stored["eviction_policy"], stored["cull_limit"]) == (2, "none", 0)


class Trap:
    """Unpickling it calls a function."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.place,)


@pytest.fixture
def sprung(tmp_path: Path) -> Path:
    """The file that appears if planted code runs."""
    place = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Trap(place)))
    assert place.exists(), "the trap works"
    place.unlink()
    return place


def test_a_planted_pickle_does_not_run_reads_as_missing_and_is_told(
    folder: Path, sprung: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = DiskIndex(folder)
    index.set("a", b"1")
    index.set("b", b"2")
    edit(folder, "UPDATE Cache SET mode = 4, value = ? WHERE key = 'a'", pickle.dumps(Trap(sprung)))
    with caplog.at_level(logging.WARNING):
        assert index.get("a") is None
    assert not sprung.exists()
    assert "'a'" in caplog.text
    assert index.get("b") == b"2"
    index.set("a", b"3")
    assert index.get("a") == b"3"


def test_a_pickle_in_a_file_does_not_run_either(folder: Path, sprung: Path) -> None:
    index = DiskIndex(folder)
    index.set("a", b"1")
    (folder / "trap.val").write_bytes(pickle.dumps(Trap(sprung)))
    edit(folder, "UPDATE Cache SET mode = 4, filename = 'trap.val', value = NULL")
    assert index.get("a") is None
    assert not sprung.exists()


def test_a_pickled_key_is_never_read(folder: Path, sprung: Path) -> None:
    index = DiskIndex(folder)
    index.set("a", b"1")
    edit(folder, "UPDATE Cache SET raw = 0, key = ?", pickle.dumps(Trap(sprung)))
    assert index.get("a") is None
    index.set("a", b"2")
    index.delete("a")
    assert not sprung.exists()
    with pytest.raises(Exception, match="key"):
        RawDisk(str(folder)).get(pickle.dumps(Trap(sprung)), False)


@pytest.mark.parametrize("mode", [0, 1, 2, 3, 4, 5, None])
def test_a_row_that_names_a_file_neither_reads_nor_deletes_it(
    folder: Path, tmp_path: Path, mode: int | None
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"private")
    index = DiskIndex(folder)
    index.set("a", b"1")
    edit(folder, "UPDATE Cache SET mode = ?, filename = '../../secret', value = NULL", mode)
    assert index.get("a") is None
    index.set("a", b"2")
    edit(folder, "UPDATE Cache SET filename = '../../secret'")
    index.delete("a")
    assert secret.read_bytes() == b"private"


@pytest.mark.parametrize("value", ["text", 7, 1.5, None])
def test_a_value_that_is_not_bytes_reads_as_missing(folder: Path, value: object) -> None:
    index = DiskIndex(folder)
    index.set("a", b"1")
    edit(folder, "UPDATE Cache SET value = ?", value)
    assert index.get("a") is None


def rows() -> list[tuple[str, bytes]]:
    return [("a", b"1"), ("b", b"2")]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "garbage": lambda folder: (folder / "cache.db").write_bytes(b"this is no database at all" * 100),
    "half": lambda folder: (folder / "cache.db").write_bytes((folder / "cache.db").read_bytes()[:6000]),
    "zeros": lambda folder: (folder / "cache.db").write_bytes(
        (folder / "cache.db").read_bytes()[:4096] + bytes(40_000)
    ),
    "foreign table": lambda folder: edit(folder, "ALTER TABLE Cache RENAME COLUMN value TO x"),
    "odd disk setting": lambda folder: edit(folder, "INSERT INTO Settings VALUES ('disk_fetch', 'x')"),
    "odd pragma": lambda folder: edit(folder, "INSERT INTO Settings VALUES ('sqlite_x y z', '1; DROP')"),
    "shadowed method": lambda folder: edit(folder, "INSERT INTO Settings VALUES ('get', 'x')"),
    "no setting": lambda folder: edit(folder, "DELETE FROM Settings"),
    "a blob for a name": lambda folder: edit(folder, "INSERT INTO Settings VALUES (x'00ff', 1)"),
}  # fmt: skip


@pytest.mark.parametrize("opened", [False, True], ids=["at opening", "in use"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_index_is_moved_aside_and_rebuilt(folder: Path, kind: str, opened: bool) -> None:
    index = DiskIndex(folder, rows)
    for key, value in rows():
        index.set(key, value)
    DAMAGE[kind](folder)
    if not opened:
        index = DiskIndex(folder, rows)
    assert index.get("a") == b"1"
    index.set("c", b"3")
    assert [index.get(key) for key in "abc"] == [b"1", b"2", b"3"]


def test_an_empty_index_is_filled_at_opening(folder: Path) -> None:
    assert DiskIndex(folder, rows).get("b") == b"2"
    assert len(DiskIndex(folder, rows)) == 2


def test_what_was_changed_is_not_recovered_over(folder: Path) -> None:
    DiskIndex(folder, rows).set("a", b"new")
    assert DiskIndex(folder, rows).get("a") == b"new"


def test_the_damaged_files_are_kept(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        DiskIndex(folder).set("a", b"1")
        (folder / "cache.db").write_bytes(b"garbage" * 1000)
        with caplog.at_level(logging.WARNING):
            assert DiskIndex(folder, rows).get("b") == b"2"
    kept = sorted(folder.parent.glob("index.damaged-*"))
    assert [place.name for place in kept] == ["index.damaged-1", "index.damaged-2"]
    assert all((place / "cache.db").read_bytes() == b"garbage" * 1000 for place in kept)
    assert "index.damaged-1" in caplog.text


@given(place=st.integers(0, 40_000), junk=st.binary(min_size=1, max_size=300))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_overwritten_it_answers_and_works_again(
    tmp_path_factory: pytest.TempPathFactory, place: int, junk: bytes
) -> None:
    folder = tmp_path_factory.mktemp("index") / "index"
    index = DiskIndex(folder, rows)
    for key, value in rows():
        index.set(key, value)
    content = bytearray((folder / "cache.db").read_bytes())
    place %= len(content)
    content[place : place + len(junk)] = junk
    (folder / "cache.db").write_bytes(content)
    later = DiskIndex(folder, rows)
    assert isinstance(later.get("a"), bytes | None)
    later.set("c", b"3")
    assert later.get("c") == b"3"


def test_a_database_locked_for_too_long_is_no_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dramagen.store.index._PATIENCE", 0.05)
    index = DiskIndex(folder, rows)
    index.set("a", b"0")
    holder = database(folder)
    holder.isolation_level = None
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(IndexUnavailable):
            index.set("a", b"1")
        assert index.get("a") == b"0", "reading goes on"
    finally:
        holder.close()
    index.set("a", b"2")
    assert not list(folder.parent.glob("index.damaged-*"))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(IndexUnavailable, match="file"):
        DiskIndex(tmp_path / "file" / "index").get("a")


def test_threads_share_it(folder: Path) -> None:
    index = DiskIndex(folder)
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(20):
                index.set(f"{name}{number}", name.encode())
                assert index.get(f"{name}{number}") == name.encode()
        except BaseException as problem:
            errors.append(problem)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(index) == 80


@pytest.mark.parametrize("key", [b"a", 1, None, ("a",)])
def test_only_text_keys(folder: Path, key: object) -> None:
    index = DiskIndex(folder)
    index.set("a", b"1")
    with pytest.raises(TypeError, match="keys are text"):
        index.get(key)  # type: ignore[arg-type]  # the point of the test
    assert index.get("a") == b"1", "a caller's mistake is no damage"
    assert not list(folder.parent.glob("index.damaged-*"))


@pytest.mark.parametrize("value", ["text", 1, None, [1]])
def test_only_bytes_values(folder: Path, value: object) -> None:
    index = DiskIndex(folder)
    index.set("a", b"1")
    with pytest.raises(TypeError, match="values are bytes"):
        index.set("a", value)  # type: ignore[arg-type]  # the point of the test
    assert index.get("a") == b"1", "a caller's mistake is no damage"
    assert not list(folder.parent.glob("index.damaged-*"))


class Agreement(RuleBasedStateMachine):
    """Whatever is done to both, the index on disk answers as the one in memory."""

    keys = st.text(max_size=3)

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.room = tempfile.TemporaryDirectory()
        self.disk: ResultIndex = DiskIndex(Path(self.room.name) / "index")
        self.memory = MemoryIndex()

    @rule(key=keys, value=st.binary(max_size=50))
    def set(self, key: str, value: bytes) -> None:
        self.disk.set(key, value)
        self.memory.set(key, value)

    @rule(key=keys)
    def delete(self, key: str) -> None:
        self.disk.delete(key)
        self.memory.delete(key)

    @rule(key=keys)
    def get(self, key: str) -> None:
        assert self.disk.get(key) == self.memory.get(key)

    @rule()
    def reopen(self) -> None:
        self.disk.close()
        self.disk = DiskIndex(Path(self.room.name) / "index")

    @invariant()
    def as_many(self) -> None:
        assert len(self.disk) == len(self.memory)

    def teardown(self) -> None:
        self.room.cleanup()


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)
