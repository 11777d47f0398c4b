"""A still picture moved by libavfilter as a camera would see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dramagen.media.backdrop import backdrop, fitted
from dramagen.media.convert import ready, video_frame
from dramagen.media.moves import Camera

if TYPE_CHECKING:
    from av.filter import Graph
    from av.filter.context import FilterContext
    from av.video.frame import VideoFrame
    from PIL.Image import Image

# Stills are kept larger than the frame: zoompan cuts at whole pixels, and a slow move must not tremble.
SUPERSAMPLE = 1.5
# When a shot ends on another picture, it dissolves there between these shares of the stretch.
DISSOLVE = (0.45, 0.92)


@dataclass(frozen=True, slots=True)
class Stage:
    """Size, rate and camera of a shot, the same for all its parts.

    ``room``: how much larger than the frame the picture is drawn, so that leaning shows no corner.
    """

    width: int
    height: int
    fps: float
    frames: int
    camera: Camera
    room: float

    @property
    def pixels(self) -> str:
        """Layout of the moving picture: full colour resolution is cut at whole pixels, half at every second.

        A leaning picture is smoothed by the turning anyway, which is dear enough.
        """
        return "yuv444p" if self.room == 1 else "yuv420p"

    def still(self, prompt: str, seed: int, picture: bytes | None) -> "Image":
        """The picture to move, or a backdrop in its place."""
        width, height = _even(self.width * SUPERSAMPLE), _even(self.height * SUPERSAMPLE)
        if picture is None:
            return backdrop(prompt, seed, width, height)
        return fitted(picture, width, height)


def moving(
    stage: Stage, still: "Image", ending: "Image | None", start: int, end: int
) -> Iterator["VideoFrame"]:
    """The frames ``start`` to ``end`` of a shot: one still under its camera, dissolving to ``ending`` if given."""
    import av.filter

    graph = av.filter.Graph()
    graph.threads = 2
    seen = _seen(graph, stage, still, start, end)
    if ending is not None:
        begin, length = (round(share * (end - start)) for share in (DISSOLVE[0], DISSOLVE[1] - DISSOLVE[0]))
        other = _seen(graph, stage, ending, start, end)
        alpha = graph.add("format", "yuva444p")
        fade = graph.add("fade", f"t=in:start_frame={begin}:nb_frames={max(1, length)}:alpha=1")
        over = graph.add("overlay", "0:0:format=yuv444")
        other.link_to(alpha)
        alpha.link_to(fade)
        seen.link_to(over, 0, 0)
        fade.link_to(over, 0, 1)
        seen = over
    out = graph.add("format", "yuv420p")
    sink = graph.add("buffersink")
    seen.link_to(out)
    out.link_to(sink)
    graph.configure()
    for at, image in enumerate([still] if ending is None else [still, ending]):
        frame = video_frame(image, stage.pixels)
        frame.pts, frame.time_base = 0, Fraction(1, 1000)
        graph.vpush(frame, at=at)
        graph.vpush(None, at=at)
    yield from ready(graph)


def _seen(graph: "Graph", stage: Stage, still: "Image", start: int, end: int) -> "FilterContext":
    import av

    cam, n = stage.camera, f"(on+{start})"
    x, y, z, yaw, pitch, zoom = (
        curve.expression(n, stage.frames, stage.fps)
        for curve in (cam.x, cam.y, cam.z, cam.yaw, cam.pitch, cam.zoom)
    )
    width, height = stage.width, stage.height
    leaning = stage.room > 1
    if leaning:
        width, height = _even(width * stage.room), _even(height * stage.room)
    source = graph.add_buffer(
        width=still.width,
        height=still.height,
        format=av.VideoFormat(stage.pixels),
        time_base=Fraction(1, 1000),
    )
    pan = graph.add(
        "zoompan",
        f"z='{zoom}/(1-{z})/{stage.room:.9f}'"
        f":x='iw*(0.5+{x}+{yaw}*(1-{z}))-iw/zoom/2'"
        f":y='ih*(0.5+{y}+{pitch}*(1-{z}))-ih/zoom/2'"
        f":d={1 if leaning else end - start}:s={width}x{height}:fps={Fraction(stage.fps).limit_denominator(1001)}",
    )
    source.link_to(pan)
    if not leaning:
        return pan
    # Only a roll leans, and it does nothing else: one view is enough, turned on and on.
    again = graph.add("loop", f"loop={end - start - 1}:size=1:start=0")
    times = graph.add("setpts", "N")
    # The picture leans the other way than the camera does.
    lean = cam.roll.expression(f"(n+{start})", stage.frames, stage.fps)
    turn = graph.add("rotate", f"angle='-{lean}':ow={stage.width}:oh={stage.height}:c=black")
    pan.link_to(again)
    again.link_to(times)
    times.link_to(turn)
    return turn


def _even(size: float) -> int:
    return max(2, round(size / 2) * 2)
