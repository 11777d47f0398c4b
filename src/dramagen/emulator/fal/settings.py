"""How the emulated fal behaves where its pages leave it open, and its limits."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Options of the emulated fal; seconds are virtual, amounts USD."""

    model_config = ConfigDict(extra="forbid")

    concurrency: int = Field(default=2, ge=0)
    """Jobs an account runs at once; the others wait in the queue."""
    balance: Decimal = Decimal(1_000_000)
    """What a new key may spend."""
    job_seconds: float = Field(default=90.0, gt=0)
    unlisted_price: Decimal = Decimal("0.10")
    """A second of a model whose price nobody published: a figure of this emulator alone, so that each paid job shows
    in the bill."""
    input_checked: Literal["result", "submit"] = "result"
    """When a wrong input is answered: with the finished job, as models do, or at once."""
    unknown_fields: Literal["refused", "ignored"] = "refused"
    """What becomes of a field the endpoint does not know."""
    early_status: Literal[400, 404, 409, 422] = 400
    """The status of a result asked for too early; no page gives it."""
    status_errors: bool = True
    """Whether the status of a failed job names its error, as newer ones do."""
    cancel_queued: Literal[202, 200] = 202
    """The answer to the cancel of a waiting job: CANCELLATION_REQUESTED, or OK as the reference has it."""
    cancel_running: Literal["finishes", "stops"] = "finishes"
    """What the cancel of a running job does."""
    cancelled_billed: bool = False
    """Whether a running job that was stopped is billed all the same."""
    cancelled_shown: Literal["completed", "not found"] = "completed"
    """What is shown of a cancelled job: COMPLETED whose result is an error, or nothing."""
    runner_failures: int = Field(default=0, ge=0)
    """How often the runner fails before a job succeeds. fal runs it again up to ten times, unless told not to."""
    reruns_billed: bool = False
    """Whether runs that failed are billed too; the pages say that they are not."""
    troubled: list[str] = []
    """Endpoints out of order: another serves their jobs, unless the caller declined that."""
    fallback: str = "fal-ai/kling-video/v2.5-turbo/pro/text-to-video"
    """The endpoint that serves them."""
    fallback_header: Literal["x-app-fal-disable-fallback", "x-fal-disable-fallback"] = (
        "x-app-fal-disable-fallback"
    )
    """The header that declines it; two spellings are in circulation."""
    units: Literal["seconds", "price", "absent"] = "seconds"
    """What ``x-fal-billable-units`` counts: seconds of output, or the price over the platform's unit price."""
    content_life: float = Field(default=7 * 86_400.0, gt=0)
    """How long an output can be fetched, unless the caller sets it."""
    result_life: float = Field(default=30 * 86_400.0, gt=0)
    """How long a result is kept; one not stored (``X-Fal-Store-IO: 0``) lives an hour."""
    requests_listed: bool = True
    """Whether the platform lists one's requests to public endpoints; else the path is not found."""
    list_delay: float = Field(default=0.0, ge=0)
    """How long a new request stays off that list."""
    list_ended: bool = False
    """Whether the list has only requests that ended: it is sorted by their end, and the page says no more."""
    uploads: Literal["cdn", "storage"] = "cdn"
    """Which upload works: that of the CDN, or only the older one by a signed URL."""
    unknown_status: str = ""
    """A word no page names, shown for a running job."""
    callbacks: Literal["deliver", "never", "duplicate", "reorder"] = "deliver"
    callback_signature: Literal["good", "wrong", "stale", "absent"] = "good"
    """``wrong`` signs with a key that is not published, ``stale`` with a time of ten minutes ago."""
