"""Callbacks: every change of a job's state posted to the address its order gave."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import anyio
from anyio.abc import TaskGroup

from dramagen.emulator.clock import Clock
from dramagen.emulator.state import TERMINAL, Account, Job, State

Send = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Posts a body to a URL and gives the HTTP status, 0 where no answer came."""

Mode = Literal["deliver", "never", "duplicate", "reorder"]

_TICK = 0.02  # real seconds between two looks at jobs that still owe a callback
_RESEND_AFTER = 5.0  # virtual seconds; the vendors publish no spacing


@dataclass(eq=False, kw_only=True)
class Notice:
    """What one job owes its callback address.

    ``compose`` gives headers and body for a moment of virtual time; ``states`` are the ones announced;
    ``resends`` is how often an announcement of ``resent`` states is repeated until it is acknowledged (2xx).
    """

    url: str
    account: Account
    job: Job
    compose: Callable[[float], tuple[Mapping[str, str], bytes]]
    states: frozenset[State]
    resent: frozenset[State] = frozenset()
    resends: int = 0
    mode: Mode = "deliver"
    announced: int = 0
    busy: bool = False
    again: tuple[float, int] | None = None
    held: list[float] = field(default_factory=list)


class Outbox:
    """Delivers notices while ``run`` is running."""

    def __init__(self, clock: Clock, send: Send | None = None) -> None:
        self._clock = clock
        self._send = send or post
        self._notices: list[Notice] = []
        self._wake: anyio.Event | None = None

    def add(self, notice: Notice) -> None:
        if notice.mode == "never":
            return
        self._notices.append(notice)
        if self._wake is not None:
            self._wake.set()

    def clear(self) -> None:
        self._notices.clear()

    async def run(self) -> None:
        """Deliver for ever; cancel to stop."""
        async with anyio.create_task_group() as tasks:
            while True:
                self._wake = anyio.Event()
                if not self._notices:
                    await self._wake.wait()
                self._round(tasks)
                await anyio.sleep(_TICK)

    def _round(self, tasks: TaskGroup) -> None:
        now = self._clock.now()
        for notice in list(self._notices):
            if notice.busy:
                continue
            notice.account.advance(now)
            history = list(notice.job.history(now))
            if notice.announced < len(history):
                notice.busy = True
                tasks.start_soon(self._announce, notice, *history[notice.announced])
            elif history[-1][0] in TERMINAL:
                self._notices.remove(notice)

    async def _announce(self, notice: Notice, state: State, moment: float) -> None:
        try:
            if state not in notice.states:
                notice.announced += 1
            elif notice.mode == "reorder" and state not in TERMINAL:
                notice.held.append(moment)
                notice.announced += 1
            else:
                await self._deliver(notice, state, moment)
        finally:
            notice.busy = False

    async def _deliver(self, notice: Notice, state: State, moment: float) -> None:
        due, sent = notice.again or (moment, 0)
        if self._clock.now() < due:
            return
        headers, body = notice.compose(moment)
        status = await self._send(notice.url, headers, body)
        if notice.mode == "duplicate":
            await self._send(notice.url, headers, body)
        acknowledged = 200 <= status < 300
        if not acknowledged and state in notice.resent and sent < notice.resends:
            notice.again = (self._clock.now() + _RESEND_AFTER, sent + 1)
            return
        notice.again = None
        notice.announced += 1
        for late in notice.held:
            await self._send(notice.url, *notice.compose(late))
        notice.held.clear()


async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Post over the network, allowing 5 s for the answer."""
    import httpx

    try:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            answer = await client.post(url, headers=dict(headers), content=body)
    except httpx.HTTPError:
        return 0
    return answer.status_code
