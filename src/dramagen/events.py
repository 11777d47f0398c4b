"""What a studio tells while it works."""

from dataclasses import dataclass
from typing import Any, Literal

from dramagen.clip import Clip
from dramagen.errors import DramagenError
from dramagen.money import Money
from dramagen.shot import Shot

Kind = Literal[
    "planned", "cached", "reserved", "submitted", "queued", "running", "ready", "collected", "verified",
    "failed", "unknown", "fell_back", "waiting", "resumed",
]  # fmt: skip

FINAL: frozenset[Kind] = frozenset({"verified", "cached", "failed", "unknown"})
"""What ends a job, or a call that needed none. After ``failed`` a take may go on with ``fell_back``."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of one shot.

    Attributes:
        kind: what happened. Of one job each is told once, and ``running`` again when its progress grows.
        at: Unix seconds.
        progress: 0 to 1, where the vendor says.
        money: what the step reserved or cost, in the route's own currency.
        detail: words for people.
        reason: one word for machines: of ``failed`` and ``unknown`` the error's class; of ``waiting`` what for,
            ``elsewhere`` (another process drives the job), ``lookup`` (its create got no answer, or was refused and
            may have made its job), ``retry`` (it was refused for the moment and is sent again), or its turn to be
            sent: ``place`` (enough jobs run), ``pace`` (enough creates this minute), ``pause`` (the vendor refuses
            for the moment), ``breaker`` (it is down); of ``fell_back`` the remedy taken, as ``[routing.remedies]``
            names it.
        seconds: how long planning took (``planned`` and ``fell_back``).
        polls: how many answers about the job were needed (``ready``, ``failed``).
    """

    kind: Kind
    shot: Shot
    take: int
    at: float
    route: str | None = None
    job_id: str | None = None
    progress: float | None = None
    money: Money | None = None
    detail: str = ""
    reason: str = ""
    seconds: float | None = None
    polls: int | None = None

    @property
    def final(self) -> bool:
        """Whether the job, or the call that needed none, is over."""
        return self.kind in FINAL


@dataclass(frozen=True, slots=True)
class Result:
    """How one shot of ``shoot_all`` ended: a clip or an error, never both."""

    shot: Shot
    clip: Clip | None = None
    error: DramagenError | None = None


class Takes(list[Clip]):
    """The takes that succeeded, in order; ``failures`` has (take, error) of the others."""

    def __init__(self, clips: "list[Clip]", failures: "list[tuple[int, DramagenError]]") -> None:
        super().__init__(clips)
        self.failures = tuple(failures)


def to_json(event: Event) -> dict[str, Any]:
    """A record of the event for machines."""
    record: dict[str, Any] = {
        "event": event.kind,
        "shot": event.shot.id or event.shot.name,
        "take": event.take,
    }
    record |= {"at": event.at}
    for name in ("route", "job_id", "progress", "seconds", "polls"):
        if getattr(event, name) is not None:
            record[name] = getattr(event, name)
    if event.money is not None:
        record["money"] = event.money.to_json()
    for name in ("reason", "detail"):
        if getattr(event, name):
            record[name] = getattr(event, name)
    return record
