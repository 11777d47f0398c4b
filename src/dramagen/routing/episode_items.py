"""What the budget chooses among: a shot, or shots that keep one model, each with its options by rising cost.

Shots that belong together (one continues from another, or one scene) are one item: its options are a model for all
of them, each with as many takes as the money allows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product, repeat
from math import fsum, inf
from typing import NamedTuple

from dramagen.routing.attempts import DEFAULT_RHO
from dramagen.routing.episode_ways import Way, fixed_ways, way_of, ways


class Offer(NamedTuple):
    """A route that would film a shot.

    Attributes:
        name: the route's; no two offers of one shot share it.
        model: whose quality it is; rejections are counted for the model.
        key: whose concurrency it uses up.
        cost, most: the expected price of a take, and the most it can be, in the episode's currency.
        chance: that its first take on such a shot is accepted.
        seconds: how long a take runs, None where that is not known.
    """

    name: str
    model: str
    key: str
    cost: float
    most: float
    chance: float
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """A shot of the episode.

    Attributes:
        name: unique in the episode.
        offers: the routes that may film it, best first by whoever is in charge.
        takes: how many may be made.
        weight: what its clip is worth beside the others'.
        value: what its clip is worth in money at most, where that is not the same for every shot.
        fixed: the first offer is the only one there is a choice of (its order was chosen by other rules).
        failed: rejected takes of it, by model.
        group: shots of one group keep one model; None stands alone.
        after: the shot it can only be filmed after.
        held: the model of the take that is there already: nothing to buy, and its group follows it.
    """

    name: str
    offers: tuple[Offer, ...] = ()
    takes: int = 3
    weight: float = 1.0
    value: float = inf
    fixed: bool = False
    failed: Mapping[str, int] | None = None
    group: str | None = None
    after: str | None = None
    held: str | None = None


class Filmed(NamedTuple):
    """One shot in one way."""

    need: Need
    offers: tuple[Offer, ...]
    way: Way

    @property
    def takes(self) -> tuple[Offer, ...]:
        """The offer of each take, in order."""
        return tuple(self.offers[place] for place in self.way.order)

    @property
    def chances(self) -> tuple[float, ...]:
        """The chance of each take, once it is made."""
        return self.way.chances

    @property
    def worth(self) -> float:
        """The chance of a clip, weighed beside the others'."""
        return self.need.weight * self.way.chance

    @property
    def reserved(self) -> float:
        """The money that has to be there: what is expected, and never less than the first take can cost."""
        order = self.way.order
        return max(self.way.cost, self.offers[order[0]].most) if order else self.way.cost


class Option(NamedTuple):
    """A way to film every shot of an item.

    Attributes:
        cost: the money that has to be there for it.
        worth: the weighed chances of its clips.
        burden: what its takes are expected to weigh beside their cost.
        model: the one its shots keep, None where each has its own.
    """

    shots: tuple[Filmed, ...]
    cost: float
    worth: float
    burden: float = 0.0
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """What a take weighs beside its price.

    Attributes:
        second: what a second of waiting is worth, by key: where many share a key, each waits for the others.
        switch: what leaving the model of a group costs per take, in money; infinite where it must be kept.
        human: what looking at one take costs.
        rate: the worth of a unit of money by which all this is weighed at least; a budget may give money more.
    """

    second: Mapping[str, float]
    switch: float = inf
    human: float = 0.0
    rate: float = 0.0

    def any(self, kept: str | None) -> bool:
        """Whether any take weighs more than its price."""
        return bool(kept is not None or self.human or any(self.second.values()))

    def of(self, offer: Offer, kept: str | None) -> float:
        """The burden of one take of this offer, where ``kept`` is the model of its group."""
        away = self.switch if kept is not None and offer.model != kept else 0.0
        return away + self.human + self.second.get(offer.key, 0.0) * (offer.seconds or 0.0)


@dataclass(frozen=True, slots=True)
class Continuity:
    """What binds the shots of an episode to one another, by their ids.

    Attributes:
        groups: shots of one group keep one model: a chain of shots, or a scene.
        after: the shot on whose clip another one waits.
    """

    groups: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)


class Ways:
    """The ways of shots, each kind of shot worked out once: an episode has fewer kinds than shots."""

    def __init__(self, rho: float = DEFAULT_RHO, *, every: bool = False) -> None:
        """``every``: see :func:`~dramagen.routing.episode_ways.ways`."""
        self._rho, self._every = rho, every
        self._known: dict[object, tuple[tuple[Offer, ...], list[Way]]] = {}

    def of(self, need: Need, weights: Weights, kept: str | None = None) -> list[Filmed]:
        """The ways of one shot, by rising cost; the first films nothing."""
        failed = tuple(sorted(need.failed.items())) if need.failed else ()
        burdens = tuple(weights.of(offer, kept) for offer in need.offers) if weights.any(kept) else ()
        kind = (need.offers, need.takes, need.value, need.fixed, failed, burdens)
        if kind not in self._known:
            self._known[kind] = self._found(need, burdens)
        offers, found = self._known[kind]
        return [Filmed(need, offers, way) for way in found]

    def among(self, need: Need, offers: Sequence[Offer], takes: int) -> Iterator[Filmed]:
        """Every sequence of one to ``takes`` takes of these offers, each model by one of its routes."""
        past = [need.failed.get(offer.model, 0) for offer in offers] if need.failed else [0] * len(offers)
        every = tuple(offers)
        for number in range(1, takes + 1):
            for order in product(range(len(every)), repeat=number):
                if len({every[place].model for place in order}) == len(set(order)):
                    yield Filmed(need, every, way_of(every, order, past, self._rho))

    def _found(self, need: Need, burdens: Sequence[float]) -> tuple[tuple[Offer, ...], list[Way]]:
        offers, weighed = _one_a_model(need, burdens)
        past = [need.failed.get(offer.model, 0) for offer in offers] if need.failed else []
        if need.fixed:
            first = offers[0] if offers else None
            weight = weighed[0] if weighed else 0.0
            missed = past[0] if past else 0
            found = fixed_ways(first, need.takes, failed=missed, rho=self._rho, burden=weight)
        else:
            risks = [o.most - o.cost for o in offers] if any(o.most > o.cost for o in offers) else []
            found = ways(
                offers,
                need.takes,
                failed=past,
                rho=self._rho,
                burdens=weighed,
                value=need.value,
                risks=risks,
                every=self._every,
            )
        return offers, found


def _one_a_model(need: Need, burdens: Sequence[float]) -> tuple[tuple[Offer, ...], list[float]]:
    """Of each model its cheapest route: two routes of one model share its failures, and are no second chance.

    With what a take of each weighs beside its cost, where that is anything at all.
    """
    best: dict[str, tuple[float, Offer, float]] = {}
    for offer, burden in zip(need.offers, burdens or repeat(0.0), strict=False):
        weight = offer.cost + burden
        if weight < inf and ((other := best.get(offer.model)) is None or weight < other[0]):
            best[offer.model] = weight, offer, burden
        if need.fixed:
            break
    found = best.values()
    return tuple([offer for _, offer, _ in found]), [burden for _, _, burden in found] if burdens else []


def options_alone(need: Need, known: Ways, weights: Weights, kept: str | None = None) -> list[Option]:
    """The options of a shot by itself, or of one whose group keeps a model. Filming nothing is one only where there
    is no other."""
    found = known.of(need, weights, kept)
    filming = [each for each in found if each.way.order] or found
    return [Option((each,), each.reserved, each.worth, each.way.burden) for each in filming]


def options_together(needs: Sequence[Need], known: Ways, weights: Weights) -> list[Option]:
    """The options of shots that keep one model, or leave it at a price: none where no model can film them all.

    Each model's options go from one take of every shot upward, the step that buys most for its money first.
    """
    held = {need.held for need in needs if need.held is not None}
    to_film = [need for need in needs if need.held is None]
    able = [{o.model for o in (need.offers[:1] if need.fixed else need.offers)} for need in to_film]
    if weights.switch < inf:
        models = held or set.union(*able)
    elif held:
        models = held if len(held) == 1 else set()
    else:
        models = set.intersection(*able)
    found: list[Option] = []
    for model in sorted(models):
        rows = [_hull([f for f in known.of(need, weights, model) if f.way.order]) for need in to_film]
        if all(rows):
            found += _upgraded(rows, model)
    return found


def _hull(found: list[Filmed]) -> list[Filmed]:
    """The ways whose steps upward each buy less for what they weigh than the one before."""
    hull: list[Filmed] = []
    for each in sorted(found, key=_weight):
        if hull and each.way.chance <= hull[-1].way.chance:
            continue
        if hull and _weight(each) <= _weight(hull[-1]):
            hull[-1] = each  # the same money is set aside
            continue
        while len(hull) > 1 and _gain(hull[-2], hull[-1]) <= _gain(hull[-1], each):
            hull.pop()
        hull.append(each)
    return hull


def _weight(filmed: Filmed) -> float:
    return filmed.reserved + filmed.way.burden


def _gain(start: Filmed, to: Filmed) -> float:
    more = _weight(to) - _weight(start)
    better = to.worth - start.worth
    return better / more if more > 0 else inf


def _upgraded(rows: list[list[Filmed]], model: str) -> list[Option]:
    now = [row[0] for row in rows]
    steps = sorted(
        ((-_gain(start, to), shot, number) for shot, row in enumerate(rows)
         for number, (start, to) in enumerate(pairwise(row))),
    )  # fmt: skip
    found = [_together(now, model)]
    for minus_gain, shot, number in steps:
        if -minus_gain * rows[shot][0].need.value < 1:
            continue  # dearer than the clip is worth, and so is every later step of this shot
        now[shot] = rows[shot][number + 1]
        found.append(_together(now, model))
    return found


def _together(shots: list[Filmed], model: str) -> Option:
    return Option(
        tuple(shots),
        fsum(each.reserved for each in shots),
        fsum(each.worth for each in shots),
        fsum(each.way.burden for each in shots),
        model,
    )
