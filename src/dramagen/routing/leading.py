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

    Args:
        name: what decisions made so are written down under.
        wishes: models, or routes as ``provider:region/model``.
    """

    def ask(shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook) -> Sequence[Quote]:
        def place(quote: Quote) -> int:
            named = (quote.route.id, quote.route.model)
            return next((n for n, wish in enumerate(wishes) if wish in named), len(wishes))

        return sorted(by.ask(shot, quotes, rates, outlook), key=place)

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
    """The policy of a plan that was made before: its routes in order, then any it did not know."""

    def episode_plan(shot: Shot, quotes: Sequence[Quote], rates: Rates, /) -> Sequence[Quote]:
        places = {route: place for place, route in enumerate(order)}
        return sorted(quotes, key=lambda quote: places.get(quote.route.id, len(places)))

    return episode_plan
