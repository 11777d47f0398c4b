"""Jobs and money as people look at them: lists, sums, the vendor's bill, and a person's word."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Unpack

from dramagen.clip import Clip
from dramagen.engine.bill import Charge
from dramagen.engine.billcheck import BillCheck, check_bill
from dramagen.engine.entries import Chosen, Entry, Which
from dramagen.engine.jobs import Job
from dramagen.engine.journal import JobMoved
from dramagen.engine.judgements import explained
from dramagen.engine.ledger import ASSUMED, SETTLED, Ledger
from dramagen.engine.limits.breaker import forget
from dramagen.engine.owner import Owner
from dramagen.engine.report import By, Report, report
from dramagen.engine.rescue import NAME, Rescue
from dramagen.engine.state import JobState
from dramagen.errors import ConfigError
from dramagen.money import Money
from dramagen.routing.decision import Decision
from dramagen.settings import Settings
from dramagen.studio.books import Books


class Accounts:
    """Questions to one journal, and the few things a person may write into it. Every call blocks.

    Each method is the :class:`~dramagen.Studio`'s of the same name.
    """

    def __init__(self, books: Books, settings: Settings) -> None:
        self._books = books
        self._settings = settings

    def journal_id(self) -> str:
        with self._books.journal() as journal:
            return journal.identity()

    def reset_limits(self) -> None:
        self._books.look(lambda journal: journal.transact(forget), None)

    def jobs(self, **chosen: Unpack[Chosen]) -> list[Job]:
        which = Which.of(**chosen)
        return self._books.look(lambda journal: journal.jobs(which), [])

    def entries(self, **chosen: Unpack[Chosen]) -> list[Entry]:
        which = Which.of(**chosen)
        return self._books.look(lambda journal: journal.entries(which), [])

    def job(self, job_id: str) -> Job | None:
        return self._books.look(lambda journal: journal.get(job_id), None)

    def timeline(self, job_id: str) -> list[dict[str, Any]]:
        return self._books.look(lambda journal: journal.timeline(job_id), [])

    def reviews(self, job_id: str) -> list[dict[str, Any]]:
        return self._books.look(lambda journal: journal.reviews(job_id), [])

    def decision(self, job_id: str) -> Decision | None:
        record = self._books.consult(lambda tx: explained(tx, job_id), None)
        return None if record is None else Decision.from_json(record)

    def ledger(self, episode: str | None) -> Ledger:
        return self._books.look(lambda journal: journal.ledger(Which(episode=episode)), Ledger())

    def report(self, by: By, **chosen: Unpack[Chosen]) -> Report:
        return report(self.entries(**chosen), by, self._settings.currency, self._settings.rates)

    def check_bill(
        self, charges: Iterable[Charge], provider: str, since: datetime | None, until: datetime | None
    ) -> BillCheck:
        span = Which.of(since=since, until=until)
        return check_bill(charges, self.entries(provider=provider), span.since, span.until)

    def review(self, clip: Clip | str, accepted: bool, reason: str) -> Job:
        """Write down what a person said of a job's clip, and give that job.

        Raises ``ConfigError`` where this journal has no such job: a word that is kept nowhere would teach nothing. So
        it does for a job without a clip: nobody has seen what the word would be about.
        """
        named = clip if isinstance(clip, str) else getattr(clip, "job_id", None)
        job = self.job(named) if named and isinstance(named, str) else None
        if job is None:
            raise ConfigError(f"no job of this journal, or more than one, is called {named or clip!r}")
        if job.state not in (JobState.DONE, JobState.DEFECTIVE):
            raise ConfigError(f"job {job.id} has no clip to judge: it is {job.state.value}")
        if not isinstance(reason, str):
            raise ConfigError(f"a reason is text, not {reason!r}")
        with self._books.journal() as journal:
            journal.review(job.id, accepted, reason)
        return job

    def settle(self, job_id: str, *, paid: bool, amount: Money | None, me: Owner | None) -> Job:
        """A person's word on what a job cost. ``me``: the open studio's owner.

        Raises ``ConfigError`` where it cannot be taken.
        """
        if amount is not None:
            self._check_amount(amount, paid)
        job = self.job(job_id)
        if job is None:
            raise ConfigError(f"no job is called {job_id!r}")
        if job.state == JobState.UNKNOWN:
            self._check_left(job, me)
            self._check_lost(job)
            state = JobState.PAID if paid else JobState.UNPAID
        else:
            _check_correctable(job, paid, amount)
            state = None
        most = (job.cost if state is None else None) or job.reserved
        cost = (amount or most) if paid else Money.zero(most.currency)
        try:
            with self._books.journal() as journal:
                if state is None:
                    return journal.correct(job, cost, SETTLED)
                return journal.move(job, state, cost=cost, cost_source=SETTLED)
        except JobMoved:
            raise ConfigError(f"job {job.id} moved meanwhile: look at it again") from None

    def _check_amount(self, amount: Money, paid: bool) -> None:
        if not paid:
            raise ConfigError("what was not paid has no amount")
        if amount.amount < 0:
            raise ConfigError(f"{amount} is less than nothing")
        self._settings.rated(amount)

    def _check_left(self, job: Job, me: Owner | None) -> None:
        owner = me or self._books.owner()
        try:
            if job.owner != owner.id and owner.alive(job.owner):
                raise ConfigError(f"job {job.id} belongs to a process that is still running; stop it first")
        finally:
            if owner is not me:
                owner.release()

    def _check_lost(self, job: Job) -> None:
        """Raise ``ConfigError`` for a job whose ticket was kept while the journal could not be written."""
        kept = Rescue(self._settings.home / NAME)
        ticket = kept.find(job.id)
        if ticket is not None:
            raise ConfigError(
                f"job {job.id} is not lost: the vendor accepted it as {ticket.id}, and {kept.path} has that. "
                "'dramagen jobs resume' goes on with it; where it cannot, remove its line there and settle it then"
            )


def _check_correctable(job: Job, paid: bool, amount: Money | None) -> None:
    """Raise ``ConfigError`` where a job's cost is not a person's to decide."""
    if job.open:
        raise ConfigError(f"job {job.id} is not waiting for a decision: it is {job.state.value}")
    if job.cost_source == ASSUMED or (paid and amount is not None):
        return
    raise ConfigError(
        f"job {job.id} is not waiting for a decision: it is {job.state.value}, and what it cost is known. If the "
        "bill says otherwise, state the amount on it"
    )
