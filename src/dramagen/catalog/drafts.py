"""What a shot comes to at a model before a region has priced it: the regions of a model are mostly told the same."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from dramagen.catalog.cards import ModelCard
from dramagen.catalog.fitting import Unfit
from dramagen.catalog.modes import Wire
from dramagen.catalog.order import Order, Trim
from dramagen.catalog.route import Route
from dramagen.clip import Adjustment


@dataclass(frozen=True, slots=True)
class Draft:
    """An order for one region of a model, its words checked, and what was noted on the way.

    ``key`` is what the price depends on, but for the region, where nothing else of the shot does.
    """

    order: Order
    trim: Trim | None
    adjustments: tuple[Adjustment, ...]
    warnings: tuple[str, ...]
    key: tuple[Hashable, ...]


class Drafts:
    """The drafts of one plan of one shot. Regions that are told the same share one, and a refusal likewise."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[Wire | None, Draft | Unfit]] = {}

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
