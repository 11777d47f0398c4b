"""A studio of one's own for each test: a fake provider in the place of the network, time that only tests move."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dramagen import Config, Shot, Studio
from dramagen.emulator.media import ClipSpec, clip
from dramagen.engine.clock import VirtualClock
from dramagen.engine.database import SQLite
from dramagen.engine.journal import Database
from dramagen.engine.postgres import Postgres
from dramagen.engine.schema import MIGRATIONS
from dramagen.testing import FakeProvider
from dramagen.testing.fake import Outcome

TOKENS = 19_845
"""What two seconds of 480x864 are billed: 480 * 864 * (2 * 24 + 1) / 1024."""


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, proxy, setting or ``dramagen.toml`` of the machine the tests run on."""
    for name in set(os.environ) - {"DRAMAGEN_MATRIX", "DRAMAGEN_SEED"}:
        if name.startswith(("DRAMAGEN_", "KLING_")) or name.endswith("_API_KEY") or "proxy" in name.lower():
            monkeypatch.delenv(name)
    place = tmp_path / "cwd"
    place.mkdir()
    monkeypatch.chdir(place)


class Set:
    """Where a test films: one home, one virtual clock, one vendor; ``studio()`` opens another studio on them."""

    PIN = "seedance/seedance-1.0-pro-fast"
    KEY = "ark-0123456789-of-no-account"
    COST = Decimal("0.083349")
    """CNY of one clip."""

    def __init__(self, home: Path, film: bytes) -> None:
        self.home = home
        self.film = film
        self.clock = VirtualClock()
        self.vendor = self.make_vendor()
        self.shot = Shot("雨夜", duration=2, resolution="480p", pin=self.PIN)

    def make_vendor(self, script: Iterable[Outcome] = ()) -> FakeProvider:
        self.vendor = FakeProvider(self.film, script, tokens=TOKENS, now=self.clock.now)
        return self.vendor

    def studio(self, *, transport: Any = None, **settings: Any) -> Studio:
        config = Config(home=self.home, **({"keys": {"seedance": self.KEY}} | settings))
        return Studio(config, clock=self.clock, transports={"https": transport or self.vendor})

    @property
    def creates(self) -> int:
        """How many creates the vendor heard."""
        return sum(request.method == "POST" for request in self.vendor.requests)


@pytest.fixture(scope="session")
def film() -> bytes:
    """What the vendor delivers for ``stage.shot``."""
    return clip(ClipSpec(480, 864, 48), "a job")


@pytest.fixture
def stage(tmp_path: Path, film: bytes) -> Set:
    """See :class:`Set`."""
    return Set(tmp_path / "home", film)


Opening = Callable[..., Database]


@pytest.fixture(params=["sqlite", "postgres"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opening]:
    """Opens the test's one database on either engine, as often as asked: ``opening(migrations, patience=30.0)``."""
    opened: list[Database] = []
    url = request.getfixturevalue("postgres") if request.param == "postgres" else None

    def connect(migrations: Sequence[str] = MIGRATIONS, patience: float = 30.0) -> Database:
        if url is None:
            opened.append(SQLite(tmp_path / "a" / "b.sqlite", migrations, patience))
        else:
            opened.append(Postgres(url, migrations, patience))
        return opened[-1]

    yield connect
    for database in opened:
        database.close()
