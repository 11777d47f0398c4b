from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from dramagen.errors import DramagenError
from dramagen.media.probe import UndecodableMedia, probe
from dramagen.media.rate import exact_rate

Clips = Callable[..., Path]


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001)])
def test_facts_of_a_good_file(make_clip: Clips, decode: bool, fps: Fraction) -> None:
    path = make_clip(fps=fps, tone=True)
    facts = probe(path, decode=decode)
    assert (facts.width, facts.height, facts.frames, facts.codec) == (96, 160, 48, "h264")
    assert facts.has_audio
    assert facts.fps == pytest.approx(float(fps))
    assert facts.duration == pytest.approx(48 / float(fps))
    assert facts.bytes == path.stat().st_size


def test_silence_is_seen(make_clip: Clips) -> None:
    assert not probe(make_clip()).has_audio


def test_a_single_frame_has_its_stated_rate(make_clip: Clips) -> None:
    facts = probe(make_clip(frames=1))
    assert (facts.frames, facts.fps) == (1, 24.0)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_file_cut_short_is_found_out_though_its_header_is_whole(make_clip: Clips, share: float) -> None:
    path = make_clip(tone=True)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert probe(path, decode=False).frames == 48
    with pytest.raises(UndecodableMedia) as caught:
        probe(path)
    assert caught.value.path == path
    assert isinstance(caught.value, DramagenError)


def test_a_hole_in_the_pictures_is_found_out(make_clip: Clips) -> None:
    path = make_clip()
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    middle = (start + len(data)) // 2
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(data)
    with pytest.raises(UndecodableMedia):
        probe(path)


@pytest.mark.parametrize("data", [b"", b"not a film", b"<html>gateway timeout</html>", bytes(5000)])
def test_what_is_no_film_is_undecodable(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with pytest.raises(UndecodableMedia, match=r"clip\.mp4 cannot be decoded"):
        probe(path)


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    import av

    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        track: Any = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    with pytest.raises(UndecodableMedia, match="no picture track"):
        probe(path)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probe(tmp_path / "none.mp4")


@pytest.mark.parametrize(
    ("measured", "exact"),
    [
        (24.0, Fraction(24)),
        (23.976, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (12.5, Fraction(25, 2)),
    ],
)
def test_rates_are_exact(measured: float, exact: Fraction) -> None:
    assert exact_rate(measured) == exact


def test_a_rate_is_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        exact_rate(0)
