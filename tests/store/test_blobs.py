"""Files by content: whole or absent, private, and equal content once."""

import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dramagen.store import Blobs, DiskFull, durable
from dramagen.store import blobs as blobs_module
from dramagen.store.blobs import hash_file
from dramagen.store.seal import seal, sealed


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "home" / "clips")


def names(blobs: Blobs) -> list[str]:
    return [stored.sha256 for stored in blobs]


def test_a_file_lands_under_its_hash_and_leaves_staging(blobs: Blobs) -> None:
    draft = blobs.staging()
    draft.write_bytes(b"film")
    stored = blobs.put_file(draft, "mp4")
    assert stored.path == blobs.root / sha(b"film")[:2] / f"{sha(b'film')}.mp4"
    assert stored.path.read_bytes() == b"film"
    assert (stored.sha256, stored.size) == (sha(b"film"), 4)
    assert not draft.exists()
    assert blobs.path(stored.sha256) == stored.path


def test_only_the_owner_can_read_anything(blobs: Blobs) -> None:
    old = os.umask(0)
    try:
        stored = blobs.put_bytes(b"film", "mp4")
    finally:
        os.umask(old)
    assert mode(stored.path) == 0o600
    for folder in (stored.path.parent, blobs.root, blobs.root.parent, blobs.root / ".staging"):
        assert mode(folder) == 0o700, folder


def test_a_folder_made_wider_is_narrowed(blobs: Blobs) -> None:
    blobs.put_bytes(b"film", "mp4")
    (blobs.root / ".staging").chmod(0o777)
    blobs.staging()
    assert mode(blobs.root / ".staging") == 0o700


def test_equal_content_is_stored_once_and_keeps_its_first_extension(blobs: Blobs) -> None:
    first = blobs.put_bytes(b"film", "mp4")
    again = blobs.put_bytes(b"film", "bin")
    assert again == first
    assert names(blobs) == [first.sha256]


def test_a_damaged_file_is_noticed_and_healed_by_the_same_content(blobs: Blobs) -> None:
    stored = blobs.put_bytes(b"film", "mp4")
    assert blobs.verify(stored.sha256)
    stored.path.write_bytes(b"fiim")
    assert not blobs.verify(stored.sha256)
    assert blobs.read(stored.sha256) is None
    blobs.put_bytes(b"film", "mp4")
    assert blobs.verify(stored.sha256)
    assert blobs.read(stored.sha256) == b"film"


# --- a file that was altered where it lies -------------------------------------------------------------------------


def _other_bytes(path: Path) -> None:
    path.write_bytes(b"fiim")


def _cut(path: Path) -> None:
    path.write_bytes(b"fil")


def _cut_in_silence(path: Path) -> None:
    """As a power cut does: shorter, and the time of the last write as before."""
    facts = path.stat()
    path.write_bytes(b"fi")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _swapped(path: Path) -> None:
    """By a file as old and as long."""
    facts = path.stat()
    beside = path.with_name("beside")
    beside.write_bytes(b"fiim")
    os.utime(beside, (facts.st_atime, int(facts.st_mtime)))
    beside.replace(path)


@pytest.mark.parametrize("harm", [_other_bytes, _cut, _cut_in_silence, _swapped])
def test_an_altered_file_is_not_handed_over_and_healed_by_the_same_content(
    blobs: Blobs, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    stored = blobs.put_bytes(b"film", "mp4")
    harm(stored.path)
    assert blobs.path(stored.sha256) is None
    assert str(stored.path) in caplog.text
    assert stored.path.exists()  # it is looked at by a person, or replaced
    blobs.put_bytes(b"film", "mp4")
    assert blobs.path(stored.sha256) == stored.path
    assert stored.path.read_bytes() == b"film"


def test_a_file_is_read_again_only_where_somebody_wrote_to_it(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return hash_file(path)

    stored = blobs.put_bytes(b"film", "mp4")
    second = int(stored.path.stat().st_mtime)
    monkeypatch.setattr(blobs_module, "hash_file", counted)
    assert blobs.path(stored.sha256) == stored.path
    assert read == []
    stored.path.write_bytes(b"film")  # the same content, from a backup perhaps
    for _ in range(3):
        assert blobs.path(stored.sha256) == stored.path
    assert len(read) == 1
    assert int(stored.path.stat().st_mtime) - second < 3600  # it is as old as it says


def test_where_times_cannot_be_set_a_file_is_read_at_every_use(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def barred(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("dramagen.store.seal.os.utime", barred)
    stored = blobs.put_bytes(b"film", "mp4")
    assert blobs.path(stored.sha256) == stored.path
    stored.path.write_bytes(b"fiim")
    assert blobs.path(stored.sha256) is None


@given(st.binary(max_size=64), st.integers(0, 2**40))
def test_the_mark_is_never_in_the_future_and_needs_no_finer_times_than_microseconds(
    data: bytes, at: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film"
        path.write_bytes(data)
        os.utime(path, ns=(at, at))
        seal(path, sha(data))
        facts = path.stat()
        assert sealed(facts, sha(data))
        assert not sealed(facts, sha(data + b"."))
        assert at - 2 * 10**9 < facts.st_mtime_ns < max(at, 1)
        assert facts.st_mtime_ns % 1000 == 0


def test_a_given_hash_is_used(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(path: Path) -> str:
        raise AssertionError(f"{path} is read again")

    monkeypatch.setattr(blobs_module, "hash_file", never)
    draft = blobs.staging()
    draft.write_bytes(b"film")
    assert blobs.put_file(draft, "mp4", sha(b"film")).sha256 == sha(b"film")


def test_a_named_stage_is_the_same_place_again(blobs: Blobs) -> None:
    blobs.staging("job-1").write_bytes(b"fi")
    with Blobs(blobs.root).staging("job-1").open("ab") as file:
        file.write(b"lm")
    assert blobs.staging("job-1").read_bytes() == b"film"
    assert list(blobs.staged()) == [blobs.staging("job-1")]


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".", "x" * 101])
def test_a_stage_name_cannot_lead_out(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="staging name"):
        blobs.staging(name)


@pytest.mark.parametrize("sha256", ["", "..", "*" * 64, "../" * 21 + "a", "A" * 64])
def test_only_a_hash_names_content(blobs: Blobs, sha256: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        blobs.path(sha256)


@pytest.mark.parametrize("extension", ["", "../x", "MP4", "a.b"])
def test_only_a_plain_extension_is_taken(blobs: Blobs, extension: str) -> None:
    with pytest.raises(ValueError, match="extension"):
        blobs.put_bytes(b"film", extension)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_says_so_and_stores_nothing(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskFull, match="no room left on the disk") as caught:
        blobs.put_bytes(b"film", "mp4")
    assert str(blobs.root) in str(caught.value)
    assert caught.value.billed is None
    assert names(blobs) == []
    assert list(blobs.staged()) == []


def test_a_disk_that_fills_while_syncing_leaves_the_source_and_no_name(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = blobs.staging()
    draft.write_bytes(b"film")
    monkeypatch.setattr(durable, "sync_file", full)
    with pytest.raises(DiskFull):
        blobs.put_file(draft, "mp4")
    assert draft.read_bytes() == b"film"
    assert names(blobs) == []


def test_other_trouble_is_not_called_a_full_disk(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        blobs.put_file(tmp_path / "nothing", "mp4")


def test_a_file_of_another_file_system_is_copied(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "elsewhere.mp4"
    source.write_bytes(b"film")
    real = os.replace

    def replace(old: Path, new: Path) -> None:
        if old == source:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(old, new)

    monkeypatch.setattr(os, "replace", replace)
    stored = blobs.put_file(source, "mp4")
    assert stored.path.read_bytes() == b"film"
    assert mode(stored.path) == 0o600
    assert not source.exists()
    assert list(blobs.staged()) == []


def test_a_copy_that_does_not_fit_leaves_the_source(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "elsewhere.mp4"
    source.write_bytes(b"film")

    def other_device(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "replace", other_device)
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(DiskFull):
        blobs.put_file(source, "mp4")
    assert source.read_bytes() == b"film"
    assert names(blobs) == []
    assert list(blobs.staged()) == []


def test_the_content_is_on_the_disk_before_its_name_is(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    replace, fsync = os.replace, os.fsync

    def replaced(old: Path, new: Path) -> None:
        steps.append("rename")
        replace(old, new)

    def synced(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    draft = blobs.staging()
    draft.write_bytes(b"film")
    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(os, "fsync", synced)
    blobs.put_file(draft, "mp4")
    assert steps[-3:] == ["file", "rename", "folder"]


@given(contents=st.lists(st.binary(max_size=200), max_size=8), again=st.booleans())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_is_put_is_there_once_and_verifies(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], again: bool
) -> None:
    blobs = Blobs(tmp_path_factory.mktemp("blobs"))
    for data in contents * (2 if again else 1):
        blobs.put_bytes(data, "bin")
    assert names(blobs) == sorted({sha(data) for data in contents})
    assert all(blobs.verify(sha(data)) and blobs.read(sha(data)) == data for data in contents)
    freed = sum(blobs.remove(sha(data)) for data in contents)
    assert freed == sum(len(data) for data in set(contents))
    assert names(blobs) == []
