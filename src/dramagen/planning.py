"""Asking every route about a shot, and letting the policy choose. Spends nothing; reads files, not the network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec

from dramagen.catalog.fit import fit
from dramagen.catalog.order import Order, Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.engine.finish import can_decode
from dramagen.engine.intake import Intake
from dramagen.engine.service import Services
from dramagen.errors import DramagenError, NoRoute, RetiredModel
from dramagen.money import Rates
from dramagen.routing.plan import ShotPlan
from dramagen.routing.policy import Policy
from dramagen.shot import Shot


@dataclass(frozen=True, slots=True)
class Planner:
    """Quotes and choices of one studio."""

    services: Services
    intake: Intake
    policy: Policy
    rates: Rates
    today: Callable[[], date]

    def plan(self, shot: Shot, *, planning: bool = True, held: str | None = None) -> ShotPlan:
        """Every route's answer to a shot, and the attempts in order. Raises ``NoRoute`` for an unknown pin."""
        catalog = self.services.catalog
        routes = catalog.matching(shot.pin)
        named = {
            r
            for r in routes
            if shot.pin is not None and shot.pin not in (r.provider, f"{r.provider}:{r.region}")
        }
        answers = [self._ask(shot, route, route in named, routes, planning) for route in catalog.routes()]
        quotes = tuple(a for a in answers if isinstance(a, Quote))
        refusals = tuple(a for a in answers if isinstance(a, Refusal))
        may = [q for q in quotes if q.keyed and q.route.satisfies(shot.pin)]
        paid = [q for q in may if not self.services.access(q.route.provider)[q.route.region].local]
        # A local animatic stands in for a film only when it is asked for, or when there is nothing else.
        if not (shot.pin and any(r.provider == q.route.provider for q in may for r in routes) and not paid):
            may = paid or (may if not self._any_key() else [])
        attempts = tuple(self.policy(shot, may, self.rates)) if may else ()
        stray = [q.route.id for q in attempts if not q.route.satisfies(shot.pin)]
        if stray:
            raise NoRoute(f"the policy chose {stray[0]}, which is not what {shot.pin!r} pins")
        return ShotPlan(shot, attempts, quotes, refusals, held)

    def nothing(self, planned: ShotPlan) -> DramagenError:
        """The error of a shot without an attempt: for every route it might have been, why not."""
        pin = planned.shot.pin
        reasons: list[tuple[str, str]] = []
        retired = False
        for refusal in planned.refusals:
            if refusal.route.satisfies(pin):
                reasons.append((refusal.route.id, refusal.reason))
                retired = retired or refusal.rule == "retired"
        for quote in planned.quotes:
            if quote.route.satisfies(pin) and not quote.keyed:
                access = self.services.access(quote.route.provider)[quote.route.region]
                reasons.append((quote.route.id, access.why or "no key"))
        what = f"{planned.shot.name!r} pinned to {pin}" if pin else f"{planned.shot.name!r}"
        kind = RetiredModel if retired and all(
            r.rule == "retired" for r in planned.refusals if r.route.satisfies(pin)
        ) and not any(q.route.satisfies(pin) for q in planned.quotes) else NoRoute  # fmt: skip
        return kind(f"no route can film {what}", reasons=reasons)

    def _any_key(self) -> bool:
        names = self.services.catalog.providers()
        return any(a.keyed and not a.local for name in names for a in self.services.access(name).values())

    def _ask(
        self, shot: Shot, route: Route, named: bool, pinned: Sequence[Route], planning: bool
    ) -> Quote | Refusal:
        access = self.services.access(route.provider)[route.region]
        adapter = self.services.adapter(route.provider)
        # Somebody's own server may still serve what the vendor retired: if it is asked for by name, or if
        # the provider that is asked for has nothing else.
        overridden = access.overridden and (
            named or (route in pinned and shot.pin is not None and not self._living(pinned))
        )

        def wording(order: Order) -> str:
            return adapter.wording(order)

        answer = fit(
            shot,
            route,
            self.services.catalog,
            measure=self.intake.measure,
            crop=self.intake.crop if find_spec("PIL") is not None else None,
            wording=wording,
            can_trim=can_decode(),
            today=self.today(),
            overridden=overridden,
            planning=planning,
        )
        return answer.model_copy(update={"keyed": access.keyed})

    def _living(self, routes: Sequence[Route]) -> bool:
        for route in routes:
            ends = self.services.catalog.model(route.provider, route.model).retires(route.region)
            if ends is None or ends > self.today():
                return True
        return False
