"""What a media file is, measured by decoding it."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from dramagen.media.decode import UndecodableMedia, opened, video_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["MediaFacts", "SoundFacts", "UndecodableMedia", "probe", "probe_sound"]

RATE_TOLERANCE = Fraction(1, 200)


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """The facts of one video file.

    Attributes:
        duration: seconds of picture: frames over frames per second.
        width, height: pixels.
        fps: frames per second.
        has_audio: whether there is a sound track with sound data in it.
        codec: of the picture, FFmpeg's name (``h264``, ``hevc``).
        frames: pictures decoded; with ``probe(decode=False)`` the number the header states.
        bytes: size of the file.
    """

    duration: float
    width: int
    height: int
    fps: float
    has_audio: bool
    codec: str
    frames: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """The facts of one sound file: seconds, FFmpeg's name of its codec, and size in bytes."""

    duration: float
    codec: str
    bytes: int


def probe_sound(path: str | Path) -> SoundFacts:
    """Measure a sound by its packets: headers of MP3 files are often wrong about the length.

    Raises:
        UndecodableMedia: there is no sound in it, or it is broken.
        MissingExtra: the ``media`` extra is not installed.
    """
    path = Path(path)
    with opened(path) as container:
        if not container.streams.audio:
            raise UndecodableMedia(path, "there is no sound track")
        track = container.streams.audio[0]
        ticks = sum(packet.duration or 0 for packet in container.demux(track))
        seconds = ticks * (track.time_base or Fraction(0))
        if not seconds:
            raise UndecodableMedia(path, "there is no sound in it")
        return SoundFacts(float(seconds), track.codec_context.name, path.stat().st_size)


def probe(path: str | Path, *, decode: bool = True) -> MediaFacts:
    """Measure a file.

    Args:
        path: the file.
        decode: decode every frame, so a header that lies or a file cut short is found out. Without it the
            header is believed, which takes milliseconds.

    Raises:
        UndecodableMedia: not a video, cut short, or broken inside.
        MissingExtra: the ``media`` extra is not installed.
    """
    path = Path(path)
    with opened(path) as container:
        video = video_of(container, path)
        if decode:
            return _measured(container, video, path)
        return _stated(container, video, path)


def _measured(container: "InputContainer", video: "VideoStream", path: Path) -> MediaFacts:
    from av import AudioFrame, VideoFrame

    packets = frames = sounds = 0
    width = height = 0
    times: list[int] = []
    for packet in container.demux(video, *container.streams.audio[:1]):
        if packet.is_corrupt:
            raise UndecodableMedia(path, f"the data breaks off after {frames} frames")
        packets += packet.stream is video and packet.size > 0
        for frame in packet.decode():
            if isinstance(frame, AudioFrame):
                sounds += 1
            elif isinstance(frame, VideoFrame):
                if frame.is_corrupt:
                    raise UndecodableMedia(path, f"frame {frames} is damaged")
                if not frames:
                    width, height = frame.width, frame.height
                if frame.pts is not None:
                    times.append(frame.pts)
                frames += 1
    if not frames:
        raise UndecodableMedia(path, "no frame decodes")
    if packets < video.frames:
        raise UndecodableMedia(path, f"the header promises {video.frames} frames, the file has {packets}")
    fps = _rate(video, times)
    return MediaFacts(
        duration=float(frames / fps),
        width=width,
        height=height,
        fps=float(fps),
        has_audio=sounds > 0,
        codec=video.codec_context.name,
        frames=frames,
        bytes=path.stat().st_size,
    )


def _rate(video: "VideoStream", times: list[int]) -> Fraction:
    """Frames per second as shown. The header's rate, being exact, is kept where the times agree with it."""
    stated = video.average_rate or video.guessed_rate or Fraction(0)
    span = (max(times) - min(times)) * (video.time_base or Fraction(0)) if times else Fraction(0)
    if len(times) < 2 or span <= 0:
        return Fraction(stated) or Fraction(25)
    shown = (len(times) - 1) / span
    if stated and abs(shown - stated) <= RATE_TOLERANCE * stated:
        return Fraction(stated)
    return shown.limit_denominator(1001)


def _stated(container: "InputContainer", video: "VideoStream", path: Path) -> MediaFacts:
    fps = Fraction(video.average_rate or video.guessed_rate or 25)
    if video.duration is not None and video.time_base is not None:
        seconds = float(video.duration * video.time_base)
    else:
        seconds = (container.duration or 0) / 1_000_000
    frames = video.frames or round(seconds * fps)
    return MediaFacts(
        duration=float(frames / fps),
        width=video.codec_context.width,
        height=video.codec_context.height,
        fps=float(fps),
        has_audio=bool(container.streams.audio),
        codec=video.codec_context.name,
        frames=frames,
        bytes=path.stat().st_size,
    )
