"""Files named by their content: written once, whole, and never changed."""

import errno
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dramagen.store.durable import move_into_place, new_file, private_folder, room_for
from dramagen.store.remote import Remote, WrongContent
from dramagen.store.seal import seal, sealed

log = logging.getLogger("dramagen.store")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")
_STAGE_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_STAGING = ".staging"


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored file: its SHA-256 in hex, where it is, and its size in bytes."""

    sha256: str
    path: Path
    size: int


class Blobs:
    """Content-addressed files, ``<root>/<first two hex digits>/<sha256>.<extension>``.

    Equal content is stored once, under the extension it first came with. Safe across threads and processes: a file
    appears under its name only when it is whole and on the disk. One that was altered where it lies counts as absent.

    With ``remote``, files are kept there, under ``area``, and this folder has copies to work on: a file is put there
    before it appears here, and fetched from there, its hash checked, when it is asked for and not here.
    """

    def __init__(self, root: Path, remote: Remote | None = None, area: str = "") -> None:
        self.root = root
        self.remote = remote
        self._area = area

    def staging(self, name: str | None = None) -> Path:
        """A place to write a file before it is put: on the same file system, private, outside the store.

        Args:
            name: letters, digits, ``-`` and ``_``; the same name is the same place in every process, so that
                an interrupted download can go on. Without one, a new empty file.

        Raises ``DiskFull``, or ``StoreUnavailable`` where the folder cannot be written.
        """
        with room_for(self.root):
            folder = private_folder(self.root / _STAGING)
            if name is None:
                return new_file(folder, ".part")
        if not _STAGE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a staging name: letters, digits, '-' and '_', at most 100")
        return folder / f"{name}.part"

    def put_file(self, source: Path, extension: str, sha256: str | None = None) -> Stored:
        """Store a finished file, taking it away from where it is.

        Args:
            source: the file; best from :meth:`staging`, else it is copied across file systems first.
            extension: such as ``mp4``.
            sha256: the content's hash where it was reckoned while writing; else the file is read once more.

        Raises:
            DiskFull: there was no room; ``source`` is still there, the store is as before.
            StoreUnavailable, WrongContent: it could not be kept remotely; likewise.
        """
        if not _EXTENSION.fullmatch(extension):
            raise ValueError(f"{extension!r} is not a file extension such as 'mp4'")
        sha256 = sha256 or hash_file(source)
        size = source.stat().st_size
        if self.remote is not None:
            self.remote.keep(f"{self._place(sha256)}/{sha256}.{extension}", source)
        with room_for(self.root):
            target = self._here(sha256) or self._folder(sha256) / f"{sha256}.{extension}"
            private_folder(target.parent)
            # An equal file is replaced rather than trusted: this heals one the disk has damaged.
            self._move(source, target, sha256)
        return Stored(sha256, target, size)

    def put_bytes(self, data: bytes, extension: str) -> Stored:
        """Store bytes. Raises ``DiskFull``, leaving the store as before."""
        with room_for(self.root):
            draft = self.staging()
            try:
                draft.write_bytes(data)
                return self.put_file(draft, extension, hashlib.sha256(data).hexdigest())
            finally:
                draft.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path | None:
        """Where that content is, or None. Fetches it where it is kept remotely, with the errors of that.

        One look where nobody wrote to the file since it was stored; else it is read, and None if it is another now.
        """
        here = self._sound(sha256)
        return here if here is not None or self.remote is None else self._fetched(self.remote, sha256)

    def read(self, sha256: str) -> bytes | None:
        """The content, or None where it is not stored or no longer what its name says."""
        place = self.path(sha256)
        data = None if place is None else place.read_bytes()
        return data if data is not None and hashlib.sha256(data).hexdigest() == sha256 else None

    def verify(self, sha256: str) -> bool:
        """Whether the file is here and its content, read again, is what its name says."""
        place = self._here(sha256)
        return place is not None and hash_file(place) == sha256

    def remove(self, sha256: str) -> int:
        """Delete that content here; returns the bytes freed, 0 where there was none."""
        place = self._here(sha256)
        if place is None:
            return 0
        size = place.stat().st_size
        place.unlink(missing_ok=True)
        return size

    def __iter__(self) -> Iterator[Stored]:
        for place in sorted(self.root.glob("[0-9a-f][0-9a-f]/*.*")):
            with suppress(FileNotFoundError):  # another process may prune meanwhile
                if _SHA256.fullmatch(place.stem):
                    yield Stored(place.stem, place, place.stat().st_size)

    def staged(self) -> Iterator[Path]:
        """Unfinished files: downloads and receipts under way, and what a killed process left behind."""
        yield from sorted((self.root / _STAGING).glob("*.part"))
        yield from sorted(self.root.glob("[0-9a-f][0-9a-f]/*.part"))

    def _folder(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is not a SHA-256 in lower-case hex")
        return self.root / sha256[:2]

    def _here(self, sha256: str) -> Path | None:
        return next(self._folder(sha256).glob(f"{sha256}.*"), None)

    def _sound(self, sha256: str) -> Path | None:
        """The file here, if it is still what its name says."""
        place = self._here(sha256)
        if place is None:
            return None
        try:
            facts = place.stat()
            if sealed(facts, sha256):
                return place
            whole = hash_file(place) == sha256
            if whole and _unwritten(facts, place.stat()):
                with suppress(OSError):  # it is read again the next time
                    seal(place, sha256)
        except FileNotFoundError:
            return None
        except OSError as problem:
            log.warning("%s cannot be read (%s) and is not used", place, problem.strerror)
            return None
        if not whole:
            log.warning("%s was altered or damaged since it was stored, and is not used", place)
        return place if whole else None

    def _place(self, sha256: str) -> str:
        """The folder a content has to itself remotely: its extension need not be known to find it."""
        return f"{self._area}/{sha256[:2]}/{sha256}"

    def _fetched(self, remote: Remote, sha256: str) -> Path | None:
        name = remote.find(self._place(sha256))
        if name is None:
            return None
        draft = self.staging()
        try:
            if not remote.fetch(name, draft):
                return None
            if hash_file(draft) != sha256:
                raise WrongContent(f"{name} in the store does not hold what its name says; it was not used")
            with room_for(self.root):
                extension = name.rpartition(".")[2]
                target = (
                    self._folder(sha256)
                    / f"{sha256}.{extension if _EXTENSION.fullmatch(extension) else 'bin'}"
                )
                private_folder(target.parent)
                self._move(draft, target, sha256)
        finally:
            draft.unlink(missing_ok=True)
        return target

    def _move(self, source: Path, target: Path, sha256: str) -> None:
        try:
            _seal(source, sha256)
            move_into_place(source, target)
        except OSError as problem:
            if problem.errno != errno.EXDEV:
                raise
            draft = self.staging()
            try:
                shutil.copyfile(source, draft)
                _seal(draft, sha256)
                move_into_place(draft, target)
            finally:
                draft.unlink(missing_ok=True)
            source.unlink()


def _seal(path: Path, sha256: str) -> None:
    with suppress(OSError):  # where times cannot be set, files are read at every use
        seal(path, sha256)


def _unwritten(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
