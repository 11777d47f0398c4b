"""Media a create names: public URLs, data URIs, and uploaded files by ``mm_file://``."""

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from dramagen.emulator.hailuo.errors import invalid
from dramagen.emulator.pixels import Size, film_seconds, picture_size
from dramagen.emulator.world import Call

_DATA = re.compile(r"data:(image|video|audio)/([^;,]+);base64,(.*)$", re.DOTALL)
_MAGIC = ((b"\x89PNG", "png"), (b"\xff\xd8", "jpeg"))
MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What one generation takes as a picture: formats, bytes, sides and width over height."""

    formats: tuple[str, ...]
    most_bytes: int
    least_side: int
    most_side: int = 100_000
    check_type: bool = False


V1_PICTURE = Rules(formats=("jpg", "jpeg", "png", "webp"), most_bytes=20 * MIB, least_side=301)
V2_PICTURE = Rules(
    formats=("jpg", "jpeg", "png", "webp", "heic", "heif"),
    most_bytes=30 * MIB,
    least_side=256,
    most_side=5760,
    check_type=True,
)


def picture(call: Call, url: object, where: str, rules: Rules) -> Size | None:
    """The size of an inlined picture, None where it is not known; raises ``Refusal``."""
    found = inlined(url, "image", rules.formats, where)
    if found is None:
        return None
    form, data = found
    if not data or len(data) > rules.most_bytes:
        raise invalid(f"{where}: at most {rules.most_bytes // MIB} MB")
    real = next((name for magic, name in _MAGIC if data.startswith(magic)), None)
    declared = "jpeg" if form == "jpg" else form
    if rules.check_type and call.options.picture_types == "strict" and real and real != declared:
        raise invalid(f"{where}: declared {declared}, the content is {real}")
    size = picture_size(data)
    if size is not None and not (
        min(size) >= rules.least_side and max(size) <= rules.most_side and 0.4 <= size.ratio <= 2.5
    ):
        raise invalid(f"{where}: picture size {size.width}x{size.height} is not supported")
    return size


def seconds(call: Call, url: object, kind: str, formats: tuple[str, ...], most: int, where: str) -> float:
    """The length of a film or sound: of a URL what ``?seconds=`` says; raises ``Refusal``."""
    found = inlined(url, kind, formats, where)
    if found is not None:
        if not found[1] or len(found[1]) > most:
            raise invalid(f"{where}: at most {most // MIB} MB")
        return film_seconds(found[1]) or float(call.options.reference_seconds)
    try:
        return float(parse_qs(urlsplit(str(url)).query)["seconds"][0])
    except (KeyError, ValueError):
        return float(call.options.reference_seconds)


def inlined(url: object, kind: str, formats: tuple[str, ...], where: str) -> tuple[str, bytes] | None:
    """Format and bytes of a data URI; None for a URL or an uploaded file; raises ``Refusal`` for anything else."""
    if not isinstance(url, str) or not url:
        raise invalid(f"{where} is required")
    if url.startswith("mm_file://"):
        return None
    if not url.startswith("data:"):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise invalid(f"{where} is neither a URL nor a data URI")
        return None
    match = _DATA.match(url)
    if match is None or match[1] != kind or match[2] not in formats:
        raise invalid(f"{where}: the data URI's format is not supported")
    try:
        return match[2], base64.b64decode(match[3], validate=True)
    except binascii.Error:
        raise invalid(f"{where}: the base64 data is not valid") from None
