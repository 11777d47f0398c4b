"""Which process a job belongs to.

On one machine: an OS lock that the system frees the moment its holder dies, however it dies. Between machines: a
lease, see :mod:`dramagen.engine.leases`.
"""

import os
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from dramagen.engine.database import Transaction
from dramagen.errors import ConfigError, DramagenError

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


class LeaseLost(DramagenError):
    """This process was stopped, or out of touch, for longer than its lease: another may have taken its jobs over.

    Raised right before a create would have been sent; nothing was.
    """

    retryable = True


Pledge = Callable[[], None]
"""Called last before a create is sent: raises :class:`LeaseLost` where too much time went by since it was given."""


class Owner(Protocol):
    """This studio's name in the journal, and what proves that it lives. Every call blocks."""

    id: str

    def alive(self, owner: str) -> bool:
        """Whether that owner's process still runs, as far as can be seen now."""
        ...

    def gone(self, tx: Transaction, owner: str) -> bool:
        """Whether it is certainly dead, asked in the transaction that takes a job of it over."""
        ...

    def pledge(self, tx: Transaction) -> Pledge:
        """Make sure, in the transaction that announces a create, that nobody takes it over while it is sent."""
        ...

    def release(self) -> None:
        """Give the jobs up: another process may take them over at once."""
        ...


class HomeOwner:
    """An owner among the processes of one machine, by a lock in the home they share."""

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
        freed = self.freed(owner)
        if freed:
            self.forget(owner)
        return freed is False

    def freed(self, owner: str) -> bool | None:
        """Whether the lock of that owner is free; None where this home has none of that name."""
        if owner == self.id:
            return False
        try:
            fd = os.open(self._path(owner), os.O_RDWR)
        except FileNotFoundError:
            return None
        except OSError:
            return False  # no file handles left, say: that is no proof of a death
        try:
            return _lock(fd)
        finally:
            os.close(fd)

    def forget(self, owner: str) -> None:
        """Remove a dead owner's lock."""
        self._path(owner).unlink(missing_ok=True)

    def gone(self, tx: Transaction, owner: str) -> bool:
        """A lock that was free once is never taken again."""
        return not self.alive(owner)

    def pledge(self, tx: Transaction) -> Pledge:
        """The lock is held for as long as the process lives, also while it is stopped."""
        return _always

    def release(self) -> None:
        """Give the jobs up: another process may take them over at once."""
        self._path(self.id).unlink(missing_ok=True)
        os.close(self._fd)


def _always() -> None:
    """Nobody takes a job from a process that holds its lock."""
