"""Pictures a create names: a URL, an uploaded file, or a data URI."""

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlsplit

from dramagen.emulator.pixels import Size, picture_size
from dramagen.emulator.vidu.errors import Refusal, invalid

_DATA = re.compile(r"data:image/(png|jpeg|jpg|webp);base64,(.*)$", re.DOTALL)
_MOST = 50_000_000


def picture(value: Any, field: str, smallest: int = 1) -> Size | None:
    """The size of an inlined PNG or JPEG, None where it is not known; raises ``Refusal``."""
    if not isinstance(value, str) or not value:
        raise invalid(field)
    if not value.startswith("data:"):
        _check_name(value, field)
        return None
    match = _DATA.match(value)
    if match is None:
        raise invalid(field, "ImageFormatInvalid")
    try:
        data = base64.b64decode(match[2], validate=True)
    except binascii.Error:
        raise invalid(field, "ImageFormatInvalid") from None
    if not data or len(data) > _MOST:
        raise invalid(field, "PageSizeOutOfRange")
    size = picture_size(data)
    if size is not None and (min(size) < smallest or not 0.25 <= size.ratio <= 4):
        raise invalid(field, "ImageSizeInvalid")
    return size


def _check_name(value: str, field: str) -> None:
    """URLs are never fetched; ``/unreachable`` in a path says that it could not be."""
    if value.startswith("ssupload:?id="):
        return
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid(field)
    if parts.path.startswith("/unreachable"):
        raise Refusal(400, "ImageDownloadFailure", f"{field} could not be downloaded", field)
