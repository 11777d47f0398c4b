"""Tables for spreadsheets: CSV that opens with the right letters and runs nothing."""

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal

_FORMULAS = tuple("=+-@\t\r\n＝＋－＠")
"""What makes a cell a formula, the wide forms included."""


def cell(value: object) -> str:
    """One cell. Text that a spreadsheet would run as a formula gets an apostrophe; a number stays a number."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    text = str(value)
    if isinstance(value, int):
        return text
    return f"'{text}" if text.startswith(_FORMULAS) or text.lstrip().startswith(_FORMULAS) else text


def sheet(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table to standard output as CSV. The mark in front is how Excel knows UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    sys.stdout.write("\ufeff" + out.getvalue())
    sys.stdout.flush()
