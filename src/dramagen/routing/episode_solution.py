"""How an episode is filmed: what its plan comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import fsum, prod
from typing import TypedDict

from dramagen.routing.episode_items import Filmed
from dramagen.routing.episode_time import wall_seconds


@dataclass(frozen=True, slots=True)
class Solution:
    """How to film what is left of an episode. Money is in one currency; figures weigh, they do not bill.

    Attributes:
        filmed: every shot that is not held, None where no route can film it or the budget leaves it out.
        value: what an accepted clip is worth at this budget, and never more than it was said to be worth.
        expected: what all takes together are expected to cost.
        worst: what they cost where every take is made at its highest price.
        chance: that every shot is accepted within its takes.
        accepted: how many shots are expected to be accepted.
        reserve: of the budget, what is held back for bad luck.
        seconds: expected wall time, None where the pace of a route is not known.
        models: the model each group keeps.
        split: groups of which no one model can film every shot, so that each shot was planned by itself.
        bound: the budget decides that value, rather than what a clip was said to be worth.
        short: the budget does not film every shot once.
        late: no plan is expected to meet the deadline; this is the quickest found.
    """

    filmed: Mapping[str, Filmed | None]
    value: float
    expected: float
    worst: float
    chance: float
    accepted: float
    reserve: float = 0.0
    seconds: float | None = None
    models: Mapping[str, str] | None = None
    split: tuple[str, ...] = ()
    bound: bool = False
    short: bool = False
    late: bool = False


class Totals(TypedDict):
    """What the shots of a plan come to together; see :class:`Solution`."""

    filmed: Mapping[str, Filmed | None]
    expected: float
    worst: float
    chance: float
    accepted: float
    seconds: float | None


def totals(filmed: Mapping[str, Filmed | None], at_once: Mapping[str, int]) -> Totals:
    """Adds up these shots; ``at_once`` has the jobs at once, by key."""
    done = [each for each in filmed.values() if each is not None]
    return Totals(
        filmed=filmed,
        expected=fsum(each.way.cost for each in done),
        worst=fsum(offer.most for each in done for offer in each.takes),
        chance=prod((each.way.chance if each is not None else 0.0) for each in filmed.values()),
        accepted=fsum(each.way.chance for each in done),
        seconds=wall_seconds(done, at_once),
    )


def refilmed(found: Solution, filmed: Mapping[str, Filmed | None], at_once: Mapping[str, int]) -> Solution:
    """The same plan with its shots filmed in other ways."""
    return replace(found, **totals(filmed, at_once))
