"""The file of a job that is done, in a home without it: filmed on another machine, or lost or altered here since.

It is fetched again for as long as the vendor keeps it; nothing is paid for that. It has to be the very file that was
checked: a clip is known by its hash.
"""

import platform
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread

from dramagen.engine.collect import Collector
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal
from dramagen.engine.owner import Owner
from dramagen.engine.service import Service
from dramagen.errors import DramagenError, JobExpired, ProviderUnavailable
from dramagen.store import Store


def whereabouts(store: Store) -> dict[str, str]:
    """What the journal notes of a file when it is stored."""
    return {"host": platform.node(), "home": str(store.home)}


@dataclass(frozen=True, slots=True)
class Refetcher:
    """Fetches again what a vendor delivered before; each file once at a time."""

    journal: Journal
    store: Store
    collector: Collector
    owner: Owner
    _under_way: dict[str, anyio.Lock] = field(default_factory=dict)

    async def fetch(self, job: Job, service: Service) -> None:
        """Put the file of a done job into this home's store.

        Raises:
            JobExpired: it cannot be had from the vendor any more; says where it was stored.
            ProviderUnavailable, or another error that is ``retryable``: not now.
        """
        sha256 = str((job.result or {}).get("original"))
        async with self._under_way.setdefault(job.id, anyio.Lock()):
            if await anyio.to_thread.run_sync(self.store.originals.path, sha256) is not None:
                return  # whoever held the lock before
            try:
                await self._fetch(job, service, sha256)
            except ProviderUnavailable as problem:
                raise await self._not_here(ProviderUnavailable, job, sha256, problem) from problem
            except DramagenError as problem:
                if problem.retryable:
                    raise
                raise await self._not_here(JobExpired, job, sha256, problem) from problem

    async def _fetch(self, job: Job, service: Service, sha256: str) -> None:
        if job.credential != service.access.fingerprint:
            raise JobExpired("it was bought with another key")
        if job.ticket is None:
            raise JobExpired("the vendor's id of it is not known")
        # Named for this process too: another of this home may be fetching the same file.
        stored = await self.collector.collect(f"{job.id}-{self.owner.id}", job.ticket, service)
        if stored.sha256 != sha256:
            raise JobExpired("the vendor delivers another file now")

    async def _not_here(
        self, kind: type[DramagenError], job: Job, sha256: str, problem: DramagenError
    ) -> DramagenError:
        told = await anyio.to_thread.run_sync(self.journal.timeline, job.id)
        nothing: dict[str, Any] = {}
        stored = next((line for line in reversed(told) if line["kind"] == "done"), nothing)
        where = f"{stored['home']} on {stored['host']}" if "host" in stored else "the home it was filmed in"
        return kind(
            f"the file of job {job.id} is not in this home as it was bought, and could not be fetched again: "
            f"{problem.message}. It was stored in {where} as {sha256[:12]}…; fresh=True films it again, and pays "
            "again",
            provider=job.route.provider, model=job.route.model, billed=True,
        )  # fmt: skip
