"""What a studio plans with: its beliefs and its planner, made of its settings, its cards and its books."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from dramagen.catalog.load import Catalog
from dramagen.engine.clock import Clock
from dramagen.engine.intake import Intake
from dramagen.engine.service import Services
from dramagen.routing.policy import Chooser
from dramagen.settings import Settings
from dramagen.studio.asking import Asking
from dramagen.studio.books import Books
from dramagen.studio.learning import Learning
from dramagen.studio.planning import Planner
from dramagen.studio.ratings import load_ratings
from dramagen.studio.weighing import Weighing


def make_weighing(catalog: Catalog, books: Books, settings: Settings) -> Weighing:
    """Chances from the cards, the fetched ratings and what the journal has heard. Raises ``ConfigError``."""
    learning = Learning(catalog, books.consult, load_ratings(settings.home), settings.routing.rho)
    return Weighing(learning, settings.routing, settings.rates, settings.currency)


def planner_maker(
    services: Services, books: Books, policy: Chooser, weighing: Weighing, clock: Clock
) -> Callable[[Intake], Planner]:
    """Makes the studio's planner; it is made anew once there is an intake that can fetch."""
    rates = services.settings.rates

    def today() -> date:
        return datetime.fromtimestamp(clock.now(), UTC).date()

    def make(intake: Intake) -> Planner:
        asking = Asking(services, intake, rates)
        return Planner(services, asking, policy, rates, weighing, today, books.closed_routes)

    return make
