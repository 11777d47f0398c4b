"""Writing that stands in the picture: subtitles burned in, a watermark. Needs an OCR package."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from dramagen.media.decode import frames_of
from dramagen.media.probe import MediaFacts

if TYPE_CHECKING:
    from PIL.Image import Image

LOOKS = 4
"""Frames that are read."""
LONG_SIDE = 960
"""Pixels they are shrunk to: half the time of a full frame, and subtitles are still read."""
SURE = 0.7
NEAR = 0.08
"""How far apart, in widths or heights of the picture, writing on two frames may stand and be the same place."""


@dataclass(frozen=True, slots=True)
class Writing:
    """A line of text read: its words, how sure it is (0 to 1), its middle (0 to 1 of width and height)."""

    words: str
    sure: float
    x: float
    y: float


Reader = Callable[["Image"], Sequence[Writing]]
"""Reads the writing of one picture."""


def burned_in(path: Path, facts: MediaFacts, read: Reader) -> str | None:
    """The words that stand at one place on most frames, or None. A sign a camera passes stands on few.

    Raises:
        UndecodableMedia: the clip has fewer frames than it says.
    """
    looks = sorted({facts.frames * (2 * n + 1) // (2 * LOOKS) for n in range(LOOKS)})
    found = [[w for w in read(_look(path, at)) if w.sure >= SURE and w.words.strip()] for at in looks]
    for line in found[0] + (found[1] if len(found) > 1 else []):
        on = sum(any(abs(w.x - line.x) < NEAR and abs(w.y - line.y) < NEAR for w in look) for look in found)
        if on > len(looks) / 2:
            return line.words
    return None


def installed_reader() -> Reader | None:
    """A reader on whichever OCR package is installed (``rapidocr-onnxruntime``), or None."""
    if find_spec("rapidocr_onnxruntime") is None:
        return None
    from importlib import import_module

    engine: Any = import_module("rapidocr_onnxruntime").RapidOCR()
    alone = Lock()  # clips are checked in several threads, and nobody promises that this may be

    def read(picture: "Image") -> Sequence[Writing]:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        with alone:
            lines, _ = engine(buffer.getvalue())
        return [_writing(corners, words, sure, picture) for corners, words, sure in lines or ()]

    return read


def _writing(corners: Sequence[Sequence[float]], words: str, sure: float, picture: "Image") -> Writing:
    x = sum(corner[0] for corner in corners) / len(corners) / picture.width
    y = sum(corner[1] for corner in corners) / len(corners) / picture.height
    return Writing(words, float(sure), x, y)


def _look(path: Path, at: int) -> "Image":
    frame = next(frames_of(path, at, 1))
    picture: Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    picture.thumbnail((LONG_SIDE, LONG_SIDE))
    return picture
