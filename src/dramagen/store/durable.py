"""Writing files so that they are whole or absent, also after a power cut, and private to their owner."""

import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dramagen.errors import DramagenError
from dramagen.store.remote import StoreUnavailable

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BARRED = {errno.EACCES, errno.EPERM, errno.EROFS}


class DiskFull(DramagenError):
    """A file did not fit on the disk. Nothing was left under its final name; make room and run again."""

    retryable = True
    billed = None


@contextmanager
def room_for(folder: Path) -> Iterator[None]:
    """Turn "no space left" inside the block into :class:`DiskFull`, and a folder that may not be written into
    :class:`StoreUnavailable`, both naming the folder."""
    try:
        yield
    except OSError as problem:
        if problem.errno in _BARRED:
            raise StoreUnavailable(
                f"cannot write to {folder}: {problem.strerror}. What was bought stays bought: let it be written "
                "again, and run again"
            ) from problem
        if problem.errno not in _FULL:
            raise
        raise DiskFull(
            f"no room left on the disk that holds {folder}: make room "
            "(`dramagen cache` shows what is stored and prunes it) and run again"
        ) from problem


def private_folder(folder: Path) -> Path:
    """Make a folder only its owner can enter (0700), and its parents; returns it.

    A folder that was made wider is narrowed, so that a planted file needs the owner's own rights.
    """
    if not folder.is_dir():
        missing = [place for place in (folder, *folder.parents) if not place.exists()]
        for place in reversed(missing):
            place.mkdir(PRIVATE_FOLDER, exist_ok=True)
            sync_folder(place.parent)
    if folder.stat().st_mode & 0o777 != PRIVATE_FOLDER:
        folder.chmod(PRIVATE_FOLDER)
    return folder


def sync_file(path: Path) -> None:
    """Return only once the file's content is on the disk itself."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Return only once the names in the folder are on the disk itself."""
    if os.name == "nt":  # a folder cannot be opened there; NTFS journals names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":
        # fsync(2), macOS: fsync alone leaves the data in the drive's cache; F_FULLFSYNC flushes it.
        import fcntl

        with suppress(OSError):  # not every file system knows it
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def new_file(folder: Path, suffix: str = "") -> Path:
    """An empty, private file with a random name in ``folder``."""
    descriptor, name = tempfile.mkstemp(suffix=suffix, dir=folder)
    os.close(descriptor)
    return Path(name)


def move_into_place(source: Path, target: Path) -> None:
    """Give a finished file of the same file system its final name, durably; a file of that name is replaced."""
    source.chmod(PRIVATE_FILE)
    sync_file(source)
    os.replace(source, target)
    sync_folder(target.parent)


def write_whole(target: Path, data: bytes) -> None:
    """Write a file that is there as a whole or not at all, also after a power cut.

    Raises:
        DiskFull: there was no room; an older file of that name is untouched.
    """
    with room_for(target.parent):
        draft = new_file(target.parent, ".part")
        try:
            draft.write_bytes(data)
            move_into_place(draft, target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
