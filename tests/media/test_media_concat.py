import io
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from dramagen.media.concat import concat
from dramagen.media.convert import video_frame
from dramagen.media.copying import one_make
from dramagen.media.frames import extract_frame
from dramagen.media.probe import UndecodableMedia, probe
from dramagen.media.sound import SAMPLE_RATE, read_sound

Clips = Callable[..., Path]
Number = Callable[[bytes], int]


def loudness(path: Path, seconds: float, step: float = 0.02) -> list[int]:
    """The peak of each 20 ms."""
    sound = read_sound(path, 0.0, round(seconds * SAMPLE_RATE))
    assert sound is not None
    samples = array("h", sound)
    size = round(step * SAMPLE_RATE) * 2
    return [max(abs(v) for v in samples[at : at + size]) for at in range(0, len(samples), size)]


def test_every_frame_of_every_clip_in_order(make_clip: Clips, number_of: Number, tmp_path: Path) -> None:
    clips = [make_clip(f"{n}.mp4", frames=n) for n in (12, 30, 1)]
    film = tmp_path / "film.mp4"
    done: list[tuple[int, int]] = []
    facts = concat(clips, film, width=96, height=160, fps=24, progress=lambda n, of: done.append((n, of)))
    assert (facts.frames, facts.has_audio) == (43, False)
    assert [number_of(extract_frame(film, n)) for n in (0, 11, 12, 41, 42)] == [0, 11, 0, 29, 0]
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_sound_stays_with_its_picture_at_every_joint(make_clip: Clips, tmp_path: Path) -> None:
    silent, loud = make_clip("s.mp4", frames=25), make_clip("l.mp4", frames=23, tone=True)
    film = tmp_path / "film.mp4"
    facts = concat([silent, loud] * 3, film, width=96, height=160, fps=24)
    assert facts.has_audio
    peaks = loudness(film, facts.duration)
    for clip in range(6):
        start = (clip // 2) * 2.0 + (clip % 2) * 25 / 24
        end = start + (23 if clip % 2 else 25) / 24
        inside = peaks[round(start / 0.02) + 3 : round(end / 0.02) - 3]
        assert all((peak > 4000) is (clip % 2 == 1) for peak in inside), clip


def test_sizes_and_rates_become_one_with_black_bars(make_clip: Clips, tmp_path: Path) -> None:
    wide = make_clip("w.mp4", width=160, height=90, fps=Fraction(30), frames=30)
    tall = make_clip("t.mp4", width=48, height=80, fps=Fraction(12), frames=12)
    film = tmp_path / "film.mp4"
    facts = concat([wide, tall], film, width=96, height=160, fps=24)
    assert (facts.width, facts.height, facts.fps, facts.frames) == (96, 160, 24.0, 48)
    with Image.open(io.BytesIO(extract_frame(film, 20))) as seen:
        bar, middle = seen.getpixel((48, 10)), seen.getpixel((48, 80))
    assert isinstance(bar, tuple)
    assert isinstance(middle, tuple)
    assert max(bar) < 8
    assert min(middle) > 40


def test_equal_films_are_equal_files(make_clip: Clips, tmp_path: Path) -> None:
    clips = [make_clip("a.mp4", frames=8, tone=True), make_clip("b.mp4", frames=8)]
    for name in ("1.mp4", "2.mp4"):
        concat(clips, tmp_path / name, width=96, height=160, fps=24)
    assert (tmp_path / "1.mp4").read_bytes() == (tmp_path / "2.mp4").read_bytes()


def test_a_broken_clip_leaves_the_old_film_alone(make_clip: Clips, tmp_path: Path) -> None:
    bad, film = tmp_path / "bad.mp4", tmp_path / "film.mp4"
    bad.write_bytes(b"no film")
    film.write_bytes(b"the old one")
    with pytest.raises(UndecodableMedia, match=r"bad\.mp4"):
        concat([make_clip(frames=4), bad], film, width=96, height=160, fps=24)
    assert film.read_bytes() == b"the old one"


def test_nothing_and_odd_sizes_are_refused(make_clip: Clips, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to join"):
        concat([], tmp_path / "film.mp4", width=96, height=160, fps=24)
    with pytest.raises(ValueError, match="even size"):
        concat([make_clip(frames=1)], tmp_path / "film.mp4", width=95, height=160, fps=24)


def test_clips_of_one_make_keep_their_pictures_bit_by_bit(make_clip: Clips, tmp_path: Path) -> None:
    clips = [make_clip(f"{n}.mp4", frames=30, tone=True) for n in range(3)]
    assert one_make(clips, 96, 160, Fraction(24))
    film = tmp_path / "film.mp4"
    concat(clips, film, width=96, height=160, fps=24)
    assert probe(film).frames == 90
    for n in (0, 7, 29):
        picture = extract_frame(clips[0], n)
        assert all(extract_frame(film, n + 30 * clip) == picture for clip in range(3))
    peaks = loudness(film, 3.75)
    assert min(peaks[3:-3]) > 4000


def test_clips_of_another_size_rate_or_codec_are_not_of_one_make(make_clip: Clips, tmp_path: Path) -> None:
    clip = make_clip("a.mp4", frames=12)
    assert one_make([clip], 96, 160, Fraction(24))
    assert not one_make([clip], 48, 80, Fraction(24))
    assert not one_make([clip], 96, 160, Fraction(25))
    assert not one_make([clip, make_clip("b.mp4", frames=12, width=160)], 96, 160, Fraction(24))
    assert not one_make([clip, make_clip("c.mp4", frames=12, fps=Fraction(30))], 96, 160, Fraction(24))
    other = tmp_path / "d.mp4"
    with av.open(str(other), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 96, 160, "yuv420p"
        for _ in range(12):
            container.mux(stream.encode(video_frame(Image.new("RGB", (96, 160)), "yuv420p")))
        container.mux(stream.encode(None))
    assert not one_make([clip, other], 96, 160, Fraction(24))
    facts = concat([clip, other], tmp_path / "film.mp4", width=96, height=160, fps=24)
    assert facts.frames == 24
