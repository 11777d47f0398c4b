"""Text on pictures: lines broken the way Chinese and English are broken."""

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

# Marks that Chinese typesetting does not let begin a line, and marks it does not let end one.
NOT_FIRST = set("、。，．！？：；）》」』】〕〉”’…—·,.!?:;)]}%")
NOT_LAST = set("（《「『【〔〈“‘([{")
ELLIPSIS = "…"


def wrap(text: str, font: "FreeTypeFont", width: float, max_lines: int | None = None) -> list[str]:
    """Break text into lines no wider than ``width`` pixels.

    Chinese breaks between any two letters except around punctuation; English between words, and inside a
    word only when it alone is too wide. What does not fit in ``max_lines`` is cut with an ellipsis.
    """
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        lines += _wrap_paragraph(paragraph.strip(), font, width)
    if max_lines is not None and len(lines) > max_lines:
        kept = lines[:max_lines]
        kept[-1] = _shorten(kept[-1], font, width)
        return kept
    return lines


def _wrap_paragraph(text: str, font: "FreeTypeFont", width: float) -> list[str]:
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if font.getlength((line + piece).rstrip()) <= width or not line.strip():
            line += piece
        else:
            lines.append(line.rstrip())
            line = piece.lstrip()
        while font.getlength(line.rstrip()) > width and len(line) > 1:
            fits = max(
                1, next(n for n in range(len(line), 0, -1) if n == 1 or font.getlength(line[:n]) <= width)
            )
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(text: str) -> list[str]:
    """The parts a line may be broken between: words, and single wide letters with their punctuation."""
    pieces: list[str] = []
    for letter in text:
        before = pieces[-1][-1] if pieces else ""
        joined = before and (
            letter in NOT_FIRST
            or before in NOT_LAST
            or letter == " "
            or (not _wide(letter) and not _wide(before) and before != " ")
        )
        if joined:
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def _shorten(line: str, font: "FreeTypeFont", width: float) -> str:
    while line and font.getlength(line + ELLIPSIS) > width:
        line = line[:-1]
    return line.rstrip() + ELLIPSIS


def ascii_only(text: str) -> str:
    """The text with every letter outside ASCII as a code, for when no font can draw it: ``\\u4f60``."""
    return text.encode("ascii", "backslashreplace").decode("ascii")
