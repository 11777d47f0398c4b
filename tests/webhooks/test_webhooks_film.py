"""Jobs nobody asks about end because their vendor calls: a studio, real sockets, the emulated vendors."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from dramagen import Config, Shot, Studio, webhooks
from dramagen.emulator import Handle, running
from dramagen.engine.clock import RealClock
from dramagen.errors import JobFailed

pytestmark = [pytest.mark.anyio, pytest.mark.matrix]

SPEED = 600.0
HOUR = 3600.0
SECRET = "whsec_ZHJhbWFnZW4tZW11bGF0b3Itd2ViaG9vay1rZXktMDE="

SHOTS = {
    "seedance": Shot("雨夜", duration=4, resolution="480p", pin="seedance/seedance-2.0"),
    "kling": Shot("雨夜", duration=3, pin="kling/kling-3.0"),
    "kling, the older protocol": Shot("雨夜", duration=5, pin="kling/kling-2.6"),
    "hailuo v1": Shot("雨夜", duration=6, aspect_ratio="16:9", pin="hailuo/hailuo-2.3"),
    "hailuo v2": Shot("雨夜", duration=4, pin="hailuo/minimax-h3"),
    "vidu": Shot("雨夜", duration=1, resolution="540p", pin="vidu/viduq3-turbo"),
    "fal": Shot("雨夜", duration=4, resolution="480p", pin="fal/seedance-2.0"),
    "replicate": Shot("雨夜", duration=3, pin="replicate/kling-3.0"),
    "sora": Shot("雨夜", duration=4, pin="sora/sora-2"),
}
SIGNING = {"kling": {"webhook_secrets": [SECRET]}, "sora": {"webhook_secrets": [SECRET]}}


@pytest.fixture(scope="module")
def _emulator(kept: dict[str, Any]) -> Iterator[Handle]:
    with running(speed=SPEED, settings=kept) as handle:
        yield handle


@pytest.fixture
def emulator(_emulator: Handle) -> Handle:
    _emulator.reset()
    _emulator.settings(**SIGNING)
    return _emulator


class Set:
    """A studio whose vendors it never asks of its own accord, with its ears open."""

    def __init__(self, emulator: Handle, home: Path, serve: Any) -> None:
        self.emulator, self.home, self.serve = emulator, home, serve
        self.refused = anyio.Event()

    def studio(self, url: str | None, shot: Shot, *, first_look: float = 1000 * HOUR) -> Studio:
        provider = str(shot.pin).partition("/")[0]
        self.home.mkdir(exist_ok=True)
        (self.home / "dramagen.toml").write_text(
            f"[providers.{provider}.watch]\nfirst_poll = {first_look}\ninterval = 1\ndeadline = {10000 * HOUR}\n"
        )
        config = Config(
            home=self.home,
            keys={provider: {"key": "key-one", "webhook_secret": SECRET}},
            base_urls={provider: f"{self.emulator.url}/{provider}"},
            callback_url=url,
            time_scale=SPEED,
        )
        return Studio(config, clock=RealClock(SPEED))

    @asynccontextmanager
    async def open(self, shot: Shot, **known: Any) -> AsyncIterator[Studio]:
        ears: list[Any] = []

        async def late(*asgi: Any) -> None:
            await ears[0](*asgi)

        # The address is known before the studio that hears there.
        async with self.serve(late) as url, self.studio(f"{url}/studio", shot, **known) as studio:
            ears.append(_mounted(webhooks.app(studio), "/studio", self.refused))
            if str(shot.pin).startswith("sora"):
                self.emulator.settings(sora={"webhook_url": webhooks.address(studio, "sora")})
            yield studio

    def looks(self) -> int:
        """How often the vendor was asked about the job."""
        return sum(r["method"] == "GET" and "/files/" not in r["path"] for r in self.emulator.requests())


def _mounted(application: Any, prefix: str, refused: anyio.Event) -> Any:
    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            await send(message)
            if message.get("status") == 401:
                refused.set()

        await application(scope | {"root_path": prefix}, receive, told)

    return mounted


@pytest.fixture
def stage(emulator: Handle, tmp_path: Path, serve: Any) -> Set:
    return Set(emulator, tmp_path / "home", serve)


@pytest.mark.parametrize("mode", ["deliver", "duplicate", "reorder"])
@pytest.mark.parametrize("name", SHOTS)
async def test_a_job_ends_because_its_vendor_calls(stage: Set, name: str, mode: str) -> None:
    shot = SHOTS[name]
    stage.emulator.settings(**{str(shot.pin).partition("/")[0]: {"callbacks": mode}})
    async with stage.open(shot) as studio:
        with anyio.fail_after(120):
            clip = await studio.shoot(shot)
    assert clip.path.is_file()
    [row] = stage.emulator.bill()
    assert row["state"] == "succeeded"
    assert 1 <= stage.looks() <= 12


async def test_a_failure_is_heard_too(stage: Set) -> None:
    shot = SHOTS["vidu"].changed(prompt="[[fail]]")
    async with stage.open(shot) as studio:
        with anyio.fail_after(120), pytest.raises(JobFailed):
            await studio.shoot(shot)


async def test_without_a_call_the_looks_go_on_as_ever(stage: Set) -> None:
    stage.emulator.settings(seedance={"callbacks": "never"})
    async with stage.open(SHOTS["seedance"], first_look=30.0) as studio:
        with anyio.fail_after(120):
            assert (await studio.shoot(SHOTS["seedance"])).path.is_file()


async def test_a_call_that_is_not_signed_as_it_should_be_changes_nothing(stage: Set) -> None:
    stage.emulator.settings(kling={"webhook_secrets": ["whsec_YW5vdGhlciBzZWNyZXQgb2Ygbm9ib2R5IGhlcmUh"]})
    async with stage.open(SHOTS["kling"]) as studio, anyio.create_task_group() as group:
        group.start_soon(studio.shoot, SHOTS["kling"])
        with anyio.fail_after(120):
            await stage.refused.wait()
        assert stage.looks() == 0
        group.cancel_scope.cancel()


async def test_the_word_is_sent_to_the_vendor_and_kept_nowhere_but_in_its_file(stage: Set) -> None:
    shot = SHOTS["seedance"]
    async with stage.open(shot) as studio:
        with anyio.fail_after(120):
            clip = await studio.shoot(shot)
        url = webhooks.address(studio, "seedance")
        timeline = studio.timeline(clip.job_id)
    [sent] = [r["body"]["callback_url"] for r in stage.emulator.requests() if r["method"] == "POST"]
    assert sent == url
    word = (stage.home / "callback-word").read_text().strip()
    assert word in url
    assert [line["callback"] for line in timeline if "callback" in line] == [url.partition(f"/{word}")[0]]
    for file in stage.home.rglob("*"):
        assert file.name == "callback-word" or not file.is_file() or word.encode() not in file.read_bytes()


async def test_a_create_sent_again_names_the_same_address(stage: Set) -> None:
    shot = SHOTS["kling"]
    stage.emulator.faults(provider="kling", on="create", kind="drop", times=1)
    async with stage.open(shot) as studio:
        with anyio.fail_after(120):
            await studio.shoot(shot)
    bodies = [r["body"] for r in stage.emulator.requests() if r["method"] == "POST"]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert "/studio/cb-" in bodies[0]["options"]["callback_url"]
