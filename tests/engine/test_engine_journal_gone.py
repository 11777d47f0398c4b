"""What people and their tools do to a home that is in use: nothing is bought into a journal nobody will read."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from dramagen.engine.database import SQLite
from dramagen.engine.schema import MIGRATIONS
from dramagen.errors import DramagenError

pytestmark = pytest.mark.anyio


def _deleted(home: Path) -> None:
    for file in home.glob("journal.sqlite*"):
        file.unlink()


def _replaced(home: Path) -> None:
    _deleted(home)
    SQLite(home / "journal.sqlite", MIGRATIONS).close()


def _without_its_log(home: Path) -> None:
    (home / "journal.sqlite-wal").unlink()


def _moved(home: Path) -> None:
    home.rename(home.with_name("elsewhere"))


@pytest.mark.parametrize("harm", [_deleted, _replaced, _without_its_log, _moved, shutil.rmtree])
async def test_nothing_is_bought_into_a_journal_that_is_gone(
    stage: Any, harm: Callable[[Path], None]
) -> None:
    other = stage.shot.model_copy(update={"prompt": "another"})
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
        harm(stage.home)
        with pytest.raises(DramagenError, match="deleted, moved or replaced"):
            await studio.shoot(other)
    assert stage.creates == 1


async def test_put_back_it_is_the_same_journal(stage: Any) -> None:
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
        stage.home.rename(stage.home.with_name("elsewhere"))
        stage.home.with_name("elsewhere").rename(stage.home)
        await studio.shoot(stage.shot, take=2)
    assert stage.creates == stage.vendor.billed == 2


class Harmed(httpx.AsyncBaseTransport):
    """A vendor during whose answer to a create something happens to the home."""

    def __init__(self, stage: Any, harm: Callable[[Path], None]) -> None:
        self.stage, self.harm = stage, harm

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer: httpx.Response = await self.stage.vendor.handle_async_request(request)
        if request.method == "POST":
            self.harm(self.stage.home)
        return answer


async def test_a_ticket_that_comes_after_the_journal_went_is_kept_beside_it(stage: Any) -> None:
    async with stage.studio(transport=Harmed(stage, _replaced)) as studio:
        with pytest.raises(DramagenError, match=r"cgt-fake-1.*tickets\.log"):
            await studio.shoot(stage.shot)
    assert "cgt-fake-1" in (stage.home / "tickets.log").read_text()
