"""OpenAI's own Python client, unmodified, against the emulator in each dialect it can speak to.

Where it differs from the vendor's pages (openai 3.54.0): it sends every create as multipart, a prompt alone too, and
the page's examples are JSON. The service took both, and so does the emulator; vLLM-Omni takes multipart alone.
"""

from collections.abc import Callable
from typing import Any

import pytest

from dramagen.emulator import Handle, ManualClock

openai = pytest.importorskip("openai", reason="needs the conformance extra")

pytestmark = [
    pytest.mark.conformance,
    # The client says on every call that the service ended.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
    + (720).to_bytes(4)
    + (1280).to_bytes(4)
    + b"\x08\x00\x00\x00\x00"
    + b"\0" * 4
)
"""The head of a picture of 720 x 1280; nobody looks further."""


@pytest.mark.parametrize("frame", [None, ("frame.png", PICTURE, "image/png")], ids=["text", "first frame"])
@pytest.mark.parametrize(
    ("place", "profile"), [("sora", "openai"), ("selfhosted", "sglang"), ("selfhosted", "vllm-omni")]
)
def test_create_retrieve_list_download_delete(
    vendors: Handle,
    clock: ManualClock,
    film: Callable[..., Any],
    place: str,
    profile: str,
    frame: tuple[str, bytes, str] | None,
) -> None:
    vendors.settings(**{place: {"profile": profile}})
    with openai.OpenAI(base_url=f"{vendors.url}/{place}/v1", api_key="key-one", max_retries=0) as client:
        picture = {} if frame is None else {"input_reference": frame}
        job = client.videos.create(prompt="雨夜", model="sora-2", seconds="8", size="720x1280", **picture)
        assert (job.status, job.seconds, job.size) == ("queued", "8", "720x1280")
        clock.advance(30)
        assert client.videos.retrieve(job.id).status == "in_progress"
        clock.advance(90)
        assert client.videos.poll(job.id).status == "completed"
        assert [item.id for item in client.videos.list(limit=1, order="desc")] == [job.id]
        got = film(client.videos.download_content(job.id).read())
        assert (got.seconds, got.size) == (8.0, (720, 1280))
        assert client.videos.delete(job.id).id == job.id
        with pytest.raises(openai.NotFoundError):
            client.videos.retrieve(job.id)
    assert len(vendors.bill()) == 1


def test_errors_are_the_clients_own(vendors: Handle) -> None:
    with openai.OpenAI(base_url=f"{vendors.url}/sora/v1", api_key="key-one", max_retries=0) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            client.videos.create(prompt="x", seconds="5")
        assert refused.value.code == "invalid_value"
        vendors.faults(provider="sora", on="create", kind="status", status=429, code="insufficient_quota")
        with pytest.raises(openai.RateLimitError) as empty:
            client.videos.create(prompt="x")
        assert empty.value.code == "insufficient_quota"
    assert vendors.bill() == []


def test_left_to_itself_the_client_pays_three_times_for_one_lost_answer(vendors: Handle) -> None:
    """Why this client is not what sends creates here."""
    vendors.faults(provider="sora", on="create", kind="drop", after_accept=True, times=3)
    with (
        openai.OpenAI(base_url=f"{vendors.url}/sora/v1", api_key="key-one") as client,
        pytest.raises(openai.APIConnectionError),
    ):
        client.videos.create(prompt="x")
    assert [row["amount"] for row in vendors.bill()] == ["0.4"] * 3
