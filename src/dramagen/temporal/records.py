"""What workflows and activities say to each other: JSON, kept in the history of the workflow.

Media are in it by the hash of their content, never as bytes, a path or a URL; money as ``{"amount", "currency"}``.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

JSON = dict[str, Any]

DEAD_AFTER = 30.0
"""Seconds without a sign of life after which a worker's shots move to another."""


@dataclass(frozen=True)
class TakeOrder:
    """One take to film.

    Attributes:
        shot: as :meth:`dramagen.Studio.pack` made it.
        journal: the journal of whoever ordered it; a worker with another one films nothing.
        budgets: caps beside the worker's own, ``{"limit": money, "per"}`` each.
        folder: gets a copy of the clip; a folder of the worker's machine.
        wants_frame: another shot starts on this take's last frame.
        dead_after: seconds, see ``DEAD_AFTER``.
    """

    shot: JSON
    journal: str
    take: int = 1
    episode: str | None = None
    budgets: list[JSON] = field(default_factory=list)
    folder: str | None = None
    wants_frame: bool = False
    dead_after: float = DEAD_AFTER


@dataclass(frozen=True)
class Taken:
    """A take that was filmed. Seconds, pixels, frames per second; ``cached``: nothing was paid for it now.

    Attributes:
        clip: the file, on the machine ``host``.
        frame: the hash of its last frame, where one was wanted.
    """

    clip: str
    host: str
    sha256: str
    job_id: str
    route: str
    duration: float
    width: int
    height: int
    fps: float
    cost: JSON
    cached: bool
    warnings: list[str] = field(default_factory=list)
    frame: str | None = None


@dataclass(frozen=True)
class ShotOrder:
    """One shot of an episode.

    Attributes:
        continues: the id of the shot on whose last frame it starts.
        ends_on: the hash of the frame such a shot ends on.
        pick: the take a person picked before; only that one is filmed.
        rejected: takes a person rejected before.
    """

    id: str
    shot: JSON
    continues: str | None = None
    ends_on: str | None = None
    pick: int | None = None
    rejected: list[int] = field(default_factory=list)


TakeState = Literal["due", "filming", "filmed", "failed"]


@dataclass
class Take:
    """How one take of an episode's shot stands.

    Attributes:
        before: the take of the other shot whose last frame it starts on.
        rejected: a person's reason for not taking it; None where nobody said so.
        error: why it failed, as ``DramagenError.to_json`` has it.
        replaced: another was filmed in its place, or it was tried again; asked twice, that is not done twice.
    """

    take: int
    before: int | None = None
    state: TakeState = "due"
    clip: Taken | None = None
    rejected: str | None = None
    error: JSON | None = None
    replaced: bool = False


@dataclass
class ShotStory:
    """What became of one shot so far. ``beside``: the take of the shot before that the picked one was seen with."""

    id: str
    takes: list[Take] = field(default_factory=list)
    pick: int | None = None
    beside: int | None = None


@dataclass(frozen=True)
class EpisodeOrder:
    """An episode to film.

    Attributes:
        takes: of each shot.
        wait: for a person's pick of every shot; else the first take that is filmed is in the cut.
        folder: where the cut goes; by default a folder in the worker's home.
        at_once: takes being filmed at a time.
        story: where an earlier run of this workflow got to.
    """

    title: str
    shots: list[ShotOrder]
    journal: str
    takes: int = 1
    wait: bool = True
    budgets: list[JSON] = field(default_factory=list)
    folder: str | None = None
    at_once: int = 50
    dead_after: float = DEAD_AFTER
    story: list[ShotStory] = field(default_factory=list)


@dataclass(frozen=True)
class Chosen:
    """A take in the cut."""

    id: str
    shot: JSON
    take: int


@dataclass(frozen=True)
class CutOrder:
    """Takes to cut together, in order."""

    title: str
    shots: list[Chosen]
    journal: str
    folder: str | None = None


@dataclass(frozen=True)
class Word:
    """A person's word on a take, for the router."""

    job_id: str
    accepted: bool
    reason: str = ""
