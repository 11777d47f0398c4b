"""What a shot comes to at a model before a region has priced it: the regions of a model are mostly told the same."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from dramagen.catalog.cards import ModelCard
from dramagen.catalog.fitting import Unfit
from dramagen.catalog.modes import PromptLimit, Wire
from dramagen.catalog.order import Order, Trim
from dramagen.catalog.route import Route
from dramagen.clip import Adjustment


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """An order for one region of a model, its words not checked yet, and what was noted on the way.

    ``key`` is all of the order but for its region, its words, and what is sent along: what the price depends on where
    nothing is. ``limit`` is what its words are held against, and ``shortest`` the least number of characters anything
    there is said of.
    """

    order: Order
    trim: Trim | None
    adjustments: tuple[Adjustment, ...]
    warnings: tuple[str, ...]
    key: tuple[Hashable, ...]
    limit: PromptLimit
    shortest: float


class Drafts:
    """The drafts of one plan of one shot. Regions that are told the same share one, and a refusal likewise."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[Wire | None, Draft | Unfit]] = {}
        self._read: dict[Draft, tuple[str, ...] | Unfit] = {}

    def of(self, route: Route, card: ModelCard, make: Callable[[], Draft]) -> Draft:
        """The draft for a route, made where no other region has one to share. Raises ``Unfit``."""
        wire, place = card.wire.get(route.region), (route.provider, route.model)
        told, found = self._made.get(place, (None, None))
        if found is None or told != wire:
            try:
                found = make()
            except Unfit as no:
                found = no
            self._made[place] = wire, found
        if isinstance(found, Unfit):
            raise Unfit(found.rule, found.reason)
        return found

    def advice(self, draft: Draft, read: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        """What ``read`` says of a draft's words, once for all regions that share it. Raises ``Unfit`` likewise."""
        found = self._read.get(draft)
        if found is None:
            try:
                found = read()
            except Unfit as no:
                found = no
            self._read[draft] = found
        if isinstance(found, Unfit):
            raise Unfit(found.rule, found.reason)
        return found
