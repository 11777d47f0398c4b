"""The journal as the studio holds it: open while the studio is, opened for a moment otherwise."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TypeVar

from dramagen.engine.clock import Clock
from dramagen.engine.database import SQLite, Transaction
from dramagen.engine.journal import Database, Journal
from dramagen.engine.limits.breaker import closed_routes
from dramagen.engine.owner import HomeOwner, Owner
from dramagen.engine.schema import MIGRATIONS
from dramagen.errors import InvalidShot, MissingExtra
from dramagen.identity import shot_hash
from dramagen.medium import Media
from dramagen.settings import Settings
from dramagen.shot import Shot
from dramagen.studio.standing import NEW, Standings, TakeStanding

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

    def consult(self, question: Callable[[Transaction], T], empty: T) -> T:
        """The answer to a question about what is written beside the jobs; see :meth:`look`."""
        return self.look(lambda journal: journal.consult(question), empty)

    def closed_routes(self) -> Mapping[str, str]:
        """Where nothing is sent at present, and why, by the name of a line or an account."""
        return self.look(self._closed, {})

    def known(
        self,
        shots: Sequence[Shot],
        takes: Sequence[int],
        sha256: Callable[[Media], str],
        hear: Callable[[Transaction], None],
        standings: Standings,
    ) -> tuple[list[TakeStanding], Mapping[str, str]]:
        """How each take stands, as of one moment; and the closed routes.

        ``hear`` listens to what was said of clips, since the journal is open.
        """

        def look(journal: Journal) -> tuple[list[TakeStanding], Mapping[str, str]]:
            # Files are read first: whoever asks the journal holds up those who write.
            keys = [_key(shot, sha256) for shot in shots]
            return journal.consult(partial(stand, keys))

        def stand(
            keys: Sequence[str | None], tx: Transaction
        ) -> tuple[list[TakeStanding], Mapping[str, str]]:
            hear(tx)
            found = [
                NEW if key is None else standings.of(tx, key, take, shot.pin)
                for shot, take, key in zip(shots, takes, keys, strict=True)
            ]
            return found, closed_routes(tx, self._clock.now())

        nothing: tuple[list[TakeStanding], Mapping[str, str]] = ([NEW] * len(shots), {})
        return self.look(look, nothing)

    def _closed(self, journal: Journal) -> Mapping[str, str]:
        return journal.consult(partial(closed_routes, now=self._clock.now()))

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


def _key(shot: Shot, sha256: Callable[[Media], str]) -> str | None:
    """The shot's hash; None where it is not measured yet: nothing can be bound to it."""
    try:
        return shot_hash(shot, sha256)
    except InvalidShot:
        return None
