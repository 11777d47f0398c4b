"""File names made from ids: readable, safe on every file system, and reversible.

Chinese stays as it is. What a file system or a shell could take for something else is written ``%XX``, byte
by byte of its UTF-8 form, as in URLs. Two ids that differ only in upper and lower case would share one file
on macOS and Windows; an episode refuses such a pair, so the names here keep their case.
"""

import hashlib
import re
import unicodedata

LONGEST = 150
"""Bytes of UTF-8; file systems allow 255, and a take's number and a suffix come after."""

_UNSAFE = frozenset('%/\\<>:"|?*')
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
_HASHED = re.compile(r"%~[0-9a-f]{16}$")
_ESCAPED = re.compile(r"(?:%[0-9A-F]{2})+")


def escape(text: str) -> str:
    """A file name for ``text``: at most ``LONGEST`` bytes, no separators, no leading dot or dash.

    A text too long for that keeps its beginning and ends in a hash of the whole. Raises ``ValueError`` for
    an empty text.
    """
    if not text:
        raise ValueError("an empty text has no file name")
    name = "".join(_one(char, at, text) for at, char in enumerate(text))
    if unicodedata.normalize("NFC", name) != name:
        # A file system that composes letters would hand back another text.
        name = "".join(char if char.isascii() else _percent(char) for char in name)
    if _DEVICES.match(name):
        name = _percent(name[0]) + name[1:]
    return name if len(name.encode()) <= LONGEST else _shortened(name, text)


def unescape(name: str) -> str:
    """The text a name was made from. Raises ``ValueError`` for a shortened name: a hash has no way back."""
    if _HASHED.search(name):
        raise ValueError(f"{name!r} was shortened; the manifest beside it has the whole id")
    return _ESCAPED.sub(
        lambda found: bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "surrogatepass"), name
    )


def clip_name(shot_id: str, take: int) -> str:
    """``<shot>-t<take>.mp4``."""
    return f"{escape(shot_id)}-t{take}.mp4"


def _one(char: str, at: int, text: str) -> str:
    unsafe = (
        char in _UNSAFE
        or unicodedata.category(char) in _INVISIBLE
        or (char.isspace() and char != " ")
        or (at == 0 and char in ".-~ ")
        or (at == len(text) - 1 and char in ". ")
    )
    return _percent(char) if unsafe else char


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def _shortened(name: str, text: str) -> str:
    mark = "%~" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    kept = name.encode()[: LONGEST - len(mark)].decode("utf-8", "ignore")
    return re.sub(r"%[0-9A-F]?$", "", kept) + mark
