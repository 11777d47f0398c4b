"""How much room a store takes, and what of it can go."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dramagen.store.blobs import Blobs
from dramagen.store.store import Store

Kind = Literal["original", "derived", "input", "render", "partial"]

IDLE = 86_400.0
"""Seconds after its last write that a render or an unfinished file counts as left behind."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file of the store. ``changed``: Unix seconds; ``size``: bytes."""

    kind: Kind
    path: Path
    sha256: str | None
    size: int
    changed: float


@dataclass(frozen=True, slots=True)
class Usage:
    """The room one kind of file takes: how many, and bytes in all."""

    files: int
    size: int


def items(store: Store) -> Iterator[Item]:
    """Every file that takes room; one that disappears meanwhile is left out. Receipts are never listed."""
    for kind, blobs in _rooms(store):
        for stored in blobs:
            yield from _item(kind, stored.path, stored.sha256)
        for draft in blobs.staged():
            yield from _item("partial", draft, None)
    for render in sorted(store.renders.glob("*.mp4")):
        yield from _item("render", render, None)
    for draft in sorted(store.renders.glob(".staging/*")):
        yield from _item("partial", draft, None)


def usage(store: Store) -> dict[Kind, Usage]:
    """The room each kind takes; a kind without files is there with zeros."""
    kinds: tuple[Kind, ...] = ("original", "derived", "input", "render", "partial")
    found = list(items(store))
    return {kind: _sum(item for item in found if item.kind == kind) for kind in kinds}


def prune(
    store: Store,
    *,
    now: float,
    older_than: float | None = None,
    referenced: Collection[str] = (),
    force: bool = False,
    dry_run: bool = False,
) -> list[Item]:
    """Delete what can be made again and, if asked, old files nobody refers to.

    Derived files go, and previz renders and partial files that were left behind: they are made again from
    what stays. Originals and inputs go only with ``older_than``. Receipts stay: they say what was paid.

    Args:
        now: Unix seconds.
        older_than: seconds; originals and inputs not written for longer go as well.
        referenced: the SHA-256 of everything that a binding, a pick or an unfinished order needs. Such a file
            is never deleted, of whatever kind.
        force: delete files although something refers to them.
        dry_run: delete nothing.

    Returns:
        what was deleted, or would be.
    """
    kept = frozenset() if force else frozenset(referenced)
    going = [item for item in items(store) if item.sha256 not in kept and _old(item, now, older_than)]
    if not dry_run:
        for item in going:
            item.path.unlink(missing_ok=True)
    return going


def _old(item: Item, now: float, older_than: float | None) -> bool:
    if item.kind == "derived":
        return True
    age = now - item.changed
    if item.kind in ("render", "partial"):
        return age > IDLE
    return older_than is not None and age > older_than


def _rooms(store: Store) -> tuple[tuple[Kind, Blobs], ...]:
    return ("original", store.originals), ("derived", store.derived), ("input", store.inputs)


def _item(kind: Kind, path: Path, sha256: str | None) -> Iterator[Item]:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return
    yield Item(kind, path, sha256, facts.st_size, facts.st_mtime)


def _sum(found: Iterable[Item]) -> Usage:
    sizes = [item.size for item in found]
    return Usage(len(sizes), sum(sizes))
