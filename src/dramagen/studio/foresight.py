"""Several shots planned as one episode, with what the journal knows of them."""

from collections.abc import Sequence
from dataclasses import replace

from dramagen.errors import InvalidShot
from dramagen.money import Money
from dramagen.routing.doubts import Doubts
from dramagen.routing.episode_items import Continuity
from dramagen.routing.episode_plan import following
from dramagen.routing.plan import Plan
from dramagen.shot import Shot
from dramagen.studio.books import Books
from dramagen.studio.learning import Past
from dramagen.studio.planning import Planner
from dramagen.studio.standing import Standings, TakeStanding

NO_LIMIT = 1000
"""Jobs at once on a route that states no limit."""


def plan_shots(
    planner: Planner,
    books: Books,
    shots: Sequence[Shot],
    takes: Sequence[int] | None,
    budget: Money | str | None,
    deadline: float | None,
    continuity: Continuity | None,
    doubts: Doubts,
) -> Plan:
    """See :meth:`Studio.plan`.

    Args:
        doubts: what the verdicts of this run foretell.
    """
    numbers = [1] * len(shots) if takes is None else list(takes)
    if len(numbers) != len(shots):
        raise InvalidShot(f"{len(shots)} shots and {len(numbers)} takes: give one take for each shot")
    services, learning, sha256 = planner.services, planner.weighing.learning, planner.asking.intake.sha256
    settings = services.settings
    cap = None if budget is None else settings.rated(Money.parse(budget))
    standings = Standings(settings.routing.remedies, settings.routing.failures)
    found, closed = books.known(shots, numbers, sha256, learning.hear, standings)

    def past(shot: Shot, stands: TakeStanding) -> Past:
        doubted = doubts.about(shot)
        if stands.held is not None:
            doubted.pop(stands.held, None)  # what it refused of others says nothing of a clip that is there
        known = learning.of(shot, stands.held, sha256)
        return replace(known, doubts=doubted, held_back=stands.held_back)

    planned = tuple(
        planner.plan(shot, standing=stands, closed=closed, past=past(shot, stands))
        for shot, stands in zip(shots, found, strict=True)
    )
    routes = {quote.route for one in planned for quote in one.quotes}
    plan = Plan(
        planned,
        settings.currency,
        settings.rates,
        cap,
        {route.id: services.concurrency(route) or NO_LIMIT for route in routes},
        deadline=deadline,
        review=settings.routing.review,
        switch=settings.routing.switch,
        continuity=continuity or Continuity(),
    )
    return plan if cap is None and deadline is None and continuity is None else following(plan)
