from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.media.frames import extract_frame
from dramagen.media.probe import UndecodableMedia
from dramagen.media.sound import SAMPLE_RATE, read_sound
from dramagen.media.trim import trim, trim_key

Clips = Callable[..., Path]
Number = Callable[[bytes], int]


@pytest.mark.parametrize(("first", "frames"), [(0, 48), (0, 1), (7, 20), (47, 1)])
def test_a_trim_is_exact_to_the_frame(
    make_clip: Clips, number_of: Number, tmp_path: Path, first: int, frames: int
) -> None:
    cut = tmp_path / "cut.mp4"
    facts = trim(make_clip(), cut, first, frames)
    assert facts.frames == frames
    assert facts.duration == pytest.approx(frames / 24)
    assert number_of(extract_frame(cut, 0)) == first
    assert number_of(extract_frame(cut, "last")) == first + frames - 1


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001)])
def test_sound_is_as_long_as_the_picture(make_clip: Clips, tmp_path: Path, fps: Fraction) -> None:
    cut = tmp_path / "cut.mp4"
    facts = trim(make_clip(fps=fps, tone=True), cut, 5, 31)
    assert facts.has_audio
    with av.open(str(cut)) as container:
        track = container.streams.audio[0]
        assert track.duration is not None
        assert track.time_base is not None
        assert float(track.duration * track.time_base) == pytest.approx(float(31 / fps), abs=0.002)


def test_a_silent_clip_stays_silent(make_clip: Clips, tmp_path: Path) -> None:
    assert not trim(make_clip(), tmp_path / "cut.mp4", 0, 10).has_audio


def test_equal_trims_are_equal_files_and_leave_the_original_alone(make_clip: Clips, tmp_path: Path) -> None:
    original = make_clip(tone=True)
    before = original.read_bytes()
    trim(original, tmp_path / "a.mp4", 3, 12)
    trim(original, tmp_path / "b.mp4", 3, 12)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert original.read_bytes() == before


def test_a_stretch_past_the_end_leaves_no_file(make_clip: Clips, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    with pytest.raises(UndecodableMedia, match="it has 48 frames, frames 40 to 59 were asked for"):
        trim(make_clip(), cut, 40, 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4"]


@pytest.mark.parametrize(("first", "frames"), [(-1, 5), (0, 0)])
def test_an_empty_stretch_is_refused(make_clip: Clips, tmp_path: Path, first: int, frames: int) -> None:
    with pytest.raises(ValueError, match="cannot cut"):
        trim(make_clip(), tmp_path / "cut.mp4", first, frames)


def test_sound_is_read_from_any_point_and_filled_with_silence(make_clip: Clips) -> None:
    path = make_clip(frames=24, tone=True)
    sound = read_sound(path, 0.9, SAMPLE_RATE)
    assert sound is not None
    assert len(sound) == SAMPLE_RATE * 4
    assert any(sound[: SAMPLE_RATE // 20 * 4])
    assert not any(sound[SAMPLE_RATE // 2 * 4 :])


Keys = st.tuples(st.text("0123456789abcdef", min_size=1), st.integers(0), st.integers(1), st.integers(1))


@given(Keys, Keys)
def test_a_key_names_one_trim(one: tuple[str, int, int, int], other: tuple[str, int, int, int]) -> None:
    assert (trim_key(*one) == trim_key(*other)) is (one == other)
