"""What a studio tells of itself, for machines that watch: logs, and OpenTelemetry where it is installed.

It listens to the studio's events like anybody else; the engine knows nothing of it. No key, no URL and, unless asked
for, no prompt is in any of it.
"""

from typing import TYPE_CHECKING

from dramagen.telemetry.logs import log_event

if TYPE_CHECKING:
    from dramagen.telemetry.record import Telemetry

__all__ = ["log_event", "open_telemetry"]


def open_telemetry(prompts: bool = False) -> "Telemetry | None":
    """A listener that makes spans and metrics of events; None where OpenTelemetry (extra ``otel``) is not installed.

    Args:
        prompts: whether spans carry the shots' prompts.
    """
    try:
        from dramagen.telemetry.record import Telemetry
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "opentelemetry":
            raise
        return None
    return Telemetry(prompts)
