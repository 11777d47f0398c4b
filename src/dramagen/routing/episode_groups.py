"""Groups of shots inside an episode: which model each keeps, and how the money is then shared out shot by shot.

As one item a group takes its steps in one order, so that of a budget more is left over than has to be. So with the
models chosen every shot is an item again; and where a group could as well keep another model, that is tried too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import fsum

from dramagen.routing.episode_choice import Chosen, Counter, sensible, worth_at
from dramagen.routing.episode_items import Need, Option, Ways, Weights, options_alone, options_together

TRIALS = 12
"""Other models that are tried at most, the likeliest first; each is one more knapsack."""


class Groups:
    """The items of an episode: the shots that stand alone, and the groups."""

    def __init__(self, needs: Sequence[Need], known: Ways, weights: Weights) -> None:
        self._known, self._weights = known, weights
        self._alone = replace(weights, switch=0.0)
        self.items: list[list[Option]] = []
        split = []
        for members in _groups(needs):
            open_ones = [need for need in members if need.held is None]
            together = options_together(members, known, weights) if len(members) > 1 and open_ones else []
            if together:
                self.items.append(sensible(together))
                continue
            if len(members) > 1 and open_ones:
                split.append(members[0].group or "")
            self.items += [sensible(options_alone(need, known, self._alone)) for need in open_ones]
        self.split = tuple(split)
        """Groups of which no one model can film every shot, so that each shot is an item."""
        self._counter = Counter(self.items, weights.rate)

    def within(self, budget: float) -> Chosen:
        """What the budget buys; see :class:`~dramagen.routing.episode_choice.Counter`."""
        found = self._counter.within(budget)
        kept = {n: pick.model for n, pick in enumerate(found.picks) if pick is not None and pick.model}
        if found.short or not kept:
            return found
        best = self._one_by_one(kept, budget)
        price = max(best.price, self._weights.rate)
        if price == 0:
            return best
        most = _worth(best, price)
        for place, model in self._other_models(kept, price, budget, most):
            tried = self._one_by_one(kept | {place: model}, budget)
            if not tried.short and (worth := _worth(tried, price)) > most:
                best, most, kept = tried, worth, kept | {place: model}
        return best

    def _one_by_one(self, kept: Mapping[int, str], budget: float) -> Chosen:
        """Every shot for itself, those of a group with the model that it keeps."""
        items = []
        for place, item in enumerate(self.items):
            if place not in kept:
                items.append(item)
                continue
            for each in item[0].shots:
                own = options_alone(each.need, self._known, self._weights, kept[place])
                items.append(sensible([option._replace(model=kept[place]) for option in own]))
        return Counter(items, self._weights.rate).within(budget)

    def _other_models(
        self, kept: Mapping[int, str], price: float, budget: float, most: float
    ) -> list[tuple[int, str]]:
        """The groups and models that could be worth more, as far as the price of worth tells: least lost first."""
        nets = [[worth_at(option, price) - price * option.cost for option in item] for item in self.items]
        short_of = fsum(map(max, nets)) + price * budget - most
        lost: dict[tuple[int, str], float] = {}
        for place in kept:
            top = max(nets[place])
            for option, net in zip(self.items[place], nets[place], strict=True):
                if option.model is not None and option.model != kept[place]:
                    key = place, option.model
                    lost[key] = min(lost.get(key, top - net), top - net)
        return sorted((key for key, loss in lost.items() if loss < short_of), key=lambda key: lost[key])[
            :TRIALS
        ]


def _groups(needs: Sequence[Need]) -> list[list[Need]]:
    """The shots of each group together, in the order in which the groups begin."""
    groups: dict[tuple[bool, str], list[Need]] = {}
    for need in needs:
        groups.setdefault((False, need.name) if need.group is None else (True, need.group), []).append(need)
    return list(groups.values())


def _worth(found: Chosen, price: float) -> float:
    return fsum(worth_at(pick, price) for pick in found.picks if pick is not None)
