"""Nothing is sent where it cannot succeed: a route that is down, a key that is refused, an account that is empty.

A row per route and key, and one per key for what concerns every model of it. A breaker opens for a while; then one
create goes to see, and the others wait for what becomes of it. Moments are Unix seconds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dramagen.engine.database import Row, Transaction
from dramagen.engine.limits.line import Line
from dramagen.errors import (
    AuthError,
    DramagenError,
    InsufficientBalance,
    ProviderUnavailable,
    QuotaExhausted,
    from_json,
)

FAILURES = 5
"""So many creates of a route in a row that found nobody at home open its breaker."""

COOL, LONGEST = 30.0, 600.0
"""Seconds it stays open the first time; twice as long each time the create that went to see fails, to the longest."""

PATIENCE = 60.0
"""Seconds a create waits for a route that is down; where it would have to wait longer, it ends with its error."""

PROBE = 300.0
"""Seconds the others wait for the one that went to see: longer than any create takes to give up."""

ADVICE: Mapping[type[DramagenError], str] = {
    AuthError: "set a key that may use it",
    InsufficientBalance: "top the account up",
    QuotaExhausted: "buy more, or wait for the next allowance",
}
"""What opens a breaker at once, and what a person can do about it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a line's breakers stand.

    Attributes:
        closed: nothing is to be sent; ``why``, and ``until`` when where that is known.
        error: what to end with, where waiting would be too long.
        probe: the breakers one create may go through to see.
    """

    closed: bool = False
    until: float | None = None
    why: str = ""
    error: DramagenError | None = None
    probe: tuple[str, ...] = ()


def standing(tx: Transaction, line: Line, now: float) -> Standing:
    """Whether creates may be sent."""
    probe = []
    for row in _rows(tx, line):
        until = row["until"]
        if not row["opened"]:
            continue
        # What is later than that was written before the clock was set back.
        if now < until <= now + LONGEST / line.scale:
            stop = _stops(row) or (until - now) * line.scale > PATIENCE
            told = _told(row, until)
            return Standing(True, until, told.message, told if stop else None)
        if now < row["probe"] <= now + PROBE / line.scale:
            return Standing(True, why="one create was sent to see whether it works again")
        probe.append(row["name"])
    return Standing(probe=tuple(probe))


def probing(tx: Transaction, names: tuple[str, ...], line: Line, now: float) -> None:
    """One create goes to see."""
    for name in names:
        tx.execute("UPDATE breakers SET probe = ? WHERE name = ?", (now + PROBE / line.scale, name))


def unseen(tx: Transaction, line: Line) -> None:
    """It did not get to see anything; another one may."""
    tx.execute("UPDATE breakers SET probe = 0 WHERE name IN (?, ?)", (line.name, line.account))


def answered(tx: Transaction, line: Line, error: DramagenError | None, now: float) -> None:
    """What became of a create: None for one that was accepted."""
    if error is None:
        tx.execute("DELETE FROM breakers WHERE name IN (?, ?)", (line.name, line.account))
        return
    if isinstance(error, InsufficientBalance):
        _fail(tx, line.account, error, line, now, at_once=True)
    elif isinstance(error, AuthError | QuotaExhausted):
        # Of one model as likely as of the key: a model that is not activated says the same as a wrong key.
        _fail(tx, line.name, error, line, now, at_once=True)
    elif isinstance(error, ProviderUnavailable):
        _fail(tx, line.name, error, line, now, at_once=False)
    else:
        for row in _rows(tx, line):
            if not _stops(row):  # whoever refuses in his own words is at home
                tx.execute("DELETE FROM breakers WHERE name = ?", (row["name"],))
    unseen(tx, line)


def closed_routes(tx: Transaction, now: float) -> dict[str, str]:
    """Why nothing is sent there at present, by the name of a line or an account."""
    rows = tx.rows("SELECT * FROM breakers WHERE opened > 0 AND until > ?", (now,))
    return {row["name"]: _told(row, row["until"]).message for row in rows}


def forget(tx: Transaction) -> None:
    """Close every breaker and lift every ceiling: whoever says so knows better."""
    tx.execute("DELETE FROM breakers")
    tx.execute("DELETE FROM ceilings")


def _rows(tx: Transaction, line: Line) -> list[Row]:
    return tx.rows(
        "SELECT * FROM breakers WHERE name IN (?, ?) ORDER BY until DESC", (line.name, line.account)
    )


def _fail(tx: Transaction, name: str, error: DramagenError, line: Line, now: float, *, at_once: bool) -> None:
    rows = tx.rows("SELECT * FROM breakers WHERE name = ?", (name,))
    failures = 1 + (rows[0]["failures"] if rows else 0)
    opened, until = (rows[0]["opened"], rows[0]["until"]) if rows else (0, 0.0)
    if opened and now < until <= now + LONGEST / line.scale:
        return  # sent before it opened: the same lesson
    if at_once or opened or failures >= FAILURES:
        opened += 1
        until = now + min(COOL * 2.0 ** min(opened - 1, 10), LONGEST) / line.scale
    tx.execute("DELETE FROM breakers WHERE name = ?", (name,))
    tx.execute(
        "INSERT INTO breakers (name, failures, opened, until, probe, error) VALUES (?, ?, ?, ?, 0, ?)",
        (name, failures, opened, until, json.dumps(error.to_json(), ensure_ascii=False)),
    )


def _stops(row: Row) -> bool:
    return isinstance(from_json(json.loads(row["error"])), tuple(ADVICE))


def _told(row: Row, until: float) -> DramagenError:
    """The error that opened it, for a create that was not sent because of it."""
    record = json.loads(row["error"])
    kind = type(from_json(record))
    what = f"{ADVICE[kind]}, then studio.reset_limits()" if kind in ADVICE else "studio.reset_limits()"
    at = datetime.fromtimestamp(until).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    told = f"{record['message']}. Not sent again before {at}; to try at once: {what}"
    return from_json(record | {"message": told, "refused": True, "billed": False, "retry_after": None})
