"""The ``content`` list of a create: its items checked one by one, then its mode inferred from their roles."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from dramagen.emulator.pixels import Size, picture_size
from dramagen.emulator.seedance.errors import Refusal, invalid
from dramagen.emulator.seedance.models import Model

Mode = Literal["t2v", "i2v", "flf2v", "r2v", "draft"]

_MIB = 1024 * 1024
_LIMITS = {"image": 30 * _MIB, "audio": 15 * _MIB}
_DATA = re.compile(r"data:(image|audio|video)/([a-z0-9.+-]+);base64,(.*)$", re.DOTALL)


@dataclass
class Content:
    """What a create brings: the prompt, the pictures by role, how many references, and the mode."""

    text: str = ""
    first: Size | None = None
    roles: list[str] = field(default_factory=list)
    videos: list[float] = field(default_factory=list)
    audios: int = 0
    draft: str = ""

    @property
    def mode(self) -> Mode:
        if self.draft:
            return "draft"
        if self.videos or self.audios or "reference_image" in self.roles:
            return "r2v"
        return "flf2v" if "last_frame" in self.roles else "i2v" if self.roles else "t2v"


def read_content(items: Any, model: Model, family: str, video_seconds: float) -> Content:
    """Check ``content`` as the vendor does; raises ``Refusal``. Unmeasured videos last ``video_seconds``."""
    if not isinstance(items, list) or not items:
        raise Refusal(
            400, "MissingParameter", "the request is missing one required parameter: content", "content"
        )
    content = Content()
    roleless = 0
    for at, item in enumerate(items):
        where = f"content[{at}]"
        kind = item.get("type") if isinstance(item, dict) else None
        match kind:
            case "text":
                content.text += _text(item, where)
            case "image_url":
                size = _media(item, "image", where)
                role = _role(item, where, ("first_frame", "last_frame", "reference_image"), required=False)
                roleless += role is None
                content.roles.append(role or "first_frame")
                if content.roles[-1] == "first_frame":
                    content.first = size
            case "video_url":
                _media(item, "video", where)
                _role(item, where, ("reference_video",), required=True)
                content.videos.append(_seconds(item["video_url"]["url"], video_seconds))
            case "audio_url":
                _media(item, "audio", where)
                _role(item, where, ("reference_audio",), required=True)
                content.audios += 1
            case "draft_task":
                content.draft = _draft(item, where)
            case _:
                raise invalid(
                    f"{where}.type", f"the parameter {where}.type specified in the request is not valid"
                )
    if roleless and len(content.roles) > 1:
        raise invalid("content", "role must be specified for image contents")
    _check_mode(content, model, family)
    return content


def _text(item: Mapping[str, Any], where: str) -> str:
    text = item.get("text")
    if not isinstance(text, str) or not text:
        raise invalid(f"{where}.text", f"the parameter {where}.text specified in the request is not valid")
    return text


def _draft(item: Mapping[str, Any], where: str) -> str:
    task = item.get("draft_task")
    if not isinstance(task, dict) or not isinstance(task.get("id"), str) or not task["id"]:
        raise invalid(f"{where}.draft_task", f"the parameter {where}.draft_task.id is required")
    return str(task["id"])


def _role(item: Mapping[str, Any], where: str, known: tuple[str, ...], *, required: bool) -> str | None:
    role = item.get("role")
    if role is None and not required:
        return None
    if role not in known:
        raise invalid(f"{where}.role", f"the parameter {where}.role specified in the request is not valid")
    return str(role)


def _media(item: Mapping[str, Any], kind: str, where: str) -> Size | None:
    """The size of an inlined picture; None for every other medium."""
    holder = item.get(f"{kind}_url")
    if not isinstance(holder, dict) or not isinstance(holder.get("url"), str):
        raise invalid(f"{where}.{kind}_url", f"the parameter {where}.{kind}_url must be an object with a url")
    url: str = holder["url"]
    path = f"{where}.{kind}_url"
    if not url:
        raise invalid(path, f"the {kind} URL at {path} is empty", _url_code(kind, "EmptyURL"))
    if url.startswith("data:"):
        return _inlined(url, kind, path)
    if url.startswith("asset://"):
        if url.startswith("asset://missing"):
            raise invalid(path, f"the asset at {path} is not found")
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid(
            path, f"the {kind} URL at {path} has an invalid format", _url_code(kind, "InvalidFormat")
        )
    if parts.path.startswith("/unreachable"):
        raise invalid(path, f"resource download failed for {path}")
    return None


def _url_code(kind: str, suffix: str) -> str:
    return f"InvalidImageURL.{suffix}" if kind == "image" else "InvalidParameter"


def _inlined(url: str, kind: str, path: str) -> Size | None:
    match = _DATA.match(url)
    if match is None or match[1] != kind or kind == "video":
        raise invalid(path, f"the data URL at {path} has an invalid format", _url_code(kind, "InvalidFormat"))
    try:
        data = base64.b64decode(match[3], validate=True)
    except binascii.Error:
        raise invalid(
            path, f"the base64 data at {path} is not valid", _url_code(kind, "InvalidFormat")
        ) from None
    if not data or len(data) >= _LIMITS[kind]:
        raise invalid(path, f"the {kind} at {path} must be smaller than {_LIMITS[kind] // _MIB} MB")
    size = picture_size(data) if kind == "image" else None
    if size is not None and not _allowed(size):
        raise invalid(
            path, f"the image at {path} must have sides of 300 to 6000 px and a ratio of 0.4 to 2.5"
        )
    return size


def _allowed(size: Size) -> bool:
    return all(300 <= side <= 6000 for side in size) and 0.4 <= size.ratio <= 2.5


def _seconds(url: str, unmeasured: float) -> float:
    """A reference video's length: URLs are never fetched, ``?seconds=8`` says it."""
    try:
        return float(parse_qs(urlsplit(url).query)["seconds"][0])
    except (KeyError, ValueError):
        return unmeasured


def _check_mode(content: Content, model: Model, family: str) -> None:
    if content.draft:
        if content.text or content.roles or content.videos or content.audios:
            raise invalid("content", "draft_task cannot be combined with other contents")
        return
    frames = {"first_frame", "last_frame"} & set(content.roles)
    if content.mode == "t2v" and not content.text.strip():
        raise Refusal(
            400, "MissingParameter", "the request is missing one required parameter: content.text", "content"
        )
    if content.mode == "r2v":
        if frames:
            raise invalid("content", "first/last frame content cannot be mixed with reference media content")
        if not model.references:
            raise invalid("content", f"reference media is not supported for model {family} in r2v")
        _check_references(content, model, family)
        return
    if any(content.roles.count(role) > 1 for role in frames):
        raise invalid("content", "at most one first frame and one last frame are allowed")
    if "last_frame" in frames and "first_frame" not in frames:
        raise invalid("content", "a last frame needs a first frame")
    if "last_frame" in frames and not model.last_frame:
        raise invalid("content", f"last frame is not supported for model {family} in flf2v")


def _check_references(content: Content, model: Model, family: str) -> None:
    counts = (
        ("image", len(content.roles), model.images),
        ("video", len(content.videos), model.videos),
        ("audio", content.audios, model.audios),
    )
    for kind, count, most in counts:
        if count > most:
            raise invalid(
                "content", f"the number of reference {kind}s must be at most {most} for model {family} in r2v"
            )
    if content.audios and not (content.roles or content.videos) and model.generation != "2.5":
        raise invalid(
            "content", f"reference audio needs a reference image or video for model {family} in r2v"
        )
    limit = model.longest_media + 0.2  # an error text of the vendor shows this tolerance
    for seconds in content.videos:
        if not 2 <= seconds <= limit:
            raise invalid(
                "content", f"video duration must be less than or equal to {limit} for model {family} in r2v"
            )
    if sum(content.videos) > limit:
        raise invalid(
            "content",
            f"the sum of video durations must be less than or equal to {limit} for model {family} in r2v",
        )
