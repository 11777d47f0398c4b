"""Shared by every test: both async backends, and how the long matrices are sampled."""

import os
import random
import signal
from collections.abc import Callable, Iterable
from typing import Any

import pytest

FEW = 1
"""Cases (a backend is one too) of each `matrix` test that a normal run takes."""

TABLE = "table: "

SEED = pytest.StashKey[str | None]()
"""What this run's samples are drawn by; None takes everything."""


def pytest_configure(config: pytest.Config) -> None:
    """One seed for the whole run: processes started from here draw the same sample."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A run in the background of a script ignores Ctrl-C, and so would every program a test starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("DRAMAGEN_SEED", str(random.randrange(10**6)))
    # Kept here too: tests clean the environment.
    config.stash[SEED] = None if os.environ.get("DRAMAGEN_MATRIX") == "all" else os.environ["DRAMAGEN_SEED"]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What draws this run's sample again; of a complete run, the tables its tests filled."""
    seed = config.stash[SEED]
    if seed is None:
        _tables(terminalreporter)
    terminalreporter.write_line(
        f"matrices: {'complete' if seed is None else f'a sample, DRAMAGEN_SEED={seed}'}"
    )


def _tables(terminalreporter: Any) -> None:
    tables: dict[str, list[dict[str, str]]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, cells in getattr(report, "user_properties", ()):
                if name.startswith(TABLE) and getattr(report, "when", "") == "call":
                    tables.setdefault(name.removeprefix(TABLE), []).append(cells)
    for title, rows in sorted(tables.items()):
        heads = list(dict.fromkeys(head for cells in rows for head in cells))
        lines = [heads, *([cells.get(head, "") for head in heads] for cells in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        terminalreporter.write_line(f"\n{title}")
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            terminalreporter.write_line("  " + "  ".join(cells).rstrip())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of each matrix a few cases, unless DRAMAGEN_MATRIX=all asks for every one."""
    seed = config.stash[SEED]
    if seed is None:
        return
    matrices: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("matrix"):
            matrices.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out = set()
    for name, cases in sorted(matrices.items()):
        drawn = random.Random(f"{seed}/{name}").sample(cases, min(FEW, len(cases)))
        left_out |= set(cases) - set(drawn)
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every async test runs on both backends."""
    return str(request.param)


@pytest.fixture
def sample(request: pytest.FixtureRequest) -> Callable[[Iterable[Any], int], list[Any]]:
    """A few of a matrix inside one test, drawn by the run's seed; DRAMAGEN_MATRIX=all takes all."""

    def draw(cases: Iterable[Any], count: int) -> list[Any]:
        listed = list(cases)
        seed = request.config.stash[SEED]
        if seed is None:
            return listed
        return random.Random(seed).sample(listed, min(count, len(listed)))

    return draw


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Adds a row to a table that is printed after a complete run: ``row("title", vendor="wan", bill="1 CNY")``."""

    def add(title: str, **cells: object) -> None:
        record_property(TABLE + title, {name: str(cell) for name, cell in cells.items()})

    return add
