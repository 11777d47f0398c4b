"""Asking about jobs one by one, for vendors whose status request knows one id."""

from collections.abc import Callable, Mapping, Sequence

from dramagen.adapters.base import Flow, Status, Ticket
from dramagen.errors import DramagenError


def one_by_one(
    tickets: Sequence[Ticket], ask: Callable[[Ticket], Flow[Status]]
) -> Flow[Mapping[str, Status]]:
    """The state of each job, by ticket id.

    Args:
        ask: about one job. Raises the typed error of an answer that tells nothing of it.

    Raises:
        DramagenError: the last of those, where no job was told of; otherwise such a job is left out.
    """
    told: dict[str, Status] = {}
    problem: DramagenError | None = None
    for ticket in tickets:
        try:
            told[ticket.id] = yield from ask(ticket)
        except DramagenError as error:
            problem = error
    if problem is not None and not told:
        raise problem
    return told
