"""How the emulated vendor behaves where its pages leave it open, and its limits."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Options of the emulated MiniMax; seconds are virtual."""

    model_config = ConfigDict(extra="forbid")

    concurrency: int = Field(default=15, ge=0)
    """Unfinished tasks of one generation above which a create is refused."""
    creates_per_minute: int = Field(default=0, ge=0)
    """Creates a minute and generation; 0 is no limit."""
    balance: Decimal = Decimal(1_000_000)
    """What a new key may spend, in the region's currency."""
    job_seconds: float = Field(default=120.0, gt=0)
    link_seconds: float = Field(default=3600.0, gt=0)
    """How long a link lives from when it was asked for."""
    grid_rounding: Literal["nearest", "up", "exact"] = "nearest"
    """How H3 brings a length to its grid of 17n + 5 frames; reports differ."""
    v1_status: Literal["200", "own"] = "200"
    """Whether errors of the first generation come inside HTTP 200 or with a status of their own."""
    v1_refused_id: Literal["empty", "absent"] = "empty"
    """What stands for the task's id in a refused create of the first generation."""
    fail_word: Literal["Fail", "Failed"] = "Fail"
    running_word: str = "running"
    """Another word here is a state of H3 that no page names."""
    unknown_fields: Literal["refuse", "ignore"] = "refuse"
    """What H3's create does with a field its schema does not name."""
    picture_types: Literal["strict", "lenient"] = "strict"
    """Whether a data URI must say what the picture is."""
    list_delay: float = Field(default=0.0, ge=0)
    """How long a new task stays out of the list."""
    list_order: Literal["newest", "oldest"] = "newest"
    adaptive_shown: Literal["real", "adaptive"] = "real"
    """What a task shows as its ratio where it followed a picture."""
    reference_seconds: float = Field(default=5.0, gt=0)
    """Length assumed for a reference video or sound that is only named by its URL, which may say ``?seconds=``."""
    handshake: Literal["check", "skip"] = "check"
    """Whether an order's callback address must take the challenge first."""
    callbacks: Literal["deliver", "never", "duplicate", "reorder"] = "deliver"
