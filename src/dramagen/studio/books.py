"""The journal as the studio holds it: open while the studio is, opened for a moment otherwise."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TypeVar

from dramagen.engine.clock import Clock
from dramagen.engine.database import SQLite
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Database, Journal
from dramagen.engine.owner import HomeOwner, Owner
from dramagen.engine.schema import MIGRATIONS
from dramagen.engine.state import JobState
from dramagen.errors import ConfigError, MissingExtra
from dramagen.money import Money
from dramagen.settings import Settings

T = TypeVar("T")


class Books:
    """One home's journal, or the one it shares with others. Every call blocks."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._file = settings.home / "journal.sqlite"
        self._clock = clock
        self._open: Journal | None = None

    def open(self) -> Journal:
        """Open it for the studio. Raises ``ConfigError`` for what is no journal, or cannot be reached."""
        self._open = self._opened()
        return self._open

    def owner(self) -> Owner:
        """A new name in the journal, which must be open: jobs are written under it until it is released."""
        if self._settings.database is None:
            return HomeOwner(self._settings.home)
        from dramagen.engine.leases import LeaseOwner

        return LeaseOwner(self._settings.database, self._settings.home)

    def close(self) -> None:
        """Close what :meth:`open` opened."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def look(self, question: Callable[[Journal], T], empty: T) -> T:
        """The answer to a question, or ``empty`` where nothing was ever filmed: looking makes no file."""
        if self._open is None and self._settings.database is None and not self._file.is_file():
            return empty
        with self.journal() as journal:
            return question(journal)

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """The journal, made if there is none."""
        if self._open is not None:
            yield self._open
            return
        journal = self._opened()
        try:
            yield journal
        finally:
            journal.close()

    def _opened(self) -> Journal:
        return Journal(self._database(), self._clock.now, self._settings.rates)

    def _database(self) -> Database:
        if self._settings.database is None:
            return SQLite(self._file, MIGRATIONS)
        if find_spec("psycopg") is None:
            raise MissingExtra("postgres", "a journal on Postgres")
        from dramagen.engine.postgres import Postgres

        return Postgres(self._settings.database, MIGRATIONS)

    def settle(self, job_id: str, *, paid: bool, me: Owner | None) -> Job:
        """Decide an unknown job. ``me``: the open studio's owner. Raises ``ConfigError`` where it cannot be."""
        job = self.look(lambda journal: journal.get(job_id), None)
        if job is None:
            raise ConfigError(f"no job is called {job_id!r}")
        if job.state != JobState.UNKNOWN:
            raise ConfigError(f"job {job.id} is not waiting for a decision: it is {job.state.value}")
        owner = me or self.owner()
        try:
            if job.owner != owner.id and owner.alive(job.owner):
                raise ConfigError(f"job {job.id} belongs to a process that is still running; stop it first")
        finally:
            if owner is not me:
                owner.release()
        state = JobState.PAID if paid else JobState.UNPAID
        cost = job.reserved if paid else Money.zero(job.reserved.currency)
        with self.journal() as journal:
            return journal.move(job, state, cost=cost, cost_source="settled by a person")
