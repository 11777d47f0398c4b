"""A receipt beside each clip: enough to know, with everything else lost, what was paid for the file."""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dramagen.clip import Adjustment, Facts
from dramagen.errors import DramagenError
from dramagen.money import Money
from dramagen.record import Record
from dramagen.redact import redact
from dramagen.store.durable import private_folder, write_whole

log = logging.getLogger("dramagen.store")


class Receipt(Record):
    """What one finished job delivered, and what it cost.

    Attributes:
        key: what the result is asked for by: unique to one job.
        sha256: of the file as it was bought.
        order: the order's hash.
        shot: the shot's hash; take and generation say which film of it.
        route: ``provider:region/model``.
        job_id: our job.
        ticket: the provider's id of it.
        cost: what the job cost.
        cost_source: ``reported`` or ``computed``.
        media: what the file is.
        created: Unix seconds, when the clip was stored.
        seed: the seed used, where known.
    """

    version: int = 1
    key: str
    sha256: str
    order: str
    shot: str | None = None
    take: int = 1
    generation: int = 0
    route: str
    job_id: str
    ticket: str | None = None
    cost: Money
    cost_source: str
    media: Facts
    created: float
    seed: int | None = None
    adjustments: tuple[Adjustment, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """The receipt as JSON, with every text redacted: neither keys nor signed URLs reach the disk."""
        plain = _redacted(self.model_dump(mode="json"))
        return json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Receipt":
        """Read :meth:`to_bytes` back. Raises ``ValueError`` for anything else."""
        try:
            receipt: Receipt = cls.parse(json.loads(data))
        except DramagenError as problem:
            raise ValueError(str(problem)) from None
        return receipt


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(item) for key, item in value.items()}
    return [_redacted(item) for item in value] if isinstance(value, list) else value


class Receipts:
    """Receipts as files beside the clips, ``<root>/<aa>/<sha256>-<12 hex digits of the key's hash>.json``.

    One file a job, not one a clip: two jobs can deliver the same bytes, and both were paid for.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, receipt: Receipt) -> Path:
        """Write the receipt down, durably; the same key and content again replaces it.

        Raises:
            DiskFull: there was no room.
        """
        mark = hashlib.sha256(receipt.key.encode()).hexdigest()[:12]
        folder = private_folder(self.root / receipt.sha256[:2])
        target = folder / f"{receipt.sha256}-{mark}.json"
        write_whole(target, receipt.to_bytes())
        return target

    def read_all(self) -> Iterator[Receipt]:
        """Every receipt that can be read, oldest first; one that cannot is logged and left alone."""
        read = []
        for place in self.root.glob("[0-9a-f][0-9a-f]/*-*.json"):
            try:
                read.append(Receipt.from_bytes(place.read_bytes()))
            except (OSError, ValueError) as problem:
                log.warning("unreadable receipt %s: %s", place, redact(str(problem)))
        yield from sorted(read, key=lambda receipt: (receipt.created, receipt.key))
