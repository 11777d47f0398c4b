"""Replicate's own Python client, unmodified (replicate 1.0.7), against the emulator.

What it does that a caller has to know:

- It sends a create once: a lost answer is one job and an error. Only GETs are sent again, on 429, 503 and 504.
- Its status type does not know ``aborted``, which the pages name: cancelling a prediction that waits, waiting for one
  that was aborted, and listing predictions with one among them all end in a validation error. The pages are right.
- ``predictions.create(model=..., wait=...)`` forgets ``wait``; ``models.predictions.create`` sends it.
- ``run()`` takes an answer of ``processing`` for the end, as the held create's documented answer is; where that has
  no output yet it gives None.
"""

import gc
import io
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock, running

replicate = pytest.importorskip("replicate", reason="needs the conformance extra")
pagination = pytest.importorskip("replicate.pagination", reason="needs the conformance extra")

pytestmark = [
    pytest.mark.conformance,
    # It closes none of its connections, and offers no way to.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

KLING = "kwaivgi/kling-v3-video"
TEXT = {"prompt": "雨夜", "mode": "pro", "duration": 3, "aspect_ratio": "9:16", "generate_audio": True}
PICTURE = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (720).to_bytes(4) + (1280).to_bytes(4) + b"\x08\0\0\0\0" + b"\0" * 4
)
"""The head of a picture of 720 x 1280; nobody looks further."""


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Handle], Any]]:
    """A client of these vendors that looks often."""
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.02")

    def make(vendors: Handle) -> Any:
        return replicate.Client(api_token="r8_x", base_url=f"{vendors.url}/replicate")

    yield make
    gc.collect()  # its open connections are complained of here, not in some later test


def sent(vendors: Handle, method: str) -> list[dict[str, Any]]:
    return [each for each in vendors.requests() if each["method"] == method]


def test_create_wait_and_fetch(hurried: Handle, client: Callable[..., Any], film: Callable[..., Any]) -> None:
    made = client(hurried)
    prediction = made.predictions.create(model=KLING, input=TEXT)
    prediction.wait()
    assert (prediction.status, prediction.model, prediction.input) == ("succeeded", KLING, TEXT)
    watched = film(prediction.output)
    assert (watched.size, watched.sound, round(watched.seconds)) == ((1080, 1920), True, 3)
    assert made.predictions.get(prediction.id).output == prediction.output
    assert [each.id for each in made.predictions.list()] == [prediction.id]
    (create,) = sent(hurried, "POST")
    assert create["body"] == {"input": TEXT}
    assert create["headers"]["user-agent"] == "replicate-python/1.0.7"
    assert [row["amount"] for row in hurried.bill()] == ["1.008"]


def test_models_pages_account(vendors: Handle, client: Callable[..., Any]) -> None:
    vendors.settings(replicate={"list_page": 2})
    made = client(vendors)
    version = made.models.get(KLING).latest_version
    assert "duration" in version.openapi_schema["components"]["schemas"]["Input"]["properties"]
    ids = [made.predictions.create(version=version, input=TEXT).id for _ in range(3)]
    pages = pagination.paginate(made.predictions.list)
    assert [[each.id for each in page] for page in pages] == [ids[:0:-1], ids[:1]]
    assert made.accounts.current().username == "emulated"


def test_a_file_goes_up_first(hurried: Handle, client: Callable[..., Any]) -> None:
    made = client(hurried)
    prediction = made.predictions.create(model=KLING, input={**TEXT, "start_image": io.BytesIO(PICTURE)})
    assert prediction.input["start_image"].startswith(f"{hurried.url}/replicate/v1/files/")
    (file,) = made.files.list()
    assert file.size == len(PICTURE)
    assert made.files.delete(file.id)
    assert len(hurried.bill()) == 1


def test_cancel(vendors: Handle, clock: ManualClock, client: Callable[..., Any]) -> None:
    prediction = client(vendors).predictions.create(model=KLING, input=TEXT)
    clock.advance(10)
    prediction.cancel()
    assert prediction.status == "canceled"
    prediction.wait()


def test_a_failed_prediction_and_a_refusal(hurried: Handle, client: Callable[..., Any]) -> None:
    made = client(hurried)
    prediction = made.predictions.create(model=KLING, input={**TEXT, "prompt": "[[moderate-output]]"})
    prediction.wait()
    assert (prediction.status, "E005" in prediction.error) == ("failed", True)
    with pytest.raises(replicate.exceptions.ReplicateError) as refused:
        made.predictions.create(model=KLING, input={**TEXT, "duration": "3"})
    assert (refused.value.status, refused.value.title) == (422, "Input validation failed")
    assert "input.duration" in refused.value.detail


def test_an_aborted_prediction_breaks_whatever_shows_it(vendors: Handle, client: Callable[..., Any]) -> None:
    made = client(vendors)
    prediction = made.predictions.create(model=KLING, input=TEXT)
    for show in (prediction.cancel, prediction.wait, prediction.reload, made.predictions.list):
        with pytest.raises(ValueError, match=r"(?s)unexpected value.*aborted"):
            show()


@pytest.mark.parametrize(
    ("wait", "prefer"), [(True, "wait"), (5, "wait=5")], ids=["as long as it may", "five seconds"]
)
def test_which_create_asks_to_be_held(
    hurried: Handle, client: Callable[..., Any], wait: bool | int, prefer: str
) -> None:
    made = client(hurried)
    made.predictions.create(model=KLING, input=TEXT, wait=wait)
    made.models.predictions.create(model=KLING, input=TEXT, wait=wait)
    assert [each["headers"].get("prefer") for each in sent(hurried, "POST")] == [None, prefer]


@pytest.mark.parametrize("carried", [False, True])
def test_run_takes_processing_for_the_end(
    hurried: Handle, client: Callable[..., Any], film: Callable[..., Any], carried: bool
) -> None:
    hurried.settings(replicate={"wait_output": carried, "job_seconds": 10})
    output = client(hurried).run(KLING, input=TEXT)
    assert (output is not None) is carried
    if carried:
        assert film(output).sound
    assert len(hurried.bill()) == 1  # paid for either way


@pytest.mark.parametrize("kind", ["drop", "malformed", "status"])
def test_a_create_is_sent_once(vendors: Handle, client: Callable[..., Any], kind: str) -> None:
    vendors.faults(provider="replicate", on="create", kind=kind, status=503, after_accept=True)
    with pytest.raises((httpx.HTTPError, ValueError, replicate.exceptions.ReplicateError)):
        client(vendors).predictions.create(model=KLING, input=TEXT)
    assert (len(sent(vendors, "POST")), len(vendors.bill())) == (1, 1)


def test_a_question_is_asked_again(vendors: Handle, client: Callable[..., Any]) -> None:
    made = client(vendors)
    prediction = made.predictions.create(model=KLING, input=TEXT)
    vendors.faults(provider="replicate", on="poll", kind="status", status=503, times=2)
    prediction.reload()
    assert len(sent(vendors, "GET")) == 3


@pytest.mark.parametrize(("signature", "good"), [("good", True), ("wrong", False)])
def test_it_takes_the_emulators_webhooks(client: Callable[..., Any], signature: str, good: bool) -> None:
    came = threading.Event()
    got: list[tuple[dict[str, str], str]] = []

    async def receive(_: str, headers: Mapping[str, str], body: bytes) -> int:
        got.append((dict(headers), body.decode()))
        came.set()
        return 200

    options = {"replicate": {"callback_signature": signature}}
    with running(clock=ManualClock(), send=receive, settings=options) as vendors:
        made = client(vendors)
        made.predictions.create(
            model=KLING, input=TEXT, webhook="https://me.io/hook", webhook_events_filter=["start"]
        )
        assert came.wait(timeout=60)
        secret = made.webhooks.default.secret()
    headers, body = got[0]
    validate = replicate.webhook.Webhooks.validate
    if good:
        validate(headers=headers, body=body, secret=secret)
    else:
        with pytest.raises(replicate.webhook.InvalidSignatureError):
            validate(headers=headers, body=body, secret=secret)
