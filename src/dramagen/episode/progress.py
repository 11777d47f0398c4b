"""What filming an episode tells while it works, beside the studio's own events."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of an episode: ``done`` and ``of`` count clips where the step is cutting."""

    kind: Literal["filmed", "kept", "failed", "waiting", "cutting"]
    shot_id: str = ""
    detail: str = ""
    done: int = 0
    of: int = 0


Listener = Callable[[Progress], None]
