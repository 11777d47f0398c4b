"""A suite: shots that are filmed on several routes, to see what each gives for its money.

A suite is an episode file whose shots stand alone. Tags say what kind of shot each is: a style (``live``, ``anime``,
``3d``), how much moves (``low-motion``, ``high-motion``), ``no-text`` where writing in the picture spoils a clip,
and any words of your own; language, dialogue and mode are read off the shot itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Self

from dramagen.episode import Episode
from dramagen.errors import ConfigError
from dramagen.media.checks_signs import ANIME, LIVE, Profile
from dramagen.shot import Shot

SHIPPED = ("smoke", "drama")
"""The suites that come with the library."""

STYLES = ("live", "anime", "3d")
MOTIONS = ("low-motion", "high-motion")
NO_TEXT = "no-text"
DRAWN = frozenset({"anime", "3d"})
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Suite:
    """Shots to film, each with an id of its own.

    Attributes:
        name: what the ledger calls the money spent on it.
        source: where it can be loaded from again.
        left_out: ids of an episode's shots that continue others: what they would start on differs by route.
    """

    name: str
    title: str
    shots: tuple[Shot, ...]
    left_out: tuple[str, ...] = ()
    source: str = ""

    @classmethod
    def load(cls, source: str | Path) -> Self:
        """A shipped suite by its name, or a file.

        Raises:
            ConfigError: there is no such suite, or its file cannot be read or says something unknown.
            InvalidShot: a shot in it makes no sense.
        """
        if str(source) in SHIPPED:
            return cls._of(
                str(source), Path(str(files("dramagen.bench") / "suites" / f"{source}.toml")), str(source)
            )
        path = Path(source)
        if not path.is_file():
            raise ConfigError(f"{source}: no such file, and the suites are {', '.join(SHIPPED)}")
        name = path.absolute().parent.name if path.stem == "episode" else path.stem
        return cls._of(name, path, str(path.absolute()))

    @classmethod
    def _of(cls, name: str, path: Path, source: str) -> Self:
        episode = Episode.load(path)
        alone = tuple(each.shot.pinned(None) for each in episode.shots if each.continues is None)
        left_out = tuple(each.id for each in episode.shots if each.continues is not None)
        return cls(name or path.stem, episode.title, alone, left_out, source)

    def shot(self, shot_id: str) -> Shot:
        """The shot of that id. Raises ``KeyError``."""
        return {shot.id: shot for shot in self.shots}[shot_id]

    @property
    def ledger_name(self) -> str:
        """The episode under which the ledger has what it cost."""
        return f"bench {self.name}"


def profile_of(shot: Shot) -> Profile:
    """How its clips are checked: drawn films hold drawings, a camera does not."""
    return ANIME if shot.tags & DRAWN else LIVE


def mode_of(shot: Shot) -> str:
    """What the shot starts from: ``references``, ``first+last frame``, ``first frame`` or ``text``."""
    if shot.references:
        return "references"
    if shot.last_frame is not None:
        return "first+last frame"
    return "text" if shot.first_frame is None else "first frame"


def facets(shot: Shot) -> Iterator[tuple[str, str]]:
    """Every (kind, tag) a shot is counted under: one of each kind, and each tag of the suite's own."""
    styles = sorted(shot.tags & set(STYLES))
    yield "style", styles[0] if styles else "live"
    yield "motion", "high-motion" if "high-motion" in shot.tags else "low-motion"
    yield "dialogue", "dialogue" if shot.dialogue else "no dialogue"
    yield "mode", mode_of(shot)
    yield "prompt", "中文" if _CHINESE.search(shot.prompt) else "English"
    for tag in sorted(shot.tags - set(STYLES) - set(MOTIONS) - {NO_TEXT}):
        yield "topic", tag
