"""The picture of a shot that has none yet: a graded backdrop, and the fitting of pictures to the frame."""

import colorsys
import hashlib
import io
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

# Painted small and enlarged: a backdrop is soft, and softness costs nothing this way.
PAINTED = 8
BLOBS = 5
GRID_COLUMNS = 6


def backdrop(text: str, seed: int, width: int, height: int) -> "Image":
    """A dark graded picture whose colours come from the text: equal text and seed, equal picture.

    A faint grid of marks lies on it, so that a camera move can be seen.
    """
    from PIL import Image, ImageDraw, ImageFilter

    dice = random.Random(hashlib.sha256(f"{seed}:{text}".encode()).digest())  # noqa: S311  # colours, not secrets
    hue = dice.random()
    small_w, small_h = max(8, width // PAINTED), max(8, height // PAINTED)
    top, bottom = _rgb(hue, 0.55, 0.30), _rgb(hue + 0.08, 0.65, 0.09)
    mask = Image.linear_gradient("L").resize((small_w, small_h))
    small = Image.composite(
        Image.new("RGB", (small_w, small_h), bottom), Image.new("RGB", (small_w, small_h), top), mask
    )
    draw = ImageDraw.Draw(small, "RGBA")
    long = max(small_w, small_h)
    for number in range(BLOBS):
        x, y = dice.uniform(0, small_w), dice.uniform(0, small_h)
        radius = long * dice.uniform(0.10, 0.24)
        warm = hue + (0.45 if number % 2 else -0.06) + dice.uniform(-0.04, 0.04)
        light = (*_rgb(warm, 0.55, dice.uniform(0.45, 0.75)), 90)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), light)
    small = small.filter(ImageFilter.GaussianBlur(long / 14))
    picture = small.resize((width, height), Image.Resampling.BICUBIC)
    _marks(picture)
    return picture


def _marks(picture: "Image") -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(picture, "RGBA")
    step = picture.width / GRID_COLUMNS
    line = max(1, round(step / 90))
    arm = step * 0.07
    for row in range(-1, int(picture.height / step) + 2):
        y = picture.height / 2 + (row - int(picture.height / step) // 2) * step
        draw.line((0, y, picture.width, y), (255, 255, 255, 13), line)
        for column in range(GRID_COLUMNS + 1):
            x = column * step
            draw.line((x - arm, y, x + arm, y), (255, 255, 255, 90), line)
            draw.line((x, y - arm, x, y + arm), (255, 255, 255, 90), line)
    for column in range(GRID_COLUMNS + 1):
        draw.line((column * step, 0, column * step, picture.height), (255, 255, 255, 13), line)


def _rgb(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def fitted(data: bytes, width: int, height: int) -> "Image":
    """A picture scaled to cover width x height pixels, its middle kept.

    Raises:
        ValueError: the bytes are not a picture.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError("the bytes are not a picture in a known format") from error
    return ImageOps.fit(upright, (width, height), Image.Resampling.BICUBIC)
