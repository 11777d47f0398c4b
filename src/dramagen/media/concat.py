"""Cut clips together into one film of one size and one rate."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from dramagen.media.convert import ready
from dramagen.media.copying import one_make
from dramagen.media.decode import UndecodableMedia, opened, video_of
from dramagen.media.encode import samples_until, written
from dramagen.media.probe import MediaFacts, probe
from dramagen.media.rate import exact_rate
from dramagen.media.sound import SAMPLE_BYTES, read_sound

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

CRF = 18
ENCODER_TUNING = "rc-lookahead=10:me=dia:subme=1:ref=1:bframes=2"


def concat(
    clips: Sequence[Path],
    dst: str | Path,
    *,
    width: int,
    height: int,
    fps: float,
    progress: Callable[[int, int], None] | None = None,
) -> MediaFacts:
    """Join clips, in order, into one MP4.

    A clip of another ratio gets black bars. The picture is the clock: each clip's sound is cut or filled
    with silence to exactly the length of its picture, so nothing drifts from joint to joint. The film has a
    sound track if any clip has one. Clips of one make (size, rate, encoder settings), as those of one model
    are, keep their pictures bit by bit; others are encoded once. Clips are taken to be sound: probe them first.

    Args:
        clips: at least one.
        dst: the new MP4, replaced if there.
        width, height: pixels of the film, even.
        fps: frames per second of the film.
        progress: called with (clips done, clips in all) after each.

    Raises:
        UndecodableMedia: a clip is broken.
        ValueError: no clips, or an odd size.
        MissingExtra: the ``media`` extra is not installed.
    """
    if not clips:
        raise ValueError("there is nothing to join")
    if width % 2 or height % 2 or width < 2 or height < 2:
        raise ValueError(f"H.264 needs an even size, not {width}x{height}")
    dst, rate = Path(dst), exact_rate(fps)
    audible = any(probe(clip, decode=False).has_audio for clip in clips)
    clips = [Path(clip) for clip in clips]
    with ExitStack() as stack:
        like = None
        if one_make(clips, width, height, rate):
            like = video_of(stack.enter_context(opened(clips[0])), clips[0])
        film = stack.enter_context(
            written(
                dst,
                width=width,
                height=height,
                fps=rate,
                audio=audible,
                crf=CRF,
                tuning=ENCODER_TUNING,
                like=like,
            )
        )
        for number, clip in enumerate(clips, start=1):
            begin = film.frames
            if like is not None:
                with opened(clip) as source:
                    film.copy(source)
            else:
                for frame in _fitted(clip, width, height, rate):
                    film.picture(frame)
            if film.frames == begin:
                raise UndecodableMedia(clip, "no frame decodes")
            if audible:
                samples = samples_until(film.frames, rate) - samples_until(begin, rate)
                film.sound(read_sound(clip, 0.0, samples) or bytes(samples * SAMPLE_BYTES))
            if progress is not None:
                progress(number, len(clips))
    return probe(dst, decode=False)


def _fitted(clip: Path, width: int, height: int, fps: Fraction) -> Iterator["VideoFrame"]:
    """The clip's frames at the film's size and rate."""
    with opened(clip) as container:
        import av
        import av.filter

        stream = video_of(container, clip)
        graph = av.filter.Graph()
        nodes = [
            graph.add_buffer(template=stream),
            graph.add("setpts", "PTS-STARTPTS"),
            graph.add("fps", f"fps={fps}:round=near"),
            graph.add(
                "scale",
                f"w={width}:h={height}:force_original_aspect_ratio=decrease:force_divisible_by=2"
                ":flags=bicubic+accurate_rnd:out_color_matrix=bt709:out_range=tv",
            ),
            graph.add("pad", f"w={width}:h={height}:x=-1:y=-1:color=black"),
            graph.add("setsar", "1"),
            graph.add("format", "yuv420p"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        for frame in container.decode(stream):
            graph.vpush(frame)
            yield from ready(graph)
        graph.vpush(None)
        yield from ready(graph)
