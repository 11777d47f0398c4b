"""How the emulated vendor behaves where its pages leave it open, and its limits."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Options of the emulated Vidu; seconds are virtual."""

    model_config = ConfigDict(extra="forbid")

    concurrency: int = Field(default=5, ge=0)
    """Jobs an account runs at once, over all models."""
    over_limit: Literal["queue", "refuse"] = "queue"
    """What becomes of a create beyond that: it waits its turn, or is answered 429 QuotaExceeded."""
    balance: Decimal = Decimal(1_000_000)
    """Credits a new key has."""
    balance_status: Literal[400, 402] = 402
    """The status of CreditInsufficient, which no page gives."""
    job_seconds: float = Field(default=90.0, gt=0)
    off_peak_wait: float = Field(default=3600.0, ge=0)
    """How long an off-peak job waits before it may run; after 48 h it is cancelled."""
    schemes: Literal["token", "both"] = "token"
    """Whether ``Authorization: Bearer`` is taken beside ``Token``."""
    subject_name: Literal["name", "both"] = "both"
    """Whether a subject may still be named by ``id``, as until early 2026."""
    list_payload: bool = False
    """Whether the list shows each job's payload; its page does not say so."""
    list_delay: float = Field(default=0.0, ge=0)
    """How long a new job stays off the list."""
    credits_spelling: Literal["number", "string"] = "number"
    """How ``credits`` is spelled: answers show a number, one copy of the page a text."""
    failed_credits: Literal["zero", "kept"] = "zero"
    """Whether a failed job, which is free, still names what it would have taken."""
    error_name_in: Literal["reason", "code"] = "reason"
    """Where an error's name stands: Vidu's own clients and some others disagree."""
    unknown_state: str = ""
    """A word no page names, shown for a running job."""
    links_renewed: bool = False
    """Whether asking again later than 24 h gives a link that works; not documented."""
    callbacks: Literal["deliver", "never", "duplicate", "reorder"] = "deliver"
    callback_word: Literal["state", "status"] = "state"
    signed_headers: Literal["x-request-nonce", "Date;x-request-nonce"] = "x-request-nonce"
