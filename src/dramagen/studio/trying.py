"""What is tried next for a take: its best planned route, and after a verdict what the project allows then."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from dramagen.catalog.order import Quote
from dramagen.catalog.route import Route
from dramagen.clip import Adjustment
from dramagen.config import HELPFUL, Budget, Remedy
from dramagen.engine import bindings
from dramagen.engine.database import Transaction
from dramagen.engine.engine import Engine
from dramagen.engine.jobs import Job
from dramagen.engine.state import JobState
from dramagen.errors import DramagenError
from dramagen.routing.causes import allowed, cause_of
from dramagen.routing.doubts import Doubts, held_back
from dramagen.routing.policy import Chooser
from dramagen.routing.remedies import Leave, options, silent_on, untried
from dramagen.shot import Shot
from dramagen.studio.learning import Past
from dramagen.studio.planning import Planner


@dataclass(frozen=True, slots=True)
class History:
    """What the journal says of a take nobody holds, and what is known of its chances.

    ``failed`` are the jobs that gave no clip, ``unusable`` those that were paid for one that cannot be used.
    """

    failed: Sequence[Job]
    unusable: Sequence[Job]
    past: Past


@dataclass(frozen=True, slots=True)
class Gone:
    """A job that gave no clip. ``made``: the vendor had taken it, so another generation may end otherwise."""

    job: str
    route: Route
    made: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """One take of one shot, as it was asked for, and what verdicts in this call made of it."""

    shot: Shot
    key: str
    take: int
    episode: str | None
    budgets: tuple[Budget, ...]
    policy: Chooser | None = None
    """Of this call; None is the studio's."""
    silent: Route | None = None
    """Filmed without sound from now on, there first: that route refused the sound."""
    remedy: Remedy | None = None
    """What the last verdict led to; None before there is one."""
    gone: tuple[Gone, ...] = ()
    """The jobs of the verdicts, in order."""
    repeated: frozenset[Route] = frozenset()
    """Where this call ordered the same once more."""

    @property
    def last(self) -> Gone | None:
        """The job of the last verdict."""
        return self.gone[-1] if self.gone else None

    @property
    def filmed(self) -> Shot:
        """What is filmed: the shot, or what a remedy made of it."""
        return self.shot if self.silent is None else self.shot.changed(audio=False)

    def repeats(self, quote: Quote) -> bool:
        """Whether that is the same order once more."""
        return self.remedy == "again" and self.last is not None and quote.route == self.last.route

    def taken(self, quote: Quote) -> Remedy:
        """The remedy that quote is, after a verdict."""
        if self.remedy == "again" and not self.repeats(quote):
            return "other_route"
        return self.remedy or "other_route"


@dataclass(frozen=True, slots=True)
class Trying:
    """Chooses for the takes of one studio. What blocks says so."""

    engine: Engine
    planner: Planner
    leave: Leave
    doubts: Doubts
    failures: int
    """Jobs of one take that may be paid for in vain before none is bought any more."""

    def remedied(self, wanted: Wanted, gone: Gone, error: DramagenError) -> Wanted | None:
        """The take as it may be tried after this verdict; None where the project wants nothing tried."""
        may = allowed(self.leave, cause_of(error))
        wanted = replace(wanted, gone=(*wanted.gone, gone))
        if "without_sound" in may and wanted.silent is None and wanted.shot.audio is not False:
            return replace(wanted, silent=gone.route, remedy="without_sound")
        if "again" in may and gone.made and gone.route not in wanted.repeated:
            return replace(wanted, remedy="again", repeated=wanted.repeated | {gone.route})
        return replace(wanted, remedy="other_route") if "other_route" in may else None

    def look(self, wanted: Wanted, fresh: bool, *, unheld: bool) -> Job | History:
        """What the journal says of a take, of one moment; ``unheld``: who holds it is not asked. Blocks."""
        key, take, learning = wanted.key, wanted.take, self.planner.weighing.learning

        def look(tx: Transaction) -> Job | History:
            if not fresh and not unheld:
                held = bindings.holder(tx, key, take, wanted.shot.pin)
                if held is not None and held.state != JobState.FAILED:
                    return held
            jobs = [] if fresh else bindings.jobs_of(tx, key, take, bindings.newest(tx, key, take))
            failed = [job for job in jobs if job.state == JobState.FAILED]
            unusable = [job for job in jobs if job.state == JobState.DEFECTIVE]
            learning.hear(tx)
            return History(failed, unusable, learning.past(tx, key, None if fresh else take))

        return self.engine.journal.consult(look)

    def best(
        self, wanted: Wanted, history: History, tried: Collection[Route], errors: Sequence[DramagenError]
    ) -> tuple[Quote, str]:
        """The first planned route that gave no verdict yet, and why it is first, as JSON. Blocks.

        Raises what they said where none is left.
        """
        # A failed job is not sent again on its route unless the caller asks for that.
        failed, unusable = list(history.failed), list(history.unusable)
        mine = [job for job in failed if job.route.satisfies(wanted.shot.pin)]
        if not errors and (stopped := [job for job in mine if self._stops(job.error)]):
            raise self.engine.verdict_of(stopped[-1])
        if wanted.silent is not None:
            failed = [job for job in failed if not job.quote.order.audio]
            unusable = [job for job in unusable if not job.quote.order.audio]
        done_with = dict.fromkeys([*tried, *(job.route for job in (*failed, *unusable))])
        if wanted.remedy == "again" and wanted.last is not None:
            done_with.pop(wanted.last.route, None)
        past = self._past(wanted, history.past, history.failed)
        planned = self.planner.led_by(wanted.policy).for_filming(wanted.filmed, past, tuple(done_with))
        choice = self._choice(wanted, planned.attempts, errors)
        begun = [*mine, *(job for job in history.unusable if job.route.satisfies(wanted.shot.pin))]
        if choice is not None and (vain := self._in_vain(wanted, begun)) and choice.price.most:
            said = list(errors) or [self.engine.verdict_of(job) for job in vain]
            said[-1].attempts = tuple(said[:-1])
            why = f"{len(vain)} jobs of this take were paid for in vain already, [routing] failures"
            said[-1].untried = f"{wanted.taken(choice)}: {choice.route.id}, {choice.price.most} ({why})"
            raise said[-1]
        if choice is not None:
            return choice, planned.decision.compact() if planned.decision is not None else ""
        mine = [job for job in failed if job.route.satisfies(wanted.shot.pin)]
        said = list(errors) or [self.engine.verdict_of(job) for job in mine]
        if not said:
            raise self.planner.nothing(planned)
        said[-1].attempts = tuple(said[:-1])
        if errors and wanted.last is not None:
            said[-1].untried = self.untried(wanted, wanted.last, said[-1], tried)
        raise said[-1]

    def _past(self, wanted: Wanted, past: Past, failed: Sequence[Job]) -> Past:
        """What is known of the take, with what was refused: of its own jobs, and of others in this run."""
        shot = wanted.filmed
        refused = held_back(((job.route.model, job.error) for job in failed), sound=shot.audio is not False)
        return replace(past, doubts=self.doubts.about(shot), held_back=refused)

    def _in_vain(self, wanted: Wanted, begun: Sequence[Job]) -> list[Job]:
        """The jobs of this take that were paid for and gave no clip, once there are too many of them. Blocks."""
        here = [self.engine.journal.get(each.job) for each in wanted.gone]
        jobs = {job.id: job for job in (*begun, *here) if job is not None and job.cost}
        return list(jobs.values()) if len(jobs) >= self.failures else []

    def untried(self, wanted: Wanted, gone: Gone, error: DramagenError, tried: Collection[Route]) -> str:
        """What might have been tried after that verdict, had the project allowed it, and its price. Blocks.

        Empty where that cannot be said: the verdict itself matters more.
        """
        try:
            return self._untried(wanted, gone, error, tried)
        except DramagenError:
            return ""

    def _untried(self, wanted: Wanted, gone: Gone, error: DramagenError, tried: Collection[Route]) -> str:
        cause = cause_of(error)
        forbidden = set(HELPFUL[cause]) - set(allowed(self.leave, cause))
        job = self.engine.journal.get(gone.job) if forbidden else None
        if job is None:
            return ""
        silent = elsewhere = None
        if "without_sound" in forbidden and wanted.silent is None:
            quiet = self.planner.for_filming(wanted.shot.changed(audio=False))
            silent = silent_on(job.quote, quiet.quotes)
        if "other_route" in forbidden:
            failed = self.engine.journal.failures(wanted.key, wanted.take)
            done_with = dict.fromkeys([*tried, gone.route, *(each.route for each in failed)])
            planner = self.planner.led_by(wanted.policy)
            past = self._past(wanted, planner.weighing.learning.rejected(wanted.key), failed)
            elsewhere = planner.for_filming(wanted.filmed, past, tuple(done_with)).choice
        once_more = job.quote if gone.made and gone.route not in wanted.repeated else None
        return untried(options(cause, self.leave, once_more=once_more, silent=silent, elsewhere=elsewhere))

    def _stops(self, error: DramagenError | None) -> bool:
        """Whether the project wants no other route tried after that verdict, in this call or a later one."""
        return error is not None and "other_route" not in allowed(self.leave, cause_of(error))

    def _choice(
        self, wanted: Wanted, attempts: Sequence[Quote], errors: Sequence[DramagenError]
    ) -> Quote | None:
        may = list(attempts)
        if wanted.remedy == "again":
            # Where its route takes nothing at present, it is as if the order had been repeated in vain.
            same = [quote for quote in may if wanted.repeats(quote)]
            elsewhere = "other_route" in allowed(self.leave, cause_of(errors[-1]))
            may = same or (may if elsewhere else [])
        return self._silent(may, wanted.silent) if wanted.silent is not None else next(iter(may), None)

    def _silent(self, attempts: Sequence[Quote], first: Route) -> Quote | None:
        """The attempt for a shot whose sound was refused: on the same route, else, where allowed, elsewhere."""
        elsewhere = "other_route" in allowed(self.leave, "audio_moderation")
        may = [q for q in attempts if q.route == first] or (list(attempts) if elsewhere else [])
        if not may:
            return None
        why = Adjustment(
            field="audio",
            asked="sound",
            given="no sound",
            why="moderation refused the sound that was generated",
        )
        return may[0].model_copy(update={"adjustments": (*may[0].adjustments, why)})
