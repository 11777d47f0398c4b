"""Find the cards, read them one at a time, and lay a user's own settings over them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from dramagen.catalog.cards import ModelCard, ProviderCard, Quality
from dramagen.catalog.kept import Kept
from dramagen.catalog.nearby import near
from dramagen.catalog.price_rows import Price
from dramagen.catalog.route import Route
from dramagen.catalog.sourced import Part
from dramagen.errors import ConfigError, NoRoute

OLD = timedelta(days=90)
"""A price read longer ago than this is worth checking again."""

SETTINGS = "dramagen.toml"
_NOT_ALIKE = frozenset({"price", "quality", "latency", "retired", "released", "instead", "discount"})
"""What a model that is ``like`` another does not take over: facts about money, judgement and dates."""

_PROTOCOL = frozenset({"adapter", "limits", "result", "find", "watch", "reserved"})
_PLACE = frozenset({"base_path", "currency", "keyless"})
"""What a provider that is ``like`` another takes over, and each of its regions from that one's default region.
No address and no key: those belong to whoever is called."""

CardT = TypeVar("CardT", bound=Part)
Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stale:
    """A price row that was read too long ago. ``age`` is None where the card gives no day."""

    provider: str
    model: str
    row: Price
    age: timedelta | None


def packaged() -> Traversable:
    """The cards that came with this library: beside the code in a wheel, at the top of a checkout."""
    inside = files("dramagen") / "providers"
    if inside.is_dir():
        return inside
    return Path(__file__).resolve().parents[3] / "providers"


class Catalog:
    """Every provider and model that is known. Cards are read when they are first asked for."""

    def __init__(self, roots: Sequence[Traversable], overrides: Mapping[str, Any]) -> None:
        self._roots = tuple(roots)
        self._overrides = overrides
        self._providers: dict[str, ProviderCard] = {}
        self._models: dict[tuple[str, str], ModelCard] = {}
        self._routes: tuple[Route, ...] | None = None
        self._pinned: dict[str | None, tuple[Route, ...]] = {}
        # What the folders hold, each read once: a catalogue stays as it is while it is used.
        self._listed: dict[str | None, tuple[str, ...]] = {}
        self._files: dict[tuple[str, ...], tuple[str | None, Table | None]] = {}
        self.kept = Kept()

    @classmethod
    def load(
        cls, roots: Sequence[Path] | None = None, overrides: Mapping[str, Any] | None = None
    ) -> "Catalog":
        """The catalogue of the packaged cards, ``roots`` and ``overrides``, later ones winning.

        Args:
            roots: further folders laid out as ``providers/`` is. A file there replaces the packaged one.
            overrides: ``[providers.<p>]`` of ``dramagen.toml``, merged key by key into the cards; its
                ``models.<m>`` tables into model cards. Lists, such as prices, are replaced as a whole.

        Raises:
            ConfigError: a root is not a folder.
        """
        further = tuple(roots or ())
        for root in further:
            if not root.is_dir():
                raise ConfigError(f"{root} is not a folder of cards")
        return cls((packaged(), *further), overrides or {})

    def providers(self) -> tuple[str, ...]:
        """Every provider's name, in alphabetical order."""
        if None not in self._listed:
            found = {
                e.name for root in self._roots for e in root.iterdir() if (e / "provider.toml").is_file()
            }
            self._listed[None] = tuple(sorted(found | set(self._overrides)))
        return self._listed[None]

    def provider(self, name: str) -> ProviderCard:
        """The provider's card. Raises ``NoRoute`` for an unknown one, ``ConfigError`` for a wrong card."""
        if name not in self._providers:
            source, table = self._read(name, "provider.toml")
            own = self._override(name)
            if table is None and not own:
                raise NoRoute(f"no provider is called {name!r}{near(name, self.providers(), self._spoken())}")
            own = {k: v for k, v in own.items() if k != "models"}
            below = table if table is not None else self._alike_provider(name, own.pop("like", None), own)
            merged = merge(below, own)
            said = _said(source, own, f"providers.{name}")
            self._providers[name] = _parse(ProviderCard, {"name": name} | merged, said)
        return self._providers[name]

    def models(self, provider: str) -> tuple[str, ...]:
        """The ids of the provider's models, living and retired, in alphabetical order."""
        if provider not in self._listed:
            found = {
                entry.name.removesuffix(".toml")
                for root in self._roots
                if (folder := root / provider / "models").is_dir()
                for entry in folder.iterdir()
                if entry.name.endswith(".toml")
            }
            own = self._override(provider).get("models", ())
            self._listed[provider] = tuple(sorted(found | set(own)))
        return self._listed[provider]

    def model(self, provider: str, model: str) -> ModelCard:
        """The model's card. Raises ``NoRoute`` for an unknown one, ``ConfigError`` for a wrong card."""
        if (provider, model) not in self._models:
            source, table = self._table(provider, model)
            card = _parse(ModelCard, table, source)
            if card.id != model:
                raise ConfigError(f"{source}: id is {card.id!r}; the file is called {model!r}")
            unknown = set(card.wire) - set(self.provider(provider).regions)
            if unknown:
                raise ConfigError(f"{source}: wire.{min(unknown)}: {provider} has no such region")
            if not card.quality:
                card = card.model_copy(update={"quality": self._judged(provider, model)})
            self._models[provider, model] = card
        return self._models[provider, model]

    def routes(self) -> tuple[Route, ...]:
        """Every route, of living and retired models alike."""
        if self._routes is None:
            self._routes = tuple(
                Route(provider=provider, region=region, model=model)
                for provider in self.providers()
                for model in self.models(provider)
                for region in self.model(provider, model).wire
            )
        return self._routes

    def matching(self, pin: str | None) -> tuple[Route, ...]:
        """The routes a pin may mean. Raises ``NoRoute``, naming what is near, where it means none."""
        if pin in self._pinned:
            return self._pinned[pin]
        routes = self.routes()
        found = tuple(route for route in routes if route.satisfies(pin))
        if not found:
            names = {n for r in routes for n in (r.provider, r.model, f"{r.provider}/{r.model}", r.id)}
            hint = near(str(pin), names, self._spoken(), self.providers())
            raise NoRoute(
                f"nothing is called {pin!r}{hint}; a new model can be pinned once "
                f"[providers.<provider>.models.{str(pin).rpartition('/')[2]!r}] in {SETTINGS} says "
                f"which model it is like and its price"
            )
        self._pinned[pin] = found
        return found

    def _spoken(self) -> dict[str, str]:
        """What providers are called beside their names."""
        with_cards = [name for name in self.providers() if self._read(name, "provider.toml")[1] is not None]
        return {other: name for name in with_cards for other in self.provider(name).also}

    def stale(self, today: date) -> list[Stale]:
        """The prices of living models that were read more than 90 days before ``today``."""
        rows = []
        for provider in self.providers():
            for name in self.models(provider):
                card = self.model(provider, name)
                gone = all((end := card.retires(r)) is not None and end <= today for r in card.wire)
                for row in () if gone or self.provider(provider).local else card.prices:
                    age = None if row.checked is None else today - row.checked
                    if age is None or age > OLD:
                        rows.append(Stale(provider, name, row, age))
        return rows

    def _judged(self, provider: str, model: str) -> tuple[Quality, ...]:
        """How the model was judged wherever else it is served: the same id is the same model."""
        for other in self.providers():
            if other != provider and model in self.models(other):
                source, table = self._table(other, model)
                if "quality" in table:
                    return _parse(ModelCard, table, source).quality
        return ()

    def _override(self, provider: str) -> Mapping[str, Any]:
        own = self._overrides.get(provider, {})
        if not isinstance(own, Mapping) or not isinstance(own.get("models", {}), Mapping):
            raise ConfigError(f"{SETTINGS}: providers.{provider} and its models are tables")
        return own

    def _read(self, *parts: str) -> tuple[str | None, Table | None]:
        if parts not in self._files:
            places = (root.joinpath(*parts) for root in reversed(self._roots))
            place = next((p for p in places if p.is_file()), None)
            self._files[parts] = (None, None) if place is None else (str(place), _toml(place))
        return self._files[parts]

    def _table(self, provider: str, model: str, asking: tuple[str, ...] = ()) -> tuple[str, Table]:
        """The model's merged table, and what to call it in an error."""
        key = f"providers.{provider}.models.{model}"
        source, table = self._read(provider, "models", f"{model}.toml")
        own = dict(self._override(provider).get("models", {}).get(model, {}))
        if table is None and not own:
            raise NoRoute(f"{provider} has no model {model!r}{near(model, self.models(provider))}")
        if table is None:
            like = own.pop("like", None)
            if like is None and "mode" not in own:
                raise ConfigError(f"{SETTINGS} {key}: give its modes, or like = '<a model it behaves like>'")
            known = like if like is None or "/" in like else f"{provider}/{like}"
            asking = (*asking, f"{provider}/{model}")
            if known in asking:
                raise ConfigError(f"{SETTINGS} {key}: like = {like!r} leads back to itself")
            table = {} if known is None else self._alike(provider, model, known, asking)
        return _said(source, own, key), merge({"id": model} | table, own)

    def _alike(self, provider: str, model: str, like: str, asking: tuple[str, ...]) -> Table:
        """What a model takes over from ``like``, a ``provider/model``.

        From another provider it is served in every region of this one. The same id is then the same model
        elsewhere: it keeps its title, its rating and what servers call it.
        """
        other, _, name = like.partition("/")
        _, table = self._table(other, name, asking)
        alike = {k: v for k, v in table.items() if k not in _NOT_ALIKE}
        wire = table["wire"]
        if other != provider:
            region = self.provider(other).default_region
            values = wire[region] if region in wire else next(iter(wire.values()))
            wire = dict.fromkeys(self.provider(provider).regions, values)
            if name == model:
                return alike | {"wire": wire} | {k: table[k] for k in ("quality",) if k in table}
        wire = {region: {**values, "model": model} for region, values in wire.items()}
        return alike | {"id": model, "title": model, "wire": wire}

    def _alike_provider(self, name: str, like: str | None, own: Mapping[str, Any]) -> Table:
        """What a provider takes over from the one it is ``like``: the protocol, and what goes with it."""
        if like is None:
            return {}
        _, table = self._read(like, "provider.toml")
        if table is None:
            raise ConfigError(f"{SETTINGS} providers.{name}: like = {like!r} is no provider with a card")
        place = {k: v for k, v in table["regions"][table["default_region"]].items() if k in _PLACE}
        alike = {k: v for k, v in table.items() if k in _PROTOCOL}
        return alike | {"regions": dict.fromkeys(own.get("regions", ()), place)}


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Table:
    """``above`` laid over ``below``: tables are merged key by key, anything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _toml(place: Traversable) -> Table:
    try:
        # Decimals, because most numbers of a card are prices.
        return tomllib.loads(place.read_text(encoding="utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{place}: {problem}") from None


def _said(source: str | None, own: Mapping[str, Any], key: str) -> str:
    """Where a card's values come from: its file, the user's settings, or both."""
    mine = f"{SETTINGS} {key}" if own or source is None else ""
    return " with ".join(filter(None, (source, mine)))


def _parse(kind: type[CardT], table: Table, source: str) -> CardT:
    try:
        return kind.model_validate(table)
    except ValidationError as problem:
        lines = [_explain(error) for error in problem.errors(include_url=False)]
        raise ConfigError("\n".join(f"{source}: {line}" for line in lines)) from None


def _explain(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "the card"
    if error["type"] == "extra_forbidden":
        return f"{key}: no such key is known here"
    if error["type"] == "value_error":
        return f"{key}: {error['ctx']['error']}"
    return f"{key} = {error['input']!r}: {error['msg']}" if error["type"] != "missing" else f"{key}: missing"
