"""How the emulated Replicate behaves where its pages leave it open, and its limits."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Options of the emulated Replicate; seconds are virtual, amounts USD."""

    model_config = ConfigDict(extra="forbid")

    concurrency: int = Field(default=100, ge=0)
    """Predictions an account runs at once; the others wait as ``starting``."""
    creates_per_minute: int = Field(default=600, ge=1)
    """Creates beyond that are answered 429."""
    balance: Decimal = Decimal(1_000_000)
    """What a new token may spend."""
    job_seconds: float = Field(default=90.0, gt=0)
    unlisted_price: Decimal = Decimal("0.10")
    """A second of a model whose price nobody published: a figure of this emulator alone, so that each paid prediction
    shows in the bill."""
    data_life: float = Field(default=3600.0, gt=0)
    """How long input, output and logs of an ended prediction are kept."""
    file_life: float = Field(default=86_400.0, gt=0)
    """How long an uploaded file is kept."""
    unknown_fields: Literal["refused", "ignored"] = "refused"
    """What becomes of an input field the model does not know."""
    list_input: Literal["shown", "empty", "absent"] = "shown"
    """Whether the list's items carry their input; the page's example does."""
    list_delay: float = Field(default=0.0, ge=0)
    """How long a new prediction stays off the list."""
    list_page: int = Field(default=100, ge=1)
    output: Literal["text", "list"] = "text"
    """Whether the output is one URL or a list with it."""
    moderation_words: str = (
        "The input or output was flagged as sensitive. Please try again with different inputs. (E005)"
    )
    """The error of a prediction that was moderated; every vendor behind has its own."""
    wait_status: Literal["processing", "true"] = "processing"
    """What a held create says of a prediction that ended meanwhile: ``processing``, or the truth."""
    wait_output: bool = False
    """Whether such an answer carries the output already."""
    cancelled_billed: bool = True
    """Whether a prediction stopped while it runs is billed, as those of public models are."""
    unknown_status: str = ""
    """A word no page names, shown for a running prediction."""
    web_url: bool = True
    """Whether ``urls`` has a page for people."""
    callbacks: Literal["deliver", "never", "duplicate", "reorder"] = "deliver"
    callback_signature: Literal["good", "wrong", "stale", "absent"] = "good"
    """``wrong`` signs with another secret, ``stale`` with a time of ten minutes ago."""
