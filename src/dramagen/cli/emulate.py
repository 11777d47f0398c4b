"""``dramagen emulate``: every vendor's API on this machine, with a bill and faults, for nothing."""

from importlib.util import find_spec
from typing import Annotated

import typer

from dramagen.errors import MissingExtra


def emulate(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8900,
    speed: Annotated[float, typer.Option("--speed", min=0.01, help="Emulated seconds per second.")] = 1.0,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve the emulator until interrupted; the line it prints says what DRAMAGEN_EMULATOR to set."""
    if find_spec("uvicorn") is None or find_spec("starlette") is None:
        raise MissingExtra("emulator", "the emulator")
    from dramagen.emulator.server import serve

    serve(host, port, speed)
