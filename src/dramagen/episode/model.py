"""An episode: its shots in order, and which of them start where another ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Self

from dramagen.config import Budget
from dramagen.errors import InvalidShot
from dramagen.medium import Image
from dramagen.money import Money
from dramagen.routing.episode_items import Continuity
from dramagen.shot import Reference, Shot


@dataclass(frozen=True, slots=True)
class EpisodeShot:
    """One shot of an episode.

    Attributes:
        id: unique in the episode, also when upper and lower case are not told apart.
        shot: what to film; for a shot that continues another, without its first frame.
        continues: the id of the shot on whose last frame this one starts.
        ends_on: the last frame asked of a shot that continues another (a Shot cannot end on a frame before
            it has one to start on).
        line: in the file.
        scene: shots of one scene keep one model.
    """

    id: str
    shot: Shot
    continues: str | None = None
    ends_on: Image | None = None
    line: int | None = None
    scene: str | None = None

    def starting_on(self, frame: Image) -> Shot:
        """The shot to film, once the frame it continues from is known."""
        if self.continues is None:
            return self.shot
        return self.shot.changed(first_frame=frame, last_frame=self.ends_on)


@dataclass(frozen=True)
class Episode:
    """A title, its shots in the order they are cut together, and a budget.

    ``Episode.load("rain/episode.toml")`` reads one from a file. Raises ``InvalidShot`` for ids used twice, for
    ``continues`` that names no shot, and for shots that continue each other in a circle.
    """

    title: str
    shots: tuple[EpisodeShot, ...]
    path: Path | None = None
    budget: Budget | None = None
    characters: Mapping[str, Reference] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for problem, shot in problems(self.shots):
            raise InvalidShot(f"shot {shot.id!r}: {problem}")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read an episode file (TOML); paths in it are relative to it.

        Raises:
            ConfigError: the file cannot be read, or says something unknown; names the line.
            InvalidShot: a shot in it makes no sense; names the line.
        """
        from dramagen.episode.file import read

        return read(cls, Path(path))

    def shot(self, shot_id: str) -> EpisodeShot:
        """The shot of that id. Raises ``InvalidShot`` naming near ones."""
        for each in self.shots:
            if each.id == shot_id:
                return each
        known = [each.id for each in self.shots]
        near = get_close_matches(shot_id, known, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise InvalidShot(f"{self.title} has no shot {shot_id!r}; {hint}")

    @property
    def ordered(self) -> tuple[EpisodeShot, ...]:
        """Every shot after the one it continues from, otherwise in the episode's order."""
        done: set[str] = set()
        waiting, ordered = list(self.shots), []
        while waiting:
            ready = next(s for s in waiting if s.continues is None or s.continues in done)
            waiting.remove(ready)
            done.add(ready.id)
            ordered.append(ready)
        return tuple(ordered)

    def followers(self, shot_id: str) -> tuple[EpisodeShot, ...]:
        """The shots that continue from this one, directly or through others."""
        found = {shot_id}
        followers = []
        for shot in self.ordered:
            if shot.continues in found:
                found.add(shot.id)
                followers.append(shot)
        return tuple(followers)

    def budgets(self, *others: Money | None) -> tuple[Money, ...]:
        """Its own budget, where it has one for itself, and those given."""
        own = self.budget.limit if self.budget is not None and self.budget.per == "episode" else None
        return tuple(money for money in (own, *others) if money is not None)

    @property
    def continuity(self) -> Continuity:
        """What keeps one model: the shots of a scene, and shots that continue one another; and who waits for whom.

        A shot that continues another belongs to its scene, unless it names one itself.
        """
        groups: dict[str, str] = {}
        for shot in self.ordered:
            if shot.scene is not None:
                groups[shot.id] = f"scene {shot.scene}"
            elif shot.continues is not None:
                groups[shot.id] = groups.setdefault(shot.continues, f"the chain from {shot.continues}")
        after = {shot.id: shot.continues for shot in self.shots if shot.continues is not None}
        return Continuity(groups, after)

    def repinned(self, pin: str | None) -> "Episode":
        """Every shot on that provider, model or route. None leaves the shots' own pins."""
        if pin is None:
            return self
        shots = tuple(
            EpisodeShot(s.id, s.shot.pinned(pin), s.continues, s.ends_on, s.line, s.scene) for s in self.shots
        )
        return Episode(self.title, shots, self.path, self.budget, self.characters)


def problems(shots: tuple[EpisodeShot, ...]) -> list[tuple[str, EpisodeShot]]:
    """What is wrong between shots: (what was expected, the shot)."""
    found: list[tuple[str, EpisodeShot]] = []
    ids: dict[str, EpisodeShot] = {}
    for shot in shots:
        other = ids.setdefault(shot.id.casefold(), shot)
        if other is not shot:
            place = f" (line {other.line})" if other.line else ""
            alike = "the same id" if other.id == shot.id else f"only upper and lower case unlike {other.id!r}"
            found.append((f"another shot{place} has {alike}; ids are unique", shot))
    known = {shot.id: shot for shot in shots}
    for shot in shots:
        if shot.continues is not None and shot.continues not in known:
            near = get_close_matches(shot.continues, known, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"the shots are {', '.join(known)}"
            found.append((f"continues = {shot.continues!r} names no shot; {hint}", shot))
    if not found:
        found += _circle(known)
    return found


def _circle(known: Mapping[str, EpisodeShot]) -> list[tuple[str, EpisodeShot]]:
    for start in known.values():
        walked = [start.id]
        while (before := known[walked[-1]].continues) is not None:
            if before in walked:
                circle = " → ".join([*walked[walked.index(before) :], before])
                return [
                    (f"continues goes round in a circle ({circle}); one of them starts on its own", start)
                ]
            walked.append(before)
    return []
