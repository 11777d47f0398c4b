"""Whose job it is: ours, another process's, or a dead one's."""

from dataclasses import dataclass

import anyio
import anyio.to_thread

from dramagen.engine.doubt import ASKING
from dramagen.engine.intake import Intake
from dramagen.engine.jobs import Job
from dramagen.engine.journal import JobMoved, Journal
from dramagen.engine.owner import Owner
from dramagen.engine.parting import Parting
from dramagen.engine.state import MOVES, JobState
from dramagen.errors import InvalidShot, JobFailed

ELSEWHERE = 0.5
"""Real seconds between looks at a job another process is driving."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Looks jobs up, and takes those over whose owner is gone."""

    journal: Journal
    owner: Owner
    intake: Intake
    parting: Parting

    async def take_over(self, job: Job) -> Job | None:
        """The job as ours, where its owner is dead and we were first."""
        if await anyio.to_thread.run_sync(self.owner.alive, job.owner):
            return None
        taken = await anyio.to_thread.run_sync(self.journal.take_over, job, self.owner.id, self.owner.gone)
        if taken is not None and taken.state == JobState.INTENDED:
            try:
                await anyio.to_thread.run_sync(self.intake.supply, taken.quote.order.inputs())
            except InvalidShot:
                # Its pictures stayed in the home it was ordered in: whoever wants it here orders it anew.
                gone = "never sent: its media are in the home of a process that is gone"
                return await self.parting.let_go(taken, gone, ASKING) or await self.reread(taken.id)
        return taken

    async def elsewhere(self, job: Job) -> Job:
        """Wait a moment for a job another process drives."""
        await anyio.sleep(ELSEWHERE)
        return await self.reread(job.id)

    async def reread(self, job_id: str) -> Job:
        """The job as it is now. Raises ``JobFailed`` where it is gone from the journal."""
        return await anyio.to_thread.run_sync(self._found, job_id)

    def ours(self, job_id: str, epoch: int, to: JobState) -> Job:
        """The job as it is now, for going on with it. Blocks.

        Raises ``JobMoved`` where it was taken over since ``epoch``, or can no longer become ``to``: somebody else
        decided what it is now, and that may not be written over.
        """
        job = self._found(job_id)
        if job.owner != self.owner.id or job.epoch != epoch or to not in MOVES[job.state]:
            raise JobMoved(job_id, to)
        return job

    def _found(self, job_id: str) -> Job:
        found = self.journal.get(job_id)
        if found is None:
            raise JobFailed(f"job {job_id} is no longer in the journal", billed=None)
        return found
