"""What an open studio is made of: wired on entering, and taken apart on leaving, the other way round."""

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.abc
import anyio.to_thread
from anyio.from_thread import BlockingPortal

from dramagen.engine.callback_address import CallbackAddress
from dramagen.engine.callbacks import Callbacks
from dramagen.engine.clock import Clock
from dramagen.engine.collect import Collector
from dramagen.engine.engine import Engine
from dramagen.engine.guard import Guard
from dramagen.engine.http import Http, Limits, LocalTransport
from dramagen.engine.intake import Intake
from dramagen.engine.interrupts import unbroken
from dramagen.engine.limits.gate import Gate
from dramagen.engine.limits.pace import Pacer
from dramagen.engine.lookup import Lookup
from dramagen.engine.parting import Parting
from dramagen.engine.refetch import Refetcher
from dramagen.engine.renderer import Renderer
from dramagen.engine.service import Services
from dramagen.engine.submit import Submitter
from dramagen.engine.watch import Watcher
from dramagen.events import Event
from dramagen.store import Store
from dramagen.studio.books import Books
from dramagen.studio.broadcast import Broadcast
from dramagen.studio.filming import Filming
from dramagen.studio.picks import Picks
from dramagen.studio.planning import Planner
from dramagen.studio.resuming import give_up_unsent
from dramagen.telemetry import log_event, open_telemetry


@dataclass(frozen=True, slots=True)
class Opened:
    """What there is only while a studio is open."""

    filming: Filming
    callbacks: Callbacks
    broadcast: Broadcast
    picks: Picks


async def open_studio(
    stack: AsyncExitStack,
    services: Services,
    store: Store,
    books: Books,
    clock: Clock,
    *,
    planner: Callable[[Intake], Planner],
    on_event: Callable[[Event], None] | None,
    transports: Mapping[str, Any],
) -> Opened:
    """Open everything a studio films with; leaving ``stack`` closes it.

    Args:
        planner: makes the planner, from an intake that can fetch.
        transports: httpx transports by URL scheme.

    Raises ``ConfigError`` for a journal that is none, or cannot be reached.
    """
    settings = services.settings
    telemetry = None if settings.telemetry == "off" else open_telemetry(settings.telemetry == "prompts")
    if telemetry is not None:
        stack.callback(telemetry.close)
    broadcast = Broadcast(log_event, telemetry, on_event)
    stack.callback(broadcast.close)
    journal = await anyio.to_thread.run_sync(books.open)
    stack.callback(books.close)
    owner = await anyio.to_thread.run_sync(books.owner)
    stack.callback(owner.release)
    stack.callback(store.close)
    renderer = Renderer(store.renders, store.inputs.read, workers=2)
    scale = max(1.0, settings.time_scale)
    http = Http(
        guard=Guard(settings.allow_private),
        limits=Limits(read=max(3.0, 30.0 / scale), create=max(3.0, 120.0 / scale)),
        transports={"previz": LocalTransport(renderer.handle), **transports},
        now=clock.now,
    )
    stack.push_async_callback(http.aclose)
    intake = Intake(store, http)
    address = CallbackAddress(settings.home, settings.callback_url)
    gate = Gate(journal, clock, owner.id)
    pacer = Pacer(journal, clock)
    lookup = Lookup(journal, http, clock, pacer)
    submitter = Submitter(journal, http, clock, owner, address, gate, lookup, settings.on_unknown)
    stack.push_async_callback(give_up_unsent, journal, Parting(services, submitter), owner.id)
    group = await stack.enter_async_context(_background())
    picks = Picks(await stack.enter_async_context(BlockingPortal()), journal.consult)
    group.start_soon(unbroken(renderer.run))
    group.start_soon(unbroken(gate.run))
    group.start_soon(unbroken(picks.run))
    watcher = Watcher(http, clock, group, random.Random(), pacer)  # noqa: S311 - jitter, not secrets
    collector = Collector(http, store, clock)
    engine = Engine(
        services=services,
        journal=journal,
        store=store,
        intake=intake,
        submitter=submitter,
        watcher=watcher,
        collector=collector,
        refetcher=Refetcher(journal, store, collector, owner),
        clock=clock,
        owner=owner,
        group=group,
        emit=broadcast,
    )
    filming = Filming(engine, planner(intake), settings, broadcast)
    return Opened(filming, Callbacks(services, watcher, http, clock, address), broadcast, picks)


@asynccontextmanager
async def _background() -> AsyncIterator[anyio.abc.TaskGroup]:
    """The studio's own tasks; leaving stops them. Jobs that were sent go on at the vendor and stay journaled."""
    problem: Exception | None = None
    async with anyio.create_task_group() as group:
        try:
            yield group
        except Exception as raised:
            # The caller's own error goes up as it is, not inside a group it knows nothing of.
            problem = raised
        finally:
            group.cancel_scope.cancel()
    if problem is not None:
        raise problem
