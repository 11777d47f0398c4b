"""Moments and spans of time, as people type them."""

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

_AGO = re.compile(r"(\d+)\s*([mhdw])")
_SPAN = re.compile(r"(\d{1,6}(?:\.\d+)?)\s*([smh]?)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since(text: str) -> datetime:
    """``2026-11-22``, ``2026-11-22T08:00``, or so long ago: ``7d``, ``12h``. Local time."""
    return _moment(text)


def until(text: str) -> datetime:
    """The same; a day alone counts to its end."""
    return _moment(text, timedelta(days=1))


def span(text: str) -> float:
    """Seconds of ``90s``, ``45m`` or ``1.5h``; a bare number is minutes."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None or float(found[1]) <= 0:
        raise typer.BadParameter("a time is such as 45m or 1.5h")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2] or "m"]


def _moment(text: str, whole_day: timedelta = timedelta()) -> datetime:
    said = text.strip()
    ago = _AGO.fullmatch(said.lower())
    try:
        if ago is not None:
            return datetime.now().astimezone() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(said)
        if re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", said):
            moment += whole_day
        return moment.astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            "a time is such as 2026-11-22, 2026-11-22T08:00 or 7d (so long ago)"
        ) from None


Since = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        parser=since,
        metavar="TIME",
        help="Ordered since: 2026-11-01, 2026-11-22T08:00 or 7d (ago).",
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", parser=until, metavar="TIME", help="Ordered until; a day counts to its end."),
]
