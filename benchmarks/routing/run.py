"""Everything about routing in one go: the tables and drawings of docs/routing.md.

python benchmarks/routing/run.py DATA_FOLDER [--splits 60]

Where SciPy is installed the planner is checked against its exact solver too; nothing else needs it.
"""

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this folder is started as a script

from report import Row, machine, table
from routing.budget import allocated, planned_shots
from routing.drawing import plane
from routing.pairs import compared
from routing.replay import SINGLES, replayed
from routing.simulated import simulated
from routing.stream import streamed

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "routing.md"


def written(page: str, name: str, rows: list[Row]) -> str:
    """The page with this table between its two marks. Raises ``ValueError`` where it has no such place."""
    text = f"<!-- {name} -->\n\n{table(rows)}\n\n<!-- end of {name} -->"
    pattern = rf"<!-- {re.escape(name)} -->.*?<!-- end of {re.escape(name)} -->"
    changed, count = re.subn(pattern, lambda _: text, page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{PAGE.name} has no place for {name}")
    return changed


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=60)
    asked = parser.parse_args()
    tables, planes = replayed(asked.folder, asked.splits)
    tables |= {
        "stream": streamed(asked.folder),
        "planner": allocated(),
        "shot-plans": planned_shots(),
        "pairs": compared(asked.folder),
        "simulated": simulated(asked.folder),
        "machine": [machine() | {"splits": asked.splits}],
    }
    page = PAGE.read_text(encoding="utf-8")
    for name, rows in tables.items():
        page = written(page, name, rows)
    PAGE.write_text(page, encoding="utf-8")
    for name, points in planes.items():
        drawing = plane(
            f"Share of shots accepted against spend per shot, {name} prices",
            f"spend per shot ({name} prices)",
            "shots accepted",
            points,
            SINGLES,
        )
        (DOCS / f"routing-{name}.svg").write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main()
