"""Asking every route about a shot, and letting the policy choose. Spends nothing; reads files, not the network."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dramagen.catalog.access import Access
from dramagen.catalog.order import Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.engine.service import Services
from dramagen.errors import ConfigError, DramagenError, NoRoute, RetiredModel
from dramagen.money import Rates
from dramagen.routing.decision import Decision, filtered
from dramagen.routing.outlook import figure
from dramagen.routing.plan import ShotPlan
from dramagen.routing.policy import Chooser
from dramagen.shot import Shot
from dramagen.studio.asking import Asking
from dramagen.studio.learning import Past
from dramagen.studio.standing import NEW as UNBEGUN
from dramagen.studio.standing import TakeStanding
from dramagen.studio.weighing import Weighing

NEW = Past()
"""Of a take nobody has filmed or judged yet."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Quotes and choices of one studio."""

    services: Services
    asking: Asking
    policy: Chooser
    rates: Rates
    weighing: Weighing
    today: Callable[[], date]
    closed: Callable[[], Mapping[str, str]] = dict
    """Where nothing is sent at present, and why, by the name of a line or an account."""

    def plan(
        self,
        shot: Shot,
        *,
        standing: TakeStanding = UNBEGUN,
        closed: Mapping[str, str] | None = None,
        past: Past = NEW,
    ) -> ShotPlan:
        """Every route's answer to a shot, and the attempts in order. Raises ``NoRoute`` for an unknown pin.

        ``closed`` is what :attr:`closed` said a moment ago, where several shots are planned at once.
        """
        answers = self._ask(shot, self.services.catalog.routes(), planning=True)
        found = self._chosen(shot, answers, past, tried=standing.tried, closed=closed)
        return _as_it_stands(found, standing)

    def without(self, pins: Sequence[str]) -> "Planner":
        """The same where these pins are left out. Raises ``NoRoute`` for one that means nothing."""
        for pin in pins:
            self.services.catalog.matching(pin)
        return replace(self, weighing=self.weighing.without(*pins))

    def led_by(self, policy: Chooser | None) -> "Planner":
        """The same with another policy, if there is one."""
        return self if policy is None else replace(self, policy=policy)

    def for_filming(self, shot: Shot, past: Past = NEW, tried: Collection[Route] = ()) -> ShotPlan:
        """The same, of the routes that may film it, and with nothing left unmeasured.

        Args:
            tried: routes that gave their verdict on this take; they are no attempts any more.
        """
        answers = self._ask(shot, self.services.catalog.matching(shot.pin), planning=False)
        return self._chosen(shot, answers, past, tried=tried)

    def _ask(self, shot: Shot, routes: Sequence[Route], planning: bool) -> list[Quote | Refusal]:
        return self.asking.ask(shot, routes, self._lifted(shot.pin), planning, self.today())

    def _chosen(
        self,
        shot: Shot,
        answers: Sequence[Quote | Refusal],
        past: Past,
        *,
        tried: Collection[Route] = (),
        closed: Mapping[str, str] | None = None,
    ) -> ShotPlan:
        answers = self.weighing.permitted(shot, answers)
        offered = self._offered(shot, [a for a in answers if isinstance(a, Quote)])
        if shot.pin is None:
            # A pin is waited for or fails; without one whoever is at home is asked, if anybody is.
            shut = self._shut(offered, self.closed() if closed is None else closed)
            if shut and len(shut) < len(offered):
                offered = {route: quote for route, quote in offered.items() if route not in shut}
                answers = [shut.get(answer.route, answer) for answer in answers]
        quotes = tuple(a for a in answers if isinstance(a, Quote))
        refusals = tuple(a for a in answers if isinstance(a, Refusal))
        if not offered:
            return ShotPlan(shot, (), quotes, refusals)
        outlook = self.weighing.outlook(shot, list(offered.values()), past)
        chosen = self._attempts(self.policy.ask(shot, list(offered.values()), self.rates, outlook), offered)
        decision = Decision(
            policy=self.policy.name,
            outlook=outlook,
            order=tuple(quote.route.id for quote in chosen),
            filtered=filtered(refusals, [q.route.id for q in quotes if not q.keyed]),
            floor=self.weighing.routing.floor,
            tried=tuple(route.id for route in tried if route in offered),
            doubts={r.id: figure(past.doubts[r.id]) for r in offered if r.id in past.doubts},
        )
        attempts = tuple(quote for quote in chosen if quote.route not in tried)
        return ShotPlan(shot, attempts, quotes, refusals, decision=decision)

    def _shut(self, routes: Collection[Route], closed: Mapping[str, str]) -> dict[Route, Refusal]:
        """The routes to which nothing is sent at present."""
        shut = {}
        for route in routes if closed else ():
            service = self.services.service(route)
            why = closed.get(service.line) or closed.get(service.account)
            if why is not None:
                shut[route] = Refusal(route=route, rule="breaker", reason=why, keyed=True)
        return shut

    def nothing(self, planned: ShotPlan) -> DramagenError:
        """The error of a shot without an attempt: for every route it might have been, why not."""
        pin = planned.shot.pin
        # What could still be changed is read first, not the models of last year.
        refusals = sorted((r for r in planned.refusals if r.route.satisfies(pin)), key=lambda r: r.retired)
        quotes = [q for q in planned.quotes if q.route.satisfies(pin)]
        reasons = [(r.route.id, r.reason) for r in refusals]
        reasons += [(q.route.id, self._access(q.route).why or "no key") for q in quotes if not q.keyed]
        reasons += [(q.route.id, self._left_out(q, pin)) for q in quotes if q.keyed]
        what = f"{planned.shot.name!r} pinned to {pin}" if pin else f"{planned.shot.name!r}"
        if pin and refusals and not quotes and all(r.retired for r in refusals):
            why = "; ".join(dict.fromkeys(r.reason for r in refusals))
            return RetiredModel(f"no route can film {what}: {why}", reasons=reasons)
        return NoRoute(f"no route can film {what}", reasons=reasons)

    def _left_out(self, quote: Quote, pin: str | None) -> str:
        if pin is None and self._access(quote.route).local:
            return "films only when pinned, or when no provider has a key"
        return "the policy left it out"

    # --- the choice ----------------------------------------------------------------------------------------

    def _offered(self, shot: Shot, quotes: Sequence[Quote]) -> dict[Route, Quote]:
        """What the policy may choose among."""
        may = [q for q in quotes if q.keyed and q.route.satisfies(shot.pin)]
        paid = [q for q in may if not self._access(q.route).local]
        if not paid and shot.pin is None and self._any_key():
            return {}  # an animatic stands in for a film when it is asked for, or when there is nothing else
        return {q.route: q for q in paid or may}

    def _attempts(self, answer: Sequence[object], offered: Mapping[Route, Quote]) -> tuple[Quote, ...]:
        """A policy's answer, once it is sure that it only orders and leaves out."""
        chosen: dict[Route, Quote] = {}
        for quote in answer:
            found = offered.get(quote.route) if isinstance(quote, Quote) else None
            if found is None or (found is not quote and found != quote):
                what = quote.route.id if isinstance(quote, Quote) else repr(quote)
                raise ConfigError(
                    f"the policy chose {what}, which is not among the quotes it was given: it may only order "
                    "them and leave some out"
                )
            chosen[found.route] = found
        return tuple(chosen.values())

    def _any_key(self) -> bool:
        names = self.services.catalog.providers()
        return any(a.keyed and not a.local for name in names for a in self.services.access(name).values())

    # --- pins ---------------------------------------------------------------------------------------------

    def _lifted(self, pin: str | None) -> frozenset[Route]:
        """The routes whose retirement somebody's own server overrides: those pinned by their model's id, and
        those of a pinned provider that has no living model."""
        if pin is None:
            return frozenset()
        pinned = self.services.catalog.matching(pin)
        by_model = [r for r in pinned if pin not in (r.provider, f"{r.provider}:{r.region}")]
        return frozenset(by_model or (() if any(map(self._living, pinned)) else pinned))

    def _living(self, route: Route) -> bool:
        ends = self.services.catalog.model(route.provider, route.model).retires(route.region)
        return ends is None or ends > self.today()

    def _access(self, route: Route) -> Access:
        return self.services.access(route.provider)[route.region]


def _as_it_stands(found: ShotPlan, standing: TakeStanding) -> ShotPlan:
    """The plan of a take, of which a job may have come already."""
    attempts = () if standing.over else found.attempts
    if standing.again is not None:
        same = tuple(quote for quote in attempts if quote.route == standing.again)
        attempts = same + tuple(quote for quote in attempts if standing.elsewhere and quote not in same)
    return replace(found, attempts=attempts, held=standing.held, ended=None if attempts else standing.verdict)
