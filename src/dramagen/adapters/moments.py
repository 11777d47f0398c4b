"""The times vendors write."""

from datetime import UTC, datetime


def moment(value: object) -> float | None:
    """An ISO 8601 time as Unix seconds, UTC where it names no zone; None for anything else."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if read is None:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
