"""Which server of the protocol is emulated, how it behaves where nobody says, and its limits."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Options of an emulated server of the OpenAI Videos protocol; seconds are virtual."""

    model_config = ConfigDict(extra="forbid")

    profile: Literal["openai", "sglang", "vllm-omni", "generic"] = "openai"
    concurrency: int = Field(default=20, ge=1)
    """Jobs of one model at once."""
    when_full: Literal["queue", "refuse"] = "queue"
    """What happens to a create above ``concurrency``: it waits, or it is refused as Azure did."""
    balance: Decimal = Decimal(1_000_000)
    """What a new key may spend, in the region's currency."""
    job_seconds: float = Field(default=70.0, gt=0)
    compute_price: Decimal = Decimal("0.001")
    """What a second of compute costs on one's own server, in the region's currency."""
    served: list[str] = []
    """Models one's own server serves; empty takes any name."""
    api_key: str = ""
    """The key one's own server asks for; empty asks for none."""
    retired: Literal["no", "404", "410"] = "no"
    """Whether creates are answered as after the end of the service, and how."""
    nulls: Literal["shown", "left out"] = "shown"
    """Whether fields without a value stand in an answer as null."""
    poll_after_ms: int = Field(default=0, ge=0)
    """The interval advised in ``openai-poll-after-ms``; 0 sends no such header."""
    content_life: float = Field(default=3600.0, gt=0)
    """How long a finished file can be fetched."""
    retention: float = Field(default=86_400.0, gt=0)
    content: Literal["inline", "redirect", "cloud"] = "inline"
    """Where a file is: behind its content path, redirected from there, or at a link the object shows."""
    long_ids: bool = False
    """Whether ids are long and opaque, as a LiteLLM proxy makes them."""
    words: dict[str, str] = {
        "queued": "Pending", "in_progress": "processing", "completed": "SUCCESS", "failed": "failure",
    }  # fmt: skip
    """How the generic gateway spells the four states."""
    list_prompts: bool = True
    """Whether the list shows prompts; SGLang's never does."""
    lookup_delay: float = Field(default=0.0, ge=0)
    """How long a new job stays invisible to the list."""
    running_word: str = "in_progress"
    """Another word here is a state no page names."""
    webhook_url: str = ""
    """Where a project's events are sent; empty sends none."""
    webhook_secrets: list[str] = []
    """``whsec_...`` secrets in force; none leaves events unsigned."""
    callbacks: Literal["deliver", "never", "duplicate", "reorder"] = "deliver"
