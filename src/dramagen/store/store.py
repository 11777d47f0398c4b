"""One home's files: clips and their receipts, what was sent, and the index that finds a clip again."""

import hashlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path

from dramagen.store.blobs import Blobs
from dramagen.store.index import DiskIndex, IndexUnavailable, ResultIndex
from dramagen.store.receipts import Receipt, Receipts
from dramagen.store.remote import Remote

log = logging.getLogger("dramagen.store")


class Store:
    """The files under ``DRAMAGEN_HOME``.

    ``clips/originals`` as bought, receipts beside them; ``clips/derived`` their exact trims; ``inputs`` the
    media that orders send; ``renders`` what previz has drawn; ``index`` finds a clip by key. Nothing is
    made before it is used. Synchronous: call it from a worker thread.

    With ``remote``, files and receipts are kept there for good, shared with other homes; here are copies of them.
    """

    def __init__(self, home: Path, index: ResultIndex | None = None, remote: Remote | None = None) -> None:
        self.home = home
        self.remote = remote
        self.originals = Blobs(home / "clips" / "originals", remote, "originals")
        self.derived = Blobs(home / "clips" / "derived", remote, "derived")
        self.inputs = Blobs(home / "inputs", remote, "inputs")
        self.renders = home / "renders"
        self.receipts = Receipts(self.originals.root)
        self.index: ResultIndex = (
            DiskIndex(home / "index", recover=self._recoverable) if index is None else index
        )

    def remember(self, receipt: Receipt) -> None:
        """Write the receipt down beside its clip and index it by its key.

        Raises:
            DiskFull: there was no room for the receipt.
            StoreUnavailable: it could not be kept remotely.
        """
        if self.remote is not None:
            self.remote.note(_name(receipt.key), receipt.to_bytes())
        self.receipts.write(receipt)
        self._note(receipt.key, receipt.to_bytes())

    def recall(self, key: str) -> Receipt | None:
        """The receipt of a finished job whose file is still there, or None."""
        row = self._look_up(key)
        if row is None and self.remote is not None:
            row = self.remote.read(_name(key))  # another home may have finished it
        if row is None:
            return None
        try:
            receipt = Receipt.from_bytes(row)
            return receipt if self.originals.path(receipt.sha256) else None
        except ValueError as problem:
            log.warning("index: the row of %r is no receipt: %s", key, problem)
            return None

    def remember_trim(self, key: str, sha256: str) -> None:
        """Keep which derived file a trim is; ``key`` says what it was made from and how."""
        self._note(f"trim:{key}", json.dumps({"sha256": sha256}).encode())

    def trim_for(self, key: str) -> Path | None:
        """The derived file of that trim, or None where it was never made or is gone."""
        row = self._look_up(f"trim:{key}")
        if row is None:
            return None
        try:
            return self.derived.path(json.loads(row)["sha256"])
        except (ValueError, LookupError, TypeError) as problem:
            log.warning("index: the row of trim %r is damaged: %s", key, problem)
            return None

    def rebuild(self) -> int:
        """Index every receipt again; returns how many there are."""
        count = 0
        for key, value in self._recoverable():
            self.index.set(key, value)
            count += 1
        return count

    def close(self) -> None:
        """Let go of what is open."""
        self.index.close()

    def _recoverable(self) -> Iterable[tuple[str, bytes]]:
        return ((receipt.key, receipt.to_bytes()) for receipt in self.receipts.read_all())

    def _look_up(self, key: str) -> bytes | None:
        try:
            return self.index.get(key)
        except IndexUnavailable as problem:
            log.warning("%s", problem)
            return None

    def _note(self, key: str, value: bytes) -> None:
        # The receipt is the record, the index only finds it faster: a clip is not lost over it.
        try:
            self.index.set(key, value)
        except IndexUnavailable as problem:
            log.warning("%s; the row of %r is not kept", problem, key)


def _name(key: str) -> str:
    """A receipt's name remotely: it is looked for by the job's key."""
    mark = hashlib.sha256(key.encode()).hexdigest()
    return f"receipts/{mark[:2]}/{mark}.json"
