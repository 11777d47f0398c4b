"""Letting go of an order that was not sent, or was refused: the vendor is asked once more, then its money is free."""

from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass

import anyio

from dramagen.engine.jobs import Job
from dramagen.engine.journal import JobMoved
from dramagen.engine.service import Service, Services
from dramagen.engine.submit import Submitter
from dramagen.errors import DramagenError


@dataclass(slots=True)
class Left:
    """A job nobody drives, in our hands."""

    job: Job


@dataclass(frozen=True, slots=True)
class Parting:
    """Frees the money of jobs that are intended and ours. ``wanted``: those that somebody is waiting for."""

    services: Services
    submitter: Submitter
    wanted: Container[str] = ()

    async def let_go(self, job: Job, why: str, within: float) -> Job | None:
        """None once the job is refused for that reason, or somebody else took it up meanwhile.

        Else the job as it is now: accepted or unknown, since the vendor shows what is, or may be, its job all the
        same, though its create was refused. ``within``: seconds for asking.
        """
        left = Left(job)
        with anyio.CancelScope(shield=True), suppress(JobMoved):
            service = self._service(job)
            if service is not None and not await self.submitter.doubts.left(left, service, within):
                return left.job
            if job.id not in self.wanted:  # somebody may have come meanwhile, since it is ours
                await self.submitter.give_up(left.job, DramagenError(why))
        return None

    def _service(self, job: Job) -> Service | None:
        """Whom to ask; None where nobody can be: what the vendor said is believed."""
        try:
            service = self.services.service(job.route)
        except DramagenError:
            return None
        # To another key its job would not exist.
        return service if service.access.fingerprint == job.credential else None
