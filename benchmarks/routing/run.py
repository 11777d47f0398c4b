"""Everything about routing in one go: the tables and drawings of docs/routing.md.

python benchmarks/routing/run.py DATA_FOLDER [--splits 60] [--only NAME ...]

Each table is written as soon as it is measured. The planner is checked against an exact solver, scipy.optimize.milp,
so SciPy has to be installed for the tables "planner" and "whole-episodes"; without it they stay as they are, and the
command says so.
"""

import argparse
import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this folder is started as a script

from report import Row, machine, table
from routing.budget import allocated, planned_shots
from routing.drawing import plane
from routing.episodes import solved
from routing.exact import checked
from routing.pairs import compared
from routing.replay import SINGLES, replayed
from routing.simulated import simulated
from routing.stream import streamed

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "routing.md"
EXACT = ("planner", "whole-episodes")


def written(page: str, name: str, rows: list[Row]) -> str:
    """The page with this table between its two marks. Raises ``ValueError`` where it has no such place."""
    text = f"<!-- {name} -->\n\n{table(rows)}\n\n<!-- end of {name} -->"
    pattern = rf"<!-- {re.escape(name)} -->.*?<!-- end of {re.escape(name)} -->"
    changed, count = re.subn(pattern, lambda _: text, page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{PAGE.name} has no place for {name}")
    return changed


def write(name: str, rows: list[Row]) -> None:
    """Puts this table on the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), name, rows), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=60)
    parser.add_argument(
        "--only", nargs="*", metavar="NAME", help="replay, or tables by the name of their place"
    )
    asked = parser.parse_args()
    measured: dict[str, Callable[[Path], list[Row]]] = {
        "stream": streamed,
        "pairs": compared,
        "simulated": simulated,
        "shot-plans": lambda folder: planned_shots(),
        "planner": lambda folder: allocated(),
        "whole-episodes": lambda folder: checked(),
        "solving": lambda folder: solved(),
        "machine": lambda folder: [machine() | {"splits": asked.splits}],
    }
    if replaying := not asked.only or "replay" in asked.only:
        tables, planes = replayed(asked.folder, asked.splits)
        for name, rows in tables.items():
            write(name, rows)
        for name, points in planes.items():
            title = f"Share of shots accepted against spend per shot, {name} prices"
            drawing = plane(title, f"spend per shot ({name} prices)", "shots accepted", points, SINGLES)
            (DOCS / f"routing-{name}.svg").write_text(drawing, encoding="utf-8")
    for name, measure in measured.items():
        if not asked.only or name in asked.only or (replaying and name == "machine"):
            if name in EXACT and not find_spec("scipy"):
                print(f"{name} is left as it is: it needs scipy.optimize.milp, and SciPy is not installed")
                continue
            write(name, measure(asked.folder))


if __name__ == "__main__":
    main()
