"""Events as log records: logger ``dramagen.events``, the facts in ``extra``. The library installs no handler."""

import logging

from dramagen.events import Event

log = logging.getLogger("dramagen.events")


def log_event(event: Event) -> None:
    """Ends, fall-backs and pick-ups at INFO, everything between at DEBUG.

    ``extra``: ``job``, ``route``, ``state`` (the event's kind), ``shot`` (its id, never its prompt), ``take``,
    ``reason``. A fall-back also says which remedy it is and what it costs. What a vendor said is in the error that
    is raised, not here: it may repeat a prompt.
    """
    level = logging.INFO if event.final or event.kind in ("fell_back", "resumed") else logging.DEBUG
    if not log.isEnabledFor(level):
        return
    facts = {
        "job": event.job_id, "route": event.route, "state": event.kind,
        "shot": event.shot.id, "take": event.take, "reason": event.reason or None,
    }  # fmt: skip
    said = event.detail if event.kind == "fell_back" else event.reason
    why = f" ({said})" if said else ""
    log.log(level, "job %s: %s%s on %s", event.job_id, event.kind, why, event.route, extra=facts)
