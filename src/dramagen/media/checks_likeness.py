"""Whether a clip begins on the picture it was given."""

import io
import math
from operator import mul
from pathlib import Path
from typing import TYPE_CHECKING

from dramagen.media.decode import frames_of

if TYPE_CHECKING:
    from PIL.Image import Image

SIZE = 160
BLOCK = 8
# The constants of Wang et al. (2004) for 8-bit levels; they keep flat blocks from dividing by nothing.
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def likeness(path: Path, given: bytes) -> float:
    """How like a clip's first frame is to the picture it was to begin on, -1 to 1.

    The smaller of structural similarity and correlation: the first alone finds any two flat drawings alike. The
    picture is cropped to the clip's ratio first, as it was before it was sent. The same picture gives about 0.9.

    Raises:
        UndecodableMedia: the clip has no frame.
        OSError: the picture is none.
    """
    from PIL import Image, ImageOps

    frame = next(frames_of(path, 0, 1))
    scale = SIZE / max(frame.width, frame.height)
    size = (max(BLOCK, round(frame.width * scale)), max(BLOCK, round(frame.height * scale)))
    shown: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    with Image.open(io.BytesIO(given)) as picture:
        wanted = ImageOps.fit(ImageOps.exif_transpose(picture).convert("L"), size, Image.Resampling.BOX)
    first = shown.convert("L").resize(size, Image.Resampling.BOX)
    return min(ssim(first, wanted), correlation(first, wanted))


def correlation(one: "Image", other: "Image") -> float:
    """Pearson's correlation of the levels of two grey pictures of one size; 0 where one of them is flat."""
    a, b = one.tobytes(), other.tobytes()
    n, total_a, total_b = len(a), sum(a), sum(b)
    both = n * sum(map(mul, a, b)) - total_a * total_b
    spread = (n * sum(map(mul, a, a)) - total_a**2) * (n * sum(map(mul, b, b)) - total_b**2)
    return both / math.sqrt(spread) if spread > 0 else 0.0


def ssim(one: "Image", other: "Image") -> float:
    """Mean structural similarity of two grey pictures of one size, over blocks of 8 x 8 pixels."""
    width, height = one.size
    a, b = one.tobytes(), other.tobytes()
    values = [
        _block(a, b, width, left, top)
        for top in range(0, height - BLOCK + 1, BLOCK)
        for left in range(0, width - BLOCK + 1, BLOCK)
    ]
    return sum(values) / len(values)


def _block(a: bytes, b: bytes, width: int, left: int, top: int) -> float:
    rows = range(top * width + left, (top + BLOCK) * width + left, width)
    x = [value for row in rows for value in a[row : row + BLOCK]]
    y = [value for row in rows for value in b[row : row + BLOCK]]
    n = BLOCK * BLOCK
    mean_x, mean_y = sum(x) / n, sum(y) / n
    var_x = sum(v * v for v in x) / n - mean_x**2
    var_y = sum(v * v for v in y) / n - mean_y**2
    both = sum(v * w for v, w in zip(x, y, strict=True)) / n - mean_x * mean_y
    return ((2 * mean_x * mean_y + C1) * (2 * both + C2)) / (
        (mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2)
    )
