"""Which take of each shot is in the episode, and which are stale because an earlier shot changed its take."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dramagen.episode.model import Episode, EpisodeShot
from dramagen.episode.picks import Picks, ShotPicks


@dataclass(frozen=True, slots=True)
class Choice:
    """One shot's take.

    Attributes:
        take: the one in the episode.
        before: the take of the shot it continues from.
        stale: it started on another take than that, or on a shot that is itself stale.
    """

    take: int
    before: int | None = None
    stale: bool = False


def choose(
    episode: Episode, picks: Picks, filmed: Mapping[str, Collection[int]], *, refilm: bool = False
) -> dict[str, Choice]:
    """The take of every shot, by id.

    The picked one, else the lowest that is filmed and not rejected, else the next to film. A shot that
    continues another also has to start on the other's take; where every filmed take of it started on another
    one, it is stale: kept as it is, or with ``refilm`` given a new take, so that the old one stays.

    Args:
        filmed: the takes there are, by shot id.
        refilm: give stale shots a new take.
    """
    choices: dict[str, Choice] = {}
    for shot in episode.ordered:
        before = choices[shot.continues] if shot.continues is not None else None
        choices[shot.id] = _choose(shot, picks.of(shot.id), set(filmed.get(shot.id, ())), before, refilm)
    return choices


def _choose(
    shot: EpisodeShot, said: ShotPicks, filmed: set[int], before: Choice | None, refilm: bool
) -> Choice:
    known = sorted((filmed | set(said.starts_on)) - set(said.rejected))
    if before is None:
        return Choice(said.take or next(iter(known), None) or _next(said, filmed))
    candidates = ([said.take] if said.take is not None else []) + known
    for take in candidates:
        together = take == said.take and said.beside == before.take
        if together or (said.starts_on.get(take, 1) == before.take and (take in known or before.take == 1)):
            return Choice(take, before.take, stale=before.stale and take in filmed)
    standing = sorted(filmed - set(said.rejected))
    if standing and not refilm:
        return Choice(said.take if said.take in standing else standing[-1], before.take, stale=True)
    unused = said.take is not None and said.take not in filmed and said.take not in said.starts_on
    take = said.take if unused and said.take is not None else _next(said, filmed)
    return Choice(take, before.take)


def _next(said: ShotPicks, filmed: set[int]) -> int:
    used = filmed | set(said.rejected) | set(said.starts_on)
    return next(take for take in range(1, len(used) + 2) if take not in used)


def free_takes(said: ShotPicks, filmed: Collection[int], before: int | None, count: int) -> tuple[int, ...]:
    """The first ``count`` take numbers that are, or can be, filmed starting on take ``before`` of another shot."""
    used = set(filmed) | set(said.starts_on)

    def fits(take: int) -> bool:
        return before is None or take not in used or said.starts_on.get(take, 1) == before

    return tuple([take for take in range(1, count + len(used) + 1) if fits(take)][:count])
