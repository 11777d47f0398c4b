"""Adapters and cards from outside: found by entry point, and missed without harm."""

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

import dramagen.adapters
from dramagen.adapters.seedance import SeedanceAdapter

HOUSE = """
[providers.house]
title = "House"
adapter = "house"
default_region = "cn"
regions.cn = { base_url = "https://house.example", currency = "CNY", key_env = "HOUSE_API_KEY" }
[providers.house.models.house-1]
family = "house"
title = "House 1"
wire.cn = { model = "house-1" }
mode = [ { name = "text", audio = "never", durations = [5], resolutions = ["480p"], ratios = ["9:16"] } ]
price = [ { per = "second", amount = "0.001", currency = "CNY" } ]
"""


class HouseAdapter(SeedanceAdapter):
    """An outsider's protocol that happens to be Ark's."""


@pytest.fixture
def house(lot: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    lot.home.mkdir()
    monkeypatch.setenv("HOUSE_API_KEY", "k")
    path: Path = lot.home / "dramagen.toml"
    path.write_text(HOUSE, "utf-8")
    return path


def test_an_adapter_that_is_not_installed_refuses_its_routes_and_no_other(lot: Any, house: Path) -> None:
    (planned,) = lot.open().plan(lot.shot).shots
    (refusal,) = [r for r in planned.refusals if r.route.provider == "house"]
    assert (refusal.rule, "house" in refusal.reason) == ("adapter", True)
    assert planned.attempts


@pytest.mark.anyio
async def test_an_outsiders_adapter_films(lot: Any, house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def entry_points(*, group: str, name: str) -> EntryPoints:
        entry = EntryPoint("house", "house_package:HouseAdapter", group)
        return EntryPoints([entry]).select(group=group, name=name)

    monkeypatch.setattr(dramagen.adapters, "entry_points", entry_points)
    monkeypatch.setattr(EntryPoint, "load", lambda entry: HouseAdapter)
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        clip = await studio.shoot(lot.shot)
    assert clip.route == "house:cn/house-1"
    assert vendor.jobs[0].body["model"] == "house-1"
    assert {request.url.host for request in vendor.requests} >= {"house.example"}
