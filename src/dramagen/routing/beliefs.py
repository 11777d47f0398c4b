"""What is known of a model's chance to be accepted: verdicts, priors, and beliefs that say where they come from."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dramagen.routing.beta import beta_cdf, beta_interval
from dramagen.routing.numeric import finite, fraction

PRIOR_TAKES = 8.0
"""What a rating weighs, in takes: an episode's worth of verdicts on a model outweighs it."""
FAMILY_TAKES = 3.0
"""The same for a model without a rating of its own."""
WIDE = 50.0
"""Points; boards of tens of thousands of votes are surer than that, ratings taken over from another board are not."""
SIBLING = 30
"""Points a model without a rating is believed to be below its family's: boards list a family's best first.

Between tiers that boards do list, the lesser was rated 28 lower on average: 11 pairs, from 108 lower to 22 higher
(arena.ai of 2026-08-17; Artificial Analysis of about 2026-08-06, without audio: Kling 2.1, 3.0, 3.0 Omni, Hailuo 02,
Seedance 1.0, Sora 2, Vidu Q2 and Q3).
"""
SUCCESSOR_TAKES = 4.0
"""The same for what the version before it has shown."""

LOGITS_PER_POINT = math.log(10) / 400


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person (or a technical check) said of one take. A take nobody looked at is no verdict.

    Attributes:
        shot: whatever tells shots apart; takes of one model on one shot are alike.
        tags: the kind of shot, such as ``{"anime", "dialogue"}``; shots with exactly the same tags are of one kind.
        at: when, with a time zone; verdicts without it do not fade.
    """

    model: str
    shot: str
    accepted: bool
    tags: frozenset[str] = frozenset()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of a model before this project has seen a take of it: a chance, worth so many takes."""

    chance: float
    takes: float
    source: str

    def __post_init__(self) -> None:
        fraction(f"the prior chance of {self.source}", self.chance)
        finite(f"the weight of {self.source}", self.takes, least=0)


def rated(rating: float, interval: float | None = None) -> Prior:
    """The prior of an arena rating (the scale of arena.ai's video boards).

    One whose half 95 % ``interval`` is wider than :data:`WIDE` is held as lightly as a family's.

    ``logit(p) = 0.38 + 1.49 (ln 10 / 400) (rating - 1350)``: the lowest of the three visual usable rates of
    SeedVideoBench 2.0 (arXiv 2604.14148, read 2026-11-22) against the boards of 2026-08-17; 11 points, r 0.89,
    residual 0.39 logits. A vendor ran that evaluation; a project's own verdicts soon outweigh it.
    """
    finite("a rating", rating)
    chance = sigmoid(0.38 + 1.49 * LOGITS_PER_POINT * (rating - 1350))
    if interval is not None and interval > WIDE:
        return Prior(chance, FAMILY_TAKES, f"rating {rating:.0f} +-{interval:.0f}")
    return Prior(chance, PRIOR_TAKES, f"rating {rating:.0f}")


def unrated(family: Iterable[float] = ()) -> Prior:
    """The prior of a model that no board lists: a little below its family's mean, or the boards'; held lightly."""
    ratings = list(family)
    if not ratings:
        return Prior(rated(1350.0).chance, FAMILY_TAKES, "no rating")
    mean = math.fsum(ratings) / len(ratings)
    return Prior(rated(mean - SIBLING).chance, FAMILY_TAKES, f"family mean {mean:.0f}, less {SIBLING}")


@dataclass(frozen=True, slots=True)
class Level:
    """One step of an estimate.

    Attributes:
        basis: what this level looked at.
        chance: what is believed once it has.
        accepted, takes: its evidence, in takes' worth of news; zero of both where there was none.
    """

    basis: str
    chance: float
    accepted: float = 0.0
    takes: float = 0.0

    def __str__(self) -> str:
        seen = f", {self.accepted:.1f} of {self.takes:.1f}" if self.takes else ""
        return f"{self.basis}{seen}: {self.chance:.2f}"


@dataclass(frozen=True, slots=True)
class Belief:
    """The chance of a model's first take on a shot, and how it came about.

    Attributes:
        chance: the mean, which is what a plan uses.
        takes: how many takes this knowledge is worth, the prior included.
        prior: what its rating foretells.
        project: the same, by this project's strictness.
        own: once the project's takes of this model are counted.
        kind: once those on this kind of shot are counted again; None where no kind was asked for.
    """

    model: str
    chance: float
    takes: float
    prior: Level
    project: Level
    own: Level
    kind: Level | None = None

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Between which chances the true one lies with this probability, as far as this evidence goes."""
        if not self._spread():
            return self.chance, self.chance
        return beta_interval(self.chance * self.takes, (1 - self.chance) * self.takes, level)

    def above(self, floor: float) -> float:
        """How likely the true chance is above ``floor``: what a quality floor asks."""
        if not self._spread():
            return float(self.chance > floor)
        return 1 - beta_cdf(floor, self.chance * self.takes, (1 - self.chance) * self.takes)

    def _spread(self) -> bool:
        return 0 < self.chance < 1 and self.takes > 0

    def __str__(self) -> str:
        low, high = self.interval()
        levels = "; ".join(str(each) for each in (self.prior, self.project, self.own, self.kind) if each)
        return f"{self.model} {self.chance:.2f} ({low:.2f} to {high:.2f}): {levels}"


def successor(before: "Belief") -> Prior:
    """The prior of a model's new version: what the old one has shown on all shots, held lightly."""
    return Prior(before.own.chance, SUCCESSOR_TAKES, f"the version before it, {before.model}")


def sigmoid(logit: float) -> float:
    """The chance of these log odds."""
    return 1 / (1 + math.exp(-logit)) if logit > -500 else 0.0


def logit(chance: float) -> float:
    """The log odds of a chance, finite for 0 and 1 too."""
    inside = min(max(chance, 1e-6), 1 - 1e-6)
    return math.log(inside / (1 - inside))
