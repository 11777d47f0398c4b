"""Which process a job belongs to: an OS lock that the system frees the moment its holder dies, however it dies."""

import os
import sys
import uuid
from pathlib import Path

from dramagen.errors import ConfigError

if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


class Owner:
    """This studio's name in the journal, and the lock that proves it lives."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "owners"
        self.id = uuid.uuid4().hex
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = os.open(self._path(self.id), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as problem:
            raise ConfigError(f"cannot write to {home}: {problem.strerror or problem}") from None
        if not _lock(self._fd):
            raise ConfigError(f"cannot lock {self._path(self.id)}: the home must be on a local disk")

    def _path(self, owner: str) -> Path:
        return self.folder / f"{owner}.lock"

    def alive(self, owner: str) -> bool:
        """Whether that owner's process still runs. Its lock is free exactly when it does not."""
        if owner == self.id:
            return True
        path = self._path(owner)
        try:
            fd = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # no file handles left, say: that is no proof of a death
        try:
            if not _lock(fd):
                return True
            path.unlink(missing_ok=True)
            return False
        finally:
            os.close(fd)

    def release(self) -> None:
        """Give the jobs up: another process may take them over at once."""
        self._path(self.id).unlink(missing_ok=True)
        os.close(self._fd)
