"""Where in a TOML text each value stands, since ``tomllib`` does not say.

The text has already been read by ``tomllib``, so it is known to be correct TOML: this scanner only follows
its structure. A path is such as ``("shot", 2, "dialogue", 0, "text")``; lines are counted from 1.
"""

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]

_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def lines(text: str) -> dict[Path, int]:
    """The line of every table, key and array element of a correct TOML text."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


def line_of(found: Mapping[Path, int], path: Path) -> int:
    """The line of ``path``, or of the nearest thing around it; 1 where nothing of it is written."""
    while path and path not in found:
        path = path[:-1]
    return found.get(path, 1)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}  # elements so far of each array of tables

    def document(self) -> None:
        table: Path = ()
        while self._skip() < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _skip(self) -> int:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        return self.at

    def _line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def _note(self, path: Path) -> None:
        self.found.setdefault(path, self._line())

    def _header(self) -> Path:
        line = self._line()
        is_array = self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        keys = self._keys()
        self._skip()
        self.at += 2 if is_array else 1
        path = (*self._resolved(keys[:-1]), keys[-1])
        if is_array:
            number = self.counts.get(path, 0)
            self.counts[path] = number + 1
            self.found.setdefault(path, line)
            path += (number,)
        else:
            path = self._resolved(keys)
        self.found.setdefault(path, line)
        return path

    def _resolved(self, keys: tuple[str, ...]) -> Path:
        """A header's keys, with the newest element where one names an array of tables."""
        path: Path = ()
        for key in keys:
            path += (key,)
            if path in self.counts:
                path += (self.counts[path] - 1,)
        return path

    def _keys(self) -> tuple[str, ...]:
        keys = []
        while True:
            self._skip()
            found = _KEY.match(self.text, self.at)
            if found is None:
                raise ValueError(f"no key at line {self._line()}")
            keys.append(_plain(found[0]))
            self.at = found.end()
            if self.text[self._skip()] != ".":
                return tuple(keys)
            self.at += 1

    def _pair(self, table: Path) -> None:
        self._skip()
        line = self._line()
        path = table
        for key in self._keys():
            path += (key,)
            self.found.setdefault(path, line)
        self.at += 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self.text[self._skip()]
        if opening in "\"'":
            string = _STRING.match(self.text, self.at)
            self.at = string.end() if string else len(self.text)
        elif opening == "[":
            self.at += 1
            number = 0
            while self.text[self._skip()] != "]":
                if self.text[self.at] == ",":
                    self.at += 1
                    continue
                self._note((*path, number))
                self._value((*path, number))
                number += 1
            self.at += 1
        elif opening == "{":
            self.at += 1
            while self.text[self._skip()] != "}":
                if self.text[self.at] == ",":
                    self.at += 1
                else:
                    self._pair(path)
            self.at += 1
        else:
            scalar = _SCALAR.match(self.text, self.at)
            self.at = scalar.end() if scalar else self.at + 1


def _plain(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    if key[0] == '"':
        import tomllib

        return str(tomllib.loads(f"key = {key}")["key"])
    return key
