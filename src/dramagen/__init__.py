"""One Shot in, one verified Clip out, over the video models a short-drama studio uses.

    import dramagen

    clip = dramagen.shoot_sync(dramagen.Shot(prompt="雨夜,女主回头", duration=5, pin="previz"))
    print(clip.path, clip.cost)

Every public name is loaded when it is first used, so that ``import dramagen`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dramagen import errors
    from dramagen.clip import Clip
    from dramagen.config import Budget, Config
    from dramagen.episode import Episode
    from dramagen.medium import Image
    from dramagen.money import Money
    from dramagen.oneshot import shoot, shoot_sync
    from dramagen.shot import Camera, Cut, Line, Reference, Shot
    from dramagen.studio import Studio

    __version__: str

__all__ = [
    "Budget",
    "Camera",
    "Clip",
    "Config",
    "Cut",
    "Episode",
    "Image",
    "Line",
    "Money",
    "Reference",
    "Shot",
    "Studio",
    "__version__",
    "errors",
    "shoot",
    "shoot_sync",
]

_HOMES = {
    "Budget": "dramagen.config",
    "Camera": "dramagen.shot",
    "Clip": "dramagen.clip",
    "Config": "dramagen.config",
    "Cut": "dramagen.shot",
    "Episode": "dramagen.episode",
    "Image": "dramagen.medium",
    "Line": "dramagen.shot",
    "Money": "dramagen.money",
    "Reference": "dramagen.shot",
    "Shot": "dramagen.shot",
    "Studio": "dramagen.studio",
    "shoot": "dramagen.oneshot",
    "shoot_sync": "dramagen.oneshot",
}


if not TYPE_CHECKING:  # to a type checker a name that is not there is a mistake

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            value: Any = getattr(import_module(_HOMES[name]), name)
        elif name in ("errors", "webhooks"):
            value = import_module(f"dramagen.{name}")
        elif name == "__version__":
            from importlib.metadata import version

            value = version("dramagen")
        else:
            raise AttributeError(f"module 'dramagen' has no attribute {name!r}")
        globals()[name] = value  # found directly from now on
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
