"""The ``content`` array of an H3 create: its items checked one by one, then what they are together."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dramagen.emulator.hailuo.errors import invalid
from dramagen.emulator.hailuo.pictures import MIB, V2_PICTURE, picture, seconds
from dramagen.emulator.pixels import Size
from dramagen.emulator.world import Call

_ROLES = {
    "image_url": ("first_frame", "last_frame", "reference_image"),
    "video_url": ("reference_video",),
    "audio_url": ("reference_audio",),
}


@dataclass
class Content:
    """What a create brings: its prompt, the roles of its pictures, the lengths of films and sounds in seconds."""

    text: str = ""
    texts: int = 0
    pictures: list[str] = field(default_factory=list)
    first: Size | None = None
    films: list[float] = field(default_factory=list)
    sounds: list[float] = field(default_factory=list)

    @property
    def mode(self) -> str:
        if self.films or self.sounds or "reference_image" in self.pictures:
            return "reference"
        return "frames" if self.pictures else "text"

    @property
    def paid_seconds(self) -> int:
        """Begun seconds of reference video."""
        return sum(math.ceil(length) for length in self.films)


def read(call: Call, items: object) -> Content:
    """Check the array as the vendor does; raises ``Refusal``."""
    if not isinstance(items, list) or not items:
        raise invalid("content is required")
    content = Content()
    for at, item in enumerate(items):
        if not isinstance(item, dict):
            raise invalid(f"content[{at}] must be an object")
        _add(call, content, item, f"content[{at}]")
    _check(content)
    return content


def _add(call: Call, content: Content, item: Mapping[str, Any], where: str) -> None:
    kind = item.get("type")
    if kind == "text":
        text = item.get("text")
        if not isinstance(text, str) or not text.strip() or len(text) > 7000:
            raise invalid(f"{where}.text: 1 to 7000 characters")
        content.text, content.texts = text, content.texts + 1
        return
    holder = item.get(str(kind))
    if kind not in _ROLES or not isinstance(holder, dict):
        raise invalid(f"{where}.type")
    role, url = item.get("role"), holder.get("url")
    if role is None and kind == "image_url":
        role = "first_frame"  # what one picture without a role is taken for
    if role not in _ROLES[kind]:
        raise invalid(f"{where}.role")
    if kind == "image_url":
        size = picture(call, url, where, V2_PICTURE)
        content.pictures.append(str(role))
        content.first = size if role == "first_frame" else content.first
    elif kind == "video_url":
        content.films.append(seconds(call, url, "video", ("mp4", "mov"), 50 * MIB, where))
    else:
        content.sounds.append(seconds(call, url, "audio", ("wav", "mp3"), 15 * MIB, where))


def _check(content: Content) -> None:
    if content.texts != 1:
        raise invalid("content needs exactly one text item")
    for role in ("first_frame", "last_frame"):
        if content.pictures.count(role) > 1:
            raise invalid(f"at most one {role}")
    if content.mode == "reference":
        if {"first_frame", "last_frame"} & set(content.pictures):
            raise invalid("frames and references exclude each other")
        if content.sounds and not (content.films or content.pictures):
            raise invalid("a reference audio needs an image or a video")
    counts = (len(content.pictures), 9), (len(content.films), 3), (len(content.sounds), 3)
    if any(count > most for count, most in counts) or sum(count for count, _ in counts) > 12:
        raise invalid("too many references")
    for lengths in (content.films, content.sounds):
        if any(not 2 <= length <= 15 for length in lengths) or sum(lengths) > 15:
            raise invalid("reference media last 2 to 15 seconds, 15 together")
