"""Find a font that can write Chinese."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from dramagen.media.extra import require

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

INSTALL_HINT = "no font with Chinese letters was found: pip install noto-cjk-sans-otc"
PACKAGE = "noto-cjk-sans-otc"
SYSTEM_PLACES = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "/System/Library/Fonts/STHeiti Medium.ttc",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/simhei.ttf",
)
# A Noto collection holds one face per script, told apart by the end of its family name.
SIMPLIFIED_CHINESE = "SC"


def cjk_font(explicit: str | Path | None = None, places: Sequence[str | Path] = SYSTEM_PLACES) -> Path | None:
    """A font file with Chinese letters.

    Args:
        explicit: the file to use; looked at first.
        places: where to look last, after the font package.

    Returns:
        The file, or None if there is none: write codes in ASCII then, and show :data:`INSTALL_HINT`.

    Raises:
        FileNotFoundError: ``explicit`` was given and is not there.
    """
    if explicit is not None:
        if not Path(explicit).is_file():
            raise FileNotFoundError(f"font {explicit}")
        return Path(explicit)
    return _packaged() or next((Path(p) for p in places if Path(p).is_file()), None)


def _packaged() -> Path | None:
    try:
        files = distribution(PACKAGE).files or ()
    except PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if file.suffix in (".ttc", ".otf", ".ttf"))
    return next((path for path in found if path.is_file()), None)


def load_font(path: Path | None, size: int) -> "FreeTypeFont":
    """The font at a size in pixels, in its Simplified Chinese face; without a file, Pillow's own Latin one.

    Raises:
        MissingExtra: the ``media`` extra is not installed.
    """
    require("PIL", "drawing text")
    from PIL import ImageFont

    if path is None:
        from typing import cast

        return cast("FreeTypeFont", ImageFont.load_default(size))
    return ImageFont.truetype(str(path), size, index=_face(path))


def _face(path: Path) -> int:
    from PIL import ImageFont

    if path.suffix.lower() != ".ttc":
        return 0
    for index in range(16):
        try:
            family = ImageFont.truetype(str(path), 10, index=index).getname()[0] or ""
        except OSError:
            break
        if family.endswith(SIMPLIFIED_CHINESE):
            return index
    return 0
