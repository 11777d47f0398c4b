"""An emulator of the video vendors' HTTP protocols: real sockets, real MP4s, faults on demand and a bill.

It is written from the vendors' pages alone and imports nothing else of this library, so a wrong reading of a wire
in an adapter cannot be hidden by the same wrong reading here.

    from dramagen import emulator

    with emulator.running(speed=600) as vendors:
        vendors.faults(provider="kling", on="create", kind="drop", after_accept=True)
        ...                       # point a client at vendors.url + "/kling"
        assert len(vendors.bill()) == 1

Provider ``P`` is served under ``/P`` followed by the vendor's full path, a region other than its default under
``/P@R``. Needs the ``emulator`` extra.
"""

from typing import TYPE_CHECKING, Any

from dramagen.emulator.clock import Clock, ManualClock, ScaledClock

if TYPE_CHECKING:
    from dramagen.emulator.application import app
    from dramagen.emulator.server import Handle, running, serve

__all__ = ["Clock", "Handle", "ManualClock", "ScaledClock", "app", "running", "serve"]

_LAZY = {"app": "application", "running": "server", "serve": "server", "Handle": "server"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
