"""Test pictures: exact size, length and sound, whatever is ordered; and sizes read from picture headers."""

import io
from fractions import Fraction

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dramagen.emulator.media import ClipSpec, clip, last_frame
from dramagen.emulator.pixels import Size, fit_area, picture_size

sides = st.integers(16, 200).map(lambda half: 2 * half)


@settings(max_examples=15, deadline=None)
@given(width=sides, height=sides, frames=st.integers(2, 100), audio=st.booleans())
def test_a_clip_is_what_was_ordered(width: int, height: int, frames: int, audio: bool) -> None:
    spec = ClipSpec(width, height, frames, audio)
    with av.open(io.BytesIO(clip(spec, "job")), "r") as container:
        video = container.streams.video[0]
        assert (video.width, video.height) == (width, height)
        assert video.average_rate == 24
        assert len(container.streams.audio) == audio
        assert sum(1 for _ in container.decode(video=0)) == frames
        assert video.duration is not None
        assert video.time_base is not None
        assert video.duration * video.time_base == Fraction(frames, 24)


def test_the_picture_moves_and_the_sound_lasts() -> None:
    with av.open(io.BytesIO(clip(ClipSpec(320, 320, 49, audio=True), "job")), "r") as container:
        frames = [bytes(frame.planes[0]) for frame in container.decode(video=0)]
        assert len(set(frames[:24])) == 24
        container.seek(0)
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(samples / 48_000 - 49 / 24) < 0.05


@pytest.mark.parametrize("size", [(854, 480), (1470, 630), (834, 1112), (1460, 624)])
def test_awkward_sizes(size: tuple[int, int]) -> None:
    with av.open(io.BytesIO(clip(ClipSpec(*size, 3), "job")), "r") as container:
        [first, *_] = container.decode(video=0)
        assert (first.width, first.height) == size


def test_the_job_is_in_the_file() -> None:
    spec = ClipSpec(64, 64, 3)
    assert clip(spec, "job-1").endswith(b"freejob-1")
    assert clip(spec, "job-1") != clip(spec, "job-2")


def test_header_sizes() -> None:
    assert picture_size(last_frame(ClipSpec(320, 180, 3))) == (320, 180)
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (7).to_bytes(4) + (9).to_bytes(4)
    assert picture_size(png) == (7, 9)


@given(
    st.binary(max_size=64),
    st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x04", b"\x89PNG\r\n\x1a\n"]),
)
def test_no_header_breaks_the_reader(data: bytes, start: bytes) -> None:
    size = picture_size(start + data)
    assert size is None or isinstance(size, Size)


@given(st.floats(0.4, 2.5), st.sampled_from([1280 * 720, 1920 * 1080]))
def test_fitting_an_area(ratio: float, area: int) -> None:
    size = fit_area(ratio, area)
    assert size.width % 2 == size.height % 2 == 0
    assert abs(size.ratio / ratio - 1) < 0.01
    assert abs(size.width * size.height / area - 1) < 0.01
