"""fal's own Python client, unmodified (fal-client 1.0.3): queue, uploads, errors, and what it pays for lost answers.

It speaks to three fixed hosts over TLS, so a proxy stands in for them: it ends the TLS of each and passes everything
on to the emulator, as a caller's environment (``HTTPS_PROXY``, ``SSL_CERT_FILE``) tells the client to.

What it does that a caller has to know:

- A submit whose answer is lost is sent ten times in all, without a word: ten jobs, of which at most the last one's
  answer is seen. So is one whose answer comes after its timeout, unless a deadline for the start was set.
- Its waits between (0.1 s doubling, each times 0.5 to 1.5, at most 30 s) come to 25 to 77 s; no option changes that.
- ``COMPLETED`` is the end to it, success or not; it finds out by the result. A status no page names is an error.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from dramagen.emulator import Handle, ManualClock
from dramagen.emulator.fixed_hosts import standing_in

fal_client = pytest.importorskip("fal_client", reason="needs the conformance extra")
pytest.importorskip("cryptography.x509", reason="needs the conformance extra")

pytestmark = [
    pytest.mark.conformance,
    # It closes none of its connections, and offers no way to.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

HOSTS = ("queue.fal.run", "rest.fal.ai", "v3.fal.media")
KLING = "fal-ai/kling-video/v3/pro/text-to-video"
IMAGE = "fal-ai/kling-video/v3/pro/image-to-video"
TEXT = {"prompt": "雨夜", "duration": "3", "aspect_ratio": "9:16", "generate_audio": True}
PICTURE = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (720).to_bytes(4) + (1280).to_bytes(4) + b"\x08\0\0\0\0" + b"\0" * 4
)
"""The head of a picture of 720 x 1280; nobody looks further."""


@pytest.fixture(scope="session")
def _proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Handle], dict[str, str]]]:
    """The environment in which fal's hosts are these vendors."""
    known: dict[str, dict[str, str]] = {}
    with ExitStack() as stack:

        def environment(vendors: Handle) -> dict[str, str]:
            if vendors.url not in known:
                proxy = standing_in(HOSTS, vendors.url, "/fal", tmp_path_factory.mktemp("tls"))
                known[vendors.url] = stack.enter_context(proxy)
            return known[vendors.url]

        yield environment


@pytest.fixture
def client(
    _proxied: Callable[[Handle], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """A client, as its users make it, whose hosts are these vendors."""

    def make(vendors: Handle, kind: Any = fal_client.SyncClient, **options: Any) -> Any:
        for name, value in _proxied(vendors).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("NO_PROXY", raising=False)
        return kind(key="id:secret", **options)

    yield make
    gc.collect()  # its open connections are complained of here, not in some later test


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own retries without the waits between them, which no option of it shortens."""
    monkeypatch.setattr("fal_client.client.BASE_DELAY", 0.0)


def submits(vendors: Handle) -> list[dict[str, Any]]:
    return [each for each in vendors.requests() if each["path"] == f"/fal/{KLING}"]


def test_subscribe_waits_and_the_file_is_fetched(
    hurried: Handle, client: Callable[..., Any], film: Callable[..., Any]
) -> None:
    seen: list[Any] = []
    result = client(hurried).subscribe(KLING, TEXT, with_logs=True, on_queue_update=seen.append)
    watched = film(result["video"]["url"])
    assert (watched.size, watched.sound, round(watched.seconds)) == ((1080, 1920), True, 3)
    assert isinstance(seen[-1], fal_client.Completed)
    assert [row["amount"] for row in hurried.bill()] == ["0.504"]
    (sent,) = submits(hurried)
    assert sent["body"] == TEXT
    assert sent["headers"]["user-agent"] == "fal-client/1.0.3 (python)"
    assert "x-fal-no-retry" not in sent["headers"]  # fal may run its jobs again, up to ten times
    assert "x-app-fal-disable-fallback" not in sent["headers"]  # and let another endpoint serve them


def test_the_async_client_does_the_same(
    hurried: Handle, client: Callable[..., Any], film: Callable[..., Any]
) -> None:
    made = client(hurried, fal_client.AsyncClient)

    async def wait() -> Any:
        return await made.subscribe(KLING, TEXT)

    assert film(anyio.run(wait)["video"]["url"]).sound
    assert len(hurried.bill()) == 1


def test_step_by_step(vendors: Handle, clock: ManualClock, client: Callable[..., Any]) -> None:
    handle = client(vendors).submit(KLING, TEXT, priority="low", start_timeout=60)
    assert handle.status() == fal_client.Queued(position=0)
    again = client(vendors).get_handle(KLING, handle.request_id)
    # The URLs it builds itself lie on fal's host; but for that they are those the answer gave.
    paths = [url.split("/fal-ai/")[1] for url in (again.status_url, handle.status_url)]
    assert paths[0] == paths[1] == f"kling-video/requests/{handle.request_id}/status"
    clock.advance(10)
    assert isinstance(again.status(with_logs=True), fal_client.InProgress)
    clock.advance(300)
    assert isinstance(again.status(), fal_client.Completed)
    assert again.get()["video"]["content_type"] == "video/mp4"
    (sent,) = submits(vendors)
    assert sent["headers"]["x-fal-request-timeout"] == "60.0"
    assert sent["headers"]["x-fal-queue-priority"] == "low"


def test_cancel(vendors: Handle, client: Callable[..., Any]) -> None:
    handle = client(vendors).submit(KLING, TEXT)
    handle.cancel()
    assert handle.status().error_type == "client_cancelled"
    with pytest.raises(fal_client.FalClientHTTPError) as late:
        handle.cancel()
    assert late.value.status_code == 400
    assert [row["amount"] for row in vendors.bill()] == ["0"]


@pytest.mark.parametrize(
    ("arguments", "status", "kind"),
    [
        ({**TEXT, "duration": 3}, 422, "one_of"),
        ({**TEXT, "prompt": "[[moderate-output]]"}, 422, "content_policy_violation"),
        ({**TEXT, "prompt": "[[fail]]"}, 500, "internal_server_error"),
    ],
)
def test_a_failed_job_is_completed_and_its_result_raises(
    vendors: Handle, clock: ManualClock, client: Callable[..., Any], arguments: Any, status: int, kind: str
) -> None:
    handle = client(vendors).submit(KLING, arguments)
    clock.advance(300)
    completed = handle.status()
    assert (type(completed), completed.error_type) == (fal_client.Completed, kind)
    with pytest.raises(fal_client.FalClientHTTPError) as failed:
        handle.get()
    assert (failed.value.status_code, failed.value.error_type) == (status, kind)


def test_a_status_no_page_names_is_an_error(
    vendors: Handle, clock: ManualClock, client: Callable[..., Any]
) -> None:
    vendors.settings(fal={"unknown_status": "THINKING"})
    handle = client(vendors).submit(KLING, TEXT)
    clock.advance(10)
    with pytest.raises(ValueError, match="THINKING"):
        handle.get()


@pytest.mark.parametrize("working", ["cdn", "storage"])
def test_a_picture_goes_up_first(
    hurried: Handle, client: Callable[..., Any], film: Callable[..., Any], working: str
) -> None:
    hurried.settings(fal={"uploads": working})
    made = client(hurried)
    url = made.upload(PICTURE, "image/png", file_name="first.png")
    assert url.startswith(hurried.url)
    assert film(
        made.subscribe(IMAGE, {"prompt": "x", "duration": "3", "start_image_url": url})["video"]["url"]
    ).size == (1080, 1920)


def test_a_large_file_goes_up_in_parts(
    hurried: Handle, client: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is large: 100 MB in the client, in parts of 10 MB.
    monkeypatch.setattr("fal_client.client.MULTIPART_THRESHOLD", 1000)
    monkeypatch.setattr("fal_client.client.MULTIPART_CHUNK_SIZE", 1000)
    whole = bytes(range(256)) * 10
    (tmp_path / "a.bin").write_bytes(whole)
    made = client(hurried)
    url = made.upload_file(tmp_path / "a.bin", lifecycle=fal_client.StorageSettings(expires_in="1d"))
    import httpx

    assert httpx.get(url, trust_env=False, verify=False).content == whole
    assert sum("/multipart/" in each["path"] and each["method"] == "PUT" for each in hurried.requests()) == 3


@pytest.mark.usefixtures("impatient")
def test_left_to_itself_the_client_pays_ten_times_for_one_lost_answer(
    vendors: Handle, client: Callable[..., Any]
) -> None:
    """Why this client is not what sends creates here."""
    vendors.faults(provider="fal", on="create", kind="drop", after_accept=True, times=10)
    with pytest.raises(Exception, match=r"disconnected|EOF|reset"):
        client(vendors).submit(KLING, TEXT)
    assert len(submits(vendors)) == 10
    assert [row["amount"] for row in vendors.bill()] == ["0.504"] * 10


@pytest.mark.parametrize(("deadline", "jobs"), [(None, 2), (60, 1)])
@pytest.mark.usefixtures("impatient")
def test_a_late_answer_is_paid_for_twice_unless_a_deadline_was_set(
    hurried: Handle, client: Callable[..., Any], deadline: float | None, jobs: int
) -> None:
    hurried.faults(provider="fal", on="create", kind="slow", after_accept=True, seconds=3000)
    made = client(hurried, default_timeout=1.0)
    if deadline is None:
        assert made.submit(KLING, TEXT).request_id
    else:
        with pytest.raises(Exception, match="timed out"):
            made.submit(KLING, TEXT, start_timeout=deadline)
    assert len(hurried.bill()) == jobs


@pytest.mark.parametrize(
    ("status", "code", "sent"), [(429, None, 10), (503, "nginx", 10), (503, None, 1), (500, None, 1), (504, None, 1)]
)  # fmt: skip
@pytest.mark.usefixtures("impatient")
def test_which_refusals_it_sends_again(
    vendors: Handle, client: Callable[..., Any], status: int, code: str | None, sent: int
) -> None:
    vendors.faults(provider="fal", on="create", kind="status", status=status, code=code, times=10)
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        client(vendors).submit(KLING, TEXT)
    assert refused.value.status_code == status
    assert (len(submits(vendors)), vendors.bill()) == (sent, [])
