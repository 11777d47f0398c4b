"""Write an MP4: H.264 and, where there is sound, AAC. Equal input gives equal bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from dramagen.media.extra import require
from dramagen.media.sound import SAMPLE_BYTES, SAMPLE_RATE

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# The encoder's threads leave a mark in the file, so their number is fixed rather than the machine's.
ENCODER_THREADS = 4
SOUND_CHUNK = 1024


class Writer:
    """A film being written: pictures in order, and sound to go with them."""

    def __init__(
        self,
        container: "OutputContainer",
        video: "VideoStream",
        audio: "AudioStream | None",
        fps: Fraction,
        copying: bool,
    ) -> None:
        self._container = container
        self._video = video
        self._audio = audio
        self._fps = fps
        self._copying = copying
        self._heard = 0
        self.frames = 0

    def picture(self, frame: "VideoFrame") -> None:
        """Append one picture, already in the size and format of the film."""
        frame.pts = self.frames
        frame.time_base = 1 / self._fps
        # An I-frame of the source is no reason for one here.
        frame.pict_type = 0
        self.frames += 1
        self._container.mux(self._video.encode(frame))

    def copy(self, clip: "InputContainer") -> None:
        """Append the pictures of a clip as they are; only in a film written with ``like``."""
        source = clip.streams.video[0]
        offset = round(self.frames / (self._fps * Fraction(source.time_base or 1)))
        for packet in clip.demux(source):
            if packet.pts is None or packet.dts is None:
                continue
            packet.pts += offset
            packet.dts += offset
            packet.stream = self._video
            self._container.mux(packet)
            self.frames += 1

    def sound(self, samples: bytes) -> None:
        """Append sound: 16 bit stereo samples at 48 kHz. Ignored in a silent film."""
        if self._audio is None:
            return
        import av

        for start in range(0, len(samples), SOUND_CHUNK * SAMPLE_BYTES):
            part = samples[start : start + SOUND_CHUNK * SAMPLE_BYTES]
            frame = av.AudioFrame(format="s16", layout="stereo", samples=len(part) // SAMPLE_BYTES)
            plane = frame.planes[0]
            plane.update(part + bytes(plane.buffer_size - len(part)))
            frame.sample_rate = SAMPLE_RATE
            frame.time_base = Fraction(1, SAMPLE_RATE)
            frame.pts = self._heard
            self._heard += frame.samples
            self._container.mux(self._audio.encode(frame))

    def finish(self) -> None:
        """Write what the encoders still hold."""
        if not self._copying:
            self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._audio.encode(None))


@contextmanager
def written(
    dst: Path,
    *,
    width: int,
    height: int,
    fps: Fraction,
    audio: bool,
    crf: int = 16,
    tuning: str = "",
    sound_bits: int = 160_000,
    like: "VideoStream | None" = None,
) -> Iterator[Writer]:
    """A new MP4 at ``dst``, readable from its first bytes on (index in front), in BT.709 colour.

    Args:
        dst: the file; one already there is replaced once the new one is complete.
        width, height: pixels, even.
        fps: frames per second, exact.
        audio: whether the film has a sound track.
        crf: constant quality of x264: 16 is hardly told from the source, 23 is the program's own default.
        tuning: further x264 parameters, ``"ref=1:bframes=2"``, over its preset ``veryfast``.
        sound_bits: bits a second of the sound track.
        like: a picture track whose packets will be copied; nothing is encoded then.
    """
    require("av", "writing a video")
    import av
    from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

    # Two processes may make the same file at once; each writes its own, and the last one to finish stays.
    partial = dst.with_name(f".{dst.name}.{uuid4().hex}.partial")
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    try:
        with av.open(str(partial), "w", format="mp4", options=options) as container:
            if like is not None:
                video = container.add_stream_from_template(like)
            else:
                quality = {"crf": str(crf), "preset": "veryfast", "flags": "+bitexact", "x264-params": tuning}
                video = container.add_stream("libx264", rate=fps, options=quality)
                video.width, video.height, video.pix_fmt = width, height, "yuv420p"
                context = video.codec_context
                context.thread_count = ENCODER_THREADS
                context.time_base = 1 / fps
                context.colorspace = Colorspace.ITU709
                context.color_primaries = ColorPrimaries.BT709
                context.color_trc = ColorTrc.BT709
                context.color_range = ColorRange.MPEG
            sound = None
            if audio:
                sound = container.add_stream(
                    "aac",
                    rate=SAMPLE_RATE,
                    layout="stereo",
                    options={"b": str(sound_bits), "flags": "+bitexact"},
                )
            writer = Writer(container, video, sound, fps, like is not None)
            yield writer
            writer.finish()
        partial.replace(dst)
    finally:
        partial.unlink(missing_ok=True)


def samples_until(frames: int, fps: Fraction) -> int:
    """How many samples of sound go with so many pictures; taken from the start, so rounding never adds up."""
    return round(frames * SAMPLE_RATE / fps)
