"""How a region of a provider is reached: its address, and the key that may be sent there."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dramagen.catalog.cards import ProviderCard, Region
from dramagen.catalog.secret import Secret
from dramagen.errors import ConfigError
from dramagen.settings import Origin, Settings


@dataclass(frozen=True, slots=True)
class Access:
    """One region of one provider.

    Attributes:
        base_url: scheme, host and an optional prefix; the vendor's full path is appended.
        overridden: the address is not the card's own.
        secret: the credential, or None; ``why`` then says what to set.
        local: no key is needed and nothing is paid (previz).
    """

    provider: str
    region: str
    base_url: str
    overridden: bool
    secret: Secret | None = field(repr=False)
    why: str = ""
    local: bool = False
    emulated: bool = False

    @property
    def keyed(self) -> bool:
        """Whether orders can be sent there."""
        return self.secret is not None or self.local

    @property
    def host(self) -> str:
        """The host that is talked to."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def fingerprint(self) -> str:
        """Which credential and host, without telling the credential."""
        parts = self.secret.values() if self.secret else ()
        return hashlib.sha256("\n".join(("dramagen", self.host, *parts)).encode()).hexdigest()[:16]

    def url(self, path: str) -> str:
        """The absolute URL of a vendor path from ``/``."""
        return self.base_url + path

    def secrets(self) -> tuple[str, ...]:
        """Every secret string, for redaction."""
        return self.secret.values() if self.secret else ()


def access(card: ProviderCard, settings: Settings) -> Mapping[str, Access]:
    """Every region of a provider. Raises ``ConfigError`` for a region or a key form that does not exist."""
    home = settings.lookup("regions", card.name)
    named = home[0] if home else settings.environ.get(card.region_env or "") or card.default_region
    if named not in card.regions:
        raise ConfigError(f"{card.name} has no region {named!r}; it has {', '.join(card.regions)}")
    return {name: _region(card, name, region, named, settings) for name, region in card.regions.items()}


def _region(card: ProviderCard, name: str, region: Region, named: str, settings: Settings) -> Access:
    if card.local:
        return Access(card.name, name, region.base_url, False, None, local=True)
    if settings.emulator:
        place = card.name if name == card.default_region else f"{card.name}@{name}"
        base = f"{settings.emulator.rstrip('/')}/{place}"
        return Access(card.name, name, base, True, Secret(key="emulator-key"), emulated=True)
    # An address given for a provider is meant for the region its key belongs to.
    keys = (f"{card.name}:{name}", *((card.name,) if name == named else ()))
    override = settings.lookup("base_urls", *keys)
    base = region.base_url if override is None else _stripped(str(override[0]), region)
    secret, origin, why = _secret(card, name, region, named, settings)
    if secret is not None and override is not None:
        foreign = urlsplit(base).hostname != urlsplit(region.base_url).hostname
        if foreign and override[1] == "directory" and origin != "directory":
            secret, why = (
                None,
                "the base URL comes from ./dramagen.toml: run 'dramagen trust' to send it your key",
            )
    return Access(card.name, name, base, override is not None, secret, why)


def _stripped(base: str, region: Region) -> str:
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"the base URL {base!r} is not an http(s) address")
    base = base.rstrip("/")
    return base.removesuffix(region.base_path) if region.base_path else base


def _secret(
    card: ProviderCard, name: str, region: Region, named: str, settings: Settings
) -> tuple[Secret | None, Origin, str]:
    given = settings.lookup("keys", f"{card.name}:{name}", *((card.name,) if name == named else ()))
    if given is not None:
        return _parsed(card.name, given[0]), given[1], ""
    environ = settings.environ
    shared = any(other.key_env == region.key_env for r, other in card.regions.items() if r != name)
    if shared and name != named:
        return (
            None,
            "environment",
            f"the key is for {named}; set {card.region_env}={name} if it is for {name}",
        )
    webhook = tuple(filter(None, [environ.get(region.webhook_env or "")]))
    key = environ.get(region.key_env or "")
    if key:
        _clean(card.name, key.strip())
        return Secret(key=key.strip(), webhook=webhook), "environment", ""
    pair = environ.get(region.access_env or ""), environ.get(region.secret_env or "")
    if pair[0] and pair[1]:
        _clean(card.name, pair[0].strip(), pair[1].strip())
        return Secret(access=pair[0].strip(), secret=pair[1].strip(), webhook=webhook), "environment", ""
    return None, "environment", f"no key: set {region.key_env}" if region.key_env else "no key"


def _clean(provider: str, *parts: str | None) -> None:
    for part in parts:
        # A stray newline or Chinese comma would only show once the request is under way.
        if part is not None and not (part.isascii() and part.isprintable() and " " not in part):
            raise ConfigError(f"the key of {provider} has a space or a character no key has; copy it again")


def _parsed(provider: str, value: object) -> Secret:
    if isinstance(value, str) and value.strip():
        _clean(provider, value.strip())
        return Secret(key=value.strip())
    if isinstance(value, Mapping):
        known = {"key", "access_key", "secret_key", "webhook_secret"}
        if set(value) <= known and (
            value.get("key") or (value.get("access_key") and value.get("secret_key"))
        ):
            hook = value.get("webhook_secret")
            _clean(provider, value.get("key"), value.get("access_key"), value.get("secret_key"))
            return Secret(
                key=value.get("key"), access=value.get("access_key"), secret=value.get("secret_key"),
                webhook=(hook,) if hook else (),
            )  # fmt: skip
    raise ConfigError(f"the key of {provider} is a text, or a table with access_key and secret_key")
