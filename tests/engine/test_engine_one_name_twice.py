"""A vendor, or what stands before it, that answers two creates with one name: no clip is sold as another shot's."""

import json
from typing import Any

import httpx
import pytest

from dramagen.adapters.base import Ticket
from dramagen.catalog.route import Route
from dramagen.engine import given
from dramagen.engine.given import Given
from dramagen.errors import OutcomeUnknown
from dramagen.testing.fake import TASKS


class Repeats(httpx.AsyncBaseTransport):
    """A gateway that answers every create as it answered the first."""

    def __init__(self, vendor: Any) -> None:
        self.vendor = vendor
        self.first: bytes | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST" or request.url.path != TASKS:
            answer: httpx.Response = await self.vendor.handle_async_request(request)
            return answer
        if self.first is None:
            self.first = await (await self.vendor.handle_async_request(request)).aread()
        return httpx.Response(200, json=json.loads(self.first))


@pytest.mark.anyio
async def test_an_answer_that_repeats_another_jobs_is_no_answer(stage: Any) -> None:
    other = stage.shot.model_copy(update={"prompt": "another"})
    async with stage.studio(transport=Repeats(stage.vendor)) as studio:
        clip = await studio.shoot(stage.shot)
        with pytest.raises(OutcomeUnknown) as unknown:
            await studio.shoot(other)
        first, second = studio.jobs()
        assert unknown.value.at_risk == second.reserved
        assert (first.state, second.state) == ("done", "unknown")
        assert studio.ledger().spent == (clip.cost,)
        assert studio.ledger().unknown == (second.reserved,)
        (why,) = [step["why"] for step in studio.timeline(second.id) if step["kind"] == "unknown"]
        assert first.id in why
    assert stage.creates == stage.vendor.billed == 1


def test_names_are_a_regions_own_and_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "KEPT", 2)
    cn, intl = (Route(provider="kling", region=region, model="kling-3.0") for region in ("cn", "intl"))
    names = Given()
    assert names.to_another(Ticket(id="1", route=cn), "a") is None
    assert names.to_another(Ticket(id="1", route=intl), "b") is None
    assert names.to_another(Ticket(id="1", route=cn), "a") is None
    assert names.to_another(Ticket(id="1", route=cn), "c") == "a"
    assert names.to_another(Ticket(id="2", route=cn), "d") is None
    assert names.to_another(Ticket(id="1", route=cn), "c") is None  # forgotten
    assert names.to_another(Ticket(id="2", route=cn), "e") == "d"
