"""A create that needs a URL only its own process knew: never sent again without it, never a crash."""

from typing import Any, Literal

import httpx
import pytest

from dramagen import Reference, Shot
from dramagen.errors import DramagenError, OutcomeUnknown
from dramagen.testing.fake import CLIP_HOST, TASKS

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]

URL = f"https://{CLIP_HOST}/reference.mp4?signature=open-sesame"


def shot() -> Shot:
    return Shot(
        "@林夏回头", references=[Reference("林夏", video=URL)], resolution="480p", pin="seedance/seedance-2.0"
    )


def creates(vendor: Any) -> int:
    return sum(request.method == "POST" for request in vendor.requests)


async def test_a_lost_create_is_held_for_a_person_once_its_url_is_gone(lot: Any) -> None:
    vendor = lot.vendor("drop")
    async with lot.open(vendor) as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(shot())
    # The next process may send it again, and has only what is on disk.
    async with lot.open(vendor, on_unknown="resend") as studio:
        (result,) = await studio.resume()
        (job,) = studio.jobs()
        assert studio.ledger().unknown == (job.reserved,)
    assert isinstance(result.error, OutcomeUnknown)
    assert result.error.at_risk == job.reserved
    assert "cannot be sent again" in str(result.error)
    assert "public URL, which is not known any more" in str(result.error)
    assert "open-sesame" not in f"{result.error!r}"
    assert job.state == "unknown"
    assert creates(vendor) == 1
    assert vendor.billed == 0


async def test_asked_for_with_the_url_again_it_is_sent_again(lot: Any) -> None:
    vendor = lot.vendor("drop")
    async with lot.open(vendor) as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(shot())
    async with lot.open(vendor, on_unknown="resend") as studio:
        clip = await studio.shoot(shot())
        (job,) = studio.jobs()
    assert clip.job_id == job.id
    assert (creates(vendor), vendor.billed) == (2, 1)
    sent = [request.content for request in vendor.requests if request.method == "POST"]
    assert sent[0] == sent[1]
    assert URL.encode() in sent[0]


@pytest.mark.parametrize("when", ["create", "later"])
async def test_a_vendor_that_repeats_the_url_it_cannot_fetch_is_not_quoted(
    lot: Any, when: Literal["create", "later"]
) -> None:
    vendor = lot.vendor()
    answer = vendor.handle_async_request
    trouble = {"code": "InvalidParameter", "message": f"resource download failed: {URL} (timed out)"}

    async def repeat(request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and when == "create":
            return httpx.Response(400, json={"error": trouble})
        response: httpx.Response = await answer(request)
        if request.url.path.startswith(f"{TASKS}/") and when == "later":
            return httpx.Response(200, json=response.json() | {"status": "failed", "error": trouble})
        return response

    vendor.handle_async_request = repeat
    async with lot.open(vendor) as studio:
        with pytest.raises(DramagenError) as caught:
            await studio.shoot(shot())
        lines = repr([studio.timeline(job.id) for job in studio.jobs()])
    for said in (str(caught.value), repr(caught.value.to_json()), lines):
        assert "timed out" in said or said is lines
        assert "reference.mp4" not in said
    files = [path for path in lot.home.rglob("*") if path.is_file()]
    assert not [path for path in files if b"reference.mp4" in path.read_bytes()]
