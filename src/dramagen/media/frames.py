"""Single pictures taken out of clips."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dramagen.media.decode import UndecodableMedia, frames_of, opened, video_of
from dramagen.media.extra import require
from dramagen.media.probe import probe

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from PIL import Image

TAIL_SECONDS = 2.0


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
