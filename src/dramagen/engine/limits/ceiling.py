"""How many jobs of a line really run at once: halved when the vendor refuses one more, one more after some good ones.

The same row holds the pause a vendor asked for, for the whole line: whoever was refused is not alone with it.
Moments are Unix seconds.
"""

from dataclasses import dataclass

from dramagen.engine.database import Transaction
from dramagen.engine.limits.line import Line, running
from dramagen.errors import ConcurrencyLimited, DramagenError

GOOD = 5
"""So many creates in a row, or as many as the ceiling allows, must be taken before it rises by one."""

FORGOTTEN = 3600.0
"""Seconds after which a ceiling that was halved no longer counts: whoever else used the key may have stopped."""

PAUSE, LONGEST = 2.0, 60.0
"""Seconds the line rests after a refusal that names no time: twice as long after each further one, to the longest."""

ASKED = 300.0
"""A vendor that asks for more seconds than this is tried again all the same."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """As it stands. ``careful``: the last create was refused for the moment, so the next goes alone."""

    at_once: int | None
    until: float = 0.0
    careful: bool = False


def ceiling(tx: Transaction, line: Line, now: float) -> Ceiling:
    """How many may run now, and until when none is to be sent."""
    rows = tx.rows("SELECT * FROM ceilings WHERE line = ?", (line.name,))
    if not rows or not _counts(rows[0]["struck"], line, now):
        return Ceiling(line.at_once)
    row = rows[0]
    known = [limit for limit in (line.at_once, row["at_once"]) if limit is not None]
    return Ceiling(min(known, default=None), row["until"], row["strikes"] > 0)


def _counts(struck: float, line: Line, now: float) -> bool:
    # What lies ahead was written before the clock was set back.
    return now - FORGOTTEN / line.scale < struck <= now + ASKED / line.scale


def refused(tx: Transaction, line: Line, error: DramagenError, sent: float, now: float) -> None:
    """A create was refused for the moment: rest, and where it was for the number of jobs, allow half of them.

    ``sent``: when it was sent. Those that were on their way together are one lesson, not many.
    """
    rows = tx.rows("SELECT * FROM ceilings WHERE line = ?", (line.name,))
    old = rows[0] if rows and _counts(rows[0]["struck"], line, now) else None
    asked = None if error.retry_after is None else min(max(error.retry_after, 1.0), ASKED)
    if old is not None and sent <= old["struck"]:
        until = max(old["until"], now + (asked or 0.0) / line.scale)
        tx.execute("UPDATE ceilings SET until = ? WHERE line = ?", (until, line.name))
        return
    strikes = 1 + (old["strikes"] if old else 0)
    rest = asked if asked is not None else min(PAUSE * 2.0 ** min(strikes - 1, 10), LONGEST)
    at_once = old["at_once"] if old else None
    if isinstance(error, ConcurrencyLimited):
        tried = running(tx, line, now).total() + 1
        at_once = max(1, min(limit for limit in (line.at_once, at_once, tried) if limit is not None) // 2)
    tx.execute("DELETE FROM ceilings WHERE line = ?", (line.name,))
    tx.execute(
        "INSERT INTO ceilings (line, at_once, good, strikes, struck, until) VALUES (?, ?, 0, ?, ?, ?)",
        (line.name, at_once, strikes, now, now + rest / line.scale),
    )


def taken(tx: Transaction, line: Line) -> None:
    """A create was accepted: after some of them one more job may run, until the ceiling is the limit again."""
    rows = tx.rows("SELECT * FROM ceilings WHERE line = ?", (line.name,))
    if not rows:
        return
    at_once, good = rows[0]["at_once"], rows[0]["good"] + 1
    if at_once is not None and good >= max(GOOD, at_once):
        at_once, good = at_once + 1, 0
    if at_once is None or (line.at_once is not None and at_once >= line.at_once):
        tx.execute("DELETE FROM ceilings WHERE line = ?", (line.name,))
        return
    tx.execute(
        "UPDATE ceilings SET at_once = ?, good = ?, strikes = 0 WHERE line = ?", (at_once, good, line.name)
    )
