"""How an episode is filmed: what its plan comes to."""

from collections.abc import Mapping
from dataclasses import dataclass

from dramagen.routing.episode_items import Filmed


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
