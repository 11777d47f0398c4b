"""Policies: a callable that puts the quotes of a shot in the order they should be tried.

One of your own takes the shot, its quotes and the exchange rates, and may take the outlook as a fourth argument:

    def night_on_kling(shot, quotes, rates, outlook):
        return sorted(quotes, key=lambda quote: -outlook.now[quote.route.id])
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from dramagen.catalog.order import Quote
from dramagen.errors import ConfigError, DramagenError
from dramagen.money import Rates
from dramagen.routing.outlook import Outlook
from dramagen.shot import Shot


class PlainPolicy(Protocol):
    """Orders the quotes that may be filmed, best first. Those it leaves out are not tried.

    Every quote fits the shot, satisfies its pin and has a price and a key: a policy ranks, it never overrides.
    """

    def __call__(self, shot: Shot, quotes: Sequence[Quote], rates: Rates, /) -> Sequence[Quote]: ...


class InformedPolicy(Protocol):
    """The same, told what is known of the shot beside its quotes."""

    def __call__(
        self, shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook, /
    ) -> Sequence[Quote]: ...


Policy = PlainPolicy | InformedPolicy


@dataclass(frozen=True, slots=True)
class Cheapest:
    """Lowest cost of one take first, whatever its chance; equal ones by the better rating, then by name."""

    def __call__(
        self, shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook | None = None
    ) -> Sequence[Quote]:
        if outlook is not None:
            # What is filmed already costs nothing more, which no price says.
            costs = {candidate.route: candidate.cost for candidate in outlook.candidates}
            return sorted(quotes, key=lambda q: (costs[q.route.id], -(q.rating or 0.0), q.route.id))
        prices = [quote.price.expected for quote in quotes]
        dollars = {currency: rates.rate(currency, "USD") for currency in {price.currency for price in prices}}
        return sorted(
            quotes,
            key=lambda q: (
                q.price.expected.amount * dollars[q.price.expected.currency], -(q.rating or 0.0), q.route.id,
            ),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Best:
    """The likeliest to be accepted first, whatever it costs; equal ones by what an accepted clip costs."""

    def __call__(
        self, shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook
    ) -> Sequence[Quote]:
        costs = {c.route: outlook.per_accepted(c) for c in outlook.candidates}
        return sorted(quotes, key=lambda q: (-outlook.now[q.route.id], costs[q.route.id], q.route.id))


@dataclass(frozen=True, slots=True)
class Fastest:
    """The shortest expected wait for an accepted clip first; routes of unknown pace last, by what one costs there."""

    def __call__(
        self, shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook
    ) -> Sequence[Quote]:
        costs = {c.route: outlook.per_accepted(c) for c in outlook.candidates}

        def rank(quote: Quote) -> tuple[float, float, str]:
            chance = outlook.now[quote.route.id]
            wait = float("inf") if quote.seconds is None or not chance else quote.seconds / chance
            return wait, costs[quote.route.id], quote.route.id

        return sorted(quotes, key=rank)


@dataclass(frozen=True, slots=True)
class Value:
    """The plan that is worth most: what accepted clips are worth, less what all the takes are expected to cost.

    The arithmetic is :func:`dramagen.routing.plan_attempts`; what a clip is worth, and how far a plan looks ahead, is
    the outlook's.
    """

    def __call__(
        self, shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook
    ) -> Sequence[Quote]:
        by_route = {quote.route.id: quote for quote in quotes}
        return [by_route[route] for route in outlook.order]


POLICIES: dict[str, Policy] = {
    "best": Best(), "cheapest": Cheapest(), "fastest": Fastest(), "value": Value()
}  # fmt: skip
DEFAULT = "value"


@dataclass(frozen=True, slots=True)
class Chooser:
    """A policy under its name, asked the same way whichever arguments it takes."""

    name: str
    ask: Callable[[Shot, Sequence[Quote], Rates, Outlook], Sequence[Quote]]


def policy(choice: str | Policy | Chooser | None) -> Chooser:
    """The policy of a setting. Raises ``ConfigError`` for an unknown name, and for a callable of other arguments."""
    if isinstance(choice, Chooser):
        return choice
    if callable(choice):
        name = getattr(choice, "__name__", type(choice).__name__).lower()
        if not (_takes(choice, 3) or _takes(choice, 4)):
            raise ConfigError(
                f"policy {name!r} cannot be asked: it takes (shot, quotes, rates), or (shot, quotes, rates, outlook)"
            )
        return Chooser(name, _Checked(name, _informed(choice)))
    name = choice or DEFAULT
    if name not in POLICIES:
        raise ConfigError(f"policy {name!r} is unknown; there are {', '.join(sorted(POLICIES))}")
    return Chooser(name, _Checked(name, _informed(POLICIES[name])))


@dataclass(frozen=True, slots=True)
class _Checked:
    """A policy, with a ``ConfigError`` that names it where it raises, or what it answers is no quotes in order."""

    name: str
    given: InformedPolicy

    def __call__(
        self, shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook, /
    ) -> Sequence[Quote]:
        try:
            return self._answer(shot, quotes, rates, outlook)
        except DramagenError:
            raise
        except Exception as problem:  # typed, it is the failure of one shot, and the others' takes go on
            why = f"{type(problem).__name__}: {problem}"
            raise ConfigError(f"policy {self.name!r} could not choose: {why}") from problem

    def _answer(self, shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook) -> Sequence[Quote]:
        answer: object = self.given(shot, quotes, rates, outlook)
        must = "it must return the quotes it was given, best first, as a list"
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()  # nobody will await it, which Python would complain of
            raise ConfigError(
                f"policy {self.name!r} is async and cannot be awaited: {must}; write def, not async def"
            )
        if isinstance(answer, Quote):
            raise ConfigError(f"policy {self.name!r} returned one quote alone, {answer.route.id}: {must}")
        if not isinstance(answer, Iterable):
            raise ConfigError(f"policy {self.name!r} returned {answer!r}: {must}")
        return list(answer)


def _informed(given: Policy) -> InformedPolicy:
    if _takes(given, 4, otherwise=False):
        return cast(InformedPolicy, given)
    plain = cast(PlainPolicy, given)

    def ask(shot: Shot, quotes: Sequence[Quote], rates: Rates, outlook: Outlook, /) -> Sequence[Quote]:
        return plain(shot, quotes, rates)

    return ask


def _takes(given: Policy, count: int, *, otherwise: bool = True) -> bool:
    """Whether it can be called with so many arguments; ``otherwise`` where nothing is known of them."""
    try:
        signature = inspect.signature(given)
    except (TypeError, ValueError):
        return otherwise
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True
