"""What the exit codes mean, and which one an error has."""

from collections.abc import Sequence

from dramagen.errors import (
    BudgetExceeded,
    ConfigError,
    DramagenError,
    InvalidShot,
    MissingExtra,
    OutcomeUnknown,
)

OK = 0
FAILED = 1
USAGE = 2
REFUSED = 3
UNKNOWN = 4
INTERRUPTED = 130

MEANING = {
    OK: "everything asked for is there",
    FAILED: "something failed: some shots have no clip, the provider said no, or its bill differs",
    USAGE: "the command, a file or a setting is wrong, or an extra is not installed",
    REFUSED: "nothing more was spent: not confirmed, or over the budget",
    UNKNOWN: "nobody knows whether a create made a job, so money may be spent: `dramagen jobs` shows it, "
    "`dramagen jobs resume` asks again, and a person can settle it",
    INTERRUPTED: "interrupted; jobs that were sent go on, and the same command picks them up",
}
"""The exit codes of every command."""


class Refused(DramagenError):
    """Nothing was spent, because nobody said yes."""


def code_of(error: DramagenError) -> int:
    """The exit code of one error."""
    match error:
        case MissingExtra() | ConfigError() | InvalidShot():
            return USAGE
        case BudgetExceeded() | Refused():
            return REFUSED
        case OutcomeUnknown():
            return UNKNOWN
    return FAILED


def code_of_all(errors: Sequence[DramagenError]) -> int:
    """One code for several shots: an unknown outcome first, a refusal only where nothing else went wrong."""
    codes = {code_of(error) for error in errors}
    if UNKNOWN in codes:
        return UNKNOWN
    if not codes:
        return OK
    return REFUSED if codes == {REFUSED} else FAILED
