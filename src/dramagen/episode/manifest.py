"""What filming an episode left behind, for people and for machines."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dramagen.episode.reel import Filmed
from dramagen.errors import DramagenError
from dramagen.money import Money

FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class ManifestShot:
    """One shot of the finished episode. ``clip`` is relative to the folder, ``duration`` in seconds.

    ``cost`` is what the job cost whenever it was paid; ``cached``: nothing was paid for it now.
    """

    id: str
    take: int
    clip: str
    sha256: str
    route: str
    duration: float
    cost: Money
    cached: bool
    job_id: str

    def to_json(self) -> dict[str, Any]:
        """Its entry in ``manifest.json``."""
        return {name: getattr(self, name) for name in self.__slots__} | {"cost": self.cost.to_json()}


def entry_of(shot_id: str, take: int, filmed: Filmed, cached: bool) -> ManifestShot:
    """A take on the reel as it stands in the manifest."""
    return ManifestShot(
        id=shot_id,
        take=take,
        clip=filmed.clip,
        sha256=filmed.sha256,
        route=filmed.route,
        duration=filmed.duration,
        cost=filmed.cost,
        cached=cached,
        job_id=filmed.job_id,
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """A shot without a clip: its error, or the id of the shot it waits for."""

    id: str
    take: int
    error: DramagenError | None = None
    waits_for: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A record of it."""
        if self.error is not None:
            return {"id": self.id, "take": self.take, **self.error.to_json()}
        return {"id": self.id, "take": self.take, "waits_for": self.waits_for}


@dataclass(frozen=True, slots=True)
class Manifest:
    """The outcome of filming an episode into ``folder``.

    Attributes:
        shots: in the order of the episode; those without a clip are in ``failures``.
        spent_now: what this run paid, per currency, failed jobs included where they were billed.
        value: what all clips of the episode cost, whenever paid.
        unknown: the most that creates without an answer may have cost.
        stale: ids of shots kept though the shot they continue from changed its take.
    """

    episode: str
    folder: Path
    shots: tuple[ManifestShot, ...]
    failures: tuple[Failure, ...] = ()
    spent_now: tuple[Money, ...] = ()
    value: tuple[Money, ...] = ()
    unknown: tuple[Money, ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def film(self) -> Path:
        """The episode, cut together."""
        return self.folder / "episode.mp4"

    @property
    def contact_sheet(self) -> Path:
        """One picture of all shots."""
        return self.folder / "contact-sheet.png"

    @property
    def file(self) -> Path:
        """This manifest as JSON."""
        return self.folder / FILE

    def to_json(self) -> dict[str, Any]:
        """The document ``manifest.json``. ``failures`` and ``stale`` are there only if there are any."""
        document: dict[str, Any] = {
            "episode": self.episode,
            "shots": [shot.to_json() for shot in self.shots],
            "total": {
                "spent_now": _moneys(self.spent_now),
                "value": _moneys(self.value),
                "unknown": _moneys(self.unknown),
            },
        }
        if self.failures:
            document["failures"] = [failure.to_json() for failure in self.failures]
        if self.stale:
            document["stale"] = list(self.stale)
        return document


def _moneys(amounts: Sequence[Money]) -> list[dict[str, str]]:
    return [money.to_json() for money in amounts]
