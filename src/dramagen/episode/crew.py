"""What filming an episode needs of a studio."""

from collections.abc import Sequence
from typing import Protocol

from dramagen.clip import Clip
from dramagen.engine.jobs import Job
from dramagen.money import Money
from dramagen.routing.plan import Plan
from dramagen.shot import Shot
from dramagen.store import Store


class Crew(Protocol):
    """The part of :class:`dramagen.Studio` that films episodes."""

    @property
    def store(self) -> Store:
        """Where clips are kept."""
        ...

    def plan(
        self, shots: Sequence[Shot], budget: Money | None = None, *, takes: Sequence[int] | None = None
    ) -> Plan:
        """What the shots would cost and take; spends nothing."""
        ...

    async def prepare(self, shots: Sequence[Shot]) -> None:
        """Fetch the pictures that are URLs."""
        ...

    async def shoot(
        self, shot: Shot, *, take: int = 1, fresh: bool = False, episode: str | None = None
    ) -> Clip:
        """One verified clip; the same call again gives the same clip."""
        ...

    def jobs(self, *, open_only: bool = False) -> list[Job]:
        """Every job there is, or those that something still happens to."""
        ...
