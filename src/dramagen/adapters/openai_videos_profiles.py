"""Who speaks the OpenAI Videos protocol, and where their dialects part.

A model's card names one as ``[wire]`` ``profile``. Sources: OpenAI's API reference and video generation guide, read
2026-08; PyPI packages sglang 0.5.23 and vllm-omni 0.30.0 (their ``/v1/videos``), read 2026-11-22.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dramagen.adapters.base import State
from dramagen.errors import InvalidShot


@dataclass(frozen=True, slots=True)
class Profile:
    """One dialect.

    Attributes:
        diffusion: it is a diffusion server: takes frames, seed and negative prompt, and says how long it computed.
        seeded: takes a seed and a negative prompt, and no more of the above.
        sound_field: the field that asks for sound; elsewhere the model alone decides.
        links: a finished job may name a public link to its file, to be used in place of the content path.
        cancels: DELETE stops a job. Elsewhere it only forgets one, and with it the way to its file.
        lenient: other words for the same states are understood, and answers with fields missing.
    """

    diffusion: bool = False
    seeded: bool = False
    sound_field: str | None = None
    links: bool = False
    cancels: bool = False
    lenient: bool = False

    def state(self, word: object) -> State | None:
        """What a status word means; None for one that is not known."""
        if not isinstance(word, str):
            return None
        if self.lenient:
            plain = word.strip().lower().replace("-", "_").replace(" ", "_")
            return _STATES.get(plain) or _SYNONYMS.get(plain)
        return _STATES.get(word)


PROFILES: Mapping[str, Profile] = {
    "openai": Profile(),
    "sglang": Profile(diffusion=True, links=True),
    "vllm-omni": Profile(diffusion=True, sound_field="generate_sound", cancels=True),
    "generic": Profile(seeded=True, links=True, lenient=True),
}

_STATES: Mapping[str, State] = {
    "queued": "queued",
    "in_progress": "running",
    "completed": "succeeded",
    "failed": "failed",
    "expired": "expired",
}

_SYNONYMS: Mapping[str, State] = {
    "pending": "queued", "submitted": "queued", "created": "queued", "waiting": "queued", "not_start": "queued",
    "processing": "running", "running": "running", "generating": "running", "started": "running",
    "succeeded": "succeeded", "success": "succeeded", "complete": "succeeded", "done": "succeeded",
    "finished": "succeeded",
    "failure": "failed", "error": "failed", "rejected": "failed",
    "cancelled": "canceled", "canceled": "canceled",
}  # fmt: skip
"""Words gateways were seen to use for OpenAI's own."""


def profile_named(name: object) -> Profile:
    """The profile of that name; the generic one where none is named. Raises ``InvalidShot`` for an unknown one."""
    found = PROFILES.get(str(name or "generic"))
    if found is None:
        raise InvalidShot(f"profile = {name!r} in the card's wire is none of {', '.join(PROFILES)}")
    return found
