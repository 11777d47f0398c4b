"""Wire protocols, one file each, found by name.

Outsiders add theirs through the entry-point group ``dramagen.adapters``.
"""

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from dramagen.errors import ConfigError

if TYPE_CHECKING:
    from dramagen.adapters.base import Adapter

GROUP = "dramagen.adapters"

_OURS = {
    "ark": "dramagen.adapters.seedance:SeedanceAdapter",
    "dashscope": "dramagen.adapters.wan:DashScopeAdapter",
    "fal": "dramagen.adapters.fal:FalAdapter",
    "kling": "dramagen.adapters.kling:KlingAdapter",
    "minimax": "dramagen.adapters.hailuo:MinimaxAdapter",
    "openai-videos": "dramagen.adapters.openai_videos:OpenAIVideosAdapter",
    "previz": "dramagen.adapters.previz:PrevizAdapter",
    "replicate": "dramagen.adapters.replicate:ReplicateAdapter",
    "vidu": "dramagen.adapters.vidu:ViduAdapter",
}


def ours(name: str) -> bool:
    """Whether the adapter is this library's own: its wording frames plain words, and reads nothing into them."""
    return name in _OURS


def adapter(name: str) -> "Adapter":
    """The adapter a provider's card names. Raises ``ConfigError`` for an unknown name."""
    place = _OURS.get(name)
    if place is None:
        for entry in entry_points(group=GROUP, name=name):
            made: Adapter = entry.load()()
            return made
        raise ConfigError(f"no adapter is called {name!r}; there are {', '.join(sorted(_OURS))}")
    module, _, kind = place.partition(":")
    ours: Adapter = getattr(import_module(module), kind)()
    return ours
