"""Pictures and videos a create names: URL or raw base64 for pictures, URL for videos."""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dramagen.emulator.kling.errors import invalid
from dramagen.emulator.pixels import Size, picture_size
from dramagen.emulator.world import Call


def picture(call: Call, value: Any, name: str) -> Size | None:
    """The size of an inlined picture, None where it is not known; raises ``Refusal``."""
    if not isinstance(value, str) or not value:
        raise invalid(f"{name} is invalid: a URL or base64 text is required")
    if value.startswith("data:"):
        if call.options.data_uris == "reject":
            raise invalid(f"{name} is invalid: base64 must be sent without the data: prefix")
        value = value.partition(",")[2]
    elif _is_url(value):
        return None
    try:
        data = base64.b64decode(value, validate=True)
    except binascii.Error:
        raise invalid(f"{name} is invalid: neither a URL nor base64") from None
    size = picture_size(data)
    if size is None:
        if call.options.image_check == "strict":
            raise invalid(f"{name} is invalid: not a jpg, jpeg or png picture")
        return None
    if min(size) < 300 or not 0.4 <= size.ratio <= 2.5:
        raise invalid(
            f"{name} is invalid: sides of at least 300 px and a ratio of 1:2.5 to 2.5:1 are required"
        )
    return size


def video(call: Call, value: Any, name: str) -> float:
    """The seconds of a video: URLs are never fetched, ``?seconds=8`` says it; raises ``Refusal``."""
    if not isinstance(value, str) or not _is_url(value):
        raise invalid(f"{name} is invalid: a URL is required")
    try:
        return float(parse_qs(urlsplit(value).query)["seconds"][0])
    except (KeyError, ValueError):
        return float(call.options.reference_video_seconds)


def _is_url(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname)
