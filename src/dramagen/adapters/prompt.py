"""Words in a prompt, shared by the vendors that have no field for them.

How a vendor names an input or a camera move is its own and stays in its adapter.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from dramagen.mentions import mentions as mentions  # a word of every adapter's

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")


def replace_mentions(text: str, words: Mapping[str, str]) -> str:
    """``text`` with every ``@name`` of ``words`` replaced, in one pass: a replacement is never read again."""
    found = mentions(words)
    return text if found is None else found.sub(lambda match: words[match[1]], text)


def mentioned(text: str, names: Iterable[str]) -> frozenset[str]:
    """Which of ``names`` the text speaks of as ``@name``."""
    found = mentions(names)
    return frozenset() if found is None else frozenset(match[1] for match in found.finditer(text))


def is_chinese(text: str, names: Iterable[str] = ()) -> bool:
    """Whether a prompt is written in Chinese, so that words added to it should be.

    At least as many Chinese characters as Latin words, and no kana or hangul; a mention of one of ``names``
    says nothing either way (``@林夏 walks in`` is English).
    """
    return _is_chinese(text, frozenset(names))


@lru_cache(maxsize=64)  # one plan asks it of the same prompt for every route
def _is_chinese(text: str, names: frozenset[str]) -> bool:
    bare = replace_mentions(text, dict.fromkeys(names, " "))
    characters = len(_HAN.findall(bare))
    return characters > 0 and characters >= len(_LATIN_WORD.findall(bare)) and not _KANA_HANGUL.search(bare)


def sentences(*parts: str, chinese: bool) -> str:
    """The parts that say something, each ended as a sentence and joined as the language joins them."""
    stop, gap = ("。", "") if chinese else (".", " ")
    ended = [
        part if part[-1] in "。.!?！？…”\"'；;：:" else part + stop for p in parts if (part := p.strip())
    ]
    return gap.join(ended)
