"""Shot x Route -> Quote, or a Refusal that names the one rule the route fails on. No I/O of its own.

In two steps, for a plan asks every route: the outline, which is the same for all shots of a kind, and then the words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from dramagen.catalog import price, words
from dramagen.catalog.cards import ModelCard, ProviderCard
from dramagen.catalog.drafting import drafted, options_of
from dramagen.catalog.drafts import Draft, Drafts
from dramagen.catalog.fitting import UNMEASURED, Adapt, Measure, Notes, NotMeasured, Unfit
from dramagen.catalog.inputs import Desk
from dramagen.catalog.load import SETTINGS, Catalog
from dramagen.catalog.order import Order, Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.catalog.shape import Terms
from dramagen.errors import InvalidShot
from dramagen.shot import Shot

__all__ = [
    "UNMEASURED",
    "Adapt",
    "Measure",
    "NotMeasured",
    "Outline",
    "Wording",
    "complete",
    "fit",
    "like_order",
    "measured",
    "outline",
    "own_order",
]

Wording = Callable[[Order], str]
"""An adapter's: the prompt exactly as it will be sent."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A route's answer to a shot but for the words.

    Attributes:
        ending: until when the model lives, for people, where that is known.
        unpriced: why its price is no use here, where it has one.
    """

    route: Route
    provider: ProviderCard
    draft: Draft
    terms: Terms
    keyed: bool
    ending: str | None = None
    unpriced: str | None = None


def fit(
    shot: Shot,
    route: Route,
    catalog: Catalog,
    *,
    measure: Measure,
    adapt: Adapt | None = None,
    wording: Wording | None = None,
    can_trim: bool = True,
    today: date,
    overridden: bool = False,
    planning: bool = False,
    keyed: bool = False,
    drafts: Drafts | None = None,
) -> Quote | Refusal:
    """What this route would film for this shot, and for how much; or why it cannot.

    Args:
        measure: reads a medium: its content hash, type, size.
        adapt: changes a picture and keeps the result, so that the order names the bytes that are sent; None where
            nothing here can.
        wording: the adapter's: the prompt exactly as it will be sent. Without it the shot's own is measured.
        can_trim: a longer clip can be cut to length here.
        today: decides retirement.
        overridden: the base URL is somebody's own, where a retired model may live on.
        planning: a medium not fetched yet is a warning; without it, :class:`NotMeasured` is raised.
        keyed: there is a key for the route; the answer says so and is the same otherwise.
        drafts: what the other routes of one plan have found out already; for this shot and these arguments only.
    """
    drafts = Drafts() if drafts is None else drafts
    found = outline(
        shot, route, catalog,
        measure=measure, adapt=adapt, can_trim=can_trim, today=today, overridden=overridden, planning=planning,
        keyed=keyed, drafts=drafts,
    )  # fmt: skip
    return found if isinstance(found, Refusal) else complete(found, own_order(found), drafts, wording)


def outline(
    shot: Shot,
    route: Route,
    catalog: Catalog,
    *,
    measure: Measure,
    adapt: Adapt | None,
    can_trim: bool,
    today: date,
    overridden: bool,
    planning: bool,
    keyed: bool,
    drafts: Drafts,
) -> Outline | Refusal:
    """Everything :func:`fit` says before it has read the words. The arguments are those of :func:`fit`."""
    card, provider = catalog.model(route.provider, route.model), catalog.provider(route.provider)
    try:
        ending = _alive(card, route, today, overridden)

        def make() -> Draft:
            desk = Desk(measure, adapt, card.media, Notes(shot.strict), planning)
            return drafted(shot, route, card, provider, catalog.kept, desk, can_trim)

        draft = drafts.of(route, card, make)
    except Unfit as no:
        return Refusal.of_checked(route=route, rule=no.rule, reason=no.reason, keyed=keyed)
    order = _there(draft.order, route)
    if order.references or order.dialogue or order.options:
        terms = _terms(card, provider, order)
    else:
        key = (route.region, *draft.key)
        terms = catalog.kept.terms.answer(key, lambda: _terms(card, provider, order))
    return Outline(route, provider, draft, terms, keyed, ending)


def complete(
    found: Outline, order: Order, drafts: Drafts, wording: Wording | None, *, read: bool = False
) -> Quote | Refusal:
    """The answer that comes of an outline with its order.

    ``read``: the words are known to be right, and are not put to the adapter again.
    """
    draft, route, price = found.draft, found.route, found.terms.price
    try:
        advice = () if read else drafts.advice(draft, lambda: _advice(draft, order, wording))
    except Unfit as no:
        return Refusal.of_checked(route=route, rule=no.rule, reason=no.reason, keyed=found.keyed)
    if price is None or found.unpriced is not None:
        return Refusal.of_checked(
            route=route,
            rule="price",
            reason=found.unpriced or _state_a_price(route, found.provider),
            keyed=found.keyed,
        )
    noted = (*draft.warnings, *advice)
    return Quote.of_checked(
        route=route,
        order=order,
        price=price,
        trim=draft.trim,
        adjustments=draft.adjustments,
        seconds=found.terms.p50,
        seconds_p90=found.terms.p90,
        rating=found.terms.rating,
        keyed=found.keyed,
        warnings=(found.ending, *noted) if found.ending else noted,
    )


def own_order(found: Outline) -> Order:
    """The order for the shot the outline was made of."""
    return _there(found.draft.order, found.route)


def like_order(found: Outline, shot: Shot) -> Order:
    """The order for another shot of the same kind (see :mod:`dramagen.catalog.kinds`)."""
    order = found.draft.order
    said = shot.dialogue if order.dialogue else ()
    options = options_of(shot, found.provider) if found.provider.local else order.options
    return order.with_checked(
        route=found.route, prompt=shot.prompt, camera=shot.camera, dialogue=said, options=options
    )


def measured(order: Order) -> bool:
    """Whether the content of everything the order sends is known. Only such an order may be sent."""
    return all(item.sha256 != UNMEASURED for item in order.inputs())


def _there(order: Order, route: Route) -> Order:
    """The same order for another region."""
    return order if order.route is route else order.with_checked(route=route)


def _advice(draft: Draft, order: Order, wording: Wording | None) -> tuple[str, ...]:
    """What is advised about the words as they will be sent. What an adapter has no words for is not filmed there."""
    try:
        text = wording(order) if wording else order.prompt
    except InvalidShot as problem:
        raise Unfit("prompt", problem.message) from None
    return (*words.check_prompt(text, draft.limit), *words.of_nobody(order))


def _alive(card: ModelCard, route: Route, today: date, overridden: bool) -> str | None:
    """Until when, for people, where that is known. Raises ``Unfit`` where it is over."""
    end = card.retires(route.region)
    if end is None or overridden:
        return None
    instead = f"; use {' or '.join(card.instead)}" if card.instead else ""
    if end <= today:
        raise Unfit("retired", f"{card.id} was retired on {end}{instead}")
    return f"{card.id} retires on {end}{instead}"


def _state_a_price(route: Route, provider: ProviderCard) -> str:
    currency = provider.regions[route.region].currency
    row = f'{{ per = "second", amount = "0.60", currency = "{currency}" }}'
    line = f'providers.{route.provider}.models."{route.model}".price = [{row}]'
    return f"no price is known; state yours in {SETTINGS}, such as: {line}"


def _terms(card: ModelCard, provider: ProviderCard, order: Order) -> Terms:
    p50, p90 = _latency(card, order)
    rating = next((q.rating for q in card.quality if order.mode in q.modes), None)
    return Terms(price.estimate(card, provider, order), p50, p90, rating)


def _latency(card: ModelCard, order: Order) -> tuple[float | None, float | None]:
    row = next((row for row in card.latency if row.when.matches(order)), None)
    if row is None:
        return None, None
    return row.scaled(row.p50, order.duration), row.scaled(row.p90, order.duration)
