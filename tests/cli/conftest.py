"""The command line in a folder and a home of its own, without keys."""

from pathlib import Path

import pytest

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


@pytest.fixture(autouse=True)
def place(nobody: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory; no key, no other setting."""
    work = tmp_path / "work"
    (work / "rain").mkdir(parents=True)
    (work / "rain/episode.toml").write_text(EPISODE, "utf-8")
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at a terminal."""
    for module in ("consent", "film"):
        monkeypatch.setattr(f"dramagen.cli.{module}.can_ask", lambda: True)
