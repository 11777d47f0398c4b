"""Cut a picture to a ratio before it is paid for as somebody's first frame."""

import io
from fractions import Fraction

from dramagen.media.check import parse_ratio
from dramagen.media.extra import require


def crop_box(width: int, height: int, ratio: Fraction) -> tuple[int, int, int, int]:
    """The largest centred (left, top, right, bottom) of the ratio inside width x height pixels."""
    if Fraction(width, height) > ratio:
        new_width, new_height = max(1, round(height * ratio)), height
    else:
        new_width, new_height = width, max(1, round(width / ratio))
    left, top = (width - new_width) // 2, (height - new_height) // 2
    return left, top, left + new_width, top + new_height


def crop_to_ratio(data: bytes, ratio: str) -> tuple[bytes, str]:
    """Cut the middle of a picture to ``ratio`` (``"9:16"``). Nothing is ever enlarged.

    Returns:
        The picture as PNG, and what was done: ``"cropped 1024x1024 -> 576x1024 (centre)"``; a picture that
        already has the ratio comes back as it was, with an empty note.

    Raises:
        ValueError: the bytes are not a picture, or the ratio is not one.
        MissingExtra: the ``media`` extra is not installed.
    """
    wanted = parse_ratio(ratio)
    require("PIL", "cropping a picture")
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as opened:
            # A phone's picture may be stored lying on its side; what is cropped is what people see.
            picture = ImageOps.exif_transpose(opened)
            width, height = picture.size
            box = crop_box(width, height, wanted)
            if box == (0, 0, width, height) and picture.size == opened.size:
                return data, ""
            out = io.BytesIO()
            picture.crop(box).save(out, "PNG")
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError("the bytes are not a picture in a known format") from error
    return out.getvalue(), f"cropped {width}x{height} -> {box[2] - box[0]}x{box[3] - box[1]} (centre)"
