import io
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dramagen.media.crop import crop_box, crop_to_ratio

Encode = Callable[..., bytes]
Sides = st.integers(1, 5000)


@given(Sides, Sides, st.sampled_from(["9:16", "16:9", "1:1", "21:9", "3:4"]))
def test_the_box_is_inside_centred_and_touches_two_edges(width: int, height: int, ratio: str) -> None:
    across, down = (int(n) for n in ratio.split(":"))
    left, top, right, bottom = crop_box(width, height, Fraction(across, down))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert abs(left - (width - right)) <= 1
    assert abs(top - (height - bottom)) <= 1
    assert right - left == width or bottom - top == height
    kept_width, kept_height = right - left, bottom - top
    assert abs(kept_width * down - kept_height * across) <= max(across, down)


def test_the_middle_is_kept_and_the_note_says_so(encoded: Encode) -> None:
    picture = Image.new("RGB", (1024, 1024), "red")
    picture.paste("blue", (224, 0, 800, 1024))
    data, note = crop_to_ratio(encoded(picture, "PNG"), "9:16")
    assert note == "cropped 1024x1024 -> 576x1024 (centre)"
    with Image.open(io.BytesIO(data)) as cropped:
        assert cropped.size == (576, 1024)
        assert cropped.getcolors() == [(576 * 1024, (0, 0, 255))]


def test_a_picture_of_the_ratio_comes_back_untouched(encoded: Encode) -> None:
    data = encoded(Image.new("RGB", (90, 160)), "JPEG")
    assert crop_to_ratio(data, "9:16") == (data, "")


def test_transparency_is_kept(encoded: Encode) -> None:
    data, _ = crop_to_ratio(encoded(Image.new("RGBA", (100, 100), (1, 2, 3, 4))), "9:16")
    with Image.open(io.BytesIO(data)) as cropped:
        assert cropped.getpixel((0, 0)) == (1, 2, 3, 4)


def test_a_picture_lying_on_its_side_is_cropped_as_seen(encoded: Encode) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (160, 90)).save(out, "JPEG", exif=exif)
    _, note = crop_to_ratio(out.getvalue(), "1:1")
    assert note == "cropped 90x160 -> 90x90 (centre)"


def test_what_is_no_picture_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a picture"):
        crop_to_ratio(b"text", "9:16")
