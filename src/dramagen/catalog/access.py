"""How a region of a provider is reached: its address, and the key that may be sent there."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dramagen.catalog.cards import ProviderCard, Region
from dramagen.catalog.load import Catalog
from dramagen.catalog.secret import Secret
from dramagen.catalog.workspace import own_address
from dramagen.config import Limits
from dramagen.errors import ConfigError
from dramagen.settings import FILE, Found, Origin, Settings, is_address


@dataclass(frozen=True, slots=True)
class Access:
    """One region of one provider.

    Attributes:
        base_url: scheme, host and an optional prefix; the vendor's full path is appended.
        overridden: the address is not the card's own.
        hosts: the vendor's further addresses, by name; empty where the address is somebody's own.
        secret: the credential, or None; ``why`` then says what to set.
        local: no key is needed and nothing is paid (previz).
        fingerprint: which credential and host, without telling the credential.
    """

    provider: str
    region: str
    base_url: str
    overridden: bool
    secret: Secret | None = field(repr=False)
    why: str = ""
    local: bool = False
    emulated: bool = False
    hosts: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = self.secret.values() if self.secret else ()
        told = "\n".join(("dramagen", self.host, *parts)).encode()
        # Frozen: made once, for every job names its key by it.
        object.__setattr__(self, "fingerprint", hashlib.sha256(told).hexdigest()[:16])

    @property
    def keyed(self) -> bool:
        """Whether orders can be sent there."""
        return self.secret is not None or self.local

    @property
    def host(self) -> str:
        """The host that is talked to."""
        return urlsplit(self.base_url).hostname or ""

    def url(self, path: str, host: str | None = None) -> str:
        """The absolute URL of a vendor path from ``/``, at the main host or at a named one."""
        return self.hosts.get(host or "", self.base_url) + path

    def secrets(self) -> tuple[str, ...]:
        """Every secret string, for redaction."""
        return self.secret.values() if self.secret else ()


def access(card: ProviderCard, settings: Settings) -> Mapping[str, Access]:
    """Every region of a provider. Raises ``ConfigError`` for a region or a key form that does not exist."""
    said = settings.lookup("regions", card.name, environ=_variable(settings, card.region_env))
    named = said.value if said else card.default_region
    if named not in card.regions:
        where = "" if said is None else f"{said.place}: "
        raise ConfigError(f"{where}{card.name} has no region {named!r}; it has {', '.join(card.regions)}")
    return {name: _region(card, name, region, named, settings) for name, region in card.regions.items()}


def check_names(settings: Settings, catalog: Catalog) -> None:
    """Every provider, region and model a program or a file names exists: misspelt, one would quietly do nothing.

    The environment is left out, for it is shared with other programs. Raises ``ConfigError``.
    """
    for layer in settings.layers:
        if layer.origin == "environment":
            continue
        for name in ("keys", "regions", "base_urls"):
            for key in getattr(layer.config, name):
                provider, _, region = key.partition(":")
                if provider not in catalog.providers():
                    known = ", ".join(catalog.providers())
                    raise ConfigError(f"{layer.source}: {name}.{key}: no such provider; there are {known}")
                if region and region not in (regions := catalog.provider(provider).regions):
                    raise ConfigError(
                        f"{layer.source}: {name}.{key}: {provider} has no such region; it has {', '.join(regions)}"
                    )
        routing = layer.config.routing
        for name, pins in (("allow", routing.allow), ("deny", routing.deny)):
            for pin in pins:
                if not any(route.satisfies(pin) for route in catalog.routes()):
                    raise ConfigError(f"{layer.source}: routing.{name}: nothing is called {pin!r}")
        for key, limits in layer.config.limits.items():
            if not (
                key in catalog.providers()
                or any(key in (r.model, f"{r.provider}/{r.model}") for r in catalog.routes())
            ):
                raise ConfigError(f"{layer.source}: limits.{key}: no such provider, model or provider/model")
            asks = isinstance(limits, Limits) and (limits.polls_per_second or limits.list_per_second)
            if asks and key not in catalog.providers():
                raise ConfigError(
                    f"{layer.source}: limits.{key}: polls_per_second and list_per_second are a provider's: "
                    "one request asks about jobs of several models"
                )


def _region(card: ProviderCard, name: str, region: Region, named: str, settings: Settings) -> Access:
    if card.local:
        return Access(card.name, name, region.base_url, False, None, local=True)
    if settings.emulator:
        place = card.name if name == card.default_region else f"{card.name}@{name}"
        base = f"{settings.emulator.rstrip('/')}/{place}"
        return Access(card.name, name, base, True, Secret(key="emulator-key"), emulated=True)
    # An address given for a provider is meant for the region its key belongs to.
    override = settings.lookup("base_urls", *_keys(card, name, named))
    if override is not None:
        base = _address(override.value, override.place, region)
    elif region.base_url:
        # A workspace belongs to one region, as the key does.
        own = own_address(region, _variable(settings, region.workspace_env) if name == named else None)
        if own is None:
            return Access(card.name, name, "", False, None, f"no workspace: set {region.workspace_env}")
        base = _address(own, f"providers.{card.name}.regions.{name}.base_url", region)
    else:
        return Access(card.name, name, "", False, None, f"no address: set base_urls.{card.name} in {FILE}")
    hosts = {} if override is not None else _hosts(card, name, region)
    secret, origin, why = _secret(card, name, region, named, settings)
    if secret is None and region.keyless:
        return Access(card.name, name, base, override is not None, Secret(), hosts=hosts)
    if secret is not None and origin != "directory" and _unsafe(card, name, base, override, settings):
        secret, why = None, f"the base URL comes from ./{FILE}: run 'dramagen trust' to send it your key"
    return Access(card.name, name, base, override is not None, secret, why, hosts=hosts)


def _keys(card: ProviderCard, name: str, named: str) -> tuple[str, ...]:
    return (f"{card.name}:{name}", *((card.name,) if name == named else ()))


def _address(said: object, place: str, region: Region) -> str:
    base = str(said)
    if not is_address(base):
        raise ConfigError(
            f"{place}: a base URL is an http(s) address without user, query or fragment, such as "
            "https://gateway.example/prefix"
        )
    base = base.rstrip("/")
    return base.removesuffix(region.base_path).rstrip("/") if region.base_path else base


def _hosts(card: ProviderCard, name: str, region: Region) -> Mapping[str, str]:
    place = f"providers.{card.name}.regions.{name}.hosts"
    return {host: _address(said, f"{place}.{host}", region) for host, said in region.hosts.items()}


def _unsafe(card: ProviderCard, name: str, base: str, override: Found | None, settings: Settings) -> bool:
    """Whether an untrusted file decides where the key would go, and it is not to the vendor's own host."""
    if override is None:
        return bool({"base_url", "workspace_url", "hosts"} & settings.unvouched(card.name, name))
    if override.origin != "directory":
        return False
    vendors = {
        urlsplit(region.base_url).hostname
        for other, region in card.regions.items()
        if "base_url" not in settings.unvouched(card.name, other)
    }
    parts = urlsplit(base)
    return parts.scheme != "https" or parts.hostname not in vendors


def _secret(
    card: ProviderCard, name: str, region: Region, named: str, settings: Settings
) -> tuple[Secret | None, Origin, str]:
    found, why = _in_environment(card, name, region, named, settings)
    said = settings.lookup("keys", *_keys(card, name, named), environ=found)
    if said is None:
        return None, "environment", why
    if said.value is found:
        return found, said.origin, ""
    return _parsed(said), said.origin, ""


def _in_environment(
    card: ProviderCard, name: str, region: Region, named: str, settings: Settings
) -> tuple[Secret | None, str]:
    """The key the environment has for a region, or why there is none."""
    if any(variable.endswith("_env") for variable in settings.unvouched(card.name, name)):
        return None, f"./{FILE} says which variable holds the key: run 'dramagen trust' to have it read"
    if name != named and any(r.key_env == region.key_env for n, r in card.regions.items() if n != name):
        return None, f"the key is for {named}; set {card.region_env}={name} if it is for {name}"
    key, access, secret, hook = (
        _variable(settings, variable)
        for variable in (region.key_env, region.access_env, region.secret_env, region.webhook_env)
    )
    webhook = (hook,) if hook else ()
    _clean(f"the key of {card.name}", key, access, secret)
    if key:
        return Secret(key=key, webhook=webhook), ""
    if access and secret:
        return Secret(access=access, secret=secret, webhook=webhook), ""
    return None, f"no key: set {region.key_env}" if region.key_env else "no key"


def _variable(settings: Settings, name: str | None) -> str | None:
    return settings.environ.get(name or "", "").strip() or None


def _clean(what: str, *parts: str | None) -> None:
    for part in parts:
        # A stray newline or Chinese comma would only show once the request is under way.
        if part is not None and not (part.isascii() and part.isprintable() and " " not in part):
            raise ConfigError(f"{what} has a space or a character no key has; copy it again")


def _parsed(said: Found) -> Secret:
    value = {"key": said.value} if isinstance(said.value, str) else said.value
    known = {"key", "access_key", "secret_key", "webhook_secret"}
    if isinstance(value, Mapping) and set(value) <= known:
        parts = {name: value.get(name) for name in known}
        if all(part is None or isinstance(part, str) for part in parts.values()):
            clean = {name: part.strip() if part else None for name, part in parts.items()}
            _clean(said.place, *clean.values())
            hook = clean["webhook_secret"]
            if clean["key"] or (clean["access_key"] and clean["secret_key"]):
                return Secret(
                    key=clean["key"], access=clean["access_key"], secret=clean["secret_key"],
                    webhook=(hook,) if hook else (),
                )  # fmt: skip
    raise ConfigError(f"{said.place}: a key is a text, or a table with access_key and secret_key")
