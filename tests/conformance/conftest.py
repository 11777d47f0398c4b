"""What all official clients are held against: an emulator on a socket, its requests counted, its films decoded."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av
import httpx
import pytest

from dramagen.emulator import Handle, ManualClock, running


@dataclass(frozen=True)
class Film:
    """A result file after every one of its frames was decoded."""

    frames: int
    size: tuple[int, int]
    sound: bool


@pytest.fixture(scope="session")
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def _still(clock: ManualClock) -> Iterator[Handle]:
    with running(clock=clock) as handle:
        yield handle


@pytest.fixture
def vendors(_still: Handle) -> Handle:
    """Vendors whose time moves when a test says so, for clients that let themselves be asked step by step."""
    _still.reset()
    return _still


@pytest.fixture(scope="session")
def _hurried() -> Iterator[Handle]:
    with running(speed=1000) as handle:
        yield handle


@pytest.fixture
def hurried(_hurried: Handle) -> Handle:
    """Vendors that finish a job in a fraction of a second, for clients that wait on their own."""
    _hurried.reset()
    return _hurried


@pytest.fixture
def creates() -> Callable[[Handle], list[str]]:
    """The paths of the creates an emulator received: each POST of JSON that names a model."""

    def seen(vendors: Handle) -> list[str]:
        return [
            each["path"]
            for each in vendors.requests()
            if each["method"] == "POST" and isinstance(each["body"], dict) and "model" in each["body"]
        ]

    return seen


@pytest.fixture
def film() -> Callable[[str | bytes], Film]:
    """Fetch a result, where it is a URL, without a key; then decode all of it."""

    def watch(where: str | bytes) -> Film:
        data = where
        if isinstance(data, str):
            # verify: plain HTTP, and loading every CA certificate takes longer than the rest.
            answer = httpx.get(data, trust_env=False, verify=False, timeout=30)
            assert answer.status_code == 200, answer.text
            data = answer.content
        with av.open(io.BytesIO(data)) as container:
            video = container.streams.video[0]
            size, sound = (video.width, video.height), bool(container.streams.audio)
            return Film(sum(1 for _ in container.decode(video)), size, sound)

    return watch
