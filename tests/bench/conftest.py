"""Small suites, takes made up for the arithmetic, and the command line in a home of its own."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from dramagen.bench.suite import Suite
from dramagen.bench.take import State, Take, TakeId
from dramagen.media.checks import Mark
from dramagen.media.encode import written
from dramagen.money import Money

SUITE = """\
title = "试拍"

[defaults]
duration = 0.4
resolution = "360p"

[[shot]]
id = "a"
tags = ["anime", "high-motion", "雨"]
prompt = "雨夜,街口 <b>&</b>"

[[shot]]
id = "b"
prompt = "She turns round"
"""


@pytest.fixture
def suite_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE, "utf-8")
    return path


@pytest.fixture
def suite(suite_file: Path) -> Suite:
    return Suite.load(suite_file)


def take(
    shot: str = "a",
    route: str = "kling",
    number: int = 1,
    *,
    state: State = "clip",
    cost: str | None = "2",
    currency: str = "CNY",
    marks: tuple[Mark, ...] = (),
    **more: Any,
) -> Take:
    """A take as filming gives it."""
    known: dict[str, Any] = {}
    if state == "clip":
        name = f"{shot}-{route.replace('/', '-')}-t{number}"
        known = {"clip": f"clips/{name}.mp4", "sha256": name.encode().hex().ljust(64, "0"), "job_id": name}
    money = None if cost is None else Money(Decimal(cost), currency)
    return Take(TakeId(shot, route, number), state, cost=money, marks=marks, **(known | more))


@pytest.fixture
def make_take() -> Callable[..., Take]:
    return take


@pytest.fixture
def film_clip() -> Callable[..., Path]:
    """A small film with a ball crossing it."""
    import av

    def film(path: Path, frames: int = 12, size: tuple[int, int] = (90, 160), hue: int = 40) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written(path, width=size[0], height=size[1], fps=Fraction(24), audio=False, crf=24) as writer:
            for at in range(frames):
                picture = Image.new("RGB", size, (hue, 90, 120))
                ImageDraw.Draw(picture).ellipse((at * 4, 60, at * 4 + 30, 90), fill=(240, 230, 60))
                writer.picture(av.VideoFrame.from_image(picture).reformat(format="yuv420p"))  # type: ignore[no-untyped-call]  # PyAV
        return path

    return film


# --- the command line ------------------------------------------------------------------------------------------


@pytest.fixture
def place(nobody: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suite_file: Path) -> Path:
    """An empty working directory with a suite; no key, no other setting."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(place: Path, run: Callable[..., Any]) -> Callable[..., Any]:
    """Runs a command of ``dramagen bench`` as a shell without a terminal would."""
    return partial(run, "bench")
