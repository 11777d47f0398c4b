"""What filming an episode needs of a studio."""

from collections.abc import Sequence
from typing import Protocol

from dramagen.clip import Clip
from dramagen.engine.jobs import Job
from dramagen.engine.ledger import Ledger
from dramagen.money import Money
from dramagen.routing.episode_items import Continuity
from dramagen.routing.plan import Plan
from dramagen.routing.policy import PlainPolicy
from dramagen.shot import Shot
from dramagen.store import Store


class Crew(Protocol):
    """The part of :class:`dramagen.Studio` that films episodes."""

    @property
    def store(self) -> Store:
        """Where clips are kept."""
        ...

    def plan(
        self,
        shots: Sequence[Shot],
        budget: Money | None = None,
        *,
        takes: Sequence[int] | None = None,
        deadline: float | None = None,
        without: Sequence[str] = (),
        continuity: Continuity | None = None,
    ) -> Plan:
        """What the shots would cost and take; spends nothing."""
        ...

    async def prepare(self, shots: Sequence[Shot]) -> None:
        """Fetch the pictures that are URLs."""
        ...

    async def shoot(
        self,
        shot: Shot,
        *,
        take: int = 1,
        fresh: bool = False,
        episode: str | None = None,
        policy: PlainPolicy | None = None,
    ) -> Clip:
        """One verified clip; the same call again gives the same clip."""
        ...

    def ledger(self, episode: str | None = None) -> Ledger:
        """Money spent, reserved and unknown."""
        ...

    def jobs(self, *, open_only: bool = False) -> list[Job]:
        """Every job there is, or those that something still happens to."""
        ...
