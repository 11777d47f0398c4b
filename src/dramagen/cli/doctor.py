"""``dramagen doctor``: is everything here that filming needs?"""

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec

import typer

from dramagen.cli import exits
from dramagen.cli.options import AsJson
from dramagen.cli.screen import emit, say
from dramagen.cli.tables import moneys
from dramagen.errors import DramagenError
from dramagen.studio import Studio

_MARKS = {True: "ok", False: "NO", None: "–"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``ok``: True, False, or None for something merely absent."""

    name: str
    ok: bool | None
    detail: str


def doctor(as_json: AsJson = False) -> None:
    """Look at the installation, the home, the keys and the catalogue. Sends nothing, spends nothing."""
    checks = list(_checks())
    if as_json:
        emit({"checks": [asdict(check) for check in checks]})
    for check in () if as_json else checks:
        say(f"{_MARKS[check.ok]:<3} {check.name}: {check.detail}")
    raise typer.Exit(exits.FAILED if any(check.ok is False for check in checks) else exits.OK)


def _checks() -> Iterator[Check]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Check("version", True, f"dramagen {version('dramagen')} on Python {python}")
    yield _extra("media", "av", "clips are verified, trimmed and cut; previz works")
    yield _extra("emulator", "uvicorn", "`dramagen emulate` works")
    try:
        studio = Studio()
    except DramagenError as problem:
        yield Check("settings", False, str(problem))
        return
    yield _home(studio)
    if studio.settings.emulator:
        yield Check("emulator", True, f"every provider is the emulator at {studio.settings.emulator}")
    try:
        yield from _keys(studio)
        yield _prices(studio)
    except DramagenError as problem:
        yield Check("catalogue", False, str(problem))
    yield _money(studio)


def _extra(extra: str, module: str, what: str) -> Check:
    if find_spec(module) is not None:
        return Check(f"extra {extra}", True, what)
    return Check(f"extra {extra}", None, f"not installed: pip install 'dramagen[{extra}]'")


def _home(studio: Studio) -> Check:
    home = studio.settings.home
    nearest = next(place for place in (home, *home.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Check("home", False, f"{home} cannot be written; DRAMAGEN_HOME names another place")
    facts = os.statvfs(nearest) if hasattr(os, "statvfs") else None
    free = f", {facts.f_bavail * facts.f_frsize / 1e9:.0f} GB free" if facts is not None else ""
    return Check("home", True, f"{home}{free}")


def _keys(studio: Studio) -> Iterator[Check]:
    keyed = False
    for (provider, region), access in studio.access.items():
        if access.local:
            continue
        keyed = keyed or access.keyed
        detail = f"a key, for {access.host}" if access.keyed else access.why
        yield Check(f"{provider}:{region}", True if access.keyed else None, detail)
    if not keyed:
        yield Check("keys", None, "none: previz films everything, free")


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
