"""Everything needed to talk about one route: its adapter, its cards, its address and key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dramagen.adapters import adapter
from dramagen.adapters.base import Adapter, Usage
from dramagen.catalog import price
from dramagen.catalog.access import Access, access
from dramagen.catalog.cards import Find, ModelCard, ProviderCard, Watch
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Order
from dramagen.catalog.route import Route
from dramagen.config import Limits
from dramagen.errors import ConfigError
from dramagen.money import Money
from dramagen.settings import Settings

_HURRY = {"first_poll": 0.5, "interval": 0.5, "interval_max": 2.0}
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Service:
    """One route, ready to be used."""

    route: Route
    adapter: Adapter
    access: Access
    provider: ProviderCard
    model: ModelCard
    limits: Limits = field(default_factory=Limits)
    """Of its key: the user's word, else the card's."""
    hurried: bool = False
    """An emulator whose pace nobody stated: it does not mind being asked often, and its jobs may be quick."""

    @property
    def find(self) -> Find:
        """Whether a lost create can be looked up; the model's own word before its provider's."""
        return self.model.find or self.provider.find

    @property
    def watch(self) -> Watch:
        """When to ask about a running job."""
        watch = self.model.watch or self.provider.watch
        return watch.model_copy(update=_HURRY) if self.hurried else watch

    @property
    def account(self) -> str:
        """Whose patience is used up together: a region and the key that is sent there, without telling the key."""
        return f"{self.route.provider}:{self.route.region}#{self.access.fingerprint}"

    @property
    def line(self) -> str:
        """Whose creates take turns: one route and one key."""
        return f"{self.route.id}#{self.access.fingerprint}"

    def settle(self, order: Order, usage: Usage | None, seconds: Decimal | None = None) -> tuple[Money, str]:
        """What a finished job cost, and who says so: ``reported`` by the vendor, or ``computed`` here."""
        usage = usage or Usage()
        reported = usage != Usage()
        cost = price.settle(
            self.model, self.provider, order,
            tokens=usage.tokens, units=usage.units, charged=usage.charged, billed=usage.seconds, seconds=seconds,
        )  # fmt: skip
        return cost, "reported" if reported else "computed"


class Services:
    """All routes of a studio, made on demand."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self.catalog = catalog
        self.settings = settings
        self._access: dict[str, Mapping[str, Access]] = {}
        self._adapters: dict[str, Adapter] = {}
        self._services: dict[Route, Service] = {}

    def access(self, provider: str) -> Mapping[str, Access]:
        """Every region of a provider."""
        if provider not in self._access:
            self._access[provider] = access(self.catalog.provider(provider), self.settings)
        return self._access[provider]

    def adapter(self, provider: str) -> Adapter:
        """The provider's adapter."""
        name = self.catalog.provider(provider).adapter
        if name not in self._adapters:
            self._adapters[name] = adapter(name)
        return self._adapters[name]

    def service(self, route: Route) -> Service:
        """The route, ready to be used. Raises ``ConfigError`` for one no card describes (any more)."""
        if route not in self._services:
            self._services[route] = self._made(route)
        return self._services[route]

    def _made(self, route: Route) -> Service:
        regions = self.access(route.provider)
        if route.region not in regions:
            raise ConfigError(f"{route.provider} has no region {route.region!r}; it has {', '.join(regions)}")
        hurried = regions[route.region].emulated and self.settings.time_scale == 1
        provider = self.catalog.provider(route.provider)
        model = self.catalog.model(route.provider, route.model)
        return Service(
            route,
            self.adapter(route.provider),
            regions[route.region],
            provider,
            model,
            limits_of(self.settings, route, *_cards(model, provider, hurried)),
            hurried,
        )

    def concurrency(self, route: Route) -> int | None:
        """Jobs of it at once; None where nobody names a limit."""
        return self.service(route).limits.concurrency


def limits_of(settings: Settings, route: Route, *cards: Limits) -> Limits:
    """Each limit of a route by itself: the strongest layer's most exact word, else the first card's that has one."""
    found: dict[str, Any] = {}
    for said in (*_said(settings, route), *cards):
        for name in Limits.model_fields:
            if found.get(name) is None:
                found[name] = getattr(said, name)
    return Limits(**found)


def _said(settings: Settings, route: Route) -> Iterator[Limits]:
    for layer in settings.layers:
        for key in (f"{route.provider}/{route.model}", route.model, route.provider):
            said = layer.config.limits.get(key)
            if said is not None:
                yield said if isinstance(said, Limits) else Limits(concurrency=said)


def _cards(model: ModelCard, provider: ProviderCard, hurried: bool) -> Iterator[Limits]:
    for card in (model.limits, provider.limits):
        if card is not None:
            known = {name: getattr(card, name) for name in Limits.model_fields}
            # An emulator whose jobs take seconds would wait most of its time for the next minute.
            yield Limits(**(known | {"creates_per_minute": None} if hurried else known))
