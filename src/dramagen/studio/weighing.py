"""The numbers of a decision: what each route would cost, how likely it is accepted, and what the project permits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dramagen.catalog.order import Quote, Refusal
from dramagen.config import Routing
from dramagen.money import Rates
from dramagen.routing.beliefs import Belief
from dramagen.routing.doubts import halved
from dramagen.routing.outlook import TAKES, Candidate, Outlook, assured, figure, worth
from dramagen.routing.priors import board_of, kind_of_shot
from dramagen.shot import Shot
from dramagen.studio.learning import Learning, Past

SURE = 0.9
"""How certain it must be that a model's chance is above the floor."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """Chances, costs and floors of one studio.

    Attributes:
        currency: that of every comparison.
        left_out: pins that one plan is made without.
    """

    learning: Learning
    routing: Routing
    rates: Rates
    currency: str
    left_out: tuple[str, ...] = ()

    def permitted(self, shot: Shot, answers: Sequence[Quote | Refusal]) -> Sequence[Quote | Refusal]:
        """The answers, with a refusal in the place of every quote the project does not want."""
        routing = self.routing
        floors = routing.floor is not None or routing.min_rating is not None
        if not (self.left_out or routing.allow or routing.deny or floors):
            return answers
        kind = kind_of_shot(shot)
        return [
            self._refused(shot, kind, answer) or answer if isinstance(answer, Quote) else answer
            for answer in answers
        ]

    def outlook(self, shot: Shot, quotes: Sequence[Quote], past: Past) -> Outlook:
        """What a policy may know of a shot beside these quotes."""
        routing, kind = self.routing, kind_of_shot(shot)
        rates = {c: self._rate(c) for c in {quote.price.expected.currency for quote in quotes}}
        look = (
            0.0
            if routing.review is None
            else float(routing.review.amount) * self._rate(routing.review.currency)
        )
        candidates = []
        for quote in quotes:
            price, name = quote.price.expected, quote.route.id
            cost = 0.0 if name in past.free else float(price.amount) * rates[price.currency] + look
            chance = self._belief(quote, kind).chance * past.doubts.get(name, 1.0)
            chance *= halved(past.held_back.get(quote.route.model, 0))
            candidates.append(Candidate(name, quote.route.model, figure(cost), figure(chance)))
        known = tuple(candidates)
        stated = routing.value
        outlook = Outlook(
            candidates=known,
            currency=self.currency,
            value=worth(known)
            if stated is None
            else figure(float(stated.amount) * self._rate(stated.currency)),
            basis="stated" if stated is not None else "derived",
            takes=max(1, (routing.takes or TAKES) - past.judged),
            failed=past.failed,
            rho=figure(self.learning.rho()),
            held_back=past.held_back,
        )
        if routing.guarantee is None or shot.pin is not None:
            return outlook
        return assured(outlook, routing.guarantee)

    def without(self, *pins: str) -> "Weighing":
        """The same where these pins are left out: what if."""
        return replace(self, left_out=(*self.left_out, *pins))

    def _rate(self, currency: str) -> float:
        return float(self.rates.rate(currency, self.currency))

    def _belief(self, quote: Quote, kind: frozenset[str]) -> Belief:
        return self.learning.belief(quote.route.model, board_of(quote.order.mode), kind)

    def _refused(self, shot: Shot, kind: frozenset[str], quote: Quote) -> Refusal | None:
        route, routing = quote.route, self.routing

        def refusal(rule: str, reason: str) -> Refusal:
            return Refusal(route=route, rule=rule, reason=reason, keyed=quote.keyed)

        if (pin := next((pin for pin in self.left_out if route.satisfies(pin)), None)) is not None:
            return refusal("left out", f"left out of this plan, which was asked for without {pin}")
        if (pin := next((pin for pin in routing.deny if route.satisfies(pin)), None)) is not None:
            return refusal("denied", f"[routing] denies {pin}")
        if routing.allow and not any(route.satisfies(pin) for pin in routing.allow):
            return refusal("not allowed", f"[routing] allows only {', '.join(routing.allow)}")
        if shot.pin is not None:
            return None  # whoever pins a model has looked at it
        if routing.min_rating is not None:
            rating = self.learning.ratings(board_of(quote.order.mode)).get(route.model)
            if rating is None or rating.lowest < routing.min_rating:
                known = (
                    "no rating"
                    if rating is None
                    else f"rating {rating.rating:.0f}, at least {rating.lowest:.0f}"
                )
                return refusal("floor", f"{known}; [routing] wants {routing.min_rating:.0f}")
        if routing.floor is not None:
            sure = self._belief(quote, kind).above(routing.floor)
            if sure < SURE:
                about = f"a chance above {routing.floor:.2f} is {sure:.0%} certain"
                return refusal("floor", f"{about}; [routing] wants {SURE:.0%}")
        return None
