import io
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from dramagen.media.probe import UndecodableMedia, probe_sound
from dramagen.media.sniff import media_type


def sound(path: Path, codec: str, seconds: float = 2.5) -> Path:
    """A silent file of that length, as FFmpeg writes it."""
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=48000, layout="mono")
        assert isinstance(track, av.AudioStream)
        frame = av.AudioFrame(format="s16", layout="mono", samples=round(48000 * seconds))
        frame.planes[0].update(bytes(2 * round(48000 * seconds)))
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        resampler = av.AudioResampler(
            format=track.format, layout="mono", rate=48000, frame_size=track.frame_size
        )
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(track.encode(piece))
        container.mux(track.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "kind"),
    [
        ("a.wav", "pcm_s16le", "audio/wav"),
        ("a.mp3", "libmp3lame", "audio/mp3"),
        ("a.m4a", "aac", "audio/mp4"),
        ("a.flac", "flac", "audio/flac"),
    ],
)
def test_a_sound_is_known_and_measured(tmp_path: Path, name: str, codec: str, kind: str) -> None:
    path = sound(tmp_path / name, codec)
    assert media_type(path.read_bytes()) == kind
    assert probe_sound(path).duration == pytest.approx(2.5, abs=0.08)  # encoders fill their last packet


def test_an_mp3_is_measured_by_what_is_in_it_and_not_by_its_header(tmp_path: Path) -> None:
    whole = sound(tmp_path / "whole.mp3", "libmp3lame", 10).read_bytes()
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(whole[: len(whole) // 2])
    assert probe_sound(cut).duration == pytest.approx(5, abs=0.3)


def test_what_has_no_sound_is_an_error(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UndecodableMedia, match="no sound track"):
        probe_sound(make_clip())
    empty = io.BytesIO()
    with wave.open(empty, "wb") as target:
        target.setparams((1, 2, 16000, 0, "NONE", "none"))
    path = tmp_path / "empty.wav"
    path.write_bytes(empty.getvalue())
    with pytest.raises(UndecodableMedia):
        probe_sound(path)


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        (b"\0\0\0\x14ftypisom", "video/mp4"),
        (b"\0\0\0\x14ftypM4A ", "audio/mp4"),
        (b"\0\0\x10\0moov", "video/quicktime"),
        (b"\x1a\x45\xdf\xa3\x9fB\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\x9fB\x82\x88matroska", "video/x-matroska"),
        (b"RIFF\0\0\0\0WAVE", "audio/wav"),
        (b"RIFF\0\0\0\0AVI ", "video/x-msvideo"),
        (b"RIFF\0\0\0\0WEBP", None),
        (b"ID3\4", "audio/mp3"),
        (b"\xff\xf3", "audio/mp3"),
        (b"\xff\xf1", "audio/aac"),
        (b"OggS", "audio/ogg"),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_a_file_is_known_by_how_it_begins(begin: bytes, kind: str | None) -> None:
    assert media_type(begin + bytes(8) if begin else b"") == kind
