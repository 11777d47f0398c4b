"""What has been filmed into one folder: every take's file and facts, kept when another is picked."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dramagen.clip import Clip
from dramagen.episode.names import clip_name
from dramagen.episode.picks import write_whole
from dramagen.errors import ConfigError, DramagenError
from dramagen.money import Money
from dramagen.settings import file_in_the_way

FILE = ".reel.json"
VERSION = 1


class NotFilmed(DramagenError):
    """A take that has to be there first has not been filmed."""


@dataclass(frozen=True, slots=True)
class Filmed:
    """One take on the reel: ``clip`` is its file, relative to the folder; seconds, pixels, frames per second."""

    clip: str
    sha256: str
    route: str
    duration: float
    width: int
    height: int
    fps: float
    cost: Money
    job_id: str

    def to_json(self) -> dict[str, Any]:
        """A record of it."""
        return {name: getattr(self, name) for name in self.__slots__} | {"cost": self.cost.to_json()}


class Reel:
    """The takes in a folder. ``cut`` is the digest of what the episode there was last cut from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.takes: dict[str, dict[int, Filmed]] = {}
        self.cut: str | None = None

    @classmethod
    def load(cls, folder: Path) -> "Reel":
        """The reel of a folder, empty where nothing was filmed yet. A take whose file is gone is left out.

        Raises ``ConfigError`` for a damaged one, and where a file stands in the place of the folder.
        """
        if (file := file_in_the_way(folder)) is not None:
            raise ConfigError(
                f"{file} is a file; an episode is filmed into a folder, made where it is not there yet"
            )
        reel = cls(folder)
        path = folder / FILE
        try:
            document = json.loads(path.read_bytes())
            if document["version"] != VERSION:
                raise ConfigError(f"{path}: version {document['version']!r}; this release reads {VERSION}")
            for shot_id, takes in document["takes"].items():
                found = {int(t): Filmed(**{**e, "cost": Money.parse(e["cost"])}) for t, e in takes.items()}
                reel.takes[shot_id] = {t: e for t, e in found.items() if (folder / e.clip).is_file()}
            reel.cut = document.get("cut")
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
            raise ConfigError(
                f"{path}: damaged ({problem!r}); delete it and film again, for nothing"
            ) from None
        return reel

    def save(self) -> None:
        """Write the reel down, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        takes = {
            shot_id: {str(t): takes[t].to_json() for t in sorted(takes)}
            for shot_id, takes in sorted(self.takes.items())
        }
        document = {"version": VERSION, "takes": takes, "cut": self.cut}
        write_whole(self.folder / FILE, json.dumps(document, ensure_ascii=False, indent=1) + "\n")

    def numbers(self) -> dict[str, set[int]]:
        """The takes there are, by shot id."""
        return {shot_id: set(takes) for shot_id, takes in self.takes.items()}

    def get(self, shot_id: str, take: int) -> Filmed | None:
        """One take, if it is there."""
        return self.takes.get(shot_id, {}).get(take)

    def keep(self, shot_id: str, take: int, filmed: Filmed) -> None:
        """Note a take whose file :meth:`copy_in` has put in place, and write the reel down."""
        self.refresh()
        self.takes.setdefault(shot_id, {})[take] = filmed
        self.save()

    def note_cut(self, digest: str) -> None:
        """Note what the episode there was just cut from, and write the reel down."""
        self.refresh()
        self.cut = digest
        self.save()

    def refresh(self) -> None:
        """Read the reel again: another process may film into the same folder."""
        now = Reel.load(self.folder)
        self.takes, self.cut = now.takes, now.cut

    def copy_in(self, shot_id: str, clip: Clip) -> Filmed:
        """Copy a clip into the folder; blocks. A copy, since the store's own file must never be edited."""
        name = f"clips/{clip_name(shot_id, clip.take)}"
        target, old = self.folder / name, self.get(shot_id, clip.take)
        same = old is not None and old.sha256 == clip.sha256
        if not (same and target.is_file() and target.stat().st_size == clip.path.stat().st_size):
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f".{target.name}.part")
            shutil.copyfile(clip.path, draft)
            os.replace(draft, target)
        return Filmed(
            clip=name,
            sha256=clip.sha256,
            route=clip.route,
            duration=clip.media.duration,
            width=clip.media.width,
            height=clip.media.height,
            fps=clip.media.fps,
            cost=clip.cost,
            job_id=clip.job_id,
        )
