"""Creates that were refused though their job may have been made: asked about before they are sent again."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from dramagen.adapters.base import Absent, Attempt, Flow, Ticket, Unsure
from dramagen.catalog.cards import Find
from dramagen.catalog.order import Order
from dramagen.engine import doubt, submit
from dramagen.engine.intake import Intake
from dramagen.engine.jobs import Job
from dramagen.engine.journal import Journal
from dramagen.engine.service import Service
from dramagen.engine.state import JobState
from dramagen.errors import DramagenError, InvalidShot, JobFailed, OutcomeUnknown, RateLimited
from dramagen.testing.fake import TASKS

pytestmark = pytest.mark.anyio

HIDDEN = Unsure("a task of that time does not show its prompt", ["cgt-somebodys"])
BLIND = Unsure("the list could not be read")


class Denies(httpx.AsyncBaseTransport):
    """The fake vendor, whose gateway denies the first creates that it is told to, with a 429 or another answer.

    ``made``: the jobs behind the denied ones are made all the same.
    """

    def __init__(self, stage: Any, denied: int = 1, made: bool = True) -> None:
        self.stage, self.denied, self.made = stage, denied, made
        self.answer = (429, {"error": {"code": "RateLimitExceeded", "message": "slow down"}})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        denied = request.method == "POST" and request.url.path == TASKS and self.denied > 0
        self.denied -= denied
        if denied and not self.made:
            return httpx.Response(self.answer[0], json=self.answer[1])
        response: httpx.Response = await self.stage.vendor.handle_async_request(request)
        return httpx.Response(self.answer[0], json=self.answer[1]) if denied else response


class Mute(Denies):
    """Its lists hang."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and request.url.path == TASKS:
            await anyio.sleep_forever()
        return await super().handle_async_request(request)


MOVE = Journal.move


def accident(self: Journal, job: Job, *args: Any, **known: Any) -> Job:
    """What is refused cannot be written on: the flight ends, and nobody drives the job any more."""
    if job.state == JobState.INTENDED and job.error is not None:
        raise RuntimeError("dead")
    return MOVE(self, job, *args, **known)


@pytest.fixture
def finding(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Attempt]]:
    """Lets the vendor answer to looks with these, the last again and again: ``finding(HIDDEN, Absent())``."""

    def answer(*answers: Any) -> list[Attempt]:
        asked: list[Attempt] = []

        def find(self: Any, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
            yield from ()
            asked.append(attempt)
            found = answers[min(len(asked), len(answers)) - 1]
            found = found() if callable(found) else found
            return Ticket(id=found, route=order.route) if isinstance(found, str) else found

        monkeypatch.setattr("dramagen.adapters.seedance.SeedanceAdapter.find", find)
        return asked

    return answer


async def test_a_job_that_shows_whose_it_is_only_later_is_waited_for_and_not_made_twice(
    stage: Any, finding: Callable[..., list[Attempt]]
) -> None:
    asked = finding(HIDDEN, HIDDEN, HIDDEN, "cgt-fake-1")
    async with stage.studio(transport=Denies(stage)) as studio:
        clip = await studio.shoot(stage.shot)
        kinds = [line["kind"] for line in studio.timeline(clip.job_id)]
        assert not studio.ledger().unknown
    assert kinds[:5] == ["reserved", "sending", "intended", "unknown", "accepted"]
    assert stage.creates == stage.vendor.billed == 1
    assert len(asked) == 4
    assert all(attempt.refused for attempt in asked)


async def test_a_strangers_job_is_no_reason_not_to_send_again(
    stage: Any, finding: Callable[..., list[Attempt]]
) -> None:
    asked = finding(HIDDEN, HIDDEN, Absent())
    async with stage.studio(transport=Denies(stage, made=False)) as studio:
        clip = await studio.shoot(stage.shot)
        kinds = [line["kind"] for line in studio.timeline(clip.job_id)]
    assert kinds[:6] == ["reserved", "sending", "intended", "unknown", "intended", "sending"]
    assert stage.vendor.billed == 1
    assert len(asked) == 3  # not once more when its turn comes again


@pytest.mark.parametrize("answer", [Absent(), BLIND])
async def test_where_nothing_could_be_it_one_look_is_all(
    stage: Any, finding: Callable[..., list[Attempt]], answer: Absent | Unsure
) -> None:
    asked = finding(answer)
    began = stage.clock.now()
    async with stage.studio(transport=Denies(stage, denied=2, made=False)) as studio:
        clip = await studio.shoot(stage.shot)
        sending = [line["at"] for line in studio.timeline(clip.job_id) if line["kind"] == "sending"]
    assert len(asked) == 2  # one for each that was refused
    assert stage.vendor.billed == 1
    assert sending[-1] - began < 60


async def test_a_doubt_outlives_a_list_that_cannot_be_read(
    stage: Any, finding: Callable[..., list[Attempt]]
) -> None:
    finding(HIDDEN, BLIND, BLIND, "cgt-fake-1")
    async with stage.studio(transport=Denies(stage)) as studio:
        await studio.shoot(stage.shot)
    assert stage.creates == stage.vendor.billed == 1


async def test_a_doubt_ends_where_the_job_turns_out_to_be_another_orders(
    stage: Any, finding: Callable[..., list[Attempt]]
) -> None:
    """Its ticket came between the look and the adoption, say."""
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
    finding(HIDDEN, "cgt-fake-1")
    async with stage.studio(transport=Denies(stage, made=False)) as studio:
        clip = await studio.shoot(stage.shot, take=2)
        assert [job.ticket.id for job in studio.jobs() if job.id == clip.job_id] == ["cgt-fake-2"]
    assert stage.creates == stage.vendor.billed == 2


async def test_a_doubt_holds_nobody_else_up(
    stage: Any, finding: Callable[..., list[Attempt]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for one job only, the others film while it is asked whose job that is."""
    endless = Find.model_construct(findable=True, tag="echoed", patience=1e9)
    monkeypatch.setattr(Service, "find", property(lambda self: endless))
    clips: list[Any] = []
    asked = finding(lambda: Absent() if clips else HIDDEN)
    async with stage.studio(transport=Denies(stage), limits={"seedance": 1}) as studio:
        async with anyio.create_task_group() as group:
            group.start_soon(studio.shoot, stage.shot)
            while not asked:
                await anyio.lowlevel.checkpoint()
            with anyio.fail_after(60):
                clips.append(await studio.shoot(stage.shot, take=2))
        assert [job.state for job in studio.jobs()] == ["done", "done"]


async def test_what_is_unknown_so_is_sent_by_resume_once_the_vendor_shows_it_is_no_ones_of_ours(
    stage: Any, finding: Callable[..., list[Attempt]]
) -> None:
    finding(HIDDEN)
    transport = Denies(stage, made=False)
    async with stage.studio(transport=transport) as studio:
        with pytest.raises(OutcomeUnknown) as caught:
            await studio.shoot(stage.shot)
        assert caught.value.at_risk == studio.jobs()[0].reserved
    assert stage.creates == 0
    async with stage.studio(transport=transport) as studio:
        (result,) = await studio.resume()
        assert isinstance(result.error, OutcomeUnknown)
        assert stage.creates == 0
        finding(Absent())
        (result,) = await studio.resume()
        assert result.clip is not None
        assert not studio.ledger().unknown
    assert stage.creates == stage.vendor.billed == 1


async def test_a_doubt_a_person_settled_as_paid_is_no_refusal_any_more(
    stage: Any, finding: Callable[..., list[Attempt]]
) -> None:
    finding(HIDDEN)
    async with stage.studio(transport=Denies(stage)) as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(stage.shot)
        studio.settle(studio.jobs()[0].id, paid=True)
        with pytest.raises(JobFailed, match="a person settled") as caught:
            await studio.shoot(stage.shot)
    assert caught.value.billed
    assert not caught.value.retryable
    assert stage.creates == stage.vendor.billed == 1


async def test_a_refusal_to_the_last_is_asked_about_too(
    stage: Any, finding: Callable[..., list[Attempt]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(submit.TRIES, RateLimited, 1)
    finding("cgt-fake-1")
    async with stage.studio(transport=Denies(stage)) as studio:
        clip = await studio.shoot(stage.shot)
        assert [job.state for job in studio.jobs()] == ["done"]
    assert clip.cost.amount == stage.COST
    assert stage.creates == stage.vendor.billed == 1


async def test_any_answer_after_which_a_create_is_sent_again_is_asked_about(
    stage: Any, finding: Callable[..., list[Attempt]]
) -> None:
    """An outage in the vendor's own words, say, which is no refusal for being too many."""
    asked = finding("cgt-fake-1")
    transport = Denies(stage)
    transport.answer = (429, {"error": {"code": "ServerOverloaded", "message": "come back later"}})
    async with stage.studio(transport=transport) as studio:
        await studio.shoot(stage.shot)
    assert stage.creates == stage.vendor.billed == 1
    assert len(asked) == 1


async def test_what_never_left_is_not_asked_about(stage: Any, finding: Callable[..., list[Attempt]]) -> None:
    class Down(httpx.AsyncBaseTransport):
        left = 2

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if self.left:
                self.left -= 1
                raise httpx.ConnectError("no way there")
            response: httpx.Response = await stage.vendor.handle_async_request(request)
            return response

    asked = finding(HIDDEN)
    async with stage.studio(transport=Down()) as studio:
        await studio.shoot(stage.shot)
    assert not asked


async def test_a_look_knows_other_orders_jobs_and_the_vendors_clock(
    stage: Any, finding: Callable[..., list[Attempt]]
) -> None:
    asked = finding(Absent())
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)

    class Late(Denies):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            response.headers["date"] = "Mon, 23 Nov 2026 12:00:00 GMT"
            return response

    async with stage.studio(transport=Late(stage, made=False)) as studio:
        await studio.shoot(stage.shot, take=2)
    (attempt,) = asked
    assert attempt.others == {"cgt-fake-1"}
    assert attempt.sent_until is not None
    assert attempt.ahead is not None
    noon = 1_795_435_200
    first, last = attempt.window(600)
    assert noon - 10 < first < noon < last < noon + 10


@pytest.mark.parametrize(
    ("date", "known"),
    [
        ("Mon, 23 Nov 2026 12:00:00 -0000", True),
        ("Mon Nov 23 12:00:00 2026", True),
        ("Mon, 23 Nov 99999999999999999999 12:00:00 GMT", False),
    ],
)
async def test_a_vendors_clock_is_read_as_utc_and_what_is_none_costs_no_outcome(
    stage: Any,
    finding: Callable[..., list[Attempt]],
    monkeypatch: pytest.MonkeyPatch,
    date: str,
    known: bool,
) -> None:
    class Dated(Denies):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            response.headers["date"] = date
            return response

    asked = finding(Absent())
    try:
        with monkeypatch.context() as far_off:
            far_off.setenv("TZ", "Asia/Shanghai")
            time.tzset()
            async with stage.studio(transport=Dated(stage, made=False)) as studio:
                await studio.shoot(stage.shot)
    finally:
        time.tzset()
    (attempt,) = asked
    assert (attempt.ahead is not None) == known
    noon = 1_795_435_200
    if known:
        first, last = attempt.window(600)
        assert noon - 10 < first < noon < last < noon + 10
    assert stage.creates == stage.vendor.billed == 1


async def test_nothing_is_sent_for_nobody(stage: Any, finding: Callable[..., list[Attempt]]) -> None:
    """Whoever ordered it left while it was doubted: its money is free once nothing was made."""
    asked = finding(HIDDEN)
    transport = Denies(stage, made=False)
    async with stage.studio(transport=transport) as studio:
        async with anyio.create_task_group() as group:
            group.start_soon(studio.shoot, stage.shot)
            while len(asked) < 2:
                await anyio.lowlevel.checkpoint()
            finding(Absent())
            group.cancel_scope.cancel()
        with anyio.fail_after(60):
            await _over(studio)
        assert [job.state for job in studio.jobs()] == ["refused"]
        assert not studio.ledger().unknown
        assert not studio.ledger().reserved
    assert stage.creates == 0


async def _over(studio: Any) -> None:
    while studio.jobs()[0].open:  # noqa: ASYNC110 - who ordered the job has left, and no event tells of its end
        await anyio.sleep(0.01)


@pytest.mark.parametrize("finds", [["cgt-fake-1"], [HIDDEN, "cgt-fake-1"], [Absent()]])
async def test_what_was_refused_is_asked_about_before_it_is_let_go_with_whoever_ordered_it(
    stage: Any,
    finding: Callable[..., list[Attempt]],
    monkeypatch: pytest.MonkeyPatch,
    finds: list[Any],
) -> None:
    made = not isinstance(finds[0], Absent)
    asked = finding(*finds)
    async with stage.studio(transport=Denies(stage, made=made)) as studio:
        async with anyio.create_task_group() as group:

            def leave(state: Any) -> float:
                group.cancel_scope.cancel()
                return 0.0

            monkeypatch.setattr(submit, "_pause", leave)
            group.start_soon(studio.shoot, stage.shot)
        with anyio.fail_after(60):
            await _over(studio)
        assert [job.state for job in studio.jobs()] == ["done" if made else "refused"]
        assert len(asked) == len(finds)
        await studio.shoot(stage.shot)
        assert not studio.ledger().reserved
    assert stage.creates == stage.vendor.billed == 1


async def test_a_vendor_that_does_not_answer_keeps_nobody_from_leaving(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubt, "PARTING", 0.01)
    async with stage.studio(transport=Mute(stage, made=False)) as studio:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:

                def leave(state: Any) -> float:
                    group.cancel_scope.cancel()
                    return 0.0

                monkeypatch.setattr(submit, "_pause", leave)
                group.start_soon(studio.shoot, stage.shot)
            await _over(studio)
    assert [job.state for job in stage.studio().jobs()] == ["refused"]
    assert stage.creates == 0


async def test_a_list_that_hangs_holds_a_turn_only_for_so_long(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubt, "ASKING", 0.01)
    async with stage.studio(transport=Mute(stage, made=False)) as studio:
        with anyio.fail_after(60):
            await studio.shoot(stage.shot)
    assert stage.creates == stage.vendor.billed == 1


@pytest.mark.parametrize("finds", [["cgt-fake-1"], [HIDDEN, "cgt-fake-1"], [Absent()]])
async def test_what_an_accident_left_refused_is_asked_about_before_a_closing_studio_lets_it_go(
    stage: Any, finding: Callable[..., list[Attempt]], monkeypatch: pytest.MonkeyPatch, finds: list[Any]
) -> None:
    made = not isinstance(finds[0], Absent)
    finding(Absent())
    async with stage.studio(transport=Denies(stage, made=made)) as studio:
        with monkeypatch.context() as dead:
            dead.setattr(Journal, "move", accident)
            with pytest.raises(DramagenError, match="dead"):
                await studio.shoot(stage.shot)
        finding(*finds)
    async with stage.studio() as studio:
        state = "refused" if not made else "unknown" if finds[0] is HIDDEN else "accepted"
        assert [job.state for job in studio.jobs()] == [state]
        await studio.shoot(stage.shot)
        assert not studio.ledger().reserved
    assert stage.creates == stage.vendor.billed == 1


@pytest.mark.parametrize("finds", [["cgt-fake-1"], [Absent()]])
async def test_what_was_refused_is_asked_about_before_another_home_lets_it_go(
    stage: Any,
    finding: Callable[..., list[Attempt]],
    monkeypatch: pytest.MonkeyPatch,
    finds: list[Any],
    tmp_path: Path,
) -> None:
    """Its pictures stayed where it was ordered."""
    pillow = pytest.importorskip("PIL.Image")
    pillow.new("RGB", (480, 864), "navy").save(tmp_path / "frame.png")
    shot = stage.shot.changed(first_frame=tmp_path / "frame.png")
    made = not isinstance(finds[0], Absent)

    async def nobody(*_: Any) -> None:
        """A process that is dead frees nothing."""

    def elsewhere(self: Intake, *_: Any) -> Any:
        raise InvalidShot("it is not in this home")

    with monkeypatch.context() as dead:
        dead.setattr(Journal, "move", accident)
        dead.setattr("dramagen.studio.opening.give_up_unsent", nobody)
        finding(Absent())
        async with stage.studio(transport=Denies(stage, made=made)) as studio:
            with pytest.raises(DramagenError, match="dead"):
                await studio.shoot(shot)
    asked = finding(*finds)
    async with stage.studio() as studio:
        if made:
            monkeypatch.setattr(Intake, "supply", elsewhere)
        else:
            supply, missing = Intake.supply, [True]

            def once(self: Intake, *media: Any) -> Any:
                return elsewhere(self) if missing and missing.pop() else supply(self, *media)

            monkeypatch.setattr(Intake, "supply", once)
        await studio.shoot(shot)
        assert sorted(job.state for job in studio.jobs()) == ["done"] + ["refused"] * (not made)
    assert len(asked) == 1
    assert stage.creates == stage.vendor.billed == 1


@pytest.mark.parametrize("finds", [["cgt-fake-1"], [HIDDEN, "cgt-fake-1"], [Absent()]])
async def test_what_a_dead_process_left_refused_is_asked_about_before_resume_lets_it_go(
    stage: Any,
    finding: Callable[..., list[Attempt]],
    monkeypatch: pytest.MonkeyPatch,
    finds: list[Any],
) -> None:
    async def nobody(*_: Any) -> None:
        """A process that is dead frees nothing."""

    made = not isinstance(finds[0], Absent)
    with monkeypatch.context() as dead:
        dead.setattr(Journal, "move", accident)
        dead.setattr("dramagen.studio.opening.give_up_unsent", nobody)
        finding(Absent())
        async with stage.studio(transport=Denies(stage, made=made)) as studio:
            with pytest.raises(DramagenError, match="dead"):
                await studio.shoot(stage.shot)
    asked = finding(*finds)
    async with stage.studio() as studio:
        assert [(job.state, job.error is None) for job in studio.jobs()] == [("intended", False)]
        results = await studio.resume()
        assert [result.clip is not None for result in results] == [True] * made
        assert [job.state for job in studio.jobs()] == ["done" if made else "refused"]
        assert not studio.ledger().reserved
        await studio.shoot(stage.shot)
    assert len(asked) == len(finds)
    assert stage.creates == stage.vendor.billed == 1
