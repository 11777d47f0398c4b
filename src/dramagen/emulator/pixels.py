"""The size of a PNG or JPEG picture, read from its header alone."""

from typing import NamedTuple


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def ratio(self) -> float:
        return self.width / self.height


_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def picture_size(data: bytes) -> Size | None:
    """The size of a picture, or None where the header is not one of a PNG or JPEG."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        return Size(int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    return None


def _jpeg_size(data: bytes) -> Size | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_FRAMES:
            return Size(int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7]))
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


def fit_area(ratio: float, area: int) -> Size:
    """The even size of about ``area`` pixels with the given width:height ratio."""
    height = round((area / ratio) ** 0.5 / 2) * 2
    return Size(round(height * ratio / 2) * 2, height)


def film_seconds(data: bytes) -> float | None:
    """Seconds of an MP4 or MOV, from its movie header; None for anything else."""
    at = data.find(b"mvhd")
    if at < 0 or len(data) < at + 24 or data[at + 4] != 0:
        return None
    scale, length = int.from_bytes(data[at + 16 : at + 20]), int.from_bytes(data[at + 20 : at + 24])
    return length / scale if scale else None
