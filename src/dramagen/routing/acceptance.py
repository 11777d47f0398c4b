"""The chance that a person accepts a take: from public ratings, then from the project's own verdicts.

Three levels, each the prior of the next: what the model's rating foretells, moved by how strict this project is; the
project's own takes of the model; its takes on shots of the same kind (exactly the same tags). Every level is a
weighted mean, so an answer is told in a line. Pure arithmetic: who records verdicts, and where, is decided elsewhere.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dramagen.routing.attempts import DEFAULT_RHO
from dramagen.routing.beliefs import Belief, Level, Prior, Verdict, logit, sigmoid, unrated
from dramagen.routing.likeness import learnt_rho, news
from dramagen.routing.numeric import fraction

KIND_TAKES = 8.0
"""What a model's takes on all shots weigh beside those on shots of one kind."""

STRICTNESS = 1.5
"""How far apart projects are in strictness (standard deviation, logits); "satisfied" is 1.7 to 3.3 below "usable"."""

KEPT_A_WEEK = 0.98
"""How much of its weight a verdict keeps each week: models change behind their names."""

_ROUNDS = 20
_SAME = 1e-6
_AGREEMENTS = 3


@dataclass(frozen=True, slots=True)
class _Shot:
    """The verdicts on one model's takes of one shot, in order, and how much they still weigh."""

    model: str
    tags: frozenset[str]
    takes: tuple[bool, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a project has taught so far; made by :func:`learn`.

    Attributes:
        strictness: how much easier (above zero) or harder this project accepts than the ratings foretell, in logits.
        rho: how alike takes of one model on one shot are; for :func:`~dramagen.routing.attempts.plan_attempts`.
    """

    strictness: float
    rho: float
    _priors: Mapping[str, Prior]
    _shots: Mapping[str, tuple[_Shot, ...]]
    _heard: Mapping[str, tuple[float, float, float]]

    def of(self, model: str, tags: Iterable[str] = ()) -> Belief:
        """What is believed of this model on shots with these tags; without tags, on all shots."""
        prior = self._priors.get(model) or unrated()
        shots = self._shots.get(model, ())
        # A model's own verdicts count once, below: how strict the project is, the other models say.
        others = [heard for name, heard in self._heard.items() if name != model]
        project = sigmoid(logit(prior.chance) + _strictness(others)) if others else prior.chance
        own, accepted, takes = _weighed(shots, project, prior.takes, self.rho)
        chance, worth = own, prior.takes + takes
        kind = None
        if wanted := frozenset(tags):
            alike = [shot for shot in shots if shot.tags == wanted]
            chance, here, there = _weighed(alike, own, KIND_TAKES, self.rho)
            worth = min(worth, KIND_TAKES + there)  # of a kind no more is known than of the model
            kind = Level(f"its takes with {' '.join(sorted(wanted))}", chance, here, there)
        return Belief(
            model=model,
            chance=chance,
            takes=worth,
            prior=Level(prior.source, prior.chance),
            project=Level("this project's strictness with others", project),
            own=Level("its takes", own, accepted, takes),
            kind=kind,
        )


def learn(
    verdicts: Iterable[Verdict],
    priors: Mapping[str, Prior],
    *,
    rho: float | None = None,
    now: datetime | None = None,
) -> Acceptance:
    """What the verdicts teach about every model, starting from ``priors`` (a model without one is unrated).

    Args:
        verdicts: those of one project, in the order they were made where they have no time.
        rho: how alike takes are; None learns it too.
        now: verdicts fade by :data:`KEPT_A_WEEK` until then; None is the time of the latest.
    """
    shots = _shots(list(verdicts), now)
    known = {model: unrated() for model in shots} | dict(priors)
    if rho is not None:
        return _settled(known, shots, fraction("rho", rho))
    taught = _settled(known, shots, DEFAULT_RHO)
    for _ in range(
        _AGREEMENTS if any(len(shot.takes) > 1 for each in shots.values() for shot in each) else 0
    ):
        taught = _settled(known, shots, learnt_rho(_foreseen(taught)))
    return taught


def _foreseen(taught: Acceptance) -> list[tuple[float, tuple[bool, ...]]]:
    """Every shot with the chance its model has on its kind, and its verdicts."""
    shots = [shot for each in taught._shots.values() for shot in each]
    chances = {kind: taught.of(*kind).chance for kind in {(shot.model, shot.tags) for shot in shots}}
    return [(chances[shot.model, shot.tags], shot.takes) for shot in shots]


def _shots(verdicts: list[Verdict], now: datetime | None) -> dict[str, tuple[_Shot, ...]]:
    times = [verdict.at for verdict in verdicts if verdict.at is not None]
    until = now or max(times, default=None)
    by_shot: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_shot[verdict.model, verdict.shot].append(verdict)
    found: dict[str, list[_Shot]] = defaultdict(list)
    for (model, _), given in by_shot.items():
        in_order = sorted(given, key=lambda verdict: verdict.at.timestamp() if verdict.at else 0.0)
        found[model].append(
            _Shot(
                model=model,
                tags=in_order[-1].tags,
                takes=tuple(verdict.accepted for verdict in in_order),
                weight=_kept(in_order[-1].at, until),
            )
        )
    return {model: tuple(shots) for model, shots in found.items()}


def _kept(at: datetime | None, until: datetime | None) -> float:
    if at is None or until is None:
        return 1.0
    return float(KEPT_A_WEEK ** max(0.0, (until - at) / timedelta(weeks=1)))


def _weighed(shots: Iterable[_Shot], prior: float, takes: float, rho: float) -> tuple[float, float, float]:
    """The chance after these shots, and their evidence as (accepted, takes): each take weighs what is news in it.

    What is news depends a little on the chance itself, so the two are made to agree (expectation maximisation).
    """
    histories: dict[tuple[bool, ...], float] = defaultdict(float)  # a project has few different ones
    for shot in shots:
        histories[shot.takes] += shot.weight
    chance, accepted, seen = prior, 0.0, 0.0
    for _ in range(_ROUNDS if histories else 0):
        accepted = seen = 0.0
        for verdicts, weight in histories.items():
            parts = news(verdicts, chance, rho)
            seen += weight * sum(parts)
            accepted += weight * sum(part for part, verdict in zip(parts, verdicts, strict=True) if verdict)
        before, chance = chance, (takes * prior + accepted) / (takes + seen) if takes + seen else prior
        if abs(chance - before) < _SAME:
            break
    return chance, accepted, seen


def _settled(priors: dict[str, Prior], shots: dict[str, tuple[_Shot, ...]], rho: float) -> Acceptance:
    """The strictness at which every model's own takes are foretold best, and all that follows from it."""
    heard = {}
    for model, taken in shots.items():
        prior = priors[model]
        _, accepted, takes = _weighed(taken, prior.chance, prior.takes, rho)
        # However many takes one model has, it is one model: it differs from its rating for reasons of its own.
        share = (prior.takes + 1) / (prior.takes + max(takes, 1.0))
        heard[model] = (logit(prior.chance), share * accepted, share * takes)
    return Acceptance(_strictness(heard.values()), rho, priors, shots, heard)


def _strictness(evidence: Collection[tuple[float, float, float]]) -> float:
    """The most likely shift of all models' log odds, if it came from a normal of STRICTNESS (Newton's method)."""
    shift = 0.0
    for _ in range(25):
        slope, bend = -shift / STRICTNESS**2, 1 / STRICTNESS**2
        for odds, accepted, takes in evidence:
            chance = sigmoid(odds + shift)
            slope += accepted - takes * chance
            bend += takes * chance * (1 - chance)
        step = max(-1.0, min(1.0, slope / bend))
        shift += step
        if abs(step) < 1e-9:
            break
    return shift
