"""Several takes of one shot: which model each is filmed on, and when the rest is let go."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Literal

import anyio
import anyio.to_thread

from dramagen.clip import Clip
from dramagen.engine.jobs import Job
from dramagen.engine.recall import recall
from dramagen.errors import DramagenError
from dramagen.events import Takes
from dramagen.identity import shot_hash
from dramagen.routing.leading import led, spread
from dramagen.routing.plan import Plan
from dramagen.routing.policy import Chooser
from dramagen.shot import Shot
from dramagen.studio.filming import Filming
from dramagen.studio.picks import Picks

Across = Literal["models", "seeds"] | Sequence[str]
"""What takes differ in: the model, nothing but chance, or the pins given."""

Until = Callable[[Clip], bool | Awaitable[bool]]
"""Whether this take is the one."""

Film = Callable[[Shot, int, Chooser | None], Awaitable[Clip]]
"""Films a take; the policy is that of this take alone, None the studio's."""


async def film_takes(
    filming: Filming,
    picks: Picks,
    plan: Callable[..., Plan],
    film: Film,
    shot: Shot,
    n: int,
    across: Across | None,
    until: Until | None,
) -> Takes:
    """Takes 1 to ``n`` of a shot, at once, until one is accepted or ``until`` says yes. See :meth:`Studio.takes`.

    Args:
        plan: as :meth:`Studio.plan`; it may block on the journal.
    """
    across = across or ("seeds" if shot.pin else "models")
    await filming.fetch(shot)
    numbers = range(1, n + 1)
    together = SideBySide(numbers, until)
    key = await anyio.to_thread.run_sync(shot_hash, shot, filming.engine.intake.sha256)
    async with picks.heard(key, together.end):
        planned = await anyio.to_thread.run_sync(partial(plan, [shot] * n, takes=numbers))
        wishes = wished(planned, across)

        async def one(take: int) -> Clip:
            to_film, policy = as_wished(shot, wishes[take - 1], across, filming.planner.policy)
            return await film(to_film, take, policy)

        made = await together.run(one)
    if together.unfinished:
        ours = [take for take, its in zip(numbers, planned.shots, strict=True) if not its.held]
        await recall_takes(filming, shot, ours)
    return made


def wished(plan: Plan, across: Across) -> list[str | None]:
    """What each take is wished to be filmed on; ``plan`` has the shot once for every take. None for those held."""
    models = dict.fromkeys(quote.route.model for shot in plan.shots for quote in shot.attempts)
    wishes = [] if across == "seeds" else list(models if isinstance(across, str) else across)
    return spread(wishes, [shot.held for shot in plan.shots])


def as_wished(shot: Shot, wish: str | None, across: Across, by: Chooser) -> tuple[Shot, Chooser | None]:
    """The shot to film and the policy to ask: a pin somebody gave binds, a model that is spread over only leads."""
    if wish is None:
        return shot, None
    if isinstance(across, str):
        return shot, led(by, f"{by.name}, a model a take", [wish])
    return shot.pinned(wish), None


class SideBySide:
    """Takes filmed at once, until the first yes of whoever.

    Attributes:
        unfinished: once it ran, the takes that were let go before they were there.
    """

    def __init__(self, takes: Sequence[int], until: Until | None = None) -> None:
        self.unfinished: tuple[int, ...] = ()
        self._scopes = {take: anyio.CancelScope() for take in takes}
        self._until = until
        self._ended = False
        self._clips: dict[int, Clip] = {}
        self._failures: dict[int, DramagenError] = {}
        self._wrong: Exception | None = None

    def end(self, picked: int) -> None:
        """That take is the one: let the others go. If its own clip is on its way still, it comes."""
        self._ended = True
        for take, scope in self._scopes.items():
            if take != picked or take in self._clips:
                scope.cancel()

    async def run(self, film: Callable[[int], Awaitable[Clip]]) -> Takes:
        """The takes that are there in the end.

        Raises the first one's failure where none succeeded, unless that is because a yes ended it; and what ``until``
        raised, as it is: the other takes are let go then, and those that were sent stay in the journal.
        """
        async with anyio.create_task_group() as group:
            for take in self._scopes:
                group.start_soon(self._one, take, film)
        if self._wrong is not None:
            raise self._wrong
        if not self._clips and not self._ended:
            raise self._failures[min(self._failures)]
        done = self._clips.keys() | self._failures.keys()
        self.unfinished = tuple(take for take in self._scopes if take not in done)
        failures = sorted(self._failures.items())
        return Takes([self._clips[take] for take in sorted(self._clips)], failures)

    async def _one(self, take: int, film: Callable[[int], Awaitable[Clip]]) -> None:
        with self._scopes[take]:
            try:
                clip = self._clips[take] = await film(take)
            except DramagenError as error:
                self._failures[take] = error
                return
            if self._until is None or self._ended:
                return
            try:
                word = self._until(clip)
                yes = (await word) if inspect.isawaitable(word) else word
            except Exception as problem:
                # The caller's own error goes up as it is, not inside a group it knows nothing of.
                self._wrong = problem if self._wrong is None else self._wrong
                yes = True
            if yes:
                self.end(take)


async def recall_takes(filming: Filming, shot: Shot, takes: Sequence[int]) -> None:
    """Ask the vendors to stop what still runs of these takes; where one cannot, the take is kept when it is done."""
    journal = filming.engine.journal

    def running() -> list[Job]:
        key = shot_hash(shot, filming.engine.intake.sha256)
        found = (journal.bound(key, take, shot.pin) for take in takes)
        return [job for job in found if job is not None]

    jobs = await anyio.to_thread.run_sync(running)
    async with anyio.create_task_group() as group:
        for job in jobs:
            group.start_soon(recall, filming.engine, job)
