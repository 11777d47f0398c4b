"""How the emulated vendor behaves where its pages leave it open, and its limits."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Options of the emulated Kling; seconds are virtual."""

    model_config = ConfigDict(extra="forbid")

    concurrency: int = Field(default=20, ge=0)
    """Unfinished tasks of one model version above which a create is refused."""
    balance: Decimal = Decimal(1_000_000)
    """Units a new key may spend."""
    job_seconds: float = Field(default=90.0, gt=0)
    secrets: dict[str, str] = {"AK-TEST": "SK-TEST-0123456789abcdef0123456789"}
    """Access key -> secret key, for callers with a JWT."""
    jwt_on_new: Literal["reject", "accept"] = "reject"
    duplicate_external_id: Literal["reject", "dedupe", "allow"] = "reject"
    external_id_on_4: Literal["reject", "ignore", "honour"] = "reject"
    """What 4.0 models do with ``external_task_id`` and ``callback_url``."""
    lookup_delay: float = Field(default=0.0, ge=0)
    """How long a new task stays invisible to look-ups by external id and to lists."""
    data_uris: Literal["reject", "accept"] = "reject"
    image_check: Literal["lenient", "strict"] = "lenient"
    """Whether base64 that is no known picture is refused."""
    duration_types: Literal["strict", "lenient"] = "strict"
    """Whether a duration of the other generation's JSON type is taken."""
    reference_video_seconds: float = Field(default=5.0, gt=0)
    """Length assumed for a video whose URL does not say ``?seconds=``."""
    webhook_secrets: list[str] = []
    """``whsec_...`` secrets in force; none leaves callbacks unsigned."""
    callbacks: Literal["deliver", "never", "duplicate", "reorder"] = "deliver"
    duration_text: Literal["exact", "whole", "tenths", "missing"] = "exact"
    """How a result spells its duration: 5.04, 5, 5.0 or not at all."""
    billing: Literal["units", "cash", "missing"] = "units"
    extra_output: bool = False
    """Whether an entry that is no video comes first among the outputs."""
    expired_status: Literal[403, 404] = 404
    """The answer to a file URL after 30 days."""
