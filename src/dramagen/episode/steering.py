"""Planning what is left of an episode again after every result, within what is left of its budget."""

from collections.abc import Mapping, Sequence

import anyio
import anyio.to_thread

from dramagen.episode.choose import Choice
from dramagen.episode.crew import Crew
from dramagen.episode.frames import stand_in
from dramagen.episode.model import Episode
from dramagen.errors import BudgetExceeded, DramagenError
from dramagen.money import Money
from dramagen.routing.leading import as_planned
from dramagen.routing.policy import PlainPolicy
from dramagen.shot import Shot


def left_of(crew: Crew, budgets: Sequence[Money], episode: str) -> Money | None:
    """What the episode may still spend: the tightest of its budgets less what its jobs cost or have reserved.

    Never below zero; None where there is no budget.
    """
    if not budgets:
        return None
    ledger, plan = crew.ledger(episode), crew.plan([])
    left = min(plan.rates.convert(budget, plan.currency) for budget in budgets)
    for money in (*ledger.spent, *ledger.reserved, *ledger.unknown):
        left -= plan.rates.convert(money, plan.currency)
    return max(left, Money.zero(plan.currency))


class Steering:
    """Says which routes a shot is tried on, as the whole episode stands now.

    Without a budget, and with no shots that keep one model, there is nothing to weigh between shots and it says
    nothing. A pin binds whatever it says: only what satisfies it is ordered. A take that is held stays where it is.
    """

    def __init__(
        self, crew: Crew, episode: Episode, choices: Mapping[str, Choice], budgets: Sequence[Money]
    ) -> None:
        self._crew, self._episode, self._budgets = crew, episode, tuple(budgets)
        self._continuity = episode.continuity
        self._takes = {
            shot.id: choices[shot.id].take for shot in episode.ordered if not choices[shot.id].stale
        }
        self._ready: dict[str, Shot] = {}
        self._plan: dict[str, tuple[str, ...] | None] | None = None
        self._lock = anyio.Lock()
        self._over = 0
        """Shots that ended so far."""

    async def of(self, shot_id: str, ready: Shot) -> PlainPolicy | None:
        """The policy for a shot that is about to be filmed; None leaves it to the studio's.

        Raises ``BudgetExceeded`` where what is left does not film every shot once, and the plan leaves this one out:
        ordered all the same, it would take the money of those that are in it.
        """
        if not (self._budgets or self._continuity.groups):
            return None
        async with self._lock:
            if self._ready.get(shot_id) != ready and self._episode.shot(shot_id).continues is not None:
                self._plan = None
            self._ready[shot_id] = ready
            plan, over = self._plan, self._over
            if plan is None:
                try:
                    plan = await anyio.to_thread.run_sync(self._planned, dict(self._takes))
                except DramagenError:
                    return None  # filming it says what is wrong, of this shot or of another
                self._plan = plan if over == self._over else None
            order = plan[shot_id]
        if order is None:
            raise BudgetExceeded(
                f"what is left of the budget does not film every shot once, and {shot_id} is left out. "
                "Nothing was sent"
            )
        return as_planned(order)

    def heard(self, shot_id: str, *, filmed: bool) -> None:
        """A shot ended: what is left is planned anew before the next one is filmed.

        No money is kept for a shot that this run does not film any more.
        """
        if not filmed:
            self._takes.pop(shot_id, None)
        self._over += 1
        self._plan = None

    def _planned(self, takes: Mapping[str, int]) -> dict[str, tuple[str, ...] | None]:
        """The routes of every shot in order; None for a shot that the budget leaves out. Blocks."""
        shots = {shot_id: self._as_known(shot_id) for shot_id in takes}
        plan = self._crew.plan(
            list(shots.values()),
            left_of(self._crew, self._budgets, self._episode.title),
            takes=list(takes.values()),
            continuity=self._continuity,
        )
        left_out = plan.left_out
        return {
            shot_id: None if planned in left_out else tuple(quote.route.id for quote in planned.attempts)
            for shot_id, planned in zip(shots, plan.shots, strict=True)
        }

    def _as_known(self, shot_id: str) -> Shot:
        shot = self._episode.shot(shot_id)
        return self._ready.get(shot_id) or shot.starting_on(stand_in(shot.shot))
