"""One's own server of the OpenAI Videos protocol: SGLang Diffusion unless the settings say otherwise."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from dramagen.emulator.sora import Sora
from dramagen.emulator.sora.settings import Settings


class OwnSettings(Settings):
    """The same options, as a single machine has them."""

    profile: Literal["openai", "sglang", "vllm-omni", "generic"] = "sglang"
    concurrency: int = Field(default=1, ge=1)


class SelfHosted(Sora):
    """A machine of one's own."""

    name = "selfhosted"
    regions: Mapping[str, str] = {"own": "CNY"}
    settings: type[BaseModel] = OwnSettings


VENDOR = SelfHosted()
