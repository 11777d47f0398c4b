"""The application at its door: what it hears, what it refuses, and that nothing it is told does harm."""

import json
import threading
from email.utils import formatdate
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import dramagen
from dramagen import Config, Studio, webhooks
from dramagen.adapters.base import Delivery, Flow, Notice, Secret
from dramagen.engine.clock import VirtualClock
from dramagen.engine.watch import Watcher
from dramagen.errors import AuthError, ConfigError, ProviderUnavailable

pytestmark = pytest.mark.anyio

BASE = "https://studio.example/dramagen"
KEYS = {"seedance": "key-one", "vidu": "key-one", "hailuo": "key-one", "kling:intl": "key-one"}
TASK = b'{"id":"cgt-1","status":"succeeded"}'


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(Config(home=tmp_path / "home", keys=KEYS, callback_url=BASE + "/"), clock=VirtualClock())


@pytest.fixture
def heard(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the studio's watcher is told."""
    told: list[tuple[Any, ...]] = []

    def wake(_: Watcher, *what: Any) -> bool:
        told.append(what)
        return True

    monkeypatch.setattr(Watcher, "wake", wake)
    return told


async def call(
    studio: Studio,
    path: str,
    body: bytes = TASK,
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    chunk: int = 1 << 20,
    **scope: Any,
) -> tuple[int, Any]:
    """Status and body of the answer."""
    parts = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    known = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in (headers or {}).items()],
    }  # fmt: skip
    await webhooks.app(studio)(known | scope, receive, send)
    start, end = sent
    assert dict(start["headers"])[b"content-length"] == str(len(end["body"])).encode()
    return start["status"], json.loads(end["body"])


def place(studio: Studio, provider: str, region: str | None = None) -> str:
    return webhooks.address(studio, provider, region).removeprefix(BASE)


async def test_what_is_said_of_a_job_wakes_its_watcher(studio: Studio, heard: list[Any]) -> None:
    async with studio:
        assert await call(studio, place(studio, "seedance")) == (200, {})
        assert await call(studio, place(studio, "seedance", "intl"), b'{"id":"cgt-2"}', chunk=3) == (200, {})
    assert heard == [("cgt-1", "seedance", "cn"), ("cgt-2", "seedance", "intl")]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"id":7}', b'{"id":""}'])
async def test_nonsense_from_the_right_place_is_not_asked_for_again(
    studio: Studio, heard: list[Any], body: bytes
) -> None:
    async with studio:
        for provider in ("seedance", "hailuo", "wan"):
            assert await call(studio, place(studio, provider), body) == (200, {})
    assert heard == []


async def test_minimax_gets_its_challenge_back(studio: Studio, heard: list[Any]) -> None:
    async with studio:
        challenge = b'{"challenge":"7d3f"}'
        assert await call(studio, place(studio, "hailuo"), challenge) == (200, {"challenge": "7d3f"})
        assert await call(studio, place(studio, "seedance"), challenge) == (200, {})
        assert await call(studio, place(studio, "hailuo"), b'{"challenge":["7d3f"]}') == (200, {})
    assert heard == []


async def test_an_event_of_alibabas_bus_names_its_task(studio: Studio, heard: list[Any]) -> None:
    event = {
        "type": "dashscope:System:AsyncTaskFinish",
        "data": {"task_id": "t-1", "task_status": "SUCCEEDED"},
    }
    async with studio:
        assert await call(studio, place(studio, "wan"), json.dumps(event).encode()) == (200, {})
    assert heard == [("t-1", "wan", studio.catalog.provider("wan").default_region)]


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/nobody", "/seedance/mars", "/seedance/cn/more", "/seedance//cn", "/..", "/../seedance",
        "/cb-00000000000000000000000000000000/seedance/cn", "/cb-/seedance", "/cb-é/seedance",
    ],
)  # fmt: skip
async def test_an_unknown_place_is_not_found(studio: Studio, heard: list[Any], path: str) -> None:
    async with studio:
        assert await call(studio, path, raw_path=b"/x") == (404, {})
    assert heard == []


async def test_without_the_word_only_a_signature_counts(studio: Studio, heard: list[Any]) -> None:
    async with studio:
        for path in ("/seedance", "/seedance/cn", "/vidu", "/kling/intl", "/previz"):
            assert await call(studio, path) == (401, {}), path
        now = studio._clock.now()
        for path in ("/vidu", "/vidu/cn"):
            assert await call(studio, path, b'{"id":"v-1"}', headers=signed(path, now)) == (200, {})
    assert heard == [("v-1", "vidu", None), ("v-1", "vidu", "cn")]


def signed(path: str, at: float, key: str = "key-one") -> dict[str, str]:
    """Vidu's headers, from the emulator's own hand."""
    from dramagen.emulator.vidu import webhook

    return webhook.headers(key, f"https://studio.example{path}", at, "nonce-1", "Date;x-request-nonce")


async def test_a_signature_covers_the_path_the_vendor_called(studio: Studio, heard: list[Any]) -> None:
    async with studio:
        now, path = studio._clock.now(), place(studio, "vidu", "cn")
        body = b'{"id":"v-1"}'
        # A proxy took the prefix off, or the server kept it: the vendor signed what it was told.
        assert await call(studio, path, body, headers=signed(f"/dramagen{path}", now)) == (200, {})
        whole = f"/dramagen{path}"
        assert await call(studio, whole, body, headers=signed(whole, now), root_path="/dramagen") == (200, {})
        assert await call(studio, f"{path}?a=1", body, headers=signed(f"{path}?a=1", now)) == (200, {})
        assert len(heard) == 3
        for wrong in (signed("/elsewhere", now), signed(path, now, "another-key"), {"date": formatdate(now)}):
            assert await call(studio, path, body, headers=wrong) == (401, {})
        for late in (now - 400, now + 400):
            assert await call(studio, path, body, headers=signed(path, late)) == (401, {})
    assert len(heard) == 3


async def test_a_framework_mounts_it_at_any_prefix(studio: Studio, heard: list[Any]) -> None:
    pages = Starlette(routes=[Mount("/dramagen", webhooks.app(studio))])
    url = webhooks.address(studio, "vidu")
    path = url.removeprefix("https://studio.example")
    transport = httpx.ASGITransport(pages)
    async with studio, httpx.AsyncClient(transport=transport, base_url="https://studio.example") as vendor:
        for body, headers, status in (
            (b'{"id":"v-1"}', signed(path, studio._clock.now()), 200),
            (b'{"id":"v-2"}', signed("/dramagen", studio._clock.now()), 401),
        ):
            assert (await vendor.post(url, content=body, headers=headers)).status_code == status
    assert heard == [("v-1", "vidu", "cn")]


async def test_only_posts_and_only_short_ones(studio: Studio, heard: list[Any]) -> None:
    async with studio:
        path = place(studio, "seedance")
        for method in ("GET", "HEAD", "PUT", "OPTIONS"):
            assert await call(studio, path, method=method) == (405, {})
        long = b'{"id":"' + b"x" * webhooks.BODY_LIMIT
        assert await call(studio, path, long, chunk=65536) == (413, {})
        for said in (str(webhooks.BODY_LIMIT + 1), "9" * 5000):
            assert await call(studio, path, headers={"content-length": said}) == (413, {})
    assert heard == []


async def test_a_closed_studio_asks_to_be_called_again(studio: Studio) -> None:
    path = place(studio, "seedance")
    assert await call(studio, path) == (503, {})
    async with studio:
        assert await call(studio, path) == (200, {})
    assert await call(studio, path) == (503, {})


async def test_another_event_loop_is_noticed(studio: Studio, heard: list[Any], anyio_backend: str) -> None:
    path, answers = place(studio, "seedance"), []

    async def elsewhere() -> None:
        answers.append(await call(studio, path))

    async with studio:
        thread = threading.Thread(target=lambda: anyio.run(elsewhere, backend=anyio_backend))
        thread.start()
        await anyio.to_thread.run_sync(thread.join)
    assert answers == [(503, {})]
    assert heard == []


async def test_a_caller_who_goes_away_gets_no_answer(studio: Studio, heard: list[Any]) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError("there is nobody to tell")

    scope = {"type": "http", "method": "POST", "path": place(studio, "seedance"), "headers": []}
    async with studio:
        await webhooks.app(studio)(scope, receive, send)
    assert heard == []


async def test_a_server_may_start_and_stop_it(studio: Studio) -> None:
    messages, sent = ["lifespan.startup", "lifespan.shutdown"], []

    async def receive() -> dict[str, Any]:
        return {"type": messages.pop(0)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await webhooks.app(studio)({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_an_adapters_accident_is_not_called_about_again(
    studio: Studio, heard: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def trip(*_: Any) -> Notice:
        raise KeyError("s3cret")

    monkeypatch.setattr("dramagen.adapters.seedance.SeedanceAdapter.receive", trip)
    async with studio:
        assert await call(studio, place(studio, "seedance")) == (200, {})
    assert heard == []
    assert "KeyError" in caplog.text
    assert "s3cret" not in caplog.text


class Keyed:
    """Stands in for an adapter whose vendor publishes its keys; a callback is signed with the key it names."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock, self.key, self.down, self.asked = clock, "first", False, 0

    def keys(self) -> Flow[dict[str, str]]:
        yield from ()
        self.asked += 1
        if self.down:
            raise ProviderUnavailable("down")
        return {"k": self.key}

    def receive(self, delivery: Delivery, keys: dict[str, str], secret: Secret, now: float) -> Notice:
        if delivery.headers.get("key") not in keys.values():
            raise AuthError("no key matches")
        return Notice(["k-1"], signed=True)


async def test_published_keys_are_kept_a_day_and_asked_for_again_when_they_change(
    studio: Studio, heard: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = studio._clock
    assert isinstance(clock, VirtualClock)
    keyed = Keyed(clock)
    monkeypatch.setattr(studio._services, "adapter", lambda provider: keyed)

    async def said(key: str) -> int:
        return (await call(studio, "/seedance/cn", headers={"key": key}))[0]

    async with studio:
        assert [await said("first") for _ in range(5)] == [200] * 5
        assert keyed.asked == 1
        # A forger cannot have the vendor asked without end.
        assert [await said("forged") for _ in range(50)] == [401] * 50
        assert keyed.asked == 1
        await clock.sleep(61)
        keyed.key = "second"
        assert await said("second") == 200
        assert await said("first") == 401
        assert keyed.asked == 2
        await clock.sleep(23 * 3600)
        keyed.down = True
        assert await said("second") == 200
        assert await said("forged") == 401
        await clock.sleep(3600)
        assert [await said("second") for _ in range(3)] == [503] * 3
        assert keyed.asked == 4
        keyed.down = False
        await clock.sleep(61)
        assert await said("second") == 200
    assert keyed.asked == 5
    assert len(heard) == 8


async def test_the_word_is_this_homes_and_private(studio: Studio, tmp_path: Path) -> None:
    url = webhooks.address(studio, "kling")
    assert url.startswith(f"{BASE}/cb-")
    assert url.endswith("/kling/cn")
    assert webhooks.address(studio, "kling") == url
    file = tmp_path / "home" / "callback-word"
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(f.name for f in file.parent.iterdir() if f.name.startswith("callback")) == [file.name]
    other = Studio(Config(home=tmp_path / "other", callback_url=BASE))
    assert webhooks.address(other, "kling") != url
    assert "cb-" not in str(dramagen.errors.DramagenError(f"the vendor does not like {url}"))
    with pytest.raises(ConfigError, match="no region 'mars'"):
        webhooks.address(studio, "kling", "mars")
    file.write_text("something else")
    with pytest.raises(ConfigError, match="callback-word"):
        webhooks.address(Studio(Config(home=tmp_path / "home", callback_url=BASE)), "kling")


async def test_a_home_that_cannot_be_read_asks_to_be_called_again(studio: Studio, tmp_path: Path) -> None:
    path = place(studio, "seedance")
    (tmp_path / "home" / "callback-word").write_text("something else")
    async with studio:
        assert await call(studio, path) == (503, {})


async def test_nothing_is_made_where_no_address_is_configured(tmp_path: Path) -> None:
    async with Studio(Config(home=tmp_path / "home", keys=KEYS)) as studio:
        assert await call(studio, f"/cb-{'0' * 32}/seedance/cn") == (404, {})
        with pytest.raises(ConfigError, match="DRAMAGEN_CALLBACK_URL"):
            webhooks.address(studio, "kling")
    assert not (tmp_path / "home" / "callback-word").exists()


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://studio.example", True),
        ("https://studio.example:8443/a/b/", True),
        ("http://127.0.0.1:8000/hooks", True),
        ("http://[::1]:8000", True),
        ("http://localhost", True),
        ("http://studio.example", False),
        ("https://studio.example/?a=1", False),
        ("https://me:pw@studio.example", False),
        ("studio.example", False),
        ("ftp://127.0.0.1", False),
    ],
)
def test_an_address_is_public_and_https_or_this_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, good: bool
) -> None:
    monkeypatch.setenv("DRAMAGEN_CALLBACK_URL", url)
    if good:
        assert Studio(Config(home=tmp_path)).settings.callback_url == url.rstrip("/")
        return
    with pytest.raises(ConfigError, match="callback_url"):
        Studio(Config(home=tmp_path))


def test_a_file_nobody_vouched_for_cannot_say_where_vendors_call(tmp_path: Path) -> None:
    Path("dramagen.toml").write_text('callback_url = "https://elsewhere.example"')
    assert Studio(Config(home=tmp_path / "home")).settings.callback_url is None
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dramagen.toml").write_text(f'callback_url = "{BASE}"')
    assert Studio(Config(home=tmp_path / "home")).settings.callback_url == BASE
