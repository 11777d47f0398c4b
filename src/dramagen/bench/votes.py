"""What people said of the takes: kept beside the results, read from a file, and asked on a terminal."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from dramagen.bench.take import TakeId
from dramagen.episode.picks import write_whole
from dramagen.errors import ConfigError

FILE = "votes.json"
SHAPE = '{"votes": [{"shot": "s01", "route": "kling/kling-3.0", "take": 1, "accepted": true, "reason": ""}]}'
"""What a file of votes looks like as JSON."""
_YES = {"1", "y", "yes", "true", "accept", "accepted", "ok", "+", "是", "过", "用"}
_NO = {"0", "n", "no", "false", "reject", "rejected", "-", "否", "不过", "弃"}


@dataclass(frozen=True, slots=True)
class Pair:
    """One take was found better than another of the same shot."""

    better: TakeId
    worse: TakeId


@dataclass
class Votes:
    """Accepted or not, and why, by take; and which of two takes is better. A later vote replaces an earlier one."""

    takes: dict[TakeId, tuple[bool, str]] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)

    @classmethod
    def load(cls, folder: Path) -> "Votes":
        """The votes kept in a folder, none where there are none yet. Raises ``ConfigError`` for a damaged file."""
        path = folder / FILE
        return cls.read(path) if path.exists() else cls()

    @classmethod
    def read(cls, path: Path) -> "Votes":
        """Votes from a file.

        JSON as :meth:`save` writes it (:data:`SHAPE`), or CSV with the columns ``shot``, ``route``, ``take``,
        ``accepted`` (yes or no) and perhaps ``reason``; rows whose ``accepted`` is empty are skipped. A table may be
        in GB 18030, which is what spreadsheets in Chinese save as CSV.

        Raises:
            ConfigError: it cannot be read; names the row, and shows the shape there should be.
        """
        try:
            written = path.read_bytes()
        except OSError as problem:
            raise ConfigError(f"{path}: {problem.strerror}") from None
        table = path.suffix.lower() == ".csv"
        text = _text(path, written, ("utf-8-sig", "gb18030") if table else ("utf-8-sig",))
        if table:
            return _from_csv(path, text)
        try:
            document = json.loads(text)
        except ValueError as problem:
            raise ConfigError(f"{path}: these are no votes: it is no JSON ({problem})") from None
        return _from_json(path, document)

    def add(self, more: "Votes") -> None:
        """Take over later votes."""
        self.takes |= more.takes
        known = {frozenset((pair.better, pair.worse)) for pair in more.pairs}
        kept = [pair for pair in self.pairs if frozenset((pair.better, pair.worse)) not in known]
        self.pairs = kept + more.pairs

    def only(self, known: Iterable[TakeId]) -> "Votes":
        """Those about these takes. Raises ``ConfigError`` where that is none of them: another benchmark's votes."""
        there = set(known)
        takes = {take: vote for take, vote in self.takes.items() if take in there}
        pairs = [pair for pair in self.pairs if {pair.better, pair.worse} <= there]
        if (self.takes or self.pairs) and not (takes or pairs):
            example = next(iter([*self.takes, *(pair.better for pair in self.pairs)]))
            raise ConfigError(
                f"none of these votes is about a take of this benchmark; one is about {example}"
            )
        return Votes(takes, pairs)

    def save(self, folder: Path) -> None:
        """Keep them in a folder."""
        write_whole(folder / FILE, json.dumps(self.to_json(), ensure_ascii=False, indent=1) + "\n")

    def to_json(self) -> dict[str, Any]:
        """For machines, and for :meth:`read`."""
        return {
            "votes": [
                {**_record(take), "accepted": accepted, "reason": reason}
                for take, (accepted, reason) in self.takes.items()
            ],
            "pairs": [{"better": _record(p.better), "worse": _record(p.worse)} for p in self.pairs],
        }

    def wins(self) -> dict[str, tuple[int, int]]:
        """For each route, how often a take of it was found better, and in how many comparisons with other routes."""
        counted: dict[str, tuple[int, int]] = {}
        for pair in self.pairs:
            if pair.better.route == pair.worse.route:
                continue
            for take, won in ((pair.better, 1), (pair.worse, 0)):
                wins, of = counted.get(take.route, (0, 0))
                counted[take.route] = (wins + won, of + 1)
        return counted


def _from_json(path: Path, document: object) -> Votes:
    def no_votes(why: str) -> ConfigError:
        return ConfigError(f"{path}: these are no votes: {why}; the file is {SHAPE}")

    if not isinstance(document, dict):
        raise no_votes(f"the whole is a {type(document).__name__}, not an object")
    rows, pairs = document.get("votes"), document.get("pairs", [])
    if not isinstance(rows, list) or not isinstance(pairs, list):
        raise no_votes(f"{'votes' if not isinstance(rows, list) else 'pairs'} is no list")
    votes = Votes()
    for number, row in enumerate(rows, start=1):
        try:
            votes.takes[_id(row)] = (_accepted(row["accepted"]), str(row.get("reason", "")))
        except KeyError as lacking:
            raise no_votes(f"vote {number} has no {lacking}") from None
        except (ValueError, TypeError, AttributeError):
            raise no_votes(f"vote {number} is {json.dumps(row, ensure_ascii=False)[:120]}") from None
    for number, pair in enumerate(pairs, start=1):
        try:
            votes.pairs.append(Pair(_id(pair["better"]), _id(pair["worse"])))
        except (KeyError, ValueError, TypeError):
            raise no_votes(f"pair {number} is {json.dumps(pair, ensure_ascii=False)[:120]}") from None
    return votes


def _accepted(word: object) -> bool:
    if not isinstance(word, bool):
        raise TypeError("a vote is true or false")  # "no" is text, and as such it would be true
    return word


def _text(path: Path, written: bytes, encodings: Sequence[str]) -> str:
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            return written.decode(encoding)
    raise ConfigError(f"{path}: not UTF-8 text")


def _from_csv(path: Path, text: str) -> Votes:
    votes = Votes()
    rows = csv.DictReader(StringIO(text, newline=""))  # a reason may be of several lines
    missing = {"shot", "route", "take", "accepted"} - set(rows.fieldnames or ())
    if missing:
        raise ConfigError(f"{path}: there is no column {', '.join(sorted(missing))}")
    for number, row in enumerate(rows, start=2):
        word = (row["accepted"] or "").strip().lower()
        if not word:
            continue
        if word not in _YES | _NO:
            raise ConfigError(f"{path}:{number}: accepted is yes or no, not {row['accepted']!r}")
        try:
            take = _id(row)
        except (ValueError, TypeError):
            raise ConfigError(f"{path}:{number}: take is a number, not {row['take']!r}") from None
        votes.takes[take] = (word in _YES, (row.get("reason") or "").strip())
    return votes


def _id(row: Mapping[str, Any]) -> TakeId:
    return TakeId(str(row["shot"]).strip(), str(row["route"]).strip(), int(row["take"]))


def _record(take: TakeId) -> dict[str, Any]:
    return {"shot": take.shot, "route": take.route, "take": take.take}
