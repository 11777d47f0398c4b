"""``@name`` in a prompt: what speaks of a reference, and what speaks of nobody."""

import re
from collections.abc import Iterable

_BEFORE = r"(?<![A-Za-z0-9_.])[@＠]"

_STRANGER = re.compile(rf"(?<![/\"'“‘「『《(（<]){_BEFORE}(?=[^\W\d_])")
"""What reads as a mention: no e-mail address, no URL, no price, and not what stands in quotes."""

_VENDORS_OWN = re.compile(
    r"(?:image|img|picture|element|video|audio|voice|subject|图片|图像|图|视频|音频|素材|主体|元素)[ _]?\d",
    re.IGNORECASE,
)
"""How vendors number what they are sent, such as ``@Image1``: for those who write their words themselves."""

_WORD = re.compile(r"[\w-]+")
SHOWN = 12
"""Characters of a mention that are repeated: a Chinese one has no end of its own."""


def mentions(names: Iterable[str]) -> "re.Pattern[str] | None":
    """What finds ``@name`` for any of ``names`` (group 1 is the name); None where there are no names.

    The longest name wins, so ``@林夏天`` is not ``@林夏`` and a ``天``. A name that ends in a Latin letter or a
    digit ends there: ``@lin`` is not found in ``@linda``; a Chinese name may run on into the sentence.
    """
    longest_first = sorted(set(names), key=lambda name: (-len(name), name))
    if not longest_first:
        return None
    ended = (
        re.escape(name) + (r"(?![A-Za-z0-9_])" if re.match(r"[A-Za-z0-9_]", name[-1]) else "")
        for name in longest_first
    )
    return re.compile(rf"{_BEFORE}({'|'.join(ended)})")


def strangers(text: str, names: Iterable[str] = ()) -> list[str]:
    """The mentions in a text that are of none of ``names``, as they are written, without the ``@``.

    What stands right after an opening quote is text, such as a handle on a screen: ``“@somebody”``.
    """
    if "@" not in text and "＠" not in text:
        return []
    pattern = mentions(names)
    known = set() if pattern is None else {found.start() for found in pattern.finditer(text)}
    written = []
    for found in _STRANGER.finditer(text):
        word = _WORD.match(text, found.end())
        if found.start() in known or word is None or _VENDORS_OWN.match(text, found.end()):
            continue
        written.append(word[0] if len(word[0]) <= SHOWN else f"{word[0][:SHOWN]}…")
    return written
