"""Clips by content, a receipt beside each, and an index of results. Synchronous; knows only the vocabulary."""

from dramagen.store.blobs import Blobs, Stored
from dramagen.store.durable import DiskFull
from dramagen.store.index import DiskIndex, IndexUnavailable, MemoryIndex, ResultIndex
from dramagen.store.receipts import Receipt, Receipts
from dramagen.store.remote import Remote, StoreUnavailable, WrongContent
from dramagen.store.store import Store
from dramagen.store.usage import Item, Kind, Usage, prune, usage

__all__ = [
    "Blobs",
    "DiskFull",
    "DiskIndex",
    "IndexUnavailable",
    "Item",
    "Kind",
    "MemoryIndex",
    "Receipt",
    "Receipts",
    "Remote",
    "ResultIndex",
    "Store",
    "StoreUnavailable",
    "Stored",
    "Usage",
    "WrongContent",
    "prune",
    "remote_of",
    "usage",
]


def remote_of(url: str | None) -> Remote | None:
    """The place an address names, see :mod:`dramagen.store.bucket`; None for none."""
    if url is None:
        return None
    from dramagen.store.bucket import Bucket

    return Bucket(url)
