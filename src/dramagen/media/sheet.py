"""The contact sheet: every shot of an episode on one picture, to be judged at a glance."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dramagen.media.extra import require
from dramagen.media.fonts import cjk_font, load_font
from dramagen.media.text import ascii_only, wrap

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MARGIN = 40
GAP = 16
CELL = (300, 390)
LABEL_ROOM = 190
LABEL_WIDTH = 420
PAPER, CARD, INK, FAINT, ACCENT = "#14161a", "#1d2026", "#f2f0ea", "#a3a8b1", "#e9b44c"


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One shot on the sheet.

    Attributes:
        id: of the shot, written large.
        label_lines: what stands under it: duration, route, cost.
        frames: the first, middle and last frame, as encoded pictures (PNG, JPEG).
    """

    id: str
    label_lines: tuple[str, ...]
    frames: tuple[bytes, bytes, bytes]


def contact_sheet(
    rows: Sequence[SheetRow], dst: str | Path, title: str, *, font: str | Path | None = None
) -> Path:
    """Draw the sheet as PNG: one row a shot, three frames and its labels.

    Args:
        rows: in the order of the episode.
        dst: the file to write.
        title: of the episode.
        font: a font file with Chinese letters; found if not given. Without one, Chinese is written as codes.

    Raises:
        MissingExtra: the ``media`` extra is not installed.
        ValueError: a frame is not a picture.
    """
    require("PIL", "drawing the contact sheet")
    from PIL import Image, ImageDraw

    pictures = [[_cell(frame) for frame in row.frames] for row in rows]
    heights = [max(LABEL_ROOM, *(cell.height for cell in row)) for row in pictures]
    column = max((cell.width for row in pictures for cell in row), default=CELL[0])
    head = 100
    width = 2 * MARGIN + LABEL_WIDTH + 3 * (column + GAP)
    height = head + sum(h + 2 * GAP for h in heights) + GAP * max(0, len(rows) - 1) + MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    file = cjk_font(font)
    spell = str if file else ascii_only
    title_font = load_font(file, 40)
    name = wrap(spell(title), title_font, width - 2 * MARGIN, 1)[0]
    draw.text((MARGIN, head // 2), name, INK, title_font, anchor="lm")
    count = f"{len(rows)} shots" if len(rows) != 1 else "1 shot"
    draw.text((width - MARGIN, head // 2), count, FAINT, load_font(file, 22), anchor="rm")
    top = head
    for row, cells, tall in zip(rows, pictures, heights, strict=True):
        draw.rounded_rectangle((MARGIN, top, width - MARGIN, top + tall + 2 * GAP), 12, CARD)
        _labels(draw, row, top + GAP, tall, file, spell is ascii_only)
        for number, cell in enumerate(cells):
            left = MARGIN + LABEL_WIDTH + number * (column + GAP) + (column - cell.width) // 2
            sheet.paste(cell, (left, top + GAP + (tall - cell.height) // 2))
        top += tall + 3 * GAP
    dst = Path(dst)
    sheet.save(dst, "PNG")
    return dst


def _labels(draw: "ImageDraw", row: SheetRow, top: int, tall: int, file: Path | None, plain: bool) -> None:
    spell = ascii_only if plain else str
    left, room = MARGIN + GAP + 8, LABEL_WIDTH - 2 * GAP - 8
    big, small = load_font(file, 34), load_font(file, 21)
    draw.text((left, top), wrap(spell(row.id), big, room, 1)[0], ACCENT, big)
    y = top + 56
    for number, label in enumerate(row.label_lines):
        for line in wrap(spell(label), small, room, 3):
            if y + 30 > top + tall:
                return
            draw.text((left, y), line, INK if number == 0 else FAINT, small)
            y += 32


def _cell(frame: bytes) -> "Image":
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(frame)) as picture:
            return ImageOps.contain(picture.convert("RGB"), CELL, Image.Resampling.LANCZOS)
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError("a frame for the contact sheet is not a picture") from error
