"""What travels inside a request to MiniMax: pictures, films and sounds as data URIs, and links in its answers.

Source: platform.minimax.io "Video generation V2, create", read 2026-11-22. The format after the slash is the
vendor's own word for it, in lower case; ``audio/mpeg`` and ``video/quicktime`` are refused, and a picture that is not
what its URI says is too.
"""

from base64 import b64encode
from collections.abc import Mapping

from httpx import URL, InvalidURL, Request

from dramagen.adapters.base import Attempt, Download
from dramagen.catalog.order import Input
from dramagen.errors import InvalidShot

_FORMATS: Mapping[str, Mapping[str, str]] = {
    "image": {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "webp": "webp", "heic": "heic", "heif": "heif"},
    "video": {"mp4": "mp4", "mov": "mov", "quicktime": "mov"},
    "audio": {"mpeg": "mp3", "mp3": "mp3", "wav": "wav", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"},
}


def data_uri(item: Input, kind: str, attempt: Attempt | None) -> str:
    """The medium as a data URI; without an attempt an empty text, which only shows whether it can be sent.

    Raises ``InvalidShot`` for another kind of file, or where the bytes are not at hand.
    """
    found, _, form = item.media_type.lower().partition("/")
    known = _FORMATS[kind].get(form) if found == kind else None
    if known is None:
        raise InvalidShot(f"MiniMax takes no {item.media_type} as {kind}")
    if attempt is None:
        return ""
    content = attempt.inputs.get(item.sha256)
    if content is None:
        raise InvalidShot(f"the content of an input is not at hand ({item.sha256[:12]}…)")
    if kind == "video" and content[4:12] == b"ftypqt  ":
        known = "mov"  # both begin alike, so a film is taken for an mp4 until somebody looks closer
    return f"data:{kind}/{known};base64,{b64encode(content).decode('ascii')}"


def public(url: object) -> Download | None:
    """A finished file's signed link, to be fetched without the key."""
    if not isinstance(url, str):
        return None
    try:
        where = URL(url)
    except InvalidURL:
        return None
    return Download(Request("GET", where)) if where.scheme in ("http", "https") and where.host else None
