"""The person's hand on the takes: which one is picked, which are rejected and why.

Kept beside the episode as ``<file stem>.picks.json``, so that it travels with it. Nothing is written as long
as every shot is on its first take and nobody said a word.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dramagen.errors import ConfigError

VERSION = 1


@dataclass(frozen=True, slots=True)
class ShotPicks:
    """What was said of one shot's takes.

    Attributes:
        take: the picked one; None leaves it to the rule (see :func:`dramagen.episode.choose.choose`).
        beside: for a shot that continues another: the other's take when this one was picked. The person saw
            the two together, whatever frame the take started on.
        rejected: why, by take.
        starts_on: for a shot that continues another: the other's take a take started on, where not 1.
    """

    take: int | None = None
    beside: int | None = None
    rejected: Mapping[int, str] = field(default_factory=dict)
    starts_on: Mapping[int, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Only what was said."""
        said: dict[str, Any] = {"take": self.take, "beside": self.beside}
        said["rejected"] = {str(t): self.rejected[t] for t in sorted(self.rejected)}
        said["starts_on"] = {str(t): self.starts_on[t] for t in sorted(self.starts_on)}
        return {key: value for key, value in said.items() if value not in (None, {})}


@dataclass(frozen=True)
class Picks:
    """Everything that was said of an episode's takes. Frozen: each word gives new picks."""

    shots: Mapping[str, ShotPicks] = field(default_factory=dict)

    def of(self, shot_id: str) -> ShotPicks:
        """What was said of one shot; nothing, for most."""
        return self.shots.get(shot_id, ShotPicks())

    def picked(self, shot_id: str, take: int, beside: int | None = None) -> "Picks":
        """This take it is, even if it was rejected before."""
        said = self.of(shot_id)
        rejected = {t: why for t, why in said.rejected.items() if t != take}
        return self._with(shot_id, replace(said, take=take, beside=beside, rejected=rejected))

    def rejected(self, shot_id: str, take: int, reason: str = "") -> "Picks":
        """Not this one, even if it was picked before."""
        said = self.of(shot_id)
        said = replace(said, rejected={**said.rejected, take: reason})
        if said.take == take:
            said = replace(said, take=None, beside=None)
        return self._with(shot_id, said)

    def started(self, shot_id: str, take: int, on: int) -> "Picks":
        """That take was filmed starting on that take of the shot it continues from."""
        said = self.of(shot_id)
        if said.starts_on.get(take, 1) == on:
            return self
        return self._with(shot_id, replace(said, starts_on={**said.starts_on, take: on}))

    def _with(self, shot_id: str, said: ShotPicks) -> "Picks":
        return Picks({**self.shots, shot_id: said})

    def to_json(self) -> dict[str, Any]:
        """The sidecar's document."""
        said = {shot_id: entry.to_json() for shot_id, entry in sorted(self.shots.items())}
        return {"version": VERSION, "shots": {shot_id: entry for shot_id, entry in said.items() if entry}}


def sidecar(episode_file: Path) -> Path:
    """Where an episode's picks live."""
    return episode_file.with_name(f"{episode_file.stem}.picks.json")


def load_picks(episode_file: Path) -> Picks:
    """The picks beside an episode. Raises ``ConfigError`` where the file is damaged: a pick is never lost."""
    path = sidecar(episode_file)
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Picks()
    except (OSError, ValueError) as problem:
        raise ConfigError(f"{path}: not readable as JSON: {problem}") from None
    try:
        if document["version"] != VERSION:
            raise ConfigError(f"{path}: version {document['version']!r}; this release reads {VERSION}")
        return Picks({str(k): _entry(v) for k, v in document["shots"].items()})
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise ConfigError(f"{path}: not a file of picks: {problem!r}") from None


def save_picks(episode_file: Path, picks: Picks) -> None:
    """Write the picks beside the episode, whole or not at all."""
    path = sidecar(episode_file)
    document = picks.to_json()
    if not document["shots"] and not path.exists():
        return
    write_whole(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def remember_start(episode_file: Path | None, shot_id: str, take: int, before: int | None) -> None:
    """Note which take of the other shot a take started on; nothing is written where that is the first."""
    if before is None or episode_file is None:
        return
    now = load_picks(episode_file)  # read again: somebody may have picked meanwhile
    then = now.started(shot_id, take, before)
    if then is not now:
        save_picks(episode_file, then)


def write_whole(path: Path, text: str) -> None:
    """A file is replaced in one step, so that a crash leaves the old or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    draft.write_text(text, "utf-8")
    os.replace(draft, path)


def _entry(said: Mapping[str, Any]) -> ShotPicks:
    return ShotPicks(
        take=_take(said.get("take")),
        beside=_take(said.get("beside")),
        rejected={int(t): str(why) for t, why in said.get("rejected", {}).items()},
        starts_on={int(t): int(on) for t, on in said.get("starts_on", {}).items()},
    )


def _take(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"takes are counted from 1, not {value!r}")
    return value
