"""A mark on a stored file by which a look at it tells that nobody has written to it since it was known to be whole.

Hashing a clip at every hand-over would cost more than the hand-over. So the fraction of a second in the time of the
file's last write says what belongs there: it is made from the content's hash and the size. Whatever writes into the
file, cuts it or swaps it sets another time, or leaves another size; then the mark is not there, and the file has to
be hashed again. That finds accidents, not forgers: who sets the time back by hand, or a disk that loses bits in
silence, is found only by reading the file.
"""

import hashlib
import os
from pathlib import Path

SECOND = 1_000_000_000
STEP = 1000
"""Nanoseconds: some file systems keep no finer times."""


def seal(path: Path, sha256: str) -> None:
    """Mark a file whose content is known to have that hash: its last write goes back by two seconds at most.

    Raises ``OSError`` where its time cannot be set.
    """
    facts = path.stat()
    whole = (
        facts.st_mtime_ns // SECOND - 1
    ) * SECOND  # never in the future: what is new is not older than now
    os.utime(path, ns=(facts.st_atime_ns, whole + _mark(sha256, facts.st_size)))


def sealed(facts: os.stat_result, sha256: str) -> bool:
    """Whether a file of these facts bears the mark of that content."""
    return facts.st_mtime_ns % SECOND == _mark(sha256, facts.st_size)


def _mark(sha256: str, size: int) -> int:
    digest = hashlib.sha256(f"{sha256}/{size}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (SECOND // STEP) * STEP
