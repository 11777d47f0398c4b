"""Asking every provider, for every key found, whether the key works and what it opens. Free; nothing is filmed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import anyio

from dramagen.adapters.base import Account, Flow
from dramagen.catalog.access import Access
from dramagen.catalog.cards import ModelCard, ProviderCard
from dramagen.catalog.load import Catalog
from dramagen.engine.clock import Clock
from dramagen.engine.guard import Guard
from dramagen.engine.http import Http, Limits
from dramagen.engine.service import Services
from dramagen.errors import (
    AuthError,
    ConfigError,
    DramagenError,
    InsufficientBalance,
    ProviderUnavailable,
)
from dramagen.money import Money
from dramagen.redact import redact

T = TypeVar("T")

PATIENCE = 8.0
"""Seconds one provider may take for all its answers."""

SKEWED = 60.0
"""Seconds a clock may be off. A Kling token begins to hold at the time this machine thinks it is, and signed
links and webhooks are a matter of minutes."""


@dataclass(frozen=True, slots=True)
class KeyReport:
    """What one key of one region was found to be.

    Attributes:
        works: the vendor took the key; None where it could not be asked (no answer, too many questions).
        error: why not; an ``InsufficientBalance`` beside a key that works.
        balance: what is left. Units of the vendor's own are told at their list price.
        concurrency: jobs at once, where the vendor says.
        skew: seconds this machine's clock is behind the vendor's (ahead: below 0), where its answer had a date.
        models: the ids of the models the key opens: served in the region, alive, priced, and among those the
            vendor lists, where it does.
        detail: what else the vendor told.
        hint: what to try, where the key does not work.
    """

    provider: str
    region: str
    host: str
    works: bool | None
    error: DramagenError | None = None
    balance: Money | None = None
    concurrency: int | None = None
    skew: float | None = None
    models: tuple[str, ...] = ()
    detail: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether films can be ordered there; None where that could not be told."""
        # A host that is down is broken; one that is busy, or did not like the question, is not.
        broken = InsufficientBalance | ProviderUnavailable | ConfigError
        return False if isinstance(self.error, broken) else self.works

    @property
    def skewed(self) -> bool:
        """Whether the clocks are too far apart to sign with."""
        return self.skew is not None and abs(self.skew) > SKEWED


async def examine(
    services: Services, clock: Clock, transports: Mapping[str, Any], patience: float = PATIENCE
) -> list[KeyReport]:
    """A report of every key found, in the order of the catalogue; providers are asked side by side."""
    keyed = [
        access
        for provider in services.catalog.providers()
        for access in services.access(provider).values()
        if access.keyed and not access.local
    ]
    reports: dict[int, KeyReport] = {}
    http = Http(
        guard=Guard(services.settings.allow_private),
        limits=Limits(connect=patience / 2, write=patience, read=patience),
        transports=transports,
        now=clock.now,
    )

    async def ask(number: int, access: Access) -> None:
        reports[number] = await _report(services, http, clock, access, patience)

    try:
        async with anyio.create_task_group() as group:
            for number, access in enumerate(keyed):
                group.start_soon(ask, number, access)
    finally:
        await http.aclose()
    return [reports[number] for number in sorted(reports)]


def opened(
    catalog: Catalog, access: Access, today: date, listed: frozenset[str] | None = None
) -> tuple[str, ...]:
    """The models a key opens: see :attr:`KeyReport.models`. ``listed`` is what the vendor lists, where it does.

    On somebody's own server of a vendor whose models are all retired, they live on.
    """
    card = catalog.provider(access.provider)
    models = [catalog.model(access.provider, name) for name in catalog.models(access.provider)]
    models = [m for m in models if _priced(m, card, access.region)]
    living = [m for m in models if (end := m.retires(access.region)) is None or end > today]
    if not living and access.overridden:
        living = models
    return tuple(m.id for m in living if listed is None or _vendor_ids(m, access.region) & listed)


async def _report(services: Services, http: Http, clock: Clock, access: Access, patience: float) -> KeyReport:
    dates: list[float] = []
    told: Account | None = None
    error: DramagenError | None = None
    try:
        adapter = services.adapter(access.provider)
        flow = _overhear(adapter.probe(), clock.now, dates)
        with anyio.move_on_after(patience):
            told = await http.run(flow, adapter, access)
        error = told.error if told is not None else _silent(access, patience)
    except DramagenError as problem:
        error = problem
    if error is not None:
        error.hide(*access.secrets())
    card = services.catalog.provider(access.provider)
    works = _works(told, error)
    today = datetime.fromtimestamp(clock.now(), UTC).date()
    return KeyReport(
        provider=access.provider,
        region=access.region,
        host=access.host,
        works=works,
        error=error,
        balance=_balance(told, card, access.region) if told is not None else None,
        concurrency=told.concurrency if told is not None else None,
        skew=dates[0] if dates else None,
        models=opened(services.catalog, access, today, told.models) if works and told is not None else (),
        detail=redact(told.detail, *access.secrets()) if told is not None else "",
        hint=_hint(card, access) if isinstance(error, AuthError) else "",
    )


def _works(told: Account | None, error: DramagenError | None) -> bool | None:
    if isinstance(error, InsufficientBalance) or (told is not None and told.valid):
        return True  # the vendor knows whose account is empty
    # Any other error says nothing of the key: the vendor is busy, or did not like the question.
    return False if isinstance(error, AuthError) else None


def _silent(access: Access, patience: float) -> DramagenError:
    return ProviderUnavailable(
        f"{access.host} did not answer within {patience:g} s", provider=access.provider, billed=None
    )


def _overhear(flow: Flow[T], now: Callable[[], float], dates: list[float]) -> Flow[T]:
    """The flow as it is; how far each answer's Date is from this clock is noted on the way, in seconds."""
    try:
        request = next(flow)
        while True:
            sent = now()
            response = yield request
            skew = _skew(response.headers.get("date"), sent, now())
            # An old answer out of a cache tells an old time.
            if skew is not None and "age" not in response.headers:
                dates.append(skew)
            request = flow.send(response)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        flow.close()


def _skew(date_header: str | None, sent: float, received: float) -> float | None:
    if date_header is None:
        return None
    try:
        # The header tells whole seconds, cut off.
        theirs = parsedate_to_datetime(date_header).timestamp() + 0.5
    except (ValueError, TypeError, OverflowError):
        return None
    return theirs - (sent + received) / 2


def _balance(told: Account, card: ProviderCard, region: str) -> Money | None:
    if told.balance is not None or told.left is None:
        return told.balance
    place = card.regions[region]
    try:
        return (place.unit or Money("1", place.currency)) * told.left
    except ValueError:  # no amount anybody has
        return None


def _hint(card: ProviderCard, access: Access) -> str:
    """A key belongs to one region, and the wrong one answers like a wrong key."""
    others = [name for name in card.regions if name != access.region]
    if access.emulated or not others:
        return ""
    if card.region_env:
        return f"if it is a key for {' or '.join(others)}, set {card.region_env} to that"
    named = ", ".join(f"{r.key_env} for {n}" for n, r in card.regions.items() if n in others and r.key_env)
    return f"it was tried in {access.region}; a key of another region goes into {named}" if named else ""


def _priced(card: ModelCard, provider: ProviderCard, region: str) -> bool:
    return (
        region in card.wire
        and bool(card.modes)
        and any(
            row.region in (None, region)
            and (row.currency != "unit" or provider.regions[region].unit is not None)
            for row in card.prices
        )
    )


def _vendor_ids(card: ModelCard, region: str) -> set[str]:
    """What the vendor calls the model: one id, or one for each way of filming."""
    wires = [card.wire[region], *(mode.wire for mode in card.modes)]
    ids = {str(wire["model"]) for wire in wires if "model" in wire}
    for wire in wires:
        each = wire.get("models")
        ids |= {str(name) for name in each.values()} if isinstance(each, Mapping) else set()
    return ids or {card.id}
