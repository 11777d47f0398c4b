"""Spans and metrics, by the OpenTelemetry API alone: where they go is the program's choice of SDK."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Link, Span, Status, StatusCode, TracerProvider

from dramagen.events import Event, Kind
from dramagen.shot import Shot

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

NEXT: dict[Kind, str] = {
    "planned": "reserve", "fell_back": "reserve", "reserved": "submit", "submitted": "watch", "ready": "collect",
    "collected": "verify",
}  # fmt: skip
"""The phase that begins with an event. ``plan`` lies before the first."""

MEMORY = 256
"""Failed attempts kept for another route to be linked to."""


@dataclass(slots=True)
class _Take:
    """One attempt at a take, while it is under way."""

    shot: Shot
    """Kept so that no other shot can have its identity meanwhile."""
    span: Span
    phase: Span | None = None
    ready: float | None = None
    """When the vendor's verdict came, Unix seconds."""
    spent: bool = False
    """Whether its cost was counted, here or in an earlier process."""


class Telemetry:
    """Listens to a studio's events.

    A span ``dramagen.take`` for each attempt at a take, below whatever span its caller was in, with a child for
    each phase: ``plan``, ``reserve``, ``submit``, ``watch``, ``collect``, ``verify``. An attempt on another route is
    a span of its own, linked to the one before. Counters of money take floats, as the API wants it: for dashboards,
    not for the books.
    """

    def __init__(
        self,
        prompts: bool = False,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        """Without providers of its own it uses the program's."""
        self._prompts = prompts
        self._tracer = trace.get_tracer("dramagen", tracer_provider=tracer_provider)
        meter = metrics.get_meter("dramagen", meter_provider=meter_provider)
        self._reserved = meter.create_counter(
            "dramagen.money.reserved", "{currency}", "set aside for creates"
        )
        self._spent = meter.create_counter("dramagen.money.spent", "{currency}", "what ended jobs cost")
        self._polls = meter.create_counter("dramagen.polls", "{answer}", "answers about running jobs")
        self._retries = meter.create_counter("dramagen.retries", "{create}", "creates refused and sent again")
        self._lag = meter.create_histogram(
            "dramagen.lag", "s", "from the vendor's verdict to a verified clip"
        )
        self._outcomes = meter.create_counter("dramagen.outcomes", "{take}", "how takes ended")
        self._takes: dict[tuple[int, int], _Take] = {}
        self._before: dict[tuple[int, int], tuple[Shot, Span]] = {}

    def __call__(self, event: Event) -> None:
        key = (id(event.shot), event.take)
        take = self._takes.get(key)
        if take is None or event.kind == "fell_back":
            take = self._takes[key] = self._begin(event, key)
        _say(event, take.span)
        self._count(event, take)
        self._turn(event, take)
        if event.final:
            del self._takes[key]
            self._end(event, take)
            if event.kind == "failed" and event.job_id is not None:
                self._before[key] = (event.shot, take.span)
                if len(self._before) > MEMORY:
                    del self._before[next(iter(self._before))]

    def close(self) -> None:
        """End what is under way: the jobs go on at the vendor, and another studio picks them up."""
        for take in self._takes.values():
            if take.phase is not None:
                take.phase.end()
            take.span.set_attribute("dramagen.outcome", "detached")
            take.span.end()
        self._takes.clear()
        self._before.clear()

    # --- spans -------------------------------------------------------------------------------------------

    def _begin(self, event: Event, key: tuple[int, int]) -> _Take:
        began = event.at - (event.seconds or 0.0)
        before = self._before.pop(key, None)
        links = [Link(before[1].get_span_context())] if before and event.kind == "fell_back" else []
        named: Attributes = {"dramagen.prompt": event.shot.prompt} if self._prompts else None
        span = self._tracer.start_span("dramagen.take", attributes=named, links=links, start_time=_ns(began))
        take = _Take(event.shot, span)
        if event.seconds is not None:
            take.phase = self._phase("plan", take, began)
        return take

    def _turn(self, event: Event, take: _Take) -> None:
        """Ends a phase and begins the next one."""
        if event.kind == "resumed":
            self._enter("collect" if event.money is not None else "watch", event, take)
        elif event.kind == "waiting" and event.reason == "lookup" and take.phase is not None:
            take.phase.update_name("dramagen.submit")
        elif event.kind in NEXT:
            self._enter(NEXT[event.kind], event, take)

    def _enter(self, name: str, event: Event, take: _Take) -> None:
        if take.phase is not None:
            _say(event, take.phase)
            take.phase.end(_ns(event.at))
        take.phase = self._phase(name, take, event.at)

    def _phase(self, name: str, take: _Take, at: float) -> Span | None:
        if not take.span.is_recording():  # nor would its children be
            return None
        inside = trace.set_span_in_context(take.span)
        return self._tracer.start_span(f"dramagen.{name}", inside, start_time=_ns(at))

    def _end(self, event: Event, take: _Take) -> None:
        spans = [take.span] if take.phase is None else [take.phase, take.span]
        for span in spans:
            _say(event, span)
            if event.kind in ("failed", "unknown"):
                span.set_status(Status(StatusCode.ERROR, event.reason))
                span.set_attribute("error.type", event.reason)
        take.span.set_attribute("dramagen.outcome", event.kind)
        for span in spans:
            span.end(_ns(event.at))

    # --- metrics -----------------------------------------------------------------------------------------

    def _count(self, event: Event, take: _Take) -> None:
        where = _route(event)
        if event.kind == "reserved" and event.money is not None:
            self._reserved.add(float(event.money.amount), where | {"currency": event.money.currency})
        if event.kind == "resumed":
            take.spent = event.money is not None
        if event.kind in ("ready", "failed"):
            self._spend(event, take)
            if take.ready is None:  # else they were counted with the verdict
                self._polls.add(event.polls or 0, where)
        if event.kind == "waiting" and event.reason == "retry":
            self._retries.add(1, where)
        if event.kind == "ready":
            take.ready = event.at
        if event.kind == "verified" and take.ready is not None:
            self._lag.record(max(0.0, event.at - take.ready), where)
        if event.final:
            why = {"error.type": event.reason} if event.reason else {}
            self._outcomes.add(1, where | {"dramagen.outcome": event.kind} | why)

    def _spend(self, event: Event, take: _Take) -> None:
        """Once for each job this process saw end: of an old verdict that is told again nothing is spent."""
        seen = event.polls is not None
        if seen and not take.spent and event.money is not None:
            take.spent = True
            self._spent.add(float(event.money.amount), _route(event) | {"currency": event.money.currency})


def _route(event: Event) -> dict[str, str]:
    if event.route is None:
        return {}
    place, _, model = event.route.partition("/")
    provider, _, region = place.partition(":")
    return {"dramagen.provider": provider, "dramagen.region": region, "dramagen.model": model}


def _say(event: Event, span: Span) -> None:
    if span.is_recording():  # where no SDK is set up nobody would read it
        span.set_attributes(_facts(event))


def _facts(event: Event) -> dict[str, str | int | float]:
    """What a span may say of an event: no words of a vendor or a caller."""
    facts: dict[str, str | int | float] = {"dramagen.take": event.take, **_route(event)}
    known: dict[str, str | int | float | None] = {
        "dramagen.route": event.route, "dramagen.job.id": event.job_id, "dramagen.shot.id": event.shot.id,
        "dramagen.polls": event.polls,
    }  # fmt: skip
    if event.money is not None and event.kind in ("reserved", "ready", "failed"):
        name = "reserved" if event.kind == "reserved" else "cost"
        known |= {
            f"dramagen.{name}": str(event.money.amount),
            f"dramagen.{name}.currency": event.money.currency,
        }
    return facts | {name: value for name, value in known.items() if value is not None}


def _ns(at: float) -> int:
    return int(at * 1e9)
