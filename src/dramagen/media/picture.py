"""What a picture is, measured from its header: PNG and JPEG without any library, the rest with Pillow."""

import io
import struct
from dataclasses import dataclass

from dramagen.media.extra import require

ORIENTATION = 0x0112
"""The EXIF tag that says how a picture is to be turned before it is shown."""

_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """The facts of one picture.

    Attributes:
        width, height: pixels, as people see it: turned the way its EXIF data says.
        format: ``png``, ``jpeg``, ``webp``, ...
        has_alpha: whether any part may be transparent.
        bytes: size of the file.
        turned: it is stored lying on its side, upside down or mirrored, and EXIF says so.
        frames: more than one where it moves, or has several pages.
        cmyk: it has the colours of print.
    """

    width: int
    height: int
    format: str
    has_alpha: bool
    bytes: int
    turned: bool = False
    frames: int = 1
    cmyk: bool = False


def picture_facts(data: bytes) -> PictureFacts:
    """Measure a picture. PNG and JPEG are read without any library; other formats need the ``media`` extra.

    Raises:
        ValueError: the bytes are not a picture, or one in a format nothing here reads (HEIC).
        MissingExtra: the format needs the ``media`` extra, which is not installed.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_facts(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_facts(data)
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF:
        raise ValueError("HEIC pictures cannot be read here; save it as JPEG or PNG")
    require("PIL", "reading pictures other than PNG and JPEG")
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            turn = picture.getexif().get(ORIENTATION, 1)
            if turn in (5, 6, 7, 8):
                width, height = height, width
            return PictureFacts(
                width,
                height,
                (picture.format or "unknown").lower(),
                picture.has_transparency_data,
                len(data),
                turned=turn in range(2, 9),
                frames=getattr(picture, "n_frames", 1),
                cmyk=picture.mode == "CMYK",
            )
    except (OSError, EOFError, SyntaxError, ValueError, struct.error) as error:
        raise ValueError("the bytes are not a picture in a known format") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError("the picture has more pixels than can be handled") from error


def _png_facts(data: bytes) -> PictureFacts:
    """From IHDR, always first, and the chunks before the pixels (PNG specification 3rd edition, 5.6 and 11)."""
    if len(data) < 26 or data[12:16] != b"IHDR":
        raise ValueError("a PNG without a header")
    width, height, _depth, colour = struct.unpack(">IIBB", data[16:26])
    chunks = _chunks(data)
    turn = _turn(chunks.get(b"eXIf", b""))
    if turn > 4:
        width, height = height, width
    frames = int.from_bytes(chunks.get(b"acTL", b"\0\0\0\1")[:4], "big")
    alpha = colour in (4, 6) or b"tRNS" in chunks
    return PictureFacts(width, height, "png", alpha, len(data), turned=turn > 1, frames=max(1, frames))


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG before its pixels."""
    found: dict[bytes, bytes] = {}
    at = 8
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind in (b"IDAT", b"IEND"):
            break
        found[kind] = data[at + 8 : at + 8 + size]
        at += 12 + size
    return found


def _jpeg_facts(data: bytes) -> PictureFacts:
    """From the first start-of-frame segment (ITU-T T.81, table B.1), and the EXIF data before it."""
    at, turn = 2, 1
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            if turn > 4:
                width, height = height, width
            cmyk = data[at + 9 : at + 10] == b"\x04"
            return PictureFacts(width, height, "jpeg", False, len(data), turned=turn > 1, cmyk=cmyk)
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            turn = _turn(data[at + 10 : at + 2 + size])
        at += 2 + size
    raise ValueError("a JPEG without a frame header")


def _turn(exif: bytes) -> int:
    """EXIF's orientation, 1 to 8; 1 (upright) where it says none (CIPA DC-008, 4.6.4)."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return 1
    start = int(struct.unpack_from(f"{order}I", exif, 4)[0])
    if start + 2 > len(exif):
        return 1
    for entry in range(start + 2, start + 2 + 12 * struct.unpack_from(f"{order}H", exif, start)[0], 12):
        if entry + 12 > len(exif):
            break
        tag, kind = struct.unpack_from(f"{order}HH", exif, entry)
        if tag == ORIENTATION and kind == 3:
            turn = int(struct.unpack_from(f"{order}H", exif, entry + 8)[0])
            return turn if 1 <= turn <= 8 else 1
    return 1
