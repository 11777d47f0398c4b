"""A create that needs a URL only its own process knew: never sent again without it, never a crash."""

from typing import Any

import pytest

from dramagen import Reference, Shot
from dramagen.errors import OutcomeUnknown
from dramagen.testing.fake import CLIP_HOST

pytestmark = pytest.mark.anyio

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
