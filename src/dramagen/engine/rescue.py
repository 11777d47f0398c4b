"""The ticket of a job the vendor accepted while the journal could not be written: a line in a file of its own.

A lost ticket is a clip that was paid for and cannot be fetched, so a ticket gets a second way to the disk. The
next flight of the job looks here before it asks the vendor.
"""

import json
import logging
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dramagen.adapters.base import Ticket

log = logging.getLogger("dramagen.engine")

NAME = "tickets.log"
"""What the file is called in a home."""

SENDER = "from"
"""In the line of the timeline that says that a create is sent: the home it is sent from, see :func:`whereabouts`."""


def whereabouts(home: Path) -> str:
    """A home as those who share a journal with it know it: machine and folder."""
    return f"{platform.node()}:{home.absolute()}"


def sender(timeline: Iterable[Mapping[str, Any]]) -> str | None:
    """The home a job's create was last sent from, where its timeline says so: only there may its ticket be kept."""
    found = [line[SENDER] for line in timeline if line.get(SENDER)]
    return str(found[-1]) if found else None


@dataclass(frozen=True, slots=True)
class Rescue:
    """Tickets by job id, one JSON line each, appended and never changed. Blocks: call it from a worker thread."""

    path: Path

    def keep(self, job_id: str, ticket: Ticket) -> bool:
        """Write a ticket down, on the disk when it returns; False where even that failed (then it is logged)."""
        line = json.dumps({"job": job_id, "ticket": ticket.model_dump(mode="json")}, ensure_ascii=False)
        try:
            # Begins a line of its own, whatever a killed writer left behind.
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(fd, f"\n{line}\n".encode())
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as problem:
            log.critical(
                "job %s was accepted as %s and neither journal nor %s could be written (%s): note it down",
                job_id, ticket.id, self.path, problem,
            )  # fmt: skip
            return False
        log.error("job %s was accepted as %s; the journal could not be written", job_id, ticket.id)
        return True

    def find(self, job_id: str) -> Ticket | None:
        """The ticket kept for that job, if any."""
        try:
            lines = self.path.read_text("utf-8", "replace").splitlines()
        except OSError:
            return None
        for line in lines:
            try:
                record = json.loads(line) if line else {}
                if record.get("job") == job_id:
                    return Ticket.model_validate(record["ticket"])
            except (ValueError, LookupError, AttributeError):
                continue
        return None
