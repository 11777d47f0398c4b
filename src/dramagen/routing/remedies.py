"""What each remedy would cost, before one is chosen: prices that are known from a plan anyway. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dramagen.catalog.order import Quote
from dramagen.config import HELPFUL, Cause, Remedy
from dramagen.money import Money
from dramagen.routing.causes import allowed
from dramagen.routing.doubts import halved
from dramagen.routing.leading import put_off
from dramagen.routing.plan import Plan, ShotPlan

Leave = Mapping[Cause, Sequence[Remedy]]
"""What a project allows, by cause; ``[routing.remedies]``."""


@dataclass(frozen=True, slots=True)
class Option:
    """One remedy against one cause.

    Attributes:
        allowed: whether the project lets it be tried.
        quote: what would be bought then, and where; None where there is no such order: no other route films the
            shot, or this one does not film it silent.
    """

    remedy: Remedy
    allowed: bool
    quote: Quote | None

    def __str__(self) -> str:
        if self.quote is None:
            return f"{self.remedy}: none"
        return f"{self.remedy}: {self.quote.route.id}, {self.quote.price.expected}"

    def to_json(self) -> dict[str, Any]:
        """For machines; money as ``{"amount", "currency"}``."""
        record: dict[str, Any] = {"remedy": self.remedy, "allowed": self.allowed}
        if self.quote is not None:
            price = self.quote.price
            record |= {"route": self.quote.route.id, "expected": price.expected.to_json()}
            record |= {"most": price.most.to_json()}
        return record


def options(
    cause: Cause, leave: Leave, *, once_more: Quote | None, silent: Quote | None, elsewhere: Quote | None
) -> tuple[Option, ...]:
    """The remedies of one cause, in the order they are tried."""
    offers = {"again": once_more, "without_sound": silent, "other_route": elsewhere}
    named = allowed(leave, cause)
    return tuple(Option(remedy, remedy in named, offers[remedy]) for remedy in HELPFUL[cause])


def remedies_of(planned: ShotPlan, silent: ShotPlan, leave: Leave) -> dict[Cause, tuple[Option, ...]]:
    """The remedies of every cause, should the first attempt of a plan give no clip; empty where it has none.

    Args:
        silent: the plan of the same shot without its sound.
    """
    first = planned.choice
    if first is None or planned.held is not None:
        return {}
    quiet = silent_on(first, silent.quotes)
    elsewhere = {cause: next(iter(planned.attempts[1:]), None) for cause in HELPFUL}
    elsewhere |= dict.fromkeys(("output_moderation", "audio_moderation"), _once_held_back(planned, first))
    return {
        cause: options(cause, leave, once_more=first, silent=quiet, elsewhere=elsewhere[cause])
        for cause in HELPFUL
    }


def _once_held_back(planned: ShotPlan, first: Quote) -> Quote | None:
    """The route that is asked after the first one, should moderation hold back what that one made."""
    further = planned.attempts[1:]
    if planned.decision is None:
        return next(iter(further), None)
    outlook, model = planned.decision.outlook, first.route.model
    before = outlook.held_back.get(model, 0)
    more = halved(before + 1) / halved(before)
    doubted = tuple(
        replace(each, chance=each.chance * more) if each.model == model else each
        for each in outlook.candidates
    )
    told = replace(outlook, candidates=doubted, held_back={**outlook.held_back, model: before + 1})
    return next(iter(put_off(further, told)), None)


def silent_on(quote: Quote, quotes: Iterable[Quote]) -> Quote | None:
    """The same route's quote without sound; None where it films without anyway, or cannot."""
    return next((q for q in quotes if q.route == quote.route), None) if quote.order.audio else None


def untried(listed: Sequence[Option]) -> str:
    """What might have been tried, had the project allowed it, and for how much; empty where there is nothing."""
    return "; ".join(str(option) for option in listed if not option.allowed and option.quote is not None)


def most_with_remedies(plan: Plan, leave: Leave, failures: int) -> Money:
    """The most a plan can cost where vendors charge for what they refuse, and remedies are bought; ``most`` or more.

    Args:
        failures: how many jobs of one take may be paid for in vain; the last of them is the last that is bought.
    """
    named = {remedy for cause in HELPFUL for remedy in allowed(leave, cause)}
    once_more = 2 if named & {"again", "without_sound"} else 1
    total = plan.most
    for planned in plan.shots:
        if planned.held is None and planned.attempts:
            routes = planned.attempts if "other_route" in named else planned.attempts[:1]
            prices = [plan.rates.convert(q.price.most, plan.currency) for q in routes]
            further = sorted([*prices[1:], *prices * (once_more - 1)], reverse=True)
            total = sum(further[: failures - 1], total)
    return total
