"""A typed error on its way through Temporal and back."""

from datetime import timedelta

from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError

from dramagen.errors import (
    BudgetExceeded,
    ConfigError,
    ContentRejected,
    DefectiveClip,
    DramagenError,
    InvalidShot,
    JobExpired,
    JobFailed,
    MissingExtra,
    NoRoute,
    OutcomeUnknown,
    from_json,
)
from dramagen.redact import redact

SETTLED = (
    BudgetExceeded, ConfigError, ContentRejected, DefectiveClip, InvalidShot, JobExpired, JobFailed, MissingExtra,
    NoRoute, OutcomeUnknown,
)  # fmt: skip
"""What trying again by itself does not mend: verdicts, and what a person has to decide or to put right."""


def told(error: DramagenError) -> ApplicationError:
    """What Temporal keeps of an error. Raise it ``from None``: what it came from may show more than it does."""
    again = error.retryable and not isinstance(error, SETTLED)
    pause = None if error.retry_after is None else timedelta(seconds=error.retry_after)
    return ApplicationError(
        str(error),
        error.to_json(),
        type=type(error).__name__,
        non_retryable=not again,
        next_retry_delay=pause,
    )


def unforeseen(bug: Exception) -> ApplicationError:
    """What Temporal keeps of an accident. Tried again: another worker may be luckier, and asks the journal first."""
    return ApplicationError(redact(f"{type(bug).__name__}: {bug}"), type=type(bug).__name__)


def heard(failure: WorkflowFailureError) -> DramagenError:
    """The typed error a workflow ended with."""
    cause: BaseException | None = failure.cause
    while isinstance(cause, ActivityError):
        cause = cause.cause
    if isinstance(cause, ApplicationError) and cause.details and isinstance(cause.details[0], dict):
        return from_json(cause.details[0])
    return DramagenError(f"the workflow ended without a result: {cause or failure}", billed=None)
