"""Single pictures: taken out of clips, and measured."""

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dramagen.media.decode import UndecodableMedia, frames_of, opened, video_of
from dramagen.media.extra import require
from dramagen.media.probe import probe

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from PIL import Image

TAIL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """The facts of one picture: pixels, format (``png``, ``jpeg``, ...), transparency, size in bytes."""

    width: int
    height: int
    format: str
    has_alpha: bool
    bytes: int


def extract_frame(path: str | Path, index: int | Literal["first", "middle", "last"]) -> bytes:
    """One frame of a clip as PNG.

    Args:
        path: the clip.
        index: counted from 0, or by name. The last frame is found near the end, without decoding the rest.

    Raises:
        UndecodableMedia: the clip is broken or has no such frame.
        MissingExtra: the ``media`` extra is not installed.
    """
    require("PIL", "taking a frame out of a clip")
    path = Path(path)
    if index == "last":
        return _png(_last(path))
    if index == "first":
        number = 0
    elif index == "middle":
        number = probe(path, decode=False).frames // 2
    else:
        number = index
    if number < 0:
        raise ValueError(f"frames are counted from 0, not {number}")
    return _png(next(frames_of(path, number, 1)))


def _last(path: Path) -> "VideoFrame":
    with opened(path) as container:
        stream = video_of(container, path)
        base = stream.time_base
        if stream.duration is not None and base is not None:
            end = (stream.start_time or 0) + stream.duration
            container.seek(max(end - int(TAIL_SECONDS / base), 0), stream=stream)
        last = None
        for frame in container.decode(stream):
            last = frame
    if last is None:
        raise UndecodableMedia(path, "no frame decodes")
    return last


def _png(frame: "VideoFrame") -> bytes:
    out = io.BytesIO()
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    picture.save(out, "PNG", compress_level=3)
    return out.getvalue()


def picture_facts(data: bytes) -> PictureFacts:
    """Measure a picture. PNG and JPEG are read without any library; other formats need the ``media`` extra.

    Raises:
        ValueError: the bytes are not a picture.
        MissingExtra: the format needs the ``media`` extra, which is not installed.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_facts(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_facts(data)
    require("PIL", "reading pictures other than PNG and JPEG")
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            alpha = picture.has_transparency_data
            kind = (picture.format or "unknown").lower()
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError("the bytes are not a picture in a known format") from error
    return PictureFacts(width, height, kind, alpha, len(data))


def _png_facts(data: bytes) -> PictureFacts:
    """From the IHDR chunk, always first, and tRNS, always before the data (PNG specification, 5.6 and 11)."""
    if len(data) < 26 or data[12:16] != b"IHDR":
        raise ValueError("a PNG without a header")
    width, height, _depth, colour = struct.unpack(">IIBB", data[16:26])
    before_pixels = data[: data.find(b"IDAT")] if b"IDAT" in data else data
    return PictureFacts(width, height, "png", colour in (4, 6) or b"tRNS" in before_pixels, len(data))


def _jpeg_facts(data: bytes) -> PictureFacts:
    """From the first start-of-frame segment (ITU-T T.81, table B.1)."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return PictureFacts(width, height, "jpeg", False, len(data))
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ValueError("a JPEG without a frame header")
