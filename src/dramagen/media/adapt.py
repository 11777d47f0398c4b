"""Change a picture so that a vendor takes it: upright, cropped, smaller, in another format. Never larger.

The same bytes and the same wishes give the same bytes, for one version of Pillow; who needs them the same for good
keeps them.
"""

import io
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from dramagen.media.check import parse_ratio
from dramagen.media.extra import require
from dramagen.media.picture import PictureFacts, picture_facts

if TYPE_CHECKING:
    from PIL import Image

RECIPE = 1
"""Version of how a picture is changed; a change here makes new files instead of reusing old ones."""

MOST_PIXELS = 178_956_970
"""Pixels of a picture that is worked on; Pillow's own guard against a small file that unpacks to gigabytes."""

QUALITIES = (95, 90, 85, 80, 75)
"""JPEG qualities tried, best first, before a picture is made smaller for the sake of its bytes."""

STEP = 0.85
"""What each side is multiplied with where no quality brings the bytes down."""


def adapt_picture(
    data: bytes,
    *,
    formats: tuple[str, ...],
    ratio: str | None = None,
    flatten: bool = False,
    max_side: int | None = None,
    max_area: int | None = None,
    max_bytes: int | None = None,
    min_side: int = 1,
    min_area: int = 1,
) -> bytes:
    """The picture as wished; the very bytes that came in where they already are.

    Args:
        data: the file. Of one that moves the first picture is taken.
        formats: those it may have, ``png`` and ``jpeg``, the one wanted most first.
        ratio: cut the middle to this (``9:16``).
        flatten: put what is transparent on white. A JPEG always is.
        max_side, max_area: pixels; a larger picture is made smaller, its ratio kept.
        max_bytes: JPEG quality falls, then the picture shrinks, until this is kept.
        min_side, min_area: pixels under which it is not made smaller for the sake of its bytes.

    Raises:
        ValueError: not a picture that can be read, or one that cannot be brought under ``max_bytes``.
        MissingExtra: the ``media`` extra is not installed.
    """
    facts = picture_facts(data)
    box = None if ratio is None else crop_box(facts.width, facts.height, parse_ratio(ratio))
    kept = (facts.width, facts.height) if box is None else (box[2] - box[0], box[3] - box[1])
    size = within(*kept, max_side, max_area)
    if _is_so(facts, size, formats, flatten, max_bytes):
        return data
    require("PIL", "changing a picture")
    picture = _upright(data, facts)
    if box is not None:
        picture = picture.crop(box)
    for smaller in _sizes(size, min_side, min_area):
        shown = picture if picture.size == smaller else picture.resize(smaller, _lanczos())
        for out in _encoded(shown, formats, flatten):
            if max_bytes is None or len(out) <= max_bytes:
                return out
    raise ValueError(f"it cannot be brought under {max_bytes:,} bytes without becoming too small")


def crop_box(width: int, height: int, ratio: Fraction) -> tuple[int, int, int, int]:
    """The largest centred (left, top, right, bottom) of the ratio inside width x height pixels."""
    if Fraction(width, height) > ratio:
        new_width, new_height = max(1, round(height * ratio)), height
    else:
        new_width, new_height = width, max(1, round(width / ratio))
    left, top = (width - new_width) // 2, (height - new_height) // 2
    return left, top, left + new_width, top + new_height


def within(width: int, height: int, max_side: int | None, max_area: int | None) -> tuple[int, int]:
    """The largest size of the same ratio, to a pixel, inside both limits; never a larger one."""
    long, short = max(width, height), min(width, height)
    if max_side is not None and long > max_side:
        long, short = max_side, max(1, round(short * max_side / long))
    if max_area is not None and long * short > max_area:
        ratio = long / short
        short = max(1, math.isqrt(int(max_area / ratio)))
        long = min(max(1, round(short * ratio)), max_area // short)
    return (long, short) if width >= height else (short, long)


def _is_so(
    facts: PictureFacts, size: tuple[int, int], formats: tuple[str, ...], flatten: bool, max_bytes: int | None
) -> bool:
    return (
        size == (facts.width, facts.height)
        and facts.format in formats
        and not (facts.turned or facts.cmyk or facts.frames > 1)
        and not (flatten and facts.has_alpha)
        and (max_bytes is None or facts.bytes <= max_bytes)
    )


def _upright(data: bytes, facts: PictureFacts) -> "Image.Image":
    """The pixels as people see them, as RGB or RGBA of 8 bits."""
    from PIL import Image, ImageOps

    if facts.width * facts.height > MOST_PIXELS:
        raise ValueError(f"it has more than {MOST_PIXELS:,} pixels")
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            picture: Image.Image = ImageOps.exif_transpose(opened)
            profile = None if opened.mode == "CMYK" else opened.info.get("icc_profile")
            if picture.has_transparency_data:
                picture = picture.convert("RGBA")
            elif picture.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip and not scale
                picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
            picture = picture if picture.mode == "RGBA" else picture.convert("RGB")
    except (OSError, EOFError, SyntaxError, ValueError) as error:
        raise ValueError("the picture is cut short or broken inside") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError("the picture has more pixels than can be handled") from error
    # What else the file said of itself (place, camera, the turn already made) stays behind.
    picture.info = {"icc_profile": profile} if profile else {}
    return picture


def _sizes(size: tuple[int, int], min_side: int, min_area: int) -> Iterator[tuple[int, int]]:
    width, height = size
    yield size
    factor = STEP
    while True:
        smaller = max(1, round(width * factor)), max(1, round(height * factor))
        if min(smaller) < max(min_side, 2) or smaller[0] * smaller[1] < min_area:
            return
        yield smaller
        factor *= STEP


def _encoded(picture: "Image.Image", formats: tuple[str, ...], flatten: bool) -> Iterator[bytes]:
    flat = _on_white(picture)
    for kind in formats:
        if kind == "jpeg":
            yield from (_saved(flat, "JPEG", quality=quality, subsampling=0) for quality in QUALITIES)
        elif kind == "png":
            yield _saved(flat if flatten else picture, "PNG", compress_level=6)


def _on_white(picture: "Image.Image") -> "Image.Image":
    from PIL import Image

    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGBA", picture.size, "white")
    flat = Image.alpha_composite(white, picture).convert("RGB")
    flat.info = picture.info
    return flat


def _saved(picture: "Image.Image", kind: str, **how: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, icc_profile=picture.info.get("icc_profile"), **how)
    return out.getvalue()


def _lanczos() -> "Image.Resampling":
    from PIL import Image

    return Image.Resampling.LANCZOS
