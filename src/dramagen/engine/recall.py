"""Asking a vendor to stop a job nobody wants any more. What becomes of its money, only a later verdict says."""

from dramagen.engine.engine import Engine
from dramagen.engine.jobs import Job
from dramagen.engine.state import JobState
from dramagen.errors import DramagenError


async def recall(engine: Engine, job: Job) -> bool:
    """Whether the vendor says that this job will not run, and so not be billed.

    Nothing is written down: the job is asked about as before, and the vendor's verdict ends it. False where it was
    not accepted yet or is over, where somebody in this process waits for it, and where the vendor cannot, or gives
    no answer.
    """
    flight = engine.flights.get(job.id)
    if job.state != JobState.ACCEPTED or job.ticket is None or (flight is not None and flight.waiters):
        return False
    service = engine.services.service(job.route)
    try:
        flow = service.adapter.cancel(job.ticket)
        return await engine.submitter.http.run(flow, service.adapter, service.access)
    except DramagenError:
        return False  # it goes on, and is collected
