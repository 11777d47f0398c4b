"""What is shown while filming, and that Chinese stands in line."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from dramagen.cli import tables
from dramagen.cli.board import Board
from dramagen.episode.manifest import Failure, Manifest, ManifestShot
from dramagen.episode.progress import Progress
from dramagen.errors import JobFailed
from dramagen.events import Event, Kind
from dramagen.money import Money
from dramagen.shot import Shot


def screen(*, terminal: bool, height: int = 20) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(
        file=out, force_terminal=terminal, width=90, height=height, markup=False, highlight=False
    ), out


def event(name: str, kind: Kind, money: str | None = None) -> Event:
    return Event(
        kind, Shot("p", id=name), 1, 0.0, "kling:cn/kling-3.0", money=Money(money) if money else None
    )


def test_elsewhere_than_on_a_terminal_it_is_one_line_a_step() -> None:
    console, out = screen(terminal=False)
    board = Board(console)
    with board.shown():
        kinds: list[Kind] = ["planned", "reserved", "submitted", "running", "running", "verified"]
        for kind in kinds:
            board.event(event("雨[1]", kind, "2.50 CNY"))
        board.progress(Progress("waiting", "s02", "continues from s01"))
        board.progress(Progress("cutting", done=1, of=2))
        board.progress(Progress("cutting", done=2, of=2))
    assert out.getvalue().splitlines() == [
        "雨[1]  t1  submitted  kling:cn/kling-3.0  2.50 CNY",
        "雨[1]  t1  running  kling:cn/kling-3.0  2.50 CNY",
        "雨[1]  t1  verified  kling:cn/kling-3.0  2.50 CNY",
        "s02  waiting  continues from s01",
        "cut 2 clips together",
    ]


def test_on_a_terminal_it_is_one_line_a_shot_and_the_finished_make_room() -> None:
    console, out = screen(terminal=True, height=8)
    board = Board(console)
    with board.shown():
        for number in range(20):
            board.event(event(f"s{number:02}", "verified" if number < 18 else "running"))
    shown = out.getvalue()
    assert "18 of 20 done" in shown
    assert "s19" in shown


@pytest.mark.parametrize(("seconds", "text"), [(None, "–"), (5.4, "0:05"), (95, "1:35"), (3700, "1:01:40")])
def test_a_clock(seconds: float | None, text: str) -> None:
    assert tables.clock(seconds) == text


def test_chinese_stands_in_line(tmp_path: object) -> None:
    shots = tuple(
        ManifestShot(name, 1, f"clips/{name}-t1.mp4", "0", "kling:cn/k", 5.0, Money("3 CNY"), cached, "j")
        for name, cached in (("雨夜街口", False), ("s2", True))
    )
    failed = (Failure("走", 2, JobFailed("no [b]luck")), Failure("s9", 1, waits_for="走"))
    manifest = Manifest("雨夜", tmp_path, shots, failed, value=(Money("6 CNY"),))  # type: ignore[arg-type]  # unused
    console, out = screen(terminal=False)
    console.print(tables.filmed(manifest))
    lines = [line for line in out.getvalue().splitlines() if "clips/" in line]
    assert len({cell_len(line[: line.index("clips/")]) for line in lines}) == 1
    assert "no [b]luck" in out.getvalue()
    assert "waits for 走" in out.getvalue()
