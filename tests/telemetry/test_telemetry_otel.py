"""Spans and metrics of what a studio does, through the official SDK's in-memory exporters."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dramagen import Config, Shot, Studio
from dramagen.emulator.media import ClipSpec, clip
from dramagen.engine.clock import VirtualClock
from dramagen.errors import DramagenError
from dramagen.testing import FakeProvider

sdk = pytest.importorskip("opentelemetry.sdk.trace")

from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402 - only where it is installed
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402 - likewise
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider  # noqa: E402 - likewise
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402 - likewise
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402 - likewise

from dramagen.telemetry.record import Telemetry  # noqa: E402 - likewise

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]

PIN = "seedance/seedance-1.0-pro-fast"
PHASES = ["plan", "reserve", "submit", "watch", "collect", "verify"]


class Scene:
    """A studio with a fake vendor and its telemetry."""

    def __init__(self, home: Path) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader])
        self.home, self.clock = home, VirtualClock()
        self.film = clip(ClipSpec(480, 864, 48), "a job")
        self.shot = Shot("雨夜", duration=2, resolution="480p", pin=PIN)

    def studio(self, *script: Any, prompts: bool = False, pin: str | None = PIN) -> tuple[Studio, Telemetry]:
        telemetry = Telemetry(prompts, tracer_provider=self.tracers, meter_provider=self.meters)
        keys = {"seedance": "ark-of-no-account-01"}
        config = Config(home=self.home, keys=keys, telemetry="off", policy="cheapest")
        vendor = FakeProvider(self.film, script, tokens=19_845, now=self.clock.now)
        return Studio(config, clock=self.clock, transports={"https": vendor}, on_event=telemetry), telemetry

    def spans(self, name: str = "take") -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == f"dramagen.{name}"]

    def metrics(self) -> dict[str, list[Any]]:
        data: Any = self.reader.get_metrics_data()
        found = data.resource_metrics[0].scope_metrics[0].metrics
        return {metric.name.removeprefix("dramagen."): list(metric.data.data_points) for metric in found}


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    for name in list(os.environ):
        if name.startswith("DRAMAGEN_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    here = Scene(tmp_path / "home")
    yield here
    here.tracers.shutdown()
    here.meters.shutdown()


def facts(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_take_is_a_span_with_a_child_for_each_phase(scene: Scene) -> None:
    studio, _ = scene.studio()
    with scene.tracers.get_tracer("a pipeline").start_as_current_span("episode") as outer:
        async with studio:
            filmed = await studio.shoot(scene.shot)
    (take,) = scene.spans()
    assert take.parent == outer.get_span_context()
    children = [span for phase in PHASES for span in scene.spans(phase)]
    assert [span.name for span in children] == [f"dramagen.{phase}" for phase in PHASES]
    ends = [(span.start_time or 0, span.end_time or 0) for span in children]
    assert all(begin <= end for begin, end in ends)
    assert [begin for begin, _ in ends[1:]] == [end for _, end in ends[:-1]]
    assert all(span.parent == take.get_span_context() for span in children)
    assert (take.start_time, take.end_time) == (ends[0][0], ends[-1][1])
    known = facts(take)
    assert known["dramagen.provider"] == "seedance"
    assert known["dramagen.model"] == "seedance-1.0-pro-fast"
    assert known["dramagen.region"] == "cn"
    assert known["dramagen.route"] == filmed.route
    assert known["dramagen.job.id"] == filmed.job_id
    assert known["dramagen.take"] == 1
    assert known["dramagen.outcome"] == "verified"
    assert Decimal(known["dramagen.cost"]) == filmed.cost.amount
    assert "雨夜" not in "".join(span.to_json() for span in scene.exporter.get_finished_spans())


async def test_prompts_are_told_where_somebody_asks_for_them(scene: Scene) -> None:
    studio, _ = scene.studio(prompts=True)
    async with studio:
        await studio.shoot(scene.shot)
    assert facts(scene.spans()[0])["dramagen.prompt"] == "雨夜"


async def test_an_attempt_on_another_route_is_linked_to_the_one_that_failed(scene: Scene) -> None:
    studio, _ = scene.studio("fail")
    async with studio:
        filmed = await studio.shoot(scene.shot.pinned("seedance"))
    failed, verified = scene.spans()
    assert facts(failed)["error.type"] == "JobFailed"
    assert not failed.status.is_ok
    assert [link.context for link in verified.links] == [failed.get_span_context()]
    assert facts(verified)["dramagen.route"] == filmed.route != facts(failed)["dramagen.route"]


async def test_the_metrics_are_the_books(scene: Scene) -> None:
    studio, _ = scene.studio("rate_limit", "succeed", "reject_output")
    async with studio:
        first = await studio.shoot(scene.shot)
        with pytest.raises(DramagenError):
            await studio.shoot(scene.shot, take=2)
        with pytest.raises(DramagenError):
            # Said again, and counted as a take that ended, not as money.
            await studio.shoot(scene.shot, take=2)
        await studio.shoot(scene.shot)
        (spent,) = studio.ledger().spent
    told = scene.metrics()
    assert spent == first.cost
    assert sum(point.value for point in told["money.spent"]) == pytest.approx(float(spent.amount))
    assert {point.attributes["currency"] for point in told["money.spent"]} == {"CNY"}
    assert sum(point.value for point in told["money.reserved"]) >= 2 * float(spent.amount) * 0.99
    assert sum(point.value for point in told["polls"]) == 2
    assert sum(point.value for point in told["retries"]) == 1
    (lag,) = told["lag"]
    assert lag.count == 1
    outcomes: Counter[str] = Counter()
    for point in told["outcomes"]:
        outcomes[point.attributes["dramagen.outcome"]] += point.value
    assert outcomes == {"verified": 1, "cached": 1, "failed": 2}


async def test_closing_ends_what_is_under_way(scene: Scene) -> None:
    studio, telemetry = scene.studio()
    events: list[Any] = []
    studio._on_event = events.append
    async with studio:
        await studio.shoot(scene.shot)
    for event in events[:3]:
        telemetry(event)
    assert scene.spans() == []
    telemetry.close()
    (take,) = scene.spans()
    assert facts(take)["dramagen.outcome"] == "detached"
    assert len(scene.spans("watch")) == 1


PROGRAM = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from dramagen.telemetry import open_telemetry
print(open_telemetry())
"""


def test_it_is_loaded_when_a_studio_opens_and_left_out_where_it_is_absent() -> None:
    absent = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert absent.stdout == "None\n"
    program = "import dramagen.studio, sys; print([m for m in sys.modules if m.startswith('opentelemetry')])"
    unused = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert unused.stdout == "[]\n"
