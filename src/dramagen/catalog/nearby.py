"""What somebody may have meant by a name nobody has."""

import unicodedata
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

ALIKE = 0.5
"""From 0 to 1: how much of a name has to be there for it to be suggested."""


def near(
    word: str, names: Iterable[str], spoken: Mapping[str, str] | None = None, known: Iterable[str] = ()
) -> str:
    """The end of a message about ``word``: ``; did you mean kling?``, or what there is.

    Args:
        names: what could be meant.
        spoken: other words for some of them, such as ``{"可灵": "kling"}``, alone or inside a longer name.
        known: what is listed where nothing is alike; ``names`` by default.
    """
    asked = _plain(word)
    said = asked
    for other, name in (spoken or {}).items():
        said = said.replace(_plain(other), name)
    listed = sorted(names)
    alike = {name: max(_alike(form, _plain(name)) for form in {asked, said}) for name in listed}
    close = [name for name in listed if alike[name] >= ALIKE]
    best = sorted(close, key=lambda name: (alike[name], name), reverse=True)[
        :3
    ]  # of versions, the newest first
    if best and alike[best[0]] == 1:
        del best[1:]
    if best:
        return f"; did you mean {' or '.join(best)}?"
    return f"; there are {', '.join(sorted(known) or listed)}"


def _plain(word: str) -> str:
    """Without the differences people do not mean: capitals, and the wide letters of a Chinese keyboard."""
    return unicodedata.normalize("NFKC", word).casefold()


def _alike(word: str, name: str) -> float:
    return SequenceMatcher(None, word, name, autojunk=False).ratio()
