"""A policy with somebody's wish put before it: what is wished for is tried first, the rest stays as it was."""

from collections.abc import Sequence
from dataclasses import replace

from dramagen.catalog.order import Quote
from dramagen.money import Rates
from dramagen.routing.outlook import Outlook
from dramagen.routing.plan import Plan
from dramagen.routing.policy import Chooser, PlainPolicy
from dramagen.shot import Shot


def led(by: Chooser, name: str, wishes: Sequence[str]) -> Chooser:
    """``by``, with the routes that satisfy a wish first, in the order of the wishes.

    Once moderation held back what a model had made of the take, its other routes are :func:`put_off`.

    Args:
        name: what decisions made so are written down under.
        wishes: models, or routes as ``provider:region/model``.
    """

    def ask(shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook) -> Sequence[Quote]:
        def place(quote: Quote) -> int:
            named = (quote.route.id, quote.route.model)
            return next((n for n, wish in enumerate(wishes) if wish in named), len(wishes))

        return put_off(sorted(by.ask(shot, quotes, rates, outlook), key=place), outlook)

    return Chooser(name, ask)


def spread(wishes: Sequence[str], held: Sequence[str | None]) -> list[str | None]:
    """The wish of each take: they go round in order, and takes that are there already count for theirs.

    Choosing among takes of different models is worth more than among seeds of one: on Video-Bench (arXiv 2504.04907)
    two takes of one model agree far more than takes of two models do.

    Args:
        wishes: pins, best first.
        held: for each take what holds it, as :func:`satisfies` understands it, None where it is to be filmed.

    Returns None for takes that are held, and for all where there is nothing to wish for.
    """
    if not wishes:
        return [None] * len(held)
    used = [0] * len(wishes)
    for route in held:
        fits = [place for place, wish in enumerate(wishes) if route is not None and satisfies(route, wish)]
        if fits:
            used[min(fits, key=lambda place: used[place])] += 1
    given: list[str | None] = []
    for route in held:
        if route is not None:
            given.append(None)
            continue
        place = min(range(len(wishes)), key=lambda place: (used[place], place))
        used[place] += 1
        given.append(wishes[place])
    return given


def satisfies(route: str, wish: str) -> bool:
    """Whether ``provider:region/model`` is what a pin asks for."""
    account, _, model = route.partition("/")
    provider = account.partition(":")[0]
    return wish in (route, model, account, provider, f"{provider}/{model}")


def across_models(plan: Plan) -> Plan:
    """The plan of one shot's takes with each take's model tried first: another one for every take."""
    models = list(dict.fromkeys(quote.route.model for shot in plan.shots for quote in shot.attempts))
    wishes = spread(models, [shot.held for shot in plan.shots])
    shots = [
        replace(shot, attempts=tuple(sorted(shot.attempts, key=lambda quote: quote.route.model != wish)))
        for shot, wish in zip(plan.shots, wishes, strict=True)
    ]
    return replace(plan, shots=tuple(shots))


def as_planned(order: Sequence[str]) -> PlainPolicy:
    """The policy of a plan that was made before: its routes in order, then any it did not know.

    Once moderation held back what a model had made of the take, its other routes are :func:`put_off`.
    """

    def episode_plan(
        shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook | None = None, /
    ) -> Sequence[Quote]:
        places = {route: place for place, route in enumerate(order)}
        planned = sorted(quotes, key=lambda quote: places.get(quote.route.id, len(places)))
        return planned if outlook is None else put_off(planned, outlook)

    return episode_plan


def put_off(quotes: Sequence[Quote], outlook: Outlook) -> list[Quote]:
    """These quotes with each of a model that was held back behind those of others, as long as an accepted clip costs
    less there; the rest of the order stays."""
    costs = {candidate.route: outlook.per_accepted(candidate) for candidate in outlook.candidates}
    ordered: list[Quote] = []
    waiting: list[Quote] = []
    for quote in quotes:
        if quote.route.model in outlook.held_back:
            waiting.append(quote)
            continue
        while waiting and costs[waiting[0].route.id] <= costs[quote.route.id]:
            ordered.append(waiting.pop(0))
        ordered.append(quote)
    return ordered + waiting
