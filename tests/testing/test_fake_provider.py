"""The fake provider, asked through a real client by the adapter it imitates."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import httpx
import pytest

from dramagen.adapters.base import PAID, Absent, Attempt, Flow, Secret, Ticket
from dramagen.adapters.seedance import SeedanceAdapter
from dramagen.catalog.order import Order
from dramagen.catalog.route import Route
from dramagen.errors import ContentRejected, JobFailed, ProviderUnavailable, RateLimited
from dramagen.testing import FakeProvider
from dramagen.testing.fake import Outcome

NOW = 1_795_000_000.0
ATTEMPT = Attempt(tag="abcdefghijklmnopqrstuvwx", created=NOW)
ORDER = Order(
    route=Route(provider="seedance", region="cn", model="seedance-2.0"),
    wire={"model": "doubao-seedance-2-0-260128"},
    mode="text",
    prompt="雨夜",
    duration=Decimal(5),
    resolution="720p",
    aspect_ratio="9:16",
    audio=True,
)

pytestmark = pytest.mark.anyio


def fake(script: Sequence[Outcome] = ()) -> FakeProvider:
    return FakeProvider(b"a clip", script, now=lambda: NOW)


async def run(flow: Flow[Any], provider: FakeProvider) -> Any:
    async with httpx.AsyncClient(transport=provider, base_url="https://ark.invalid") as client:
        try:
            request = next(flow)
            while True:
                sent = client.build_request(request.method, request.url, content=request.content)
                SeedanceAdapter().sign(sent, Secret(key="k"), NOW)
                request = flow.send(await client.send(sent))
        except StopIteration as end:
            return end.value


async def test_a_job_from_create_to_clip() -> None:
    provider, ark = fake(), SeedanceAdapter()
    ticket: Ticket = await run(ark.submit(ORDER, ATTEMPT), provider)
    status = (await run(ark.poll([ticket]), provider))[ticket.id]
    assert status.state == "succeeded"
    assert status.usage.tokens == 108_900
    download = await run(ark.deliver(ticket), provider)
    async with httpx.AsyncClient(transport=provider) as client:
        assert (await client.send(download.request)).content == b"a clip"
    assert provider.billed == 1
    assert provider.jobs[0].body["content"][0]["text"] == "雨夜。"


async def test_a_lost_answer_is_one_billed_job_that_can_be_found() -> None:
    provider, ark = fake(["lose"]), SeedanceAdapter()
    with pytest.raises(httpx.ReadError):
        await run(ark.submit(ORDER, ATTEMPT), provider)
    assert provider.billed == 1
    assert (await run(ark.find(ORDER, ATTEMPT), provider)).id == provider.jobs[0].id


async def test_a_dropped_create_is_nothing() -> None:
    provider, ark = fake(["drop"]), SeedanceAdapter()
    with pytest.raises(httpx.ReadError):
        await run(ark.submit(ORDER, ATTEMPT), provider)
    assert provider.billed == 0
    assert await run(ark.find(ORDER, ATTEMPT), provider) == Absent()


@pytest.mark.parametrize(
    ("outcome", "error"),
    [("reject_input", ContentRejected), ("rate_limit", RateLimited), ("unavailable", ProviderUnavailable)],
)
async def test_a_refused_create_makes_no_job(outcome: Outcome, error: type[Exception]) -> None:
    provider = fake([outcome])
    with pytest.raises(error):
        await run(SeedanceAdapter().submit(ORDER, ATTEMPT), provider)
    assert not provider.jobs


@pytest.mark.parametrize(("outcome", "error"), [("fail", JobFailed), ("reject_output", ContentRejected)])
async def test_a_job_may_end_badly_and_costs_nothing(outcome: Outcome, error: type[Exception]) -> None:
    provider, ark = fake([outcome]), SeedanceAdapter()
    ticket = await run(ark.submit(ORDER, ATTEMPT), provider)
    assert type((await run(ark.poll([ticket]), provider))[ticket.id].error) is error
    assert provider.billed == 0


async def test_a_job_it_never_made_is_missing_and_a_finished_one_stays() -> None:
    provider, ark = fake(), SeedanceAdapter()
    ticket = await run(ark.submit(ORDER, ATTEMPT), provider)
    other = ticket.model_copy(update={"id": "cgt-other"})
    told = await run(ark.poll([ticket, other]), provider)
    assert {id_: status.state for id_, status in told.items()} == {
        ticket.id: "succeeded",
        "cgt-other": "missing",
    }
    assert await run(ark.cancel(ticket), provider) is False
    assert [r.method for r in provider.requests].count("DELETE") == 0


def test_the_paid_mark_is_ours_alone() -> None:
    assert next(SeedanceAdapter().submit(ORDER, ATTEMPT)).extensions[PAID] is True
