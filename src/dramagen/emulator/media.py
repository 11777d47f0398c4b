"""Result files: real, small, moving test pictures of the exact size and length ordered.

One second is encoded and its packets repeated, so a long clip costs no more than a short one.
"""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import av

FPS = 24
_RATE = 48_000
_TONE_PERIOD = 100  # samples: 480 Hz


@dataclass(frozen=True)
class ClipSpec:
    """A file to make: even pixel sizes, ``frames`` at 24 a second, with or without a tone."""

    width: int
    height: int
    frames: int
    audio: bool = False
    container: Literal["mp4", "mov"] = "mp4"
    corrupt: bool = False

    @property
    def seconds(self) -> float:
        return self.frames / FPS

    def defective(self, kind: str) -> "ClipSpec":
        """The same clip with a defect: short, small, mute or corrupt."""
        match kind:
            case "short":
                return replace(self, frames=max(1, self.frames // 2))
            case "small":
                return replace(self, width=self.width // 4 * 2, height=self.height // 4 * 2)
            case "mute":
                return replace(self, audio=False)
            case "corrupt":
                return replace(self, corrupt=True)
        raise ValueError(f"unknown defect {kind!r}")


def clip(spec: ClipSpec, job_id: str) -> bytes:
    """The file of one job. Equal specs give equal pictures; the job's id makes the bytes differ."""
    payload = job_id.encode()
    free = (8 + len(payload)).to_bytes(4) + b"free" + payload
    data = _encoded(spec) + free
    if spec.corrupt:
        middle = len(data) // 2
        data = data[:64] + b"\xa5" * middle + data[64 + middle :]
    return data


@lru_cache(maxsize=64)
def last_frame(spec: ClipSpec) -> bytes:
    """The last picture of a clip, JPEG."""
    import av

    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = spec.width, spec.height, "yuvj420p"
    encoder.time_base = Fraction(1, FPS)
    picture = _picture(spec.width, spec.height, (spec.frames - 1) % FPS, "yuvj420p")
    picture.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])


@lru_cache(maxsize=64)
def _encoded(spec: ClipSpec) -> bytes:
    import av

    pixels = "yuv444p" if spec.container == "mov" else "yuv420p"
    buffer = BytesIO()
    with av.open(buffer, "w", format=spec.container) as container:
        video: Any = container.add_stream("libx264", rate=FPS, options=_X264)
        video.width, video.height, video.pix_fmt = spec.width, spec.height, pixels
        video.time_base = Fraction(1, FPS)
        sound: Any = _sound_stream(container, spec) if spec.audio else None
        second = [
            packet
            for at in range(FPS)
            for packet in video.encode(_picture(spec.width, spec.height, at, pixels))
        ]
        loop = [(bytes(packet), packet.is_keyframe) for packet in second]
        for at in range(spec.frames):
            data, key = loop[at % FPS]
            packet = av.Packet(data)
            packet.stream, packet.time_base = video, Fraction(1, FPS)
            packet.pts = packet.dts = at
            packet.duration, packet.is_keyframe = 1, key
            container.mux(packet)
        if sound is not None:
            for frame in _tone(spec.frames * _RATE // FPS):
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return buffer.getvalue()


_X264 = {
    "preset": "ultrafast",
    "crf": "32",
    "tune": "zerolatency",  # one packet for each frame, none held back: the loop needs exactly one second
    "x264-params": "keyint=24:scenecut=0:threads=1:sliced-threads=0",
}


def _sound_stream(container: "av.container.OutputContainer", spec: ClipSpec) -> Any:
    codec = "pcm_s16le" if spec.container == "mov" else "aac"
    stream: Any = container.add_stream(codec, rate=_RATE)
    stream.layout = "mono"
    return stream


def _picture(width: int, height: int, at: int, pixels: str) -> "av.VideoFrame":
    """A grey ramp that slides to the left, once round in a second."""
    import av

    frame = av.VideoFrame(width, height, pixels)
    ramp = bytes(40 + 160 * x // width for x in range(width)) * 2
    start = at * width // FPS
    _fill(frame.planes[0], ramp[start : start + width], height)
    halved = "420" in pixels
    chroma = (width // 2, height // 2) if halved else (width, height)
    _fill(frame.planes[1], bytes([128]) * chroma[0], chroma[1])
    _fill(frame.planes[2], bytes([110]) * chroma[0], chroma[1])
    frame.pts, frame.time_base = at, Fraction(1, FPS)
    return frame


def _fill(plane: "av.video.plane.VideoPlane", row: bytes, rows: int) -> None:
    plane.update((row + bytes(plane.line_size - len(row))) * rows)


def _tone(samples: int) -> Iterator["av.AudioFrame"]:
    import av

    period = array("h", (round(3000 * math.sin(2 * math.pi * k / _TONE_PERIOD)) for k in range(_TONE_PERIOD)))
    pcm = period.tobytes() * (samples // _TONE_PERIOD + 1)
    for at in range(0, samples, 1024):
        count = min(1024, samples - at)
        frame = av.AudioFrame(format="s16", layout="mono", samples=count)
        data = pcm[2 * at : 2 * (at + count)]
        frame.planes[0].update(data + bytes(frame.planes[0].buffer_size - len(data)))
        frame.sample_rate, frame.pts, frame.time_base = _RATE, at, Fraction(1, _RATE)
        yield frame
