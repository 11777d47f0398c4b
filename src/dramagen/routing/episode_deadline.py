"""An episode that has to be over in time: what a second of waiting is worth on each key, and what the clock says.

A deadline is a price, as a budget is; but of each key, as those that are not busy cost no time. The prices are raised
together until a plan is in time, and then moved key by key towards those at which every busy key is just in time. The
plans found on the way are near the best; the best of them are then moved shot by shot
(:mod:`dramagen.routing.episode_polish`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, inf

from dramagen.routing.episode_items import Filmed, Need, Offer, Ways, Weights
from dramagen.routing.episode_polish import Candidate, Limits, Polish
from dramagen.routing.episode_solution import Solution, refilmed
from dramagen.routing.episode_time import Clock, stints

_RAISES, _RAISE = 10, 3.0
_ROUNDS = 12
_SLOWEST, _FASTEST = 0.3, 3.0
"""How far a price moves in one round."""
_SHORTEST, _HAIR = 0.7, 0.99
"""How far the time aimed at moves in one round: as far as the deadline was missed, and a little more."""
_MOMENT = 1e-6
"""Seconds: the least that is aimed at. Nothing is over at once, and a share of no time is no number."""
_LONGEST, _SEQUENCES, _WIDE = 3, 256, 48
"""Of every shot: takes in a row, sequences of them that are looked at, and ways that are left to choose from."""
_LOOKS_A_START, _LOOKS, _SHOTS_LOOKED_AT = 2_000, 20_000, 250_000
"""Plans put to the clock: from each start, and from where the best of them has come to; fewer of long episodes, so
that it stays within about a second."""
_ENOUGH = 1 - 1e-4
"""Of what the plan without a deadline gains: with so much no better one is searched for."""

Prices = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of an episode with a deadline.

    Attributes:
        seconds: the deadline.
        places: jobs at once, by key.
        budget: None where cost counts against worth instead.
        weights: what a take weighs beside its price and the waiting.
        rate: the worth of a unit of money, by which that is weighed where there is a budget.
    """

    seconds: float
    places: Mapping[str, int]
    budget: float | None
    weights: Weights
    rate: float


@dataclass(frozen=True, slots=True)
class _Tried:
    prices: Prices
    found: Solution
    gain: float

    @property
    def seconds(self) -> float:
        return inf if self.found.seconds is None else self.found.seconds


class Hurried:
    """The search for the best plan in time."""

    def __init__(self, at: Callable[[Prices], Solution], plain: Solution, known: Ways, terms: Terms) -> None:
        """
        Args:
            at: the plan at these prices of a second of waiting, by key.
            plain: the plan without a deadline.
            known: the ways of its shots.
        """
        self._at, self._plain, self._known, self._terms = at, plain, known, terms
        # The gain of a clip of endless value is its chance: no cost counts against it.
        done = [each for each in plain.filmed.values() if each is not None]
        self._priced = terms.budget is None and all(each.need.value < inf for each in done)
        self._tried: list[_Tried] = []
        self._rows: dict[tuple[str, str | None], list[Candidate]] = {}

    def solved(self, prices: Prices) -> Solution:
        """The best plan found that meets the deadline; where there is none, the quickest found, marked as late.

        Args:
            prices: where the search begins.
        """
        self._search(prices)
        # A deadline is no reason to leave a shot out that the budget films.
        usable = [t for t in self._tried if t.found.short <= self._plain.short and t.seconds < inf]
        in_time = [t for t in usable if t.seconds <= self._terms.seconds]
        best = max(in_time, key=lambda t: t.gain, default=None)
        late = [t for t in usable if t.seconds > self._terms.seconds and (best is None or t.gain > best.gain)]
        starts = [best] if best is not None else []
        # Of those that are late, the one that is nearest to being in time, and the one that has most to lose.
        starts += [min(late, key=lambda t: t.seconds), max(late, key=lambda t: t.gain)] if late else []
        return self._moved(list({id(start): start for start in starts}.values()))

    def _moved(self, starts: Sequence[_Tried]) -> Solution:
        """The best that comes of these plans by moving their shots."""
        limits = self._limits(starts[0])
        begun = [(start, self._begun(start, limits)) for start in starts]
        for _, polish in begun:
            polish.looks = _LOOKS_A_START
            if polish.hurry(limits.seconds):
                polish.improve()
        met = [each for each in begun if each[1].wall <= limits.seconds]
        start, polish = (
            max(met, key=lambda each: each[1].gain) if met else min(begun, key=lambda e: e[1].wall)
        )
        polish.looks = min(_LOOKS, _SHOTS_LOOKED_AT // len(polish.picks), polish.plans)
        polish.explore(self._tried[0].gain * _ENOUGH)
        if late := polish.wall > limits.seconds:
            polish.looks = _LOOKS_A_START
            polish.quicken()
        filmed = {**start.found.filmed, **{pick.filmed.need.name: pick.filmed for pick in polish.picks}}
        return replace(refilmed(start.found, filmed, self._terms.places), late=late)

    def _search(self, prices: Prices) -> None:
        self._try({}, self._plain)
        for _ in range(_RAISES):
            tried = self._try(prices)
            if tried.seconds <= self._terms.seconds:
                break
            prices = {key: price * _RAISE for key, price in prices.items()}
        aim = max(self._terms.seconds, _MOMENT)
        for _ in range(_ROUNDS):
            busy = _busy(tried.found, self._terms.places)
            if tried.seconds > self._terms.seconds >= max(busy.values(), default=0.0):
                # No key is too busy, and still it takes too long: shots wait for one another, and places for shots.
                aim *= max(_SHORTEST, self._terms.seconds / tried.seconds) * _HAIR
            prices = {
                key: price * min(_FASTEST, max(_SLOWEST, busy.get(key, 0.0) / aim))
                for key, price in prices.items()
            }
            tried = self._try(prices)

    def _try(self, prices: Prices, found: Solution | None = None) -> _Tried:
        found = found or self._at(prices)
        gain = fsum(self._gain(each, _kept(found, each.need)) for each in _done(found))
        self._tried.append(_Tried(prices, found, gain))
        return self._tried[-1]

    def _gain(self, filmed: Filmed, kept: str | None) -> float:
        """What one way of a shot adds to what the episode is planned for."""
        burden, reached = 0.0, 1.0
        if self._terms.weights.any(kept):
            for offer, chance in zip(filmed.takes, filmed.chances, strict=True):
                burden += reached * self._terms.weights.of(offer, kept)
                reached *= 1 - chance
        if self._priced:
            return filmed.need.value * filmed.worth - filmed.way.cost - burden
        return filmed.worth - self._terms.rate * burden

    def _limits(self, start: _Tried) -> Limits:
        """What moved plans keep to, and the prices at which this one was found."""
        found, budget = start.found, self._terms.budget
        rate = 1.0 if self._priced else self._terms.rate
        return Limits(
            money=inf if budget is None else budget - found.reserve,
            seconds=self._terms.seconds,
            money_price=1 / found.value if not self._priced and found.bound else 0.0,
            second_price={key: price * rate for key, price in start.prices.items()},
        )

    def _begun(self, start: _Tried, limits: Limits) -> Polish:
        done = _done(start.found)
        kept = [_kept(start.found, each.need) for each in done]
        picks = [self._candidate(each, model) for each, model in zip(done, kept, strict=True)]
        rows = [self._row(each.need, model, limits) for each, model in zip(done, kept, strict=True)]
        clock = Clock([each.need for each in done], self._terms.places)
        return Polish([pick for pick in picks if pick is not None], rows, clock, limits)

    def _row(self, need: Need, kept: str | None, limits: Limits) -> Sequence[Candidate]:
        """The ways of a shot that lose least at these prices: of those that were best at any prices tried, and of
        all sequences of the offers in them and of the next best ones."""
        if (place := (need.name, kept)) in self._rows:
            return self._rows[place]
        found: dict[tuple[str, ...], Candidate] = {}
        offers: dict[str, Offer] = {}

        def add(filmed: Filmed) -> None:
            name = tuple(offer.name for offer in filmed.takes)
            if name and name not in found and (candidate := self._candidate(filmed, kept)) is not None:
                found[name] = candidate

        for prices in [tried.prices for tried in self._tried]:
            for each in self._known.of(need, replace(self._terms.weights, second=prices), kept):
                offers |= {offer.name: offer for offer in each.takes}
                add(each)
        takes = min(need.takes, _LONGEST)
        if not need.fixed and takes:
            most = int(_SEQUENCES ** (1 / takes))
            # What no price asked for can still be what an idle place is good for.
            others = [
                offer
                for offer in need.offers
                if len(offers) < most
                and offer.name not in offers
                and self._terms.weights.of(offer, kept) < inf
            ]
            single = [self._candidate(each, kept) for each in self._known.among(need, others, 1)]
            ranked = sorted([each for each in single if each is not None], key=limits.worth, reverse=True)
            usable = [*offers.values(), *(each.filmed.takes[0] for each in ranked)]
            for each in self._known.among(need, usable[:most], takes):
                add(each)
        self._rows[place] = sorted(found.values(), key=limits.worth, reverse=True)[:_WIDE]
        return self._rows[place]

    def _candidate(self, filmed: Filmed, kept: str | None) -> Candidate | None:
        known = stints(filmed)
        return None if known is None else Candidate(filmed, filmed.reserved, self._gain(filmed, kept), known)


def _done(found: Solution) -> list[Filmed]:
    return [each for each in found.filmed.values() if each is not None]


def _kept(found: Solution, need: Need) -> str | None:
    """The model that the group of a shot keeps."""
    return None if need.group is None else (found.models or {}).get(need.group)


def _busy(found: Solution, places: Mapping[str, int]) -> dict[str, float]:
    """For how long each key's places are taken on average; where a key has room for all, its longest shot."""
    load: dict[str, float] = {}
    for each in _done(found):
        for key, seconds in stints(each) or ():
            if key in places:
                load[key] = load.get(key, 0.0) + seconds / max(1, places[key])
            else:
                load[key] = max(load.get(key, 0.0), seconds)
    return load
