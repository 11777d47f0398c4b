"""Open and decode media files, with one error for everything that can be wrong with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dramagen.errors import DramagenError
from dramagen.media.extra import require
from dramagen.redact import redact

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


class UndecodableMedia(DramagenError):
    """A media file that cannot be read to its end. ``path`` is the file, ``reason`` says what is wrong."""

    billed = None

    def __init__(self, path: Path | str, reason: str, **known: Any) -> None:
        super().__init__(f"{Path(path).name} cannot be decoded: {reason}", **known)
        self.path = Path(path)
        self.reason = redact(reason)

    def _extra(self) -> dict[str, Any]:
        return {"path": str(self.path), "reason": self.reason}

    @classmethod
    def _revive(cls, record: dict[str, Any]) -> Self:
        record.pop("message", None)  # made anew from the two
        return cls(**record)


@contextmanager
def opened(path: Path) -> Iterator["InputContainer"]:
    """The file as an open container; whatever FFmpeg says against it becomes :class:`UndecodableMedia`.

    Raises:
        MissingExtra: the ``media`` extra is not installed.
        UndecodableMedia: not a media file, cut short, or broken inside.
        FileNotFoundError: there is no such file.
    """
    require("av", "decoding media")
    import av

    if not path.exists():
        raise FileNotFoundError(path)
    try:
        with av.open(str(path)) as container:
            yield container
    except av.FFmpegError as error:
        raise UndecodableMedia(path, (error.strerror or type(error).__name__).lower()) from error


def video_of(container: "InputContainer", path: Path) -> "VideoStream":
    """The first picture track, set to decode on all cores.

    Raises:
        UndecodableMedia: the file has none.
    """
    if not container.streams.video:
        raise UndecodableMedia(path, "there is no picture track")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def frames_of(path: Path, first: int = 0, count: int | None = None) -> Iterator["VideoFrame"]:
    """Decoded pictures number ``first`` to ``first + count`` in order of showing, counted from 0.

    Raises:
        UndecodableMedia: the file is broken, or ends before the last picture asked for.
    """
    end = None if count is None else first + count
    seen = 0
    with opened(path) as container:
        for frame in container.decode(video_of(container, path)):
            if end is not None and seen >= end:
                break
            if seen >= first:
                yield frame
            seen += 1
    if end is not None and seen < end:
        raise UndecodableMedia(path, f"it has {seen} frames, frames {first} to {end - 1} were asked for")
