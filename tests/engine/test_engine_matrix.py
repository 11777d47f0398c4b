"""Trouble after a create, over real sockets, against the emulator's own bill."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dramagen import Clip, Config, Shot, Studio
from dramagen.emulator import Handle, running
from dramagen.errors import DramagenError, OutcomeUnknown

pytestmark = [pytest.mark.anyio, pytest.mark.matrix]

SPEED = 600.0
VENDORS = {
    "seedance": Shot("雨夜", duration=2, resolution="480p", pin="seedance/seedance-1.0-pro-fast"),
    "kling": Shot("雨夜", duration=5, resolution="720p", pin="kling:cn/kling-2.5-turbo"),
}


@pytest.fixture(scope="module")
def _emulator() -> Iterator[Handle]:
    with running(speed=SPEED) as handle:
        yield handle


@pytest.fixture
def emulator(_emulator: Handle, monkeypatch: pytest.MonkeyPatch) -> Handle:
    _emulator.reset()
    monkeypatch.setenv("DRAMAGEN_EMULATOR", _emulator.url)
    return _emulator


def paid(emulator: Handle) -> list[Decimal]:
    amounts = [Decimal(row["amount"]) for row in emulator.bill()]
    return [amount for amount in amounts if amount]


async def shoot(studio: Studio, shot: Shot) -> Clip | DramagenError:
    try:
        return await studio.shoot(shot)
    except DramagenError as error:
        return error


async def test_a_vendor_that_cannot_find_it_costs_a_question_not_a_second_clip(
    emulator: Handle, tmp_path: Path
) -> None:
    emulator.faults(provider="seedance", on="create", kind="drop", after_accept=True)
    emulator.faults(provider="seedance", on="find", kind="status", status=500, times=1000)
    async with Studio(Config(home=tmp_path / "h", time_scale=SPEED)) as studio:
        error = await shoot(studio, VENDORS["seedance"])
        assert isinstance(error, OutcomeUnknown)
        assert studio.ledger().unknown == (error.at_risk,)
        assert len(paid(emulator)) == 1
        # It can be asked now: what was held back is found, and nothing is sent again.
        emulator_bill = emulator.bill()
        for _ in range(3):
            if isinstance(await shoot(studio, VENDORS["seedance"]), Clip):
                break
    assert len(emulator.bill()) == len(emulator_bill) == 1


LATER: list[dict[str, Any]] = [
    {"on": "poll", "kind": "status", "status": 500, "times": 3},
    {"on": "poll", "kind": "drop", "times": 3},
    {"on": "poll", "kind": "malformed", "times": 3},
    {"on": "content", "kind": "drop", "times": 2},
    {"on": "content", "kind": "status", "status": 403, "times": 2},
    {"on": "content", "kind": "status", "status": 503, "times": 2},
]


async def test_trouble_after_the_create_is_no_verdict(
    emulator: Handle, tmp_path: Path, sample: Callable[[Iterable[Any], int], list[Any]]
) -> None:
    for number, case in enumerate(sample(itertools.product(VENDORS, LATER), 3)):
        vendor, fault = case
        emulator.reset()
        emulator.faults(provider=vendor, **fault)
        async with Studio(Config(home=tmp_path / str(number), time_scale=SPEED)) as studio:
            clip = await studio.shoot(VENDORS[vendor])
            assert [money.amount for money in studio.ledger().spent] == paid(emulator), case
        assert not clip.cached
        assert len(emulator.bill()) == 1, case
