"""Sound as plain samples: 16 bit, stereo, 48 kHz, interleaved. The picture is the clock."""

from pathlib import Path
from typing import TYPE_CHECKING

from dramagen.media.decode import opened, video_of

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

SAMPLE_RATE = 48_000
SAMPLE_BYTES = 4
# Encoders leave gaps of a few milliseconds between packets that are no real pauses.
REAL_GAP = SAMPLE_RATE // 20


def read_sound(path: Path, start: float, samples: int) -> bytes | None:
    """The sound that belongs to a stretch of picture, cut or filled with silence to exactly that length.

    Args:
        path: a media file.
        start: seconds after the first picture.
        samples: how many to return, at 48 kHz.

    Returns:
        ``samples * 4`` bytes, or None where the file has no sound.

    Raises:
        UndecodableMedia: the sound cannot be decoded.
    """
    begin = round(start * SAMPLE_RATE) * SAMPLE_BYTES
    end = begin + samples * SAMPLE_BYTES
    with opened(path) as container:
        if not container.streams.audio:
            return None
        import av

        picture = video_of(container, path)
        zero = float((picture.start_time or 0) * (picture.time_base or 0))
        resampler = av.AudioResampler(format="s16", layout="stereo", rate=SAMPLE_RATE)
        heard = bytearray()
        for frame in container.decode(container.streams.audio[0]):
            part = _samples(resampler.resample(frame))
            early = _place(heard, round(((frame.time or zero) - zero) * SAMPLE_RATE))
            heard += part[early:]
            if len(heard) >= end:
                break
        heard += _samples(resampler.resample(None))
    stretch = bytes(heard[begin:end])
    return stretch + bytes(samples * SAMPLE_BYTES - len(stretch))


def _place(heard: bytearray, at: int) -> int:
    """Fill a real gap with silence; return how many bytes of what follows come before the first picture."""
    if not heard and at < 0:
        return -at * SAMPLE_BYTES
    gap = at - len(heard) // SAMPLE_BYTES
    if gap > REAL_GAP or (gap > 0 and not heard):
        heard += bytes(gap * SAMPLE_BYTES)
    return 0


def _samples(frames: "list[AudioFrame]") -> bytes:
    return b"".join(bytes(frame.planes[0])[: frame.samples * SAMPLE_BYTES] for frame in frames)
