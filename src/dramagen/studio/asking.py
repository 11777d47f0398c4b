"""Asking routes about a shot. What they say to all shots of a kind is kept, and only the words are looked at anew."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.util import find_spec

from dramagen.adapters import ours
from dramagen.catalog.drafts import Drafts
from dramagen.catalog.fit import Outline, Wording, complete, like_order, outline, own_order
from dramagen.catalog.kept import Shelf
from dramagen.catalog.kinds import Kind, longest
from dramagen.catalog.order import Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.engine.finish import can_decode
from dramagen.engine.intake import Intake
from dramagen.engine.service import Services
from dramagen.errors import ConfigError
from dramagen.money import Rates
from dramagen.shot import Shot

KINDS = 32
"""Kinds of shots whose answers are kept, of some hundred kilobytes each: the episodes of a day have fewer."""


def _can_adapt() -> bool:
    return find_spec("PIL") is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a route said.

    Attributes:
        said: a refusal, or the outline of an answer.
        read: the adapter took the words of a shot of this kind, and would take any plain ones.
        refusal: why nothing is filmed there whatever the words are, once they were read.
    """

    said: Outline | Refusal
    wording: Wording | None = None
    read: bool = False
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """Puts shots to routes. What this machine can do (trim, change pictures) is looked up once."""

    services: Services
    intake: Intake
    rates: Rates
    can_trim: bool = field(default_factory=can_decode)
    can_adapt: bool = field(default_factory=_can_adapt)
    _kept: Shelf[tuple[Asked, ...]] = field(default_factory=lambda: Shelf(KINDS))
    _read: Shelf[bool] = field(default_factory=Shelf)
    """The orders, but for their words, whose words an adapter took, and would take any plain ones."""

    def ask(
        self, shot: Shot, routes: Sequence[Route], lifted: frozenset[Route], planning: bool, today: date
    ) -> list[Quote | Refusal]:
        """Every route's answer, in their order. ``routes`` and ``lifted`` follow from the pin and ``planning``."""
        kind = Kind.of(shot, self.can_trim)
        key, most, drafts = (kind, shot.pin, planning, today), None, Drafts()
        if kind is not None:
            kept, most = self._kept.get(key), longest(shot)
            if kept is not None:
                return [_of_kind(asked, shot, most, drafts) for asked in kept]
        every = [self._ask(shot, route, route in lifted, planning, today, drafts) for route in routes]
        if kind is None or most is None:
            return [_own(asked, drafts) for asked in every]
        worded, answers, remembered = kind[1:], [], []
        for asked in every:
            answer, then = self._heard(asked, drafts, worded, most)
            answers.append(answer)
            remembered.append(then)
        self._kept.keep(key, tuple(remembered))
        return answers

    def _heard(
        self, asked: Asked, drafts: Drafts, worded: Hashable, most: int
    ) -> tuple[Quote | Refusal, Asked]:
        """The answer to the shot that was asked about, and what is kept of it for others of its kind.

        A shot of another length may come to an order that is known but for its words.
        """
        said = asked.said
        if isinstance(said, Refusal):
            return said, asked
        order = (said.route, said.draft.key, worded)
        if most <= said.draft.shortest and self._read.get(order):
            answer = complete(said, own_order(said), drafts, asked.wording, read=True)
        else:
            answer = _own(asked, drafts)
        then = _remembered(asked, answer)
        if then.read:
            self._read.keep(order, True)
        return answer, then

    def _ask(
        self, shot: Shot, route: Route, lifted: bool, planning: bool, today: date, drafts: Drafts
    ) -> Asked:
        access = self.services.access(route.provider)[route.region]
        try:
            adapter = self.services.adapter(route.provider)
        except ConfigError as missing:
            # One provider's adapter that is not installed is no reason to plan nothing.
            why = missing.message
            return Asked(Refusal(route=route, rule="adapter", reason=why, keyed=access.keyed))
        said = outline(
            shot,
            route,
            self.services.catalog,
            measure=self.intake.measure,
            adapt=self.intake.adapt if self.can_adapt else None,
            can_trim=self.can_trim,
            today=today,
            overridden=lifted and access.overridden,
            planning=planning,
            keyed=access.keyed,
            drafts=drafts,
        )
        price = None if isinstance(said, Refusal) else said.terms.price
        if not isinstance(said, Refusal) and price and price.most.currency not in self.rates.per_usd:
            currency = price.most.currency
            why = f"priced in {currency}, for which no rate is stated: give one under [rates]"
            said = replace(said, unpriced=why)
        return Asked(said, adapter.wording)


def _own(asked: Asked, drafts: Drafts) -> Quote | Refusal:
    """The answer to the shot that was asked about."""
    said = asked.said
    return said if isinstance(said, Refusal) else complete(said, own_order(said), drafts, asked.wording)


def _of_kind(asked: Asked, shot: Shot, most: int | None, drafts: Drafts) -> Quote | Refusal:
    """The answer to another shot of the kind, of at most so many characters as sent, where that is known."""
    said = asked.said
    if isinstance(said, Refusal):
        return said
    read = asked.read and most is not None and most <= said.draft.shortest
    if read and asked.refusal is not None:
        return asked.refusal
    return complete(said, like_order(said, shot), drafts, asked.wording, read=read)


def _remembered(asked: Asked, answer: Quote | Refusal) -> Asked:
    said = asked.said
    if isinstance(said, Refusal):
        return asked
    refusal = answer if isinstance(answer, Refusal) else None
    if not ours(said.provider.adapter) or (refusal is not None and refusal.rule == "prompt"):
        return asked
    return Asked(said, asked.wording, read=True, refusal=refusal)
