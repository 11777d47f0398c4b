"""The live display: one line a shot on a terminal, one line a step anywhere else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from dramagen.cli.screen import console
from dramagen.cli.tables import clock
from dramagen.episode.progress import Progress
from dramagen.events import Event

_QUIET = {"planned", "reserved", "ready", "collected"}
"""Steps that pass in a moment: on the live board, but no line of their own elsewhere."""
_FAILED = {"failed", "unknown"}
_OVER = {"verified", "cached", "failed", "unknown", "kept", "filmed"}


@dataclass
class _Row:
    began: float
    take: int
    route: str = ""
    state: str = ""
    detail: str = ""
    cost: str = ""
    took: float | None = None

    @property
    def over(self) -> bool:
        return self.state in _OVER


@dataclass
class Board:
    """Hears the studio's events and the episode's progress, and shows both.

    ``raises``: the last failure comes out of the command as its error, so it is no line here.
    """

    screen: Console = field(default_factory=lambda: console(error=True))
    rows: dict[tuple[str, int], _Row] = field(default_factory=dict)
    cutting: str = ""
    raises: bool = False
    _last: str = ""

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Shows the board while the block runs; on a terminal it disappears afterwards."""
        if not self.screen.is_terminal:
            yield
            return
        with Live(
            get_renderable=self._table, console=self.screen, refresh_per_second=4, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        ):  # fmt: skip
            yield

    def event(self, event: Event) -> None:
        """A step of one job."""
        name = event.shot.name
        row = self.rows.setdefault((name, event.take), _Row(time.monotonic(), event.take))
        before = row.state
        if self._last and event.kind not in _FAILED:
            self._print(self._last)  # it went on elsewhere, so this was not the end
            self._last = ""
        row.state = event.kind
        row.route = event.route or row.route
        row.detail = event.detail or (f"{event.progress:.0%}" if event.progress is not None else "")
        row.cost = str(event.money) if event.money is not None else row.cost
        if row.over and row.took is None:
            row.took = time.monotonic() - row.began
        if before != row.state and row.state not in _QUIET:
            self._line(name, row)

    def progress(self, step: Progress) -> None:
        """A step of the episode."""
        if step.kind == "cutting":
            self.cutting = f"cutting {step.done}/{step.of}"
            if not self.screen.is_terminal and step.done == step.of:
                self._print(f"cut {step.of} clips together")
        elif step.kind in ("kept", "waiting", "failed"):
            row = self.rows.setdefault((step.shot_id, 0), _Row(time.monotonic(), 0))
            row.state, row.detail = step.kind, step.detail
            self._line(step.shot_id, row)

    def _line(self, name: str, row: _Row) -> None:
        if not self.screen.is_terminal:
            take = f"t{row.take}" if row.take else ""
            parts = (name, take, row.state, row.route, row.cost, row.detail)
            text = "  ".join(part for part in parts if part)
            if self.raises and row.state in _FAILED:
                self._last = text
            else:
                self._print(text)

    def _print(self, text: str) -> None:
        self.screen.print(text, soft_wrap=True)

    def _table(self) -> Group:
        table = Table(box=None, pad_edge=False, show_header=False)
        for style in ("bold", "dim", "", "", "dim", "", ""):
            table.add_column(style=style, no_wrap=True, overflow="ellipsis")
        rows, below = list(self.rows.items()), []
        if len(rows) > self.screen.height - 3:
            below.append(f"{sum(row.over for _, row in rows)} of {len(rows)} done")
            rows = [(key, row) for key, row in rows if not row.over][: self.screen.height - 4]
        for (name, take), row in rows:
            elapsed = row.took if row.took is not None else time.monotonic() - row.began
            shown = (row.state, row.route, clock(elapsed), row.cost, row.detail)
            table.add_row(name, f"t{take}" if take else "", *shown)
        if self.cutting:
            below.append(self.cutting)
        return Group(table, *below)
