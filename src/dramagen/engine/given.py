"""Which job a vendor's name was given to: two creates are never answered with one name, unless something repeats."""

from dataclasses import dataclass, field

from dramagen.adapters.base import Ticket

KEPT = 20_000
"""Names that are remembered, the newest."""


@dataclass(slots=True)
class Given:
    """The names one studio was given. What repeats an answer, a gateway's cache say, repeats it soon."""

    _jobs: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def to_another(self, ticket: Ticket, job_id: str) -> str | None:
        """The other job of ours that already has this name; None where it is this one's, from now on."""
        key = (ticket.route.provider, ticket.route.region, ticket.id)
        first = self._jobs.setdefault(key, job_id)
        if len(self._jobs) > KEPT:
            del self._jobs[next(iter(self._jobs))]
        return None if first == job_id else first
