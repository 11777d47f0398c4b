"""The command line in a folder and a home of its own, without keys."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dramagen.cli.app import app
from dramagen.emulator.server import Handle, running

EPISODE = """\
title = "雨夜"

[defaults]
duration = 0.4
resolution = "360p"

[[shot]]
id = "s01"
prompt = "雨夜,街口"

[[shot]]
id = "s02"
prompt = "女主回头"
continues = "s01"

[[shot]]
id = "s03"
prompt = "空街"
"""


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory; no key, no other setting."""
    for name in list(os.environ):
        if name.startswith(("DRAMAGEN_", "ARK_", "BYTEPLUS_", "KLING_", "DASHSCOPE_", "MINIMAX_", "VIDU_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DRAMAGEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    work = tmp_path / "work"
    (work / "rain").mkdir(parents=True)
    (work / "rain/episode.toml").write_text(EPISODE, "utf-8")
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def run() -> Run:
    """Runs a command as a shell without a terminal would."""

    def run(*arguments: str, typed: str | None = None) -> Done:
        result = CliRunner().invoke(app, list(arguments), input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at a terminal."""
    for module in ("consent", "film"):
        monkeypatch.setattr(f"dramagen.cli.{module}.can_ask", lambda: True)


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch, place: Path) -> Iterator[Handle]:
    """Every provider is an emulator, 500 times as fast as the world."""
    (place / "dramagen.toml").write_text("time_scale = 500\n")
    with running(speed=500) as handle:
        monkeypatch.setenv("DRAMAGEN_EMULATOR", handle.url)
        yield handle
