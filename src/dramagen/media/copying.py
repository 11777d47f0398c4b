"""Clips alike enough to be joined without encoding them again: quicker, and nothing is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dramagen.media.decode import opened, video_of


@dataclass(frozen=True, slots=True)
class Make:
    """How a clip's picture track is made. Tracks of one make can follow each other in one file.

    Attributes:
        header: the decoder's set-up data, which says size, profile and colour.
        width, height: pixels.
        time_base: seconds of one tick.
        lead: ticks the first packet is decoded before the first picture is shown.
        key: whether the first packet can be decoded by itself.
    """

    header: bytes
    width: int
    height: int
    time_base: Fraction
    lead: int
    key: bool


def make_of(path: Path, fps: Fraction) -> Make | None:
    """The make of an H.264 clip with one picture every ``1 / fps`` seconds; None if it is anything else."""
    with opened(path) as container:
        video = video_of(container, path)
        base = video.time_base
        if video.codec_context.name != "h264" or base is None or not video.codec_context.extradata:
            return None
        step = 1 / fps / base
        if step.denominator != 1 or video.codec_context.pix_fmt != "yuv420p":
            return None
        packets = [packet for packet in container.demux(video) if packet.size]
        if not packets or len(packets) != video.frames or any(p.is_corrupt or p.is_discard for p in packets):
            return None
        shown = sorted(packet.pts for packet in packets if packet.pts is not None)
        decoded = [packet.dts for packet in packets if packet.dts is not None]
        if shown != [n * step for n in range(len(packets))]:
            return None
        if decoded != [decoded[0] + n * step for n in range(len(packets))] if decoded else True:
            return None
        return Make(
            header=video.codec_context.extradata,
            width=video.codec_context.width,
            height=video.codec_context.height,
            time_base=base,
            lead=-decoded[0],
            key=packets[0].is_keyframe,
        )


def one_make(clips: Sequence[Path], width: int, height: int, fps: Fraction) -> bool:
    """Whether all the clips are of one make, and of this size and rate."""
    first = make_of(clips[0], fps)
    if first is None or (first.width, first.height) != (width, height) or not first.key:
        return False
    return all(make_of(clip, fps) == first for clip in clips[1:])
