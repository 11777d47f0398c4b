"""Several takes of one shot: which model each is filmed on, and when the rest is let go."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
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

Across = Literal["models", "seeds"] | Sequence[str]
"""What takes differ in: the model, nothing but chance, or the pins given."""

Until = Callable[[Clip], bool | Awaitable[bool]]
"""Whether this take is the one."""


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


async def side_by_side(
    film: Callable[[int], Awaitable[Clip]], takes: Sequence[int], until: Until | None = None
) -> tuple[Takes, bool]:
    """The takes, filmed at once, and whether ``until`` ended it before all were there.

    Raises the first one's failure where none succeeded.
    """
    clips: dict[int, Clip] = {}
    failures: dict[int, DramagenError] = {}
    stopped = False

    async def one(take: int, scope: anyio.CancelScope) -> None:
        nonlocal stopped
        try:
            clips[take] = await film(take)
        except DramagenError as error:
            failures[take] = error
            return
        if until is None:
            return
        word = until(clips[take])
        if (await word) if inspect.isawaitable(word) else word:
            stopped = True
            scope.cancel()

    async with anyio.create_task_group() as group:
        for take in takes:
            group.start_soon(one, take, group.cancel_scope)
    if not clips:
        raise failures[min(failures)]
    made = Takes([clips[t] for t in sorted(clips)], [(t, failures[t]) for t in sorted(failures)])
    return made, stopped and len(clips) + len(failures) < len(takes)


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
