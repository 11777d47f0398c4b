"""One emulator on a real socket; each test starts from a clean slate, on a clock it moves itself."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock, running


@pytest.fixture(scope="session")
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def _server(clock: ManualClock) -> Iterator[Handle]:
    with running(clock=clock) as handle:
        yield handle


@pytest.fixture
def vendors(_server: Handle) -> Handle:
    _server.reset()
    return _server


@pytest.fixture(scope="session")
def _session(_server: Handle) -> Iterator[httpx.Client]:
    # Making a client loads every CA certificate, which costs more than most of these tests.
    with httpx.Client(base_url=_server.url, trust_env=False, verify=False, timeout=30) as client:
        yield client


@pytest.fixture
def stranger(vendors: Handle, _session: httpx.Client) -> httpx.Client:
    """A caller without a key, for paths from the emulator's root."""
    _session.headers.pop("authorization", None)
    return _session


@pytest.fixture
def client(vendors: Handle, _session: httpx.Client) -> httpx.Client:
    """A caller with a key, for paths from the emulator's root."""
    _session.headers["authorization"] = "Bearer key-one"
    return _session


ARK = "/api/v3/contents/generations/tasks"


@pytest.fixture
def ark(client: httpx.Client) -> Callable[..., httpx.Response]:
    """Create a Seedance task: a short text-to-video one unless told otherwise."""

    def create(prompt: str = "a cat", *, at: str = "/seedance", **fields: Any) -> httpx.Response:
        body = {
            "model": "doubao-seedance-2-0-260128",
            "content": [{"type": "text", "text": prompt}],
            "ratio": "9:16",
            "duration": 5,
            **fields,
        }
        return client.post(at + ARK, json=body)

    return create


@pytest.fixture
def kling(client: httpx.Client) -> Callable[..., httpx.Response]:
    """Create a Kling 3.0 text-to-video task unless told otherwise; keywords are settings."""

    def create(
        prompt: str = "a cat", *, at: str = "/kling", options: Any = None, **settings: Any
    ) -> httpx.Response:
        body = {"prompt": prompt, "settings": {"multi_shot": False, **settings}, "options": options or {}}
        return client.post(f"{at}/text-to-video/kling-3.0", json=body)

    return create


# -- callbacks ------------------------------------------------------------------------------------------------


class Receiver:
    """Stands in for the network callbacks go out on: keeps what was sent, and answers with ``status``."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, str], bytes]] = []
        self.status = 200
        self._came = threading.Condition()

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        with self._came:
            self.sent.append((url, headers, body))
            self._came.notify_all()
        return self.status

    def wait(self, count: int) -> list[dict[str, Any]]:
        """The bodies, once there are so many."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.sent) >= count, timeout=60), self.sent
        return [json.loads(body) for _, _, body in self.sent]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def time_() -> ManualClock:
    """The time of ``own``."""
    return ManualClock()


@pytest.fixture
def own(receiver: Receiver, time_: ManualClock) -> Iterator[Handle]:
    """The test's own emulator, whose callbacks reach the receiver."""
    with running(clock=time_, send=receiver) as handle:
        yield handle


@pytest.fixture
def calling(own: Handle) -> Iterator[Callable[[str], httpx.Client]]:
    """A caller of ``own`` with this Authorization header."""
    with httpx.Client(base_url=own.url, trust_env=False, verify=False) as client:

        def signed(authorization: str) -> httpx.Client:
            client.headers["authorization"] = authorization
            return client

        yield signed
