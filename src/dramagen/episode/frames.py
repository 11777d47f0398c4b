"""The frame one shot ends and the next begins on, and a stand-in for it before it is filmed."""

import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import anyio.to_thread

from dramagen.media.frames import extract_frame
from dramagen.medium import Image
from dramagen.shot import Shot
from dramagen.store import IndexUnavailable, Store

_SHORT_SIDE = {"2k": 1440, "4k": 2160}


class _HasStore(Protocol):
    @property
    def store(self) -> Store: ...


async def last_frame(studio: _HasStore, sha256: str, path: Path) -> Image:
    """A clip's last frame as a picture, the same bytes whenever it is asked for.

    The next shot's identity hangs on these bytes: made again by another version of a codec they could differ
    in one pixel, and the shot would be bought twice. So they are kept in the store, with the orders' inputs.
    """
    return Image.from_bytes(await anyio.to_thread.run_sync(_last_frame, studio.store, sha256, path))


def _last_frame(store: Store, sha256: str, path: Path) -> bytes:
    key = f"frame:{sha256}/last"
    try:
        row = store.index.get(key)
        kept = store.inputs.read(row.decode()) if row is not None else None
    except (IndexUnavailable, ValueError, OSError):
        kept = None  # looked up in vain: it is made again
    if kept is not None:
        return kept
    png = extract_frame(path, "last")
    stored = store.inputs.put_bytes(png, "png")
    with suppress(IndexUnavailable):  # the picture is right all the same
        store.index.set(key, stored.sha256.encode())
    return png


def stand_in(shot: Shot) -> Image:
    """A grey picture of the shot's size: plans need some first frame before the real one is filmed."""
    width, height = size(shot)
    row = b"\0" + b"\x80" * width
    return Image.from_bytes(
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(row * height, 9))
        + _chunk(b"IEND", b"")
    )


def size(shot: Shot) -> tuple[int, int]:
    """Width and height in pixels of a shot as asked: the tier is the short side."""
    short = _SHORT_SIDE.get(shot.resolution) or int(shot.resolution.removesuffix("p"))
    across, down = (int(part) for part in shot.aspect_ratio.split(":"))
    if across < down:
        return short, round(short * down / across / 2) * 2
    return round(short * across / down / 2) * 2, short


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
