"""A vendor's bill as it was exported: rows of (job, amount), from the tables consoles and spreadsheets write.

Known layouts, by their column names:

* the emulator's: ``GET /_emulator/bill``, as JSON or with the same columns as CSV.
* Kling's deductions from the balance: ``task_id`` and ``deduction_amount`` (API document "billing deduction:
  balance", read 2026-08). The currency is not among the columns read there. Its twin for resource packs counts
  units, which are no money.

No other vendor documents an export with one row a job; theirs need the names of the columns.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from dramagen.errors import ConfigError
from dramagen.money import Money

FIELDS = ("id", "amount", "currency", "tag", "provider")
"""What may be read of a row; ``id`` and ``amount`` must be."""

PREAMBLE = 60
"""In how many lines the names of the columns are looked for: some consoles write a cover above the table."""

LARGEST = 200_000_000
"""Bytes; a larger file is no bill."""

_LAYOUTS: tuple[Mapping[str, str], ...] = (
    {"id": "id", "amount": "amount", "currency": "currency", "tag": "tag", "provider": "provider"},
    {"id": "task_id", "amount": "deduction_amount"},
)
_UNITS = {"package_name", "package_id", "package_type"}

_SUMS = {"total", "sum", "subtotal", "合计", "总计", "小计", "共计"}
"""What stands in the place of an id on a line that sums up the others."""

_NAMES = {
    "RMB": "CNY",
    "CNH": "CNY",
    "人民币": "CNY",
    "人民币元": "CNY",
    "元": "CNY",
    "美元": "USD",
    "US$": "USD",
}
"""What consoles call a currency besides its code."""

_NEVER = {"CNY": "$", "USD": "¥元"}
"""Symbols no amount of that currency has."""

_COLONS = ":\uff1a"

_SYMBOLS = re.compile(r"CN¥|US\$|[¥$元]")
_CODE = re.compile(r"\b[A-Za-z]{3}\b")
_NUMBER = re.compile(r"([1-9]\d{0,2}(,\d{3})+|\d+)?(\.\d*)?")
_COMMA_ONLY = re.compile(r"^[^\d.,]*\d{1,3},\d{3}[^\d.,]*$")
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+\d+")


@dataclass(frozen=True, slots=True)
class Charge:
    """One row. A refund is negative. ``vendor_id`` is empty where the row names no job."""

    vendor_id: str
    money: Money
    tag: str | None = None


def read_bill(
    path: Path, provider: str, columns: Mapping[str, str] | None = None, currency: str | None = None
) -> list[Charge]:
    """The rows of an export.

    Args:
        path: CSV (comma, semicolon or tab; UTF-8, UTF-16 or GBK) or JSON (a list of objects, or one in an object).
        provider: rows of others are left out, where the export names the provider.
        columns: which column has which of :data:`FIELDS`; known layouts need none.
        currency: of all amounts, where neither a column nor the amounts say it.

    Raises:
        ConfigError: it cannot be read; says what the columns are, or which row is wrong.
    """
    header, rows, semicolons = _table(path, columns)
    where = _layout(path, header, columns)
    twice = [column for column in where.values() if header.count(column) > 1]
    if twice:
        raise ConfigError(f"{path.name} has several columns {twice[0]!r}: which one is meant cannot be said")
    charges = []
    for number, row in rows:
        if not any(cell.strip() for cell in row.values()):
            continue
        cells = {field: row.get(column) or "" for field, column in where.items()}
        if "provider" in cells and cells["provider"].partition("@")[0] != provider:
            continue
        if semicolons and _COMMA_ONLY.search(cells["amount"]):
            raise ConfigError(
                f"{path.name}, row {number}: between semicolons {cells['amount'].strip()!r} may be a thousand or a "
                "fraction; export the bill with decimal points and no separators of thousands"
            )
        charges.append(_charge(f"{path.name}, row {number}", cells, currency))
    return charges


def _charge(place: str, cells: Mapping[str, str], currency: str | None) -> Charge:
    vendor_id = _plain(cells["id"])
    if _ROUNDED.fullmatch(vendor_id):
        raise ConfigError(
            f"{place}: the id {vendor_id} was rounded by a spreadsheet; use the export as it was downloaded"
        )
    if vendor_id.lower().rstrip(_COLONS) in _SUMS:
        vendor_id = ""
    named = _plain(cells.get("currency", "")).upper()
    stated = _NAMES.get(named, named) or currency
    try:
        amount, code = _amount(cells["amount"])
        if stated and set(unicodedata.normalize("NFKC", cells["amount"])) & set(_NEVER.get(stated, "")):
            raise ValueError(f"{cells['amount'].strip()!r} is not in {stated}")
        if code is not None and stated not in (None, code):
            raise ValueError(f"{cells['amount'].strip()!r} is not in {stated}")
        if code is None and stated is None:
            raise ValueError("nothing says in which currency the amount is: state it")
        money = Money(amount, code or stated)
    except ValueError as problem:
        raise ConfigError(f"{place}: {problem}") from None
    return Charge(vendor_id, money, _plain(cells.get("tag", "")) or None)


def _plain(cell: str) -> str:
    """A cell without what keeps spreadsheets from reading a long id as a number: a tab, an apostrophe, ``="..."``."""
    text = cell.strip().lstrip("'").strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.strip()


def _amount(cell: str) -> tuple[Decimal, str | None]:
    """``1,234.50``, ``-3.2``, ``(3.20)``, ``¥12.00`` and ``12 CNY`` as a number, and the currency it names.

    Raises ``ValueError`` for anything else.
    """
    text = unicodedata.normalize("NFKC", _plain(cell)).replace(
        "\u2212", "-"
    )  # full-width forms, a real minus
    code = _CODE.search(text)
    text = re.sub(r"\s", "", _SYMBOLS.sub("", _CODE.sub("", text, count=1)))
    negative = text.startswith("-") or (text.startswith("(") and text.endswith(")"))
    digits = text[1:-1] if text.startswith("(") and text.endswith(")") else text.removeprefix("-")
    try:
        if not _NUMBER.fullmatch(digits):
            raise InvalidOperation
        value = Decimal(digits.replace(",", ""))
    except InvalidOperation:
        raise ValueError(f"{cell.strip()!r} is not an amount, such as 1,234.50") from None
    named = code[0].upper() if code else None
    return -value if negative else value, _NAMES.get(named, named) if named else None


# --- tables ------------------------------------------------------------------------------------------------------

Table = tuple[Sequence[str], Iterable[tuple[int, Mapping[str, str]]], bool]
"""The names of the columns, every row with its number in the file, and whether semicolons are between the cells: they
are where a comma may be a decimal point."""


def _table(path: Path, columns: Mapping[str, str] | None) -> Table:
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{path.name} is larger than any bill")
        text = _text(path.name, path.read_bytes())
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror or problem}") from None
    if text.lstrip()[:1] in ("{", "["):
        return _objects(path, text)
    lines = io.StringIO(text, newline=None).readlines()
    wanted = [set(columns.values())] if columns else [set(layout.values()) for layout in _LAYOUTS]
    best: tuple[int, list[str], str] | None = None
    for number, line in enumerate(lines[:PREAMBLE]):
        for delimiter in ",;\t":
            names = [_plain(name) for name in next(csv.reader([line], delimiter=delimiter), [])]
            if any(names_wanted <= set(names) for names_wanted in wanted):
                return names, _rows(lines, number, names, delimiter), delimiter == ";"
            if best is None or len(names) > len(best[1]):
                best = number, names, delimiter
    if best is None:
        raise ConfigError(f"{path.name} is empty")
    return best[1], _rows(lines, best[0], best[1], best[2]), best[2] == ";"


def _rows(
    lines: Sequence[str], start: int, names: Sequence[str], delimiter: str
) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.reader(lines[start + 1 :], delimiter=delimiter)
    try:
        for row in reader:
            number = start + 1 + reader.line_num
            if any(cell.strip() for cell in row[len(names) :]):
                raise ConfigError(
                    f"row {number} of the bill has more cells than there are columns: a comma in an amount?"
                )
            yield number, dict(zip(names, row, strict=False))
    except csv.Error as problem:
        raise ConfigError(
            f"row {start + 1 + reader.line_num} of the bill cannot be read: {problem}"
        ) from None


def _objects(path: Path, text: str) -> Table:
    try:
        document = json.loads(text, parse_float=str, parse_int=str)
    except ValueError as problem:
        raise ConfigError(f"{path.name} is not JSON: {problem}") from None
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list)]
        document = lists[0] if len(lists) == 1 else None
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise ConfigError(
            f"{path.name}: a bill in JSON is a list of objects, or an object with one such list"
        )
    names = list(dict.fromkeys(name for row in document for name in row))
    return names, ((number, _cells(row)) for number, row in enumerate(document, start=1)), False


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}


def _text(name: str, data: bytes) -> str:
    """The file's text. Consoles in China write GBK, spreadsheets UTF-8 with a mark or UTF-16."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ConfigError(f"{name} is no text: export the bill as CSV (UTF-8 or GBK), not as a workbook")


def _layout(path: Path, header: Sequence[str], columns: Mapping[str, str] | None) -> Mapping[str, str]:
    """Which column has which field."""
    there = set(header)
    listed = ", ".join(name for name in header if name)
    if columns is not None:
        unknown = [field for field in columns if field not in FIELDS]
        missing = [column for column in columns.values() if column not in there]
        if unknown or not {"id", "amount"} <= set(columns):
            raise ConfigError(f"columns are named for {', '.join(FIELDS)}; id and amount must be")
        if missing:
            raise ConfigError(f"{path.name} has no column {missing[0]!r}; it has: {listed}")
        return columns
    for layout in _LAYOUTS:
        if set(layout.values()) <= there:
            if there & _UNITS:
                raise ConfigError(f"{path.name} counts units of a pack, not money: export the balance's bill")
            return {field: column for field, column in layout.items() if field}
    raise ConfigError(f"say which column of {path.name} is which; it has: {listed}")
