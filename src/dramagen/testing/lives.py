"""The life of a job in every region, on asyncio and on trio, sent by the engine's own sender.

The orders come from the packaged cards: one for each way of filming that a region has, fitted as a shot would be.
The vendor is a transport in this process that answers with what a contract's examples say.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from typing import TypeVar

import httpx

from dramagen.adapters.base import PAID, TERMINAL, Adapter, Attempt, Flow, Secret, Unsure
from dramagen.catalog.access import Access
from dramagen.catalog.cards import ModelCard
from dramagen.catalog.fit import fit
from dramagen.catalog.load import Catalog
from dramagen.catalog.modes import Mode
from dramagen.catalog.order import Input, Order, Quote
from dramagen.catalog.route import Route
from dramagen.engine.http import Http, Sent
from dramagen.errors import DramagenError, JobExpired
from dramagen.medium import Image, Media
from dramagen.shot import RESOLUTIONS, Reference, Shot
from dramagen.testing.driver import Respond
from dramagen.testing.examples import Golden

T = TypeVar("T")

VENDOR = "vendor.invalid"

BACKENDS: tuple[str, ...] = ("asyncio", "trio") if find_spec("trio") else ("asyncio",)

_PICTURE = Image.from_bytes(b"a picture")
_PRICE = [{"per": "second", "amount": "1", "currency": "CNY"}]
_DIALECT = ("protocol", "profile")
"""Wire values that choose among the protocols of one adapter."""


@dataclass(frozen=True, slots=True)
class Place:
    """One region of a provider, and an order for each way of filming it has."""

    provider: str
    region: str
    orders: tuple[Order, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """``kling:intl``."""
        return f"{self.provider}:{self.region}"


def places(examples: Sequence[Order], adapter: Adapter) -> list[Place]:
    """Every region of the examples' providers that speaks a dialect one of the examples speaks.

    A provider without a packaged card is only where its examples are.
    """
    catalog = _priced()
    found = []
    for provider in dict.fromkeys(order.route.provider for order in examples):
        spoken = {dialect(order) for order in examples if order.route.provider == provider}
        regions = catalog.provider(provider).regions if provider in catalog.providers() else ()
        for region in regions:
            orders = tuple(_orders(catalog, provider, region, spoken, adapter))
            if orders:
                found.append(Place(provider, region, orders))
    if found:
        return found
    first = examples[0]
    return [Place(first.route.provider, first.route.region, (first,))]


def dialect(order: Order) -> tuple[object, ...]:
    """Which of its adapter's protocols an order is said in."""
    return tuple(order.wire.get(name) for name in _DIALECT)


class Line:
    """The way to one vendor: an ``Http`` whose every request is answered by ``respond``, and kept."""

    def __init__(self, place: Place, adapter: Adapter, secret: Secret, now: float) -> None:
        self.requests: list[httpx.Request] = []
        self._respond: Respond | None = None
        self._adapter = adapter
        scheme = "previz" if place.provider == "previz" else "https"
        self._access = Access(
            place.provider, place.region, f"{scheme}://{VENDOR}", overridden=True, secret=secret
        )
        transport = httpx.MockTransport(self._answer)
        self._http = Http(
            transports={"https": transport, "http": transport, "previz": transport}, now=lambda: now
        )

    async def talk(self, flow: Flow[T], respond: Respond) -> T:
        """Drive one operation."""
        self._respond = respond
        return await self._http.run(flow, self._adapter, self._access, on_create=_noted)

    async def aclose(self) -> None:
        """Hang up."""
        await self._http.aclose()

    @property
    def paid(self) -> int:
        """How many requests that cost money were sent."""
        return sum(bool(request.extensions.get(PAID)) for request in self.requests)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert self._respond is not None
        self.requests.append(request)
        # Examples know vendors by path; only addresses out of an answer have a host.
        url: httpx.URL | str = request.url
        if request.url.host == VENDOR:
            url = request.url.raw_path.decode("ascii")
        asked = httpx.Request(request.method, url, headers=request.headers, content=request.content)
        answer = self._respond(asked)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


async def lives(
    place: Place, adapter: Callable[[], Adapter], goldens: Sequence[Golden], secret: Secret, now: float
) -> dict[str, int]:
    """Every operation, for every way of filming the place has; how many cases of each there were.

    Each create is paid for once, and whatever goes to the vendor is signed. After the create the vendor is out of
    order, which settles nothing.
    """
    counts: Counter[str] = Counter()
    line = Line(place, adapter(), secret, now)
    try:
        for order in place.orders:
            like = [g for g in goldens if dialect(g.order) == dialect(order)] or goldens
            golden = next((g for g in like if g.order.mode == order.mode), like[0])
            counts.update(await _live(order, golden, adapter(), line))
    finally:
        await line.aclose()
    assert line.paid == len(place.orders)
    ours = [request for request in line.requests if request.url.host == VENDOR]
    assert all(bool(request.headers.get("authorization")) is bool(secret.values()) for request in ours)
    return dict(counts)


async def _live(order: Order, golden: Golden, adapter: Adapter, line: Line) -> Sequence[str]:
    inputs = {item.sha256: b"content" for item in order.inputs()}
    attempt = Attempt(tag=golden.attempt.tag, created=golden.attempt.created, inputs=inputs)

    def out(_: httpx.Request) -> httpx.Response:
        return httpx.Response(503, json={})

    ticket = await line.talk(adapter.submit(order, attempt), golden.accept)
    assert ticket.route == order.route
    assert ticket.id
    with suppress(DramagenError):
        told = await line.talk(adapter.poll([ticket]), out)
        assert not any(status.state in TERMINAL for status in told.values())
    assert isinstance(await line.talk(adapter.find(order, attempt), out), Unsure)
    lost: DramagenError | None = None
    try:
        await line.talk(adapter.deliver(ticket), out)
    except DramagenError as error:
        lost = error
    assert lost is not None, "nobody said where the file is"
    assert not isinstance(lost, JobExpired), "an outage is no word that the file is gone"
    assert await line.talk(adapter.cancel(ticket), out) is False
    assert not (await line.talk(adapter.probe(), out)).valid
    return "submit", "poll", "find", "deliver", "cancel", "probe", "sign"


async def _noted(sent: Sent) -> None:
    """The engine's journal would write it down here."""


@cache
def _priced() -> Catalog:
    """The cards with a price for everything: what may be sent is asked here, not what it costs."""
    cards = Catalog.load()
    return Catalog.load(
        overrides={
            provider: {"models": {model: {"price": _PRICE} for model in cards.models(provider)}}
            for provider in cards.providers()
        }
    )


def _orders(
    catalog: Catalog, provider: str, region: str, spoken: set[tuple[object, ...]], adapter: Adapter
) -> Iterator[Order]:
    """For each way of filming, the order of the first model of the region that has it."""
    made: set[tuple[str, tuple[object, ...]]] = set()
    for card in _newest(catalog.model(provider, name) for name in catalog.models(provider)):
        if region not in card.wire:
            continue
        for mode in card.modes:
            route = Route(provider=provider, region=region, model=card.id)
            order = _ordered(catalog, route, mode, adapter)
            if order is not None and dialect(order) in spoken and (mode.name, dialect(order)) not in made:
                made.add((mode.name, dialect(order)))
                yield order


def _newest(cards: Iterable[ModelCard]) -> list[ModelCard]:
    """Models still served first."""
    return sorted(cards, key=lambda card: bool(card.retired))


def _ordered(catalog: Catalog, route: Route, mode: Mode, adapter: Adapter) -> Order | None:
    inputs: Mapping[str, dict[str, object]] = {
        "text": {},
        "first_frame": {"first_frame": _PICTURE},
        "first_last_frame": {"first_frame": _PICTURE, "last_frame": _PICTURE},
        "references": {"references": [Reference("Lin", [_PICTURE])]},
    }
    fields = dict(inputs[mode.name])
    if "first_frame" not in fields and "9:16" not in mode.ratios:
        fields["aspect_ratio"] = mode.ratios[0]
    if RESOLUTIONS.index(mode.resolutions[-1]) < RESOLUTIONS.index("720p"):
        fields["resolution"] = mode.resolutions[-1]
    length = mode.durations.at_least(Decimal(2))
    shot = Shot.parse({"prompt": "A street in the rain", "duration": float(length or 5), **fields})
    answer = fit(
        shot, route, catalog,
        measure=_measured, wording=adapter.wording, today=datetime.now(UTC).date(), overridden=True,
    )  # fmt: skip
    return answer.order if isinstance(answer, Quote) and answer.order.mode == mode.name else None


def _measured(media: Media) -> Input:
    return Input(sha256=media.sha256, media_type="image/png", size=1000, width=720, height=1280)
