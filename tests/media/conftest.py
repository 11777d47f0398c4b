"""Small films whose every frame can be told from its neighbours."""

import io
import math
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import pytest
from PIL import Image

from dramagen.media.convert import video_frame
from dramagen.media.encode import samples_until, written

FIRST_GREY, GREY_STEP = 40, 3


class MakeClip(Protocol):
    def __call__(
        self,
        name: str = "clip.mp4",
        *,
        width: int = 96,
        height: int = 160,
        fps: Fraction = Fraction(24),
        frames: int = 48,
        tone: bool = False,
    ) -> Path: ...


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """A film whose n-th frame is grey number ``40 + 3 n``, with a tone throughout if asked."""

    def make(
        name: str = "clip.mp4",
        *,
        width: int = 96,
        height: int = 160,
        fps: Fraction = Fraction(24),
        frames: int = 48,
        tone: bool = False,
    ) -> Path:
        path = tmp_path / name
        with written(path, width=width, height=height, fps=fps, audio=tone, crf=10) as film:
            for n in range(frames):
                grey = FIRST_GREY + GREY_STEP * n
                film.picture(video_frame(Image.new("RGB", (width, height), (grey, grey, grey)), "yuv420p"))
            if tone:
                wave = array("h")
                for n in range(samples_until(frames, fps)):
                    value = round(8000 * math.sin(n / 20))
                    wave.extend((value, value))
                film.sound(wave.tobytes())
        return path

    return make


@pytest.fixture
def number_of() -> Callable[[bytes], int]:
    """Which frame of such a film a picture is."""

    def number(png: bytes) -> int:
        with Image.open(io.BytesIO(png)) as picture:
            grey = picture.convert("L").getpixel((picture.width // 2, picture.height // 2))
        assert isinstance(grey, int | float)
        return round((grey - FIRST_GREY) / GREY_STEP)

    return number


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """A picture as bytes."""

    def encode(image: Image.Image, kind: str = "PNG") -> bytes:
        out = io.BytesIO()
        image.save(out, kind)
        return out.getvalue()

    return encode
