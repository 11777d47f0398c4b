"""Nothing a run writes or says holds a key, a token, what makes a signed URL work, or the callback word.

Every vendor's emulator is filmed through over real sockets. What is secret is taken off the wire itself, so a new
vendor's way of signing is covered without a word about it here.
"""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import httpx
import pytest
from typer.testing import CliRunner

from dramagen import Config, Shot, Studio
from dramagen.cli.app import app
from dramagen.emulator import Handle, running
from dramagen.engine.callback_address import FILE
from dramagen.episode import Episode, EpisodeShot, film
from dramagen.errors import DramagenError
from dramagen.events import Event, to_json

pytest.importorskip("opentelemetry.sdk.trace")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dramagen.telemetry.record import Telemetry

SPEED = 600.0
VENDORS = ("seedance", "wan", "kling", "hailuo", "vidu", "sora", "fal", "replicate")
KEY = "K3y0fN0Acc0untRecogn1sable"
CALLED = {"seedance", "kling", "vidu", "fal", "replicate"}
"""Vendors that are told where they may call, and try nothing before they take the job."""
CALLBACK = "http://127.0.0.1:9/callbacks"
SIGNED = {"authorization", "x-api-key", "cookie", "x-goog-api-key", "x-fal-key"}


class Wire:
    """Collects what is secret from everything that is sent."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self.files = 0

    def note(self, request: httpx.Request) -> None:
        for name, value in request.headers.items():
            if name.lower() in SIGNED:
                self.secrets.add(value.rpartition(" ")[2])
        if "/_files/" in request.url.path:
            self.files += 1
            self.secrets |= {value for _, value in request.url.params.multi_items() if len(value) > 15}


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    seen = Wire()
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def heard(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        seen.note(request)
        return await send(self, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", heard)
    return seen


@pytest.fixture(scope="module")
def _emulator(kept: dict[str, Any]) -> Iterator[Handle]:
    with running(speed=SPEED, settings=kept) as handle:
        yield handle


@pytest.fixture
def emulator(_emulator: Handle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Handle:
    for name in list(os.environ):
        if name.startswith(("DRAMAGEN_", "KLING_")) or "_API_" in name or "proxy" in name.lower():
            monkeypatch.delenv(name)
    _emulator.reset()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRAMAGEN_HOME", str(tmp_path / "home"))
    return _emulator


@pytest.mark.matrix
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_a_run_leaves_behind_is_secret(
    vendor: str, backend: str, emulator: Handle, wire: Wire, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = f"{KEY}{vendor}"
    home, said = tmp_path / "home", list[str]()
    events: list[Event] = []
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry = Telemetry(True, tracer_provider=tracers, meter_provider=meters)

    def hear(event: Event) -> None:
        events.append(event)
        telemetry(event)

    config = Config(
        home=home, keys={vendor: key}, base_urls={vendor: f"{emulator.url}/{vendor}"}, time_scale=SPEED,
        callback_url=CALLBACK if vendor in CALLED else None, telemetry="off",
    )  # fmt: skip
    shot = EpisodeShot("s01", Shot("雨夜", duration=5, pin=vendor, id="s01"), None, None)

    async def run() -> None:
        async with Studio(config, on_event=hear) as studio:
            said.append(repr(studio.settings))
            manifest = await film(studio, Episode("雨", (shot,), tmp_path / "e.toml", None), tmp_path / "out")
            assert manifest.failures == (), [str(failure.error) for failure in manifest.failures]
            emulator.faults(provider=vendor, on="create", kind="status", status=401)
            try:
                await studio.shoot(shot.shot, take=2)
            except DramagenError as error:
                said.extend((str(error), repr(error), json.dumps(error.to_json())))

    anyio.run(run, backend=backend)
    said += [json.dumps(to_json(event)) + repr(event) for event in events]
    said += [span.to_json() for span in exporter.get_finished_spans()]
    metrics = reader.get_metrics_data()
    assert metrics is not None
    said.append(metrics.to_json())
    said += [
        record.getMessage() + repr(record.__dict__) + (record.exc_text or "") for record in caplog.records
    ]
    job = next(event.job_id for event in events if event.kind == "verified")
    for command in (
        ["jobs"],
        ["jobs", "show", str(job), "--json"],
        ["ledger", "--json"],
        ["cache", "--json"],
    ):
        said.append(CliRunner().invoke(app, command).output)
    tracers.shutdown()
    meters.shutdown()

    files = {
        str(path): path.read_bytes()
        for place in (home, tmp_path / "out")
        for path in place.rglob("*")
        if path.is_file()
    }
    word = files.pop(str(home / FILE)).decode().strip() if str(home / FILE) in files else ""
    secrets = {*wire.secrets, key, *([word] if word else [])}
    # A token of three parts is secret in each of the last two.
    secrets |= {part for secret in secrets for part in secret.split(".")[1:] if len(part) > 15}
    # Sora's own files are fetched with the key; everybody else signs URLs.
    assert bool(wire.files) == (len(secrets) > 1 + bool(word)) == (vendor != "sora")
    assert any(str(job).encode() in data for data in files.values()), "what is looked for can be found"
    assert any("manifest.json" in name for name in files)
    assert any(name.endswith("journal.sqlite") for name in files)
    assert len(said) > 20
    for secret in secrets:
        for form in {secret, quote(secret, safe="")}:
            leaks = [name for name, data in files.items() if form.encode() in data]
            leaks += [text[:400] for text in said if form in text]
            assert leaks == []
