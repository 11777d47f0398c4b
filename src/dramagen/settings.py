"""Where each setting came from: Config, else the environment, else ``dramagen.toml``.

The origin matters for safety: a base URL found in a file of the working directory must not receive a key
from the environment, unless its host is the vendor's own or the user trusted that file.
"""

import hashlib
import json
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from dramagen.config import DEFAULT_RATES, Budget, Config, Routing
from dramagen.errors import ConfigError
from dramagen.money import Money, Rates

Origin = Literal["config", "environment", "home", "directory", "trusted"]
"""``directory``: a ``dramagen.toml`` in the working directory nobody vouched for; ``trusted``: one somebody did."""

FILE = "dramagen.toml"
_TRUSTED = "trusted.json"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_KNOWN = {*Config.model_fields, "providers", "budgets"} - {"home"}


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings of one origin. ``source`` names it to people; ``providers`` are own cards and overrides."""

    origin: Origin
    config: Config
    source: str
    providers: Mapping[str, Any] = field(default_factory=dict)


class Found(NamedTuple):
    """A setting, where it came from, and how to name that place to people."""

    value: Any
    origin: Origin
    place: str


@dataclass(frozen=True)
class Settings:
    """All layers, strongest first, and what was read from the environment."""

    home: Path
    layers: tuple[Layer, ...]
    environ: Mapping[str, str] = field(repr=False)
    emulator: str | None = None
    card_roots: tuple[Path, ...] = ()

    def first(self, name: str, default: Any) -> Any:
        """The strongest layer's value of a single setting."""
        for layer in self.layers:
            value = getattr(layer.config, name)
            if value is not None and value != ():
                return value
        return default

    def lookup(self, name: str, *keys: str, environ: Any = None) -> Found | None:
        """The strongest layer's value under any of ``keys`` (most exact first).

        ``environ``: what the environment says, for a setting whose variables only a card knows.
        """
        for layer in self.layers:
            if layer.origin == "environment" and environ is not None:
                return Found(environ, layer.origin, layer.source)
            table: Mapping[str, Any] = getattr(layer.config, name)
            for key in keys:
                if key in table:
                    return Found(table[key], layer.origin, f"{layer.source}: {name}.{key}")
        return None

    def unvouched(self, provider: str, region: str) -> frozenset[str]:
        """What an untrusted file of the working directory changes of that region's card."""
        changed: set[str] = set()
        for layer in self.layers:
            if layer.origin == "directory":
                table: Any = layer.providers
                for key in (provider, "regions", region):
                    table = table.get(key) if isinstance(table, Mapping) else None
                changed |= set(table) if isinstance(table, Mapping) else set()
        return frozenset(changed)

    @property
    def currency(self) -> str:
        """Of caps, totals and comparisons."""
        return str(self.first("currency", "CNY"))

    @property
    def rates(self) -> Rates:
        """Dated exchange rates."""
        rates: Rates = self.first("rates", DEFAULT_RATES)
        return rates

    def rated(self, money: Money) -> Money:
        """The same money. Raises ``ConfigError`` where its currency has no rate, and so no place beside the caps."""
        if money.currency not in self.rates.per_usd:
            raise ConfigError(f"no rate is stated for {money.currency}: give one under [rates]")
        return money

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """Hard caps of every layer together: a weaker layer cannot loosen a stronger one."""
        return tuple(budget for layer in self.layers for budget in layer.config.budgets)

    @property
    def routing(self) -> Routing:
        """How routes are chosen: each field as the strongest layer has it; what any layer denies is denied."""
        said = [layer.config.routing for layer in self.layers]
        found = {name: getattr(each, name) for each in reversed(said) for name in each.model_fields_set}
        denied = dict.fromkeys(pin for each in said for pin in each.deny)
        return Routing(**found | {"deny": tuple(denied)})

    @property
    def on_unknown(self) -> str:
        """``hold`` or ``resend``."""
        return str(self.first("on_unknown", "hold"))

    @property
    def time_scale(self) -> float:
        """How much faster than real time waits pass."""
        return float(self.first("time_scale", 1.0))

    @property
    def telemetry(self) -> str:
        """``on``, ``prompts`` or ``off``."""
        return str(self.first("telemetry", "on"))

    @property
    def database(self) -> str | None:
        """Where the shared journal is; None for a file in the home."""
        url: str | None = self.first("database", None)
        return url

    @property
    def store(self) -> str | None:
        """Where files are kept for good; None for the home alone."""
        url: str | None = self.first("store", None)
        return url

    @property
    def callback_url(self) -> str | None:
        """Where vendors may call. A file in the working directory cannot say it: callbacks show results."""
        for layer in self.layers:
            if layer.origin != "directory" and layer.config.callback_url:
                return layer.config.callback_url.rstrip("/")
        return None

    @property
    def allow_private(self) -> tuple[str, ...]:
        """Private networks and hosts files may come from. A file in the working directory cannot add to it."""
        allowed: list[str] = []
        for layer in self.layers:
            if layer.origin != "directory":
                allowed += layer.config.allow_private
        return tuple(allowed)

    @property
    def providers(self) -> dict[str, Any]:
        """The users' own cards and overrides, merged, strongest last."""
        merged: dict[str, Any] = {}
        for layer in reversed(self.layers):
            merged = merge(merged, layer.providers)
        return merged


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``over`` laid on it, table by table; a list is replaced whole."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = (
            merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
        )
    return merged


def gather(
    config: Config | None = None, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Settings:
    """All settings. Raises ``ConfigError`` naming the file, the key and what would be right."""
    config = config or Config()
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    home = home_of(config, environ)
    layers = [
        Layer("config", config, "Config"),
        Layer("environment", _from_environment(environ), "the environment"),
    ]
    local = cwd / FILE
    if local.is_file() and local.absolute() != home / FILE:
        layers.append(_from_file(local, "trusted" if is_trusted(home, local) else "directory"))
    if (home / FILE).is_file():
        layers.append(_from_file(home / FILE, "home"))
    roots = tuple(Path(p) for p in environ.get("DRAMAGEN_PROVIDERS", "").split(os.pathsep) if p)
    settings = Settings(home, tuple(layers), environ, _emulator(environ), roots)
    _check_rates(settings)
    _check_callback(settings)
    _check_database(settings)
    _check_store(settings)
    return settings


def home_of(config: Config, environ: Mapping[str, str]) -> Path:
    """Where everything is kept, before any file of settings is read. Raises ``ConfigError`` where that is a file."""
    home = config.home or Path(environ.get("DRAMAGEN_HOME") or default_home(environ))
    home = home.expanduser().absolute()
    if (file := file_in_the_way(home)) is not None:
        said = "Config.home" if config.home else "DRAMAGEN_HOME"
        raise ConfigError(f"{said}: {file} is a file; the home is a folder, made where it is not there yet")
    return home


def file_in_the_way(folder: Path) -> Path | None:
    """The file that stands where this folder, or one it lies in, should be; None where there can be a folder."""
    found = next((place for place in (folder, *folder.parents) if os.path.exists(place)), None)
    return None if found is None or found.is_dir() else found


def default_home(environ: Mapping[str, str]) -> Path:
    """The platform's folder for a user's data."""
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/dramagen"
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "dramagen"
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "dramagen"


def _from_environment(environ: Mapping[str, str]) -> Config:
    start, end = "DRAMAGEN_", "_BASE_URL"
    bases = {
        name[len(start) : -len(end)].lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith(start) and name.endswith(end) and len(name) > len(start) + len(end) and value
    }
    return Config(
        base_urls=bases,
        callback_url=environ.get("DRAMAGEN_CALLBACK_URL", "").strip() or None,
        database=environ.get("DRAMAGEN_DATABASE", "").strip() or None,
        store=environ.get("DRAMAGEN_STORE", "").strip() or None,
    )


def _emulator(environ: Mapping[str, str]) -> str | None:
    url = environ.get("DRAMAGEN_EMULATOR", "").strip()
    if url and not is_address(url):
        raise ConfigError(
            f"DRAMAGEN_EMULATOR = {url!r} is not an http(s) address, such as http://127.0.0.1:8900"
        )
    return url or None


def is_address(url: str) -> bool:
    """Whether it is scheme and host, with an optional port and prefix, and nothing more."""
    try:
        parts = urlsplit(url)
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and parts.port != 0
    except ValueError:
        return False


def _check_callback(settings: Settings) -> None:
    url = settings.callback_url
    if url is None:
        return
    # An emulator calls from the same machine or network, and is told nothing worth hiding.
    near = settings.emulator is not None or (urlsplit(url).hostname or "") in _LOOPBACK
    if not is_address(url) or not (near or url.startswith("https://")):
        raise ConfigError(
            f"callback_url = {url!r} is not a public https address without user, query or fragment, such as "
            "https://studio.example/dramagen"
        )


def _check_rates(settings: Settings) -> None:
    """A cap that cannot be compared is no cap."""
    used = {"currency": settings.currency} | {f"budgets.{b.per}": b.limit.currency for b in settings.budgets}
    routing = settings.routing
    weighed = {
        "routing.value": routing.value,
        "routing.review": routing.review,
        "routing.switch": routing.switch,
    }
    used |= {name: money.currency for name, money in weighed.items() if money is not None}
    for name, currency in used.items():
        if currency not in settings.rates.per_usd:
            raise ConfigError(
                f"{name} is in {currency}, and no rate is stated for it: give one under [rates], "
                f'such as {{date = 2026-11-22, {currency} = "7.1"}} to one US dollar'
            )


def _check_database(settings: Settings) -> None:
    """Another's journal would see every prompt, and say of any shot that it is paid for or that it is not."""
    layer = next((layer for layer in settings.layers if layer.config.database is not None), None)
    if layer is None:
        return
    if not str(layer.config.database).startswith(("postgresql://", "postgres://")):
        raise ConfigError(
            f"{layer.source}: database is no postgresql://user@host:5432/name; leave it out for a file in the home"
        )
    if layer.origin == "directory":
        # Not left out in silence: on another journal every finished shot would be bought again.
        raise ConfigError(
            f"{layer.source} names a database, and nobody vouched for that file: run 'dramagen trust', or set "
            "DRAMAGEN_DATABASE"
        )


def _check_store(settings: Settings) -> None:
    """Into another's bucket every picture and every clip would go."""
    layer = next((layer for layer in settings.layers if layer.config.store is not None), None)
    if layer is not None and layer.origin == "directory":
        raise ConfigError(
            f"{layer.source} names a store, and nobody vouched for that file: run 'dramagen trust', or set "
            "DRAMAGEN_STORE"
        )


def _from_file(path: Path, origin: Origin) -> Layer:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{path}: {problem}") from None
    unknown = sorted(set(table) - _KNOWN)
    if unknown:
        raise ConfigError(f"{path}: unknown key {unknown[0]!r}; known are {', '.join(sorted(_KNOWN))}")
    providers = table.pop("providers", {})
    if not isinstance(providers, Mapping):
        raise ConfigError(f"{path}: providers is a table of cards, [providers.<name>]")
    try:
        table["budgets"] = _budgets(table.pop("budgets", {}))
        return Layer(origin, Config(**table), str(path), providers)
    except ConfigError as problem:
        raise ConfigError(f"{path}: {problem.message}") from None


def _budgets(table: object) -> tuple[Budget, ...]:
    if not isinstance(table, Mapping):
        raise ConfigError("budgets is a table, such as [budgets] with episode = '80 CNY'")
    budgets = []
    for per, limit in table.items():
        try:
            budgets.append(Budget(limit, per))
        except ConfigError as problem:
            raise ConfigError(f"budgets.{per}: {problem.message}") from None
    return tuple(budgets)


# --- trust ---------------------------------------------------------------------------------------------


def is_trusted(home: Path, file: Path) -> bool:
    """Whether the user ran ``dramagen trust`` on this file as it stands now."""
    return _trusted(home).get(str(file.absolute())) == _fingerprint(file)


def trust(home: Path, file: Path) -> None:
    """Vouch for a ``dramagen.toml`` as it stands now; any later change needs a new word."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    trusted = _trusted(home) | {str(file.absolute()): _fingerprint(file)}
    (home / _TRUSTED).write_text(json.dumps(trusted, ensure_ascii=False, indent=1), "utf-8")


def _trusted(home: Path) -> dict[str, Any]:
    """Fingerprints by path. A record that cannot be read vouches for nothing."""
    try:
        trusted = json.loads((home / _TRUSTED).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return trusted if isinstance(trusted, dict) else {}


def _fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
