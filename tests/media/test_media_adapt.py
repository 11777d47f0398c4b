import io
import struct
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dramagen.media.adapt import adapt_picture, crop_box, within
from dramagen.media.picture import picture_facts

Encode = Callable[..., bytes]
Sides = st.integers(1, 5000)
BOTH = ("jpeg", "png")


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def file(mode: str, size: tuple[int, int], kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(out, kind, **how)
    return out.getvalue()


# --- sizes ------------------------------------------------------------------------------------------------


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


@given(
    st.integers(50, 9000), st.integers(50, 9000), st.none() | st.integers(100, 9000),
    st.none() | st.integers(10_000, 40_000_000),
)  # fmt: skip
def test_a_size_is_inside_the_limits_never_larger_and_of_the_same_ratio(
    width: int, height: int, side: int | None, area: int | None
) -> None:
    wide, high = within(width, height, side, area)
    assert wide <= width
    assert high <= height
    assert side is None or max(wide, high) <= side
    assert area is None or wide * high <= area
    # To a pixel of the shorter side; the longer one then follows by the ratio.
    assert abs(min(wide, high) - max(wide, high) * min(width, height) / max(width, height)) <= 1
    assert within(wide, high, side, area) == (wide, high)


def test_a_size_uses_what_the_limit_gives() -> None:
    assert within(4000, 3000, 2000, None) == (2000, 1500)
    assert within(3000, 4000, 2000, None) == (1500, 2000)
    assert within(4000, 3000, None, 3_000_000) == (2000, 1500)
    assert within(640, 480, 2000, 3_000_000) == (640, 480)


# --- pictures ---------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    mode=st.sampled_from(["RGB", "RGBA", "L", "LA", "P", "CMYK", "I;16"]),
    size=st.tuples(st.integers(40, 160), st.integers(40, 160)),
    formats=st.sampled_from([("png", "jpeg"), ("jpeg", "png"), ("png",), ("jpeg",)]),
    ratio=st.sampled_from([None, "9:16", "1:1"]),
    side=st.none() | st.integers(30, 170),
    area=st.none() | st.integers(900, 20_000),
    most=st.none() | st.integers(4_000, 60_000),
    flatten=st.booleans(),
)
def test_what_comes_out_keeps_every_limit_and_stays_as_it_is(
    mode: str,
    size: tuple[int, int],
    formats: tuple[str, ...],
    ratio: str | None,
    side: int | None,
    area: int | None,
    most: int | None,
    flatten: bool,
) -> None:
    kind = {"CMYK": "TIFF"}.get(mode, "PNG")
    data = file(mode, size, kind)

    def adapted(given: bytes) -> bytes:
        return adapt_picture(
            given, formats=formats, ratio=ratio, flatten=flatten, max_side=side, max_area=area, max_bytes=most
        )

    out = adapted(data)
    facts = picture_facts(out)
    assert facts.format in formats
    assert facts.width <= size[0]
    assert facts.height <= size[1]
    assert side is None or max(facts.width, facts.height) <= side
    assert area is None or facts.width * facts.height <= area
    assert most is None or len(out) <= most
    assert not (flatten and facts.has_alpha)
    assert not facts.cmyk
    assert adapted(data) == out
    if ratio is None:
        assert adapted(out) == out


def test_what_fits_comes_back_as_it_was() -> None:
    data = file("RGB", (90, 160), "JPEG", quality=40)
    assert adapt_picture(data, formats=BOTH, ratio="9:16", max_side=160, max_area=20_000) is data


def test_the_middle_is_kept(encoded: Encode) -> None:
    picture = Image.new("RGB", (1024, 1024), "red")
    picture.paste("blue", (224, 0, 800, 1024))
    cropped = opened(adapt_picture(encoded(picture, "PNG"), formats=("png",), ratio="9:16"))
    assert cropped.size == (576, 1024)
    assert cropped.getcolors() == [(576 * 1024, (0, 0, 255))]


def test_transparency_is_kept_in_a_png_and_white_where_it_is_not_taken(encoded: Encode) -> None:
    data = encoded(Image.new("RGBA", (100, 100), (255, 0, 0, 128)))
    assert opened(adapt_picture(data, formats=("png",), max_side=50)).getpixel((9, 9)) == (255, 0, 0, 128)
    for formats in (("png",), ("jpeg",)):
        flat = opened(adapt_picture(data, formats=formats, flatten=True))
        assert flat.mode == "RGB"
        red, green, blue = flat.getpixel((9, 9))  # type: ignore[misc]  # an RGB pixel
        assert (abs(red - 255) < 3, abs(green - 127) < 3, abs(blue - 127) < 3) == (True, True, True)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_lying_on_its_side_is_stood_up(turn: int) -> None:
    scene = Image.new("RGB", (80, 40), "white")
    scene.paste("red", (0, 0, 40, 20))  # red at the top left, as people see it
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Transpose: what undoes each turn
    stored = scene.transpose(Image.Transpose(back[turn])) if turn > 1 else scene
    exif = Image.Exif()
    exif[0x0112] = turn
    for kind in ("PNG", "JPEG", "WEBP"):
        out = io.BytesIO()
        stored.save(out, kind, exif=exif)
        facts = picture_facts(out.getvalue())
        assert (facts.width, facts.height, facts.turned) == (80, 40, turn > 1)
        upright = opened(adapt_picture(out.getvalue(), formats=("png",)))
        assert upright.size == (80, 40)
        assert upright.getexif().get(0x0112, 1) == 1
        red, green, _ = upright.getpixel((5, 5))  # type: ignore[misc]  # an RGB pixel
        assert red > 200 > 60 > green
        assert upright.getpixel((75, 35)) > (200, 200, 200)  # type: ignore[operator]  # an RGB pixel


def test_the_colours_of_print_become_those_of_a_screen() -> None:
    out = io.BytesIO()
    Image.new("CMYK", (60, 60), (0, 255, 255, 0)).save(out, "JPEG")
    assert picture_facts(out.getvalue()).cmyk
    red, green, blue = opened(adapt_picture(out.getvalue(), formats=("jpeg",))).getpixel((9, 9))  # type: ignore[misc]  # an RGB pixel
    assert red > 230 > 30 > max(green, blue)


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped() -> None:
    out = io.BytesIO()
    Image.new("I;16", (60, 60), 0x8000).save(out, "PNG")
    assert opened(adapt_picture(out.getvalue(), formats=("jpeg",))).getpixel((9, 9)) == (128, 128, 128)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_a_picture_that_moves_the_first_one_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in ("lime", "red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=100, lossless=True)
    facts = picture_facts(out.getvalue())
    assert facts.frames == 3
    still = adapt_picture(out.getvalue(), formats=("png",))
    assert opened(still).convert("RGB").getpixel((9, 9)) == (0, 255, 0)
    assert picture_facts(still).frames == 1


def test_the_colour_profile_stays_and_what_the_camera_noted_goes() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    data = file("RGB", (100, 100), "JPEG", icc_profile=profile, exif=exif)
    out = opened(adapt_picture(data, formats=("jpeg",), max_side=50))
    assert out.info["icc_profile"] == profile
    assert not out.getexif()


def test_quality_falls_before_the_size_does() -> None:
    data = file("RGB", (400, 300), "PNG")
    sizes = {
        most: picture_facts(adapt_picture(data, formats=("png", "jpeg"), max_bytes=most))
        for most in (10_000_000, 100_000, 20_000)
    }
    assert (sizes[10_000_000].format, sizes[10_000_000].width) == ("png", 400)
    assert (sizes[100_000].format, sizes[100_000].width) == ("jpeg", 400)
    assert (sizes[20_000].format, sizes[20_000].width < 400) == ("jpeg", True)


def test_bytes_that_cannot_be_had_without_becoming_too_small_are_an_error() -> None:
    data = file("RGB", (400, 300), "PNG")
    with pytest.raises(ValueError, match=r"under 5,000 bytes"):
        adapt_picture(data, formats=("jpeg",), max_bytes=5_000, min_side=280)


def test_a_picture_cut_short_is_an_error() -> None:
    data = file("RGB", (400, 300), "JPEG")
    with pytest.raises(ValueError, match="cut short"):
        adapt_picture(data[: len(data) // 2], formats=("png",))


def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_unpacked() -> None:
    data = bytearray(file("L", (8, 8), "PNG"))
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    with pytest.raises(ValueError, match="pixels"):
        adapt_picture(bytes(data), formats=("jpeg",))


def test_what_is_no_picture_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a picture"):
        adapt_picture(b"text", formats=("png",), ratio="9:16")
    with pytest.raises(ValueError, match="HEIC"):
        adapt_picture(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", formats=("png",))
