"""Asking no faster than a key may, whichever process asks: about running jobs, and for lists of them."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Literal

import anyio
import anyio.to_thread

from dramagen.engine.clock import Clock
from dramagen.engine.database import JournalUnavailable
from dramagen.engine.journal import Journal
from dramagen.engine.limits.rate import Rate, take
from dramagen.engine.service import Service

Asking = Literal["poll", "list"]

UNSAID = {"poll": Decimal(20), "list": Decimal(5)}
"""Calls a second with one key, where neither the card nor the user names a limit. Questions about jobs: what those
vendors allow that say it (Volcengine Ark and Model Studio, as their cards have it). A vendor that likes it less says
so, and is asked more slowly."""


@dataclass(slots=True)
class _Share:
    """What this process took of a key's rate, and may use until it lapses; times on the clock's own count."""

    lock: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))
    left: int = 0
    next: float = 0.0
    lapses: float = 0.0


class Pacer:
    """The turns to ask of one studio. Turns are taken from the database for half a second at a time."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._shares: dict[str, _Share] = {}

    async def pace(self, service: Service, asking: Asking) -> None:
        """Wait until one request of that kind may be sent with the service's key; first come, first served.

        A database that cannot be used stops nobody from asking: then the rate is kept in this process alone.
        """
        said = service.limits.polls_per_second if asking == "poll" else service.limits.list_per_second
        rate = Rate.per_second(said or UNSAID[asking])
        name = f"{asking} {service.account}"
        share = self._shares.setdefault(name, _Share())
        async with share.lock:
            while not share.left or self._clock.monotonic() >= share.lapses:
                wait = await self._taken(name, rate)
                if wait:
                    await self._clock.sleep(wait)
                    continue
                share.left = rate.burst
                share.lapses = self._clock.monotonic() + rate.burst * rate.interval
            now = self._clock.monotonic()
            if share.next > now:
                await self._clock.sleep(share.next - now)
            share.next = max(share.next, now) + rate.interval
            share.left -= 1

    async def _taken(self, name: str, rate: Rate) -> float:
        """Take a share from the database: 0.0, or the clock's seconds to wait for one."""
        scale, now = self._clock.scale, self._clock.now()
        taking = partial(take, name=name, rate=rate.faster(scale), now=now, count=rate.burst)
        try:
            return scale * await anyio.to_thread.run_sync(self._journal.transact, taking)
        except JournalUnavailable:
            return 0.0
