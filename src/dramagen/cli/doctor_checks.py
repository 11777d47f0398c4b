"""What ``dramagen doctor`` sees on this machine: no request is sent."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from dramagen.catalog.cards import ProviderCard, Region
from dramagen.cli.tables import moneys
from dramagen.studio import Studio
from dramagen.studio.doctor import opened

LITTLE = 2.0
"""Free GB under which the disk is said to be nearly full: an episode's takes are some hundred MB."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``ok``: True, False, or None for something merely absent."""

    name: str
    ok: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Absence:
    """A provider without a key: the variables that would hold one, and the page where it is made."""

    provider: str
    variables: tuple[str, ...]
    console: str | None
    advice: str


def checks(studio: Studio | None) -> list[Check]:
    """Everything that can be seen without asking anybody; without a studio, the installation alone."""
    return list(_checks(studio))


def keys(studio: Studio) -> list[Check]:
    """Every region of every provider: whether a key for it was found, or why not."""
    return [
        Check(
            f"{provider}:{region}",
            True if access.keyed else None,
            f"a key, for {access.host}" if access.keyed else access.why,
        )
        for (provider, region), access in studio.access.items()
        if not access.local
    ]


def absences(studio: Studio) -> list[Absence]:
    """The providers no key was found for, in the catalogue's order; those whose models are all gone left out."""
    today = datetime.now(UTC).date()
    keyed = {provider for (provider, _), access in studio.access.items() if access.keyed}
    alive = {access.provider for access in studio.access.values() if opened(studio.catalog, access, today)}
    return [
        _absence(card)
        for card in map(studio.catalog.provider, studio.catalog.providers())
        if card.name in alive - keyed and any(r.key_env for r in card.regions.values())
    ]


def _checks(studio: Studio | None) -> Iterator[Check]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Check("version", True, f"dramagen {version('dramagen')} on Python {python}")
    yield _extra("media", "av", "clips are verified, trimmed and cut; previz works")
    yield _extra("emulator", "uvicorn", "`dramagen emulate` works")
    if studio is None:
        return
    yield _home(studio.settings.home)
    if studio.settings.emulator:
        yield Check("emulator", True, f"every provider is the emulator at {studio.settings.emulator}")
    if not any(access.keyed and not access.local for access in studio.access.values()):
        yield Check("keys", None, "none: previz films everything, free")
    yield _prices(studio)
    yield _money(studio)


def _extra(extra: str, module: str, what: str) -> Check:
    if find_spec(module) is not None:
        return Check(f"extra {extra}", True, what)
    return Check(f"extra {extra}", None, f"not installed: pip install 'dramagen[{extra}]'")


def _home(home: Path) -> Check:
    nearest = next(place for place in (home, *home.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Check("home", False, f"{home} cannot be written; DRAMAGEN_HOME names another place")
    if not hasattr(os, "statvfs"):
        return Check("home", True, str(home))
    facts = os.statvfs(nearest)
    free = facts.f_bavail * facts.f_frsize / 1e9
    if free < LITTLE:
        return Check("home", None, f"{home}, only {free:.1f} GB free: paid clips need a place to be kept")
    return Check("home", True, f"{home}, {free:.0f} GB free")


def _prices(studio: Studio) -> Check:
    old = sorted({f"{s.provider}/{s.model}" for s in studio.catalog.stale(datetime.now(UTC).date())})
    if old:
        return Check("prices", None, f"read over 90 days ago: {', '.join(old)}")
    return Check("prices", True, "all were read in the last 90 days")


def _money(studio: Studio) -> Check:
    ledger = studio.ledger()
    if ledger.unknown:
        detail = f"{moneys(ledger.unknown)} may be spent without a clip: `dramagen jobs list --open`"
        return Check("money", False, detail)
    return Check("money", True, f"spent {moneys(ledger.spent)}, nothing unknown")


def _absence(card: ProviderCard) -> Absence:
    regions = {name: region for name, region in card.regions.items() if region.key_env}
    default = regions.get(card.default_region) or next(iter(regions.values()))
    ways = dict.fromkeys(_variables(region) for region in regions.values())
    if len(ways) == 1:
        advice = f"set {next(iter(ways))}"
        if card.region_env and len(regions) > 1:
            others = "|".join(name for name in regions if name != card.default_region)
            advice += f" (for {card.default_region}; with {card.region_env}={others} for another region)"
    else:
        advice = "set " + ", or ".join(f"{_variables(r)} ({name})" for name, r in regions.items())
    pages = list(dict.fromkeys(filter(None, (r.console for r in regions.values())))) or [card.homepage or ""]
    if any(pages):
        advice += f"; keys are made at {' or '.join(pages)}"
    names = dict.fromkeys(
        name
        for region in regions.values()
        for name in (region.key_env, region.access_env, region.secret_env)
        if name
    )
    return Absence(card.name, tuple(names), default.console or card.homepage, advice)


def _variables(region: Region) -> str:
    if region.access_env and region.secret_env:
        return f"{region.key_env}, or {region.access_env} and {region.secret_env}"
    return str(region.key_env)
