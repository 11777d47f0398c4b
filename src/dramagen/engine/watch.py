"""Asking about running jobs until the vendor gives a verdict.

One task asks about all jobs of a studio. Each provider and region is a lane with its own queue and rate; a lane asks
about as many jobs in a request as the vendor allows, and has a few requests under way at once, so that a slow vendor
keeps no other waiting. Nothing but the vendor's own terminal word ends a wait: errors while asking only make it ask
more slowly.
"""

import logging
import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import anyio
import anyio.abc

from dramagen.adapters.base import TERMINAL, Status, Ticket
from dramagen.engine.clock import Clock
from dramagen.engine.forecast import Forecast
from dramagen.engine.http import Http
from dramagen.engine.interrupts import unbroken
from dramagen.engine.lane import Lane
from dramagen.engine.limits.pace import Pacer
from dramagen.engine.service import Service
from dramagen.engine.waiting import Hears, Verdict, Waiting, Word
from dramagen.errors import DramagenError, InvalidShot, JobFailed, ProviderUnavailable

log = logging.getLogger("dramagen.engine")

MISSING = 60.0
"""Seconds a vendor must go on saying that it does not know a job before it is believed: a new job may not have
reached every one of its servers, and a job given up for lost is money given up."""

EARLY = 256
"""How many words about jobs not watched yet are kept: a vendor may call before its create is written down."""

FRESH = 5.0
"""Seconds; what is first watched at a greater age may have been over long before its first look."""


class Unwatched(Exception):
    """The studio was closed while the job was waited for."""


class Watcher:
    """All waits of one studio. Its one task runs in ``group`` from the first wait on."""

    def __init__(
        self,
        http: Http,
        clock: Clock,
        group: anyio.abc.TaskGroup,
        rng: random.Random,
        pacer: Pacer | None = None,
    ) -> None:
        """``pacer`` shares each key's rate with other processes; a lane keeps to it alone in any case."""
        self._http = http
        self._pacer = pacer
        self._clock = clock
        self._group = group
        self._rng = rng
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._early: dict[tuple[str, str], None] = {}
        self._forecasts: dict[str, Forecast] = {}
        self._alike: dict[tuple[str, ...], tuple[Forecast, ...]] = {}
        self.taught = False
        """Whether what earlier studios learnt was passed on."""
        self._begun = self._over = False
        self._nap: anyio.CancelScope | None = None

    async def verdict(
        self,
        ticket: Ticket,
        service: Service,
        since: float,
        seen: Callable[[Status], None] | None = None,
        kinds: Sequence[str] = (),
    ) -> Status:
        """The vendor's last word on a job, or what :meth:`watch` says instead; ``seen`` is told of every answer."""
        done = anyio.Event()
        said: list[Verdict | Exception] = []

        def hears(word: Word) -> None:
            if not isinstance(word, Status):
                said.append(word)
                done.set()
            elif seen is not None:
                seen(word)

        leave = self.watch(ticket, service, since, hears, kinds)
        try:
            await done.wait()
        finally:
            leave()
        word = said[0]
        if isinstance(word, Exception):
            raise word
        return word.status

    def watch(
        self,
        ticket: Ticket,
        service: Service,
        since: float,
        hears: Hears,
        kinds: Sequence[str] = (),
    ) -> Callable[[], None]:
        """Wait for the vendor's last word on a job; returns what ends the wait early.

        Args:
            since: when it was accepted, Unix seconds; looks are spaced from there.
            hears: told of every answer, and must not block. At the end it is given, once, the verdict; or
                ``ProviderUnavailable`` where there is none by the card's deadline (the job is not over, it stays
                accepted); or ``Unwatched``.
            kinds: what jobs are like it, most alike first: their times say when to look.

        Raises ``Unwatched`` where the studio is closed: nobody would ask.
        """
        if self._over:
            raise Unwatched
        watch, now = service.watch, self._clock.monotonic()
        since = now - self._clock.since(since)
        waiting = Waiting(
            ticket=ticket,
            watch=watch,
            forecasts=self._like(tuple(kinds)),
            since=since,
            due=now,
            interval=watch.interval,
            deadline=max(since + watch.deadline, now + watch.interval_max),
            hears=hears,
            alive=since if now - since < FRESH else -math.inf,
        )
        lane = self._lane(service)
        early = (service.route.provider, ticket.id)
        if early in self._early:
            del self._early[early]
            waiting.woken = now
        if not self._begun:
            self._group.start_soon(unbroken(self._run))
            self._begun = True
        lane.add(waiting, now)
        self._changed()
        return lambda: lane.drop(waiting)

    def learn(self, kind: str, after: float, by: float) -> None:
        """A job of that kind took more than ``after`` seconds, and ``by`` at most."""
        self._forecast(kind).add(after, by)

    def _forecast(self, kind: str) -> Forecast:
        return self._forecasts.setdefault(kind, Forecast())

    def _like(self, kinds: tuple[str, ...]) -> tuple[Forecast, ...]:
        """What is known of such jobs; the same for all of them, of which thousands may wait."""
        if kinds not in self._alike:
            self._alike[kinds] = tuple(self._forecast(kind) for kind in kinds)
        return self._alike[kinds]

    def wake(self, ticket_id: str, provider: str, region: str | None = None) -> bool:
        """Ask about that job soon: somebody says it changed. True if it is watched here.

        Words heard before the look are one; looks they cause lie at least the card's interval apart, so that
        whoever guesses a job's id cannot have its vendor asked without end. Call it where the studio runs.
        """
        now = self._clock.monotonic()
        lanes = [
            lane
            for (theirs, place), lane in self._lanes.items()
            if theirs == provider and region in (None, place)
        ]
        if sum(lane.wake(ticket_id, now) for lane in lanes):
            self._changed()
            return True
        self._early[provider, ticket_id] = None
        if len(self._early) > EARLY:
            del self._early[next(iter(self._early))]
        return False

    def _lane(self, service: Service) -> Lane:
        key = (service.route.provider, service.route.region)
        if key not in self._lanes:
            self._lanes[key] = Lane(service, self._rng)
        return self._lanes[key]

    # --- the one task --------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Ask, for as long as the studio lives."""
        try:
            while True:
                lane = min(self._lanes.values(), key=Lane.next)
                due, now = lane.next(), self._clock.monotonic()
                if due > now:
                    await self._rest(due - now)
                elif group := lane.take(now):
                    lane.in_flight += 1
                    for waiting in group:
                        waiting.looked(now)
                    self._group.start_soon(unbroken(self._ask), lane, group)
        finally:
            self._over = True
            for lane in self._lanes.values():
                for waiting in lane:
                    self._end(lane, waiting, Unwatched())

    async def _rest(self, seconds: float) -> None:
        """Sleep, but not through anything new."""
        with anyio.CancelScope() as self._nap:
            if math.isinf(seconds):
                await anyio.sleep_forever()
            await self._clock.sleep(seconds)
        self._nap = None

    def _changed(self) -> None:
        if self._nap is not None:
            self._nap.cancel()

    async def _ask(self, lane: Lane, group: list[Waiting]) -> None:
        service, asked = lane.service, self._clock.monotonic()
        answers: Mapping[str, Status] = {}
        trouble: DramagenError | None = None
        try:
            flow = service.adapter.poll([waiting.ticket for waiting in group])
            pacer = self._pacer
            pace = None if pacer is None else partial(pacer.pace, service, lane.asking(group))
            answers = await self._http.run(flow, service.adapter, service.access, pace=pace)
        except DramagenError as error:
            trouble = error
        except Exception as bug:
            # The lane carries every job of this provider; an adapter's accident must not end it.
            log.exception("asking %s about %d jobs failed", service.route.provider, len(group))
            trouble = ProviderUnavailable(f"an accident while asking ({type(bug).__name__})", billed=None)
        finally:
            lane.in_flight -= 1
        now = self._clock.monotonic()
        lane.came(group, asked, now, trouble)
        if len(group) > 1 and isinstance(trouble, InvalidShot | JobFailed):
            # It may be how many there were: not every vendor names a limit.
            lane.halve(group, now)
            log.info("%s does not answer for %d jobs at once", service.route.provider, len(group))
            group = []
        # Somewhere on the way there and back the vendor looked.
        at = (asked + now) / 2
        for waiting in group:
            if not waiting.over:
                self._note(lane, waiting, answers.get(waiting.ticket.id), trouble, at, now)
        self._changed()

    def _note(
        self,
        lane: Lane,
        waiting: Waiting,
        status: Status | None,
        trouble: DramagenError | None,
        at: float,
        now: float,
    ) -> None:
        if status is not None:
            waiting.ticket = status.ticket
            waiting.hears(status)
            if waiting.over:
                return
            if status.state != "missing":
                waiting.missing_since = None
            if status.state in TERMINAL:
                if self._believed(waiting, status, now):
                    self._end(lane, waiting, self._verdict(lane, waiting, status, now))
                    return
            else:
                waiting.alive = at
        if now >= waiting.deadline:
            why = f": {trouble.message}" if trouble else ""
            late = ProviderUnavailable(
                f"no verdict on job {waiting.ticket.id} in {waiting.watch.deadline:g} s{why}. "
                "It is not over: resume asks again",
                provider=waiting.ticket.route.provider,
                model=waiting.ticket.route.model,
                billed=None,
            )
            self._end(lane, waiting, late)
            return
        if trouble is not None:
            lane.delay(waiting, trouble, now)
        elif not waiting.between:
            # After a look in between the regular ones go on as they were.
            lane.plan(waiting, now)
        if not waiting.over:
            lane.queue(waiting)

    def _verdict(self, lane: Lane, waiting: Waiting, status: Status, now: float) -> Verdict:
        took = Verdict(status, waiting.alive - waiting.since, now - waiting.since)
        if status.state != "missing":
            for forecast in waiting.forecasts:
                forecast.add(took.after, took.by)
            lane.learnt(now, any(forecast.doubled for forecast in waiting.forecasts))
        return took

    def _end(self, lane: Lane, waiting: Waiting, word: Verdict | Exception) -> None:
        lane.drop(waiting)
        try:
            waiting.hears(word)
        except Exception:
            # Nobody else's wait may end with it.
            log.exception("job %s ended, and nobody could be told", waiting.ticket.id)

    def _believed(self, waiting: Waiting, status: Status, now: float) -> bool:
        if status.state != "missing":
            return True
        if waiting.missing_since is None:
            waiting.missing_since = now
        return now - waiting.missing_since >= MISSING
