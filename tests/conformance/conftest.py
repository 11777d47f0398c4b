"""What all official clients are held against: an emulator on a socket, its requests counted, its films decoded."""

import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from dramagen.emulator import Handle, ManualClock, running

JS = Path(__file__).parent / "js"
"""The JavaScript clients, as package-lock.json pins them, and the scripts that use them."""


@dataclass(frozen=True)
class Film:
    """A result file after every one of its frames was decoded."""

    seconds: float
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
def _hurried(kept: dict[str, Any]) -> Iterator[Handle]:
    with running(speed=1000, settings=kept) as handle:
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
        with av.open(io.BytesIO(data), "r") as container:
            video = container.streams.video[0]
            size, sound = (video.width, video.height), bool(container.streams.audio)
            frames = len([*container.decode(video)])
            assert video.average_rate
            return Film(round(float(frames / video.average_rate), 2), size, sound)

    return watch


@pytest.fixture
def node(tmp_path: Path) -> Callable[..., Any]:
    """Run a script of ``js`` in an environment of its own; gives the JSON it prints."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("no node on this machine")
    if not (JS / "node_modules").is_dir():
        pytest.skip("the JavaScript clients are not installed: make conformance does it")

    def run(script: str, *arguments: str, status: int = 0) -> Any:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CI": "1"}
        ended = subprocess.run(
            [program, str(JS / script), *arguments],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert ended.returncode == status, ended.stderr
        return json.loads(ended.stdout or ended.stderr)

    return run
