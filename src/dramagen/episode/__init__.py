"""An episode file: shots, characters, budget. Film it, pick its takes, cut it together.

episode = Episode.load("rain/episode.toml")
async with Studio() as studio:
    manifest = await film(studio, episode, Path("out/rain"))
"""

from typing import TYPE_CHECKING, Any

from dramagen.episode.model import Episode, EpisodeShot

if TYPE_CHECKING:
    from dramagen.episode.filming import film
    from dramagen.episode.manifest import Manifest
    from dramagen.episode.picks import Picks

__all__ = ["Episode", "EpisodeShot", "Manifest", "Picks", "film"]

_HOMES = {"Manifest": "manifest", "Picks": "picks", "film": "filming"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dramagen.episode' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"dramagen.episode.{_HOMES[name]}"), name)
