"""Between pictures and frames of film, and out of filter graphs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.filter import Graph
    from av.video.frame import VideoFrame
    from PIL.Image import Image


def video_frame(image: "Image", pixels: str) -> "VideoFrame":
    """An RGB picture as a frame in BT.709 colour; ``pixels`` is FFmpeg's name of the layout (``yuv420p``)."""
    from av import VideoFrame

    frame: VideoFrame = VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    return frame.reformat(format=pixels, dst_colorspace="ITU709", dst_color_range="MPEG")


def ready(graph: "Graph") -> Iterator["VideoFrame"]:
    """Frames until the graph wants more input or has ended."""
    import av

    while True:
        try:
            frame = graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield frame
