"""Creates without an answer: looked for, adopted, sent again only where that is safe, never paid twice."""

from typing import Any

import anyio
import httpx
import pytest

from dramagen.adapters.base import Absent, Attempt, Flow, Status, Ticket, Unsure, Usage
from dramagen.catalog.cards import Find
from dramagen.catalog.order import Order
from dramagen.engine.journal import Journal, TicketContested
from dramagen.engine.service import Service
from dramagen.errors import BudgetExceeded, ContentRejected, DramagenError, OutcomeUnknown, RateLimited
from dramagen.money import Money

pytestmark = pytest.mark.anyio


@pytest.fixture
def documented_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Seedance documented our tag as unique and queryable."""
    unique = Find.model_construct(findable=True, tag="unique", patience=60.0)
    monkeypatch.setattr(Service, "find", property(lambda self: unique))


async def test_a_lost_answer_is_found_and_adopted(stage: Any) -> None:
    vendor = stage.make_vendor(["lose"])
    async with stage.studio() as studio:
        clip = await studio.shoot(stage.shot)
        kinds = [line["kind"] for line in studio.timeline(clip.job_id)]
    assert kinds[:4] == ["reserved", "sending", "unknown", "accepted"]
    assert stage.creates == vendor.billed == 1
    assert clip.cost.amount == stage.COST


async def test_what_cannot_be_found_stays_reserved_and_is_not_sent_again(stage: Any) -> None:
    vendor = stage.make_vendor(["drop"])
    async with stage.studio() as studio:
        for _ in range(2):
            with pytest.raises(OutcomeUnknown) as caught:
                await studio.shoot(stage.shot)
            assert caught.value.at_risk == studio.jobs()[0].reserved
            assert caught.value.billed is None
            assert caught.value.job_id == studio.jobs()[0].id
        # An unpinned call does not fall back to another route either.
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(stage.shot.model_copy(update={"pin": None}))
        (result,) = await studio.resume()
        assert isinstance(result.error, OutcomeUnknown)
        ledger = studio.ledger()
    assert ledger.unknown == (caught.value.at_risk,)
    assert not ledger.spent
    assert not ledger.reserved
    assert stage.creates == 1
    assert vendor.billed == 0


async def test_what_is_unknown_counts_against_a_budget(stage: Any) -> None:
    stage.make_vendor(["drop"])
    async with stage.studio(budgets=({"limit": "0.1 CNY", "per": "day"},)) as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(stage.shot)
        with pytest.raises(BudgetExceeded):
            await studio.shoot(stage.shot, take=2)
        studio.settle(studio.jobs()[0].id, paid=False)
        await studio.shoot(stage.shot, take=2)


async def test_patience_is_kept_before_absence_is_believed(stage: Any) -> None:
    stage.make_vendor(["drop"])
    async with stage.studio() as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(stage.shot)
        (job,) = studio.jobs()
    assert job.sent_until is not None
    assert stage.clock.now() - job.sent_until >= 60


@pytest.mark.usefixtures("documented_tag")
async def test_absent_and_documented_unique_permits_the_same_create_again(stage: Any) -> None:
    vendor = stage.make_vendor(["drop", "succeed"])
    async with stage.studio() as studio:
        clip = await studio.shoot(stage.shot)
        sending = [line for line in studio.timeline(clip.job_id) if line["kind"] == "sending"]
        (job,) = studio.jobs()
    assert stage.creates == 2
    assert vendor.billed == 1
    bodies = [r.content for r in vendor.requests if r.method == "POST"]
    assert bodies[0] == bodies[1]  # the same tag, and nothing else changed
    # The window it would be looked for in begins with the first create.
    assert job.sent_at == pytest.approx(sending[0]["at"], abs=1)
    assert sending[1]["at"] - sending[0]["at"] >= 60


@pytest.mark.usefixtures("documented_tag")
async def test_a_refusal_of_the_second_create_is_looked_up_not_believed(stage: Any) -> None:
    """The refusal may say that the tag is taken: by the first create, which arrived late and is paid."""
    vendor = stage.make_vendor(["lose"])
    late = _Late(vendor, then="reject_input")
    async with stage.studio(transport=late) as studio:
        clip = await studio.shoot(stage.shot)
        kinds = [line["kind"] for line in studio.timeline(clip.job_id)]
    assert kinds.count("sending") == 2
    assert "refused" not in kinds
    assert vendor.billed == 1


@pytest.mark.usefixtures("documented_tag")
async def test_sending_again_ends(stage: Any) -> None:
    stage.make_vendor(["drop"] * 20)
    async with stage.studio() as studio:
        with pytest.raises(OutcomeUnknown, match="2 times more"):
            await studio.shoot(stage.shot)
        assert stage.creates == 3
        looks = [r for r in stage.vendor.requests if r.method == "GET"]
        assert stage.vendor.requests[-1] is looks[-1]  # the last create was looked for too
        assert studio.ledger().unknown


async def test_a_person_may_choose_to_send_again(stage: Any) -> None:
    vendor = stage.make_vendor(["drop", "succeed"])
    async with stage.studio(on_unknown="resend") as studio:
        await studio.shoot(stage.shot)
    assert stage.creates == 2
    assert vendor.billed == 1


@pytest.mark.parametrize("answer", [Unsure("the list is broken"), RateLimited("later")])
async def test_sending_again_needs_the_vendors_own_no(
    stage: Any, answer: Unsure | DramagenError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(self: Any, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        yield from ()
        if isinstance(answer, DramagenError):
            raise answer
        return answer

    monkeypatch.setattr("dramagen.adapters.seedance.SeedanceAdapter.find", find)
    stage.make_vendor(["drop"])
    async with stage.studio(on_unknown="resend") as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(stage.shot)
    assert stage.creates == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"error": {"code": "InternalServiceError", "message": "oops"}}'),
        (502, b"<html>Bad Gateway</html>"),
        (403, b"<html>a proxy's page</html>"),
        (200, b"{}"),
        (200, b'{"id": null}'),
        (200, b"not json"),
        (204, b""),
        (302, b""),
    ],
)
async def test_any_other_answer_is_unknown(stage: Any, status: int, body: bytes) -> None:
    class Odd(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                stage.vendor.requests.append(request)
                return httpx.Response(status, content=body, headers={"location": "https://elsewhere.invalid"})
            return await stage.vendor.handle_async_request(request)  # type: ignore[no-any-return]  # the vendor is Any

    async with stage.studio(transport=Odd()) as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(stage.shot)
        assert [job.state for job in studio.jobs()] == ["unknown"]
    assert stage.creates == 1


@pytest.mark.parametrize(
    "trouble", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
)
async def test_what_never_left_is_refused_and_tried_again(stage: Any, trouble: type[Exception]) -> None:
    class Down(httpx.AsyncBaseTransport):
        left = 2

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if self.left:
                self.left -= 1
                raise trouble("no way there")
            return await stage.vendor.handle_async_request(request)  # type: ignore[no-any-return]  # the vendor is Any

    async with stage.studio(transport=Down()) as studio:
        clip = await studio.shoot(stage.shot)
        kinds = [line["kind"] for line in studio.timeline(clip.job_id)]
    assert kinds[:7] == ["reserved", "sending", "intended", "sending", "intended", "sending", "accepted"]
    assert stage.vendor.billed == 1


async def test_a_vendor_out_of_reach_frees_the_money_in_the_end(stage: Any) -> None:
    class Down(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("no way there")

    async with stage.studio(transport=Down()) as studio:
        with pytest.raises(DramagenError, match="cannot be reached"):
            await studio.shoot(stage.shot)
        assert [job.state for job in studio.jobs()] == ["refused"]
        assert not studio.ledger().reserved


async def test_a_vendors_refusal_frees_the_money(stage: Any) -> None:
    stage.make_vendor(["reject_input"])
    async with stage.studio() as studio:
        with pytest.raises(ContentRejected):
            await studio.shoot(stage.shot)
        assert [job.state for job in studio.jobs()] == ["refused"]
        assert studio.ledger().spent == studio.ledger().reserved == ()
    assert stage.creates == 1


async def test_a_wait_the_vendor_asks_for_is_kept(stage: Any) -> None:
    class Busy(httpx.AsyncBaseTransport):
        first = True

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if self.first:
                self.first = False
                body = {"error": {"code": "RateLimitExceeded", "message": "slow down"}}
                return httpx.Response(429, json=body, headers={"retry-after": "42"})
            return await stage.vendor.handle_async_request(request)  # type: ignore[no-any-return]  # the vendor is Any

    async with stage.studio(transport=Busy()) as studio:
        clip = await studio.shoot(stage.shot)
        sending = [line["at"] for line in studio.timeline(clip.job_id) if line["kind"] == "sending"]
    assert sending[1] - sending[0] >= 42


async def test_the_window_of_a_refused_create_is_not_the_next_ones(stage: Any) -> None:
    """After a refusal nothing can be found from that time, and a wide window finds strangers' jobs."""
    stage.make_vendor(["rate_limit", "lose"])
    async with stage.studio() as studio:
        clip = await studio.shoot(stage.shot)
        sending = [line["at"] for line in studio.timeline(clip.job_id) if line["kind"] == "sending"]
        (job,) = studio.jobs()
    assert job.sent_at == pytest.approx(sending[1], abs=0.01)


async def test_a_job_found_for_one_order_is_not_given_to_another(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(self: Any, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        yield from ()
        return Ticket(id="cgt-fake-1", route=order.route)

    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
        monkeypatch.setattr("dramagen.adapters.seedance.SeedanceAdapter.find", find)
        stage.make_vendor()
    vendor = stage.make_vendor(["drop"])
    async with stage.studio() as studio:
        with pytest.raises(OutcomeUnknown, match="belongs to another shot"):
            await studio.shoot(stage.shot, take=2)
    assert vendor.billed == 0


async def test_a_job_found_by_likeness_is_adopted_once_no_other_create_is_under_way(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.make_vendor(["lose"])
    contested = 2
    move = Journal.move

    def busy(self: Journal, job: Any, to: Any, **known: Any) -> Any:
        nonlocal contested
        if known.get("alike") and contested:
            contested -= 1
            raise TicketContested("cgt-fake-1")
        return move(self, job, to, **known)

    monkeypatch.setattr(Journal, "move", busy)
    async with stage.studio() as studio:
        clip = await studio.shoot(stage.shot)
        assert clip.cost.amount == stage.COST
    assert contested == 0
    assert stage.creates == 1


async def test_a_failed_job_is_not_sent_again_on_its_route_unless_asked(stage: Any) -> None:
    vendor = stage.make_vendor(["fail", "succeed"])
    async with stage.studio() as studio:
        for _ in range(2):
            with pytest.raises(DramagenError, match="failed"):
                await studio.shoot(stage.shot)
        assert stage.creates == 1
        assert studio.ledger().spent == (Money.zero("CNY"),)
        await studio.shoot(stage.shot, fresh=True)
    assert stage.creates == 2
    assert vendor.billed == 1


@pytest.mark.parametrize(
    ("billed", "usage", "cost"),
    [
        (False, None, "0"),
        (None, None, "most"),  # what is not known is never shown as nothing
        (True, None, "most"),
        (False, Usage(tokens=19_845), "0.083349"),  # what it names wins over what it says
    ],
)
async def test_a_failure_costs_what_the_vendor_says(
    stage: Any, billed: bool | None, usage: Usage | None, cost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poll(self: Any, tickets: Any) -> Flow[dict[str, Status]]:
        yield from ()
        error = DramagenError("it broke", billed=billed)
        return {ticket.id: Status(ticket, "failed", error=error, usage=usage) for ticket in tickets}

    monkeypatch.setattr("dramagen.adapters.seedance.SeedanceAdapter.poll", poll)
    async with stage.studio() as studio:
        with pytest.raises(DramagenError, match="it broke"):
            await studio.shoot(stage.shot)
        (job,) = studio.jobs()
    assert job.state == "failed"
    assert job.cost is not None
    assert str(job.cost.amount) == (str(job.reserved.amount) if cost == "most" else cost)


async def test_an_accident_in_an_adapter_after_the_create_loses_nothing(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dramagen.adapters import seedance_find

    def broken(id_: str, order: Order) -> Ticket:
        monkeypatch.undo()
        raise KeyError("somebody's mistake")

    monkeypatch.setattr(seedance_find, "ticket", broken)
    async with stage.studio() as studio:
        clip = await studio.shoot(stage.shot)
        assert "unknown" in [line["kind"] for line in studio.timeline(clip.job_id)]
    assert stage.vendor.billed == stage.creates == 1


class _Late(httpx.AsyncBaseTransport):
    """The first create's job shows on the list only once a second create was answered."""

    def __init__(self, vendor: Any, then: str) -> None:
        self.vendor, self.then, self.creates = vendor, then, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        creating = request.method == "POST"
        self.creates += creating
        if creating and self.creates == 2:
            self.vendor._script = iter([self.then])
        response: httpx.Response = await self.vendor.handle_async_request(request)
        if request.url.path.endswith("/tasks") and not creating and self.creates < 2:
            return httpx.Response(200, json={"total": 0, "items": []})
        return response


async def test_a_flood_of_callers_is_one_create(stage: Any) -> None:
    clips = []
    async with stage.studio() as studio, anyio.create_task_group() as group:

        async def one() -> None:
            clips.append(await studio.shoot(stage.shot))

        for _ in range(12):
            group.start_soon(one)
    assert stage.creates == 1
    assert sum(not clip.cached for clip in clips) == 1
    assert len({clip.sha256 for clip in clips}) == 1
