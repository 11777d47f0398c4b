"""Takes of one shot over several models: what is bound stays, what is new is spread, and one word ends it."""

import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import httpx
import pytest
from anyio.from_thread import BlockingPortal

from dramagen import Budget, Money
from dramagen.engine.database import JournalUnavailable
from dramagen.errors import BudgetExceeded
from dramagen.routing.leading import spread
from dramagen.studio.picks import Picks
from dramagen.testing.fake import TASKS

pytestmark = pytest.mark.anyio


def models(takes: Any) -> list[str]:
    return [clip.model for clip in takes]


async def test_takes_of_a_shot_without_a_pin_are_of_different_models(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        takes = await studio.takes(lot.shot, 3)
        assert len(set(models(takes))) == 3
        assert [clip.take for clip in takes] == [1, 2, 3]
        again = await studio.takes(lot.shot, 3)
    assert models(again) == models(takes)
    assert all(clip.cached for clip in again)
    assert len(vendor.jobs) == 3


async def test_a_take_that_was_there_before_stays_and_counts_for_its_model(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        (first, *_) = models(await studio.takes(lot.shot.changed(prompt="白天"), 1))
        second = await studio.shoot(lot.shot, take=2)
        assert second.model == first
        takes = await studio.takes(lot.shot, 3)
    assert takes[1].job_id == second.job_id
    assert takes[1].cached
    assert len(set(models(takes))) == 3


async def test_pinned_shots_and_seeds_keep_to_the_policy(lot: Any) -> None:
    async with lot.open(lot.vendor()) as studio:
        pinned = await studio.takes(lot.shot.pinned(lot.PIN), 2)
        seeds = await studio.takes(lot.shot.changed(prompt="白天"), 3, across="seeds")
    assert set(models(pinned)) == {"seedance-2.0"}
    assert len(set(models(seeds))) == 1


async def test_pins_are_filmed_on_in_turn_and_running_again_is_free(lot: Any) -> None:
    vendor = lot.vendor()
    pins = ["seedance-2.0-fast", lot.PIN]
    async with lot.open(vendor) as studio:
        takes = await studio.takes(lot.shot, 3, across=pins)
        assert models(takes) == ["seedance-2.0-fast", "seedance-2.0", "seedance-2.0-fast"]
        await studio.takes(lot.shot, 3, across=pins)
        more = await studio.takes(lot.shot, 4, across=pins)
    assert models(more)[3] == "seedance-2.0"
    assert len(vendor.jobs) == 4


async def test_one_budget_holds_for_all_takes(lot: Any) -> None:
    plan = lot.open().plan(lot.shot.pinned(lot.PIN))
    async with lot.open() as studio:
        takes = await studio.takes(lot.shot, 4, across=[lot.PIN], budget=plan.most + plan.most)
    assert (len(takes), len(takes.failures)) == (2, 2)
    assert all(isinstance(error, BudgetExceeded) for _, error in takes.failures)


async def test_a_budget_of_its_own_kind_is_taken_as_it_is(lot: Any) -> None:
    async with lot.open() as studio:
        with pytest.raises(BudgetExceeded):
            await studio.takes(lot.shot, 2, budget=Budget(Money("0.01 CNY"), per="day"))


async def test_a_refused_take_falls_back_and_the_others_stay_with_their_models(lot: Any) -> None:
    vendor = lot.vendor("reject_input")
    async with lot.open(vendor, limits={"seedance": 1}) as studio:
        takes = await studio.takes(lot.shot, 2)
    assert len(takes) == 2
    assert not takes.failures


# --- the one ------------------------------------------------------------------------------------------------


class Slow:
    """A vendor of which one model is quick, and the others queue until somebody stops them."""

    def __init__(self, inner: Any, quick: str) -> None:
        self.inner, self.quick = inner, quick
        self.stopped: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "DELETE":
            self.stopped.add(path.rsplit("/", 1)[1])
            return httpx.Response(200, json={})
        response: httpx.Response = await self.inner.handle_async_request(request)
        if request.method == "GET" and path.startswith(TASKS):
            body = response.json()
            for task in body.get("items", [body]):
                if self.quick not in task.get("model", ""):
                    task["status"] = "cancelled" if task["id"] in self.stopped else "queued"
            return httpx.Response(200, json=body)
        return response

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize("kind", ["plain", "awaitable"])
async def test_the_first_that_will_do_ends_it_and_the_vendor_is_asked_to_stop_the_others(
    lot: Any, kind: str
) -> None:
    async def good(clip: Any) -> bool:
        await anyio.lowlevel.checkpoint()
        return bool(clip.model == "seedance-2.0-mini")

    inner = lot.vendor()
    vendor = Slow(inner, "mini")
    until = good if kind == "awaitable" else lambda clip: clip.model == "seedance-2.0-mini"
    pins = ["seedance-2.0", "seedance-2.0-mini", "seedance-2.0-fast"]
    async with lot.open(vendor) as studio:
        with anyio.fail_after(60):
            takes = await studio.takes(lot.shot, 3, across=pins, until=until)
        assert models(takes) == ["seedance-2.0-mini"]
        assert takes.failures == ()
    # Whatever was sent and is not the one was stopped by the vendor; whatever was not sent never will be.
    sent = [job for job in inner.jobs if "mini" not in job.body["model"]]
    assert sent
    assert {job.id for job in sent} == vendor.stopped
    assert len(inner.jobs) == len({job.body["model"] for job in inner.jobs})


async def test_until_nobody_says_so_all_takes_come(lot: Any) -> None:
    heard: list[int] = []

    def never(clip: Any) -> bool:
        heard.append(clip.take)
        return False

    async with lot.open(lot.vendor()) as studio:
        assert len(await studio.takes(lot.shot, 3, until=never)) == 3
    assert sorted(heard) == [1, 2, 3]


@pytest.mark.parametrize("kind", ["plain", "awaitable"])
async def test_what_the_question_raises_reaches_the_caller_as_it_is_and_no_take_is_lost(
    lot: Any, kind: str
) -> None:
    problem = ZeroDivisionError("the caller's own")

    def plain(clip: Any) -> bool:
        raise problem

    async def awaitable(clip: Any) -> bool:
        await anyio.lowlevel.checkpoint()
        raise problem

    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        with pytest.raises(ZeroDivisionError) as caught:
            await studio.takes(lot.shot, 3, until=plain if kind == "plain" else awaitable)
        assert caught.value is problem
        sent = len(vendor.jobs)
        assert sent
        assert len(await studio.takes(lot.shot, 3)) == 3
    assert len(vendor.jobs) == 3, "what was sent before is not sent again"


async def test_what_goes_on_after_an_early_end_is_kept_and_paid_once(lot: Any) -> None:
    inner = lot.vendor()
    async with lot.open(inner) as studio:
        first = await studio.takes(lot.shot, 3, until=lambda clip: True)
        assert first
        made = len(inner.jobs)
        every = await studio.takes(lot.shot, 3)
    assert len(every) == 3
    assert made <= len(inner.jobs) == 3


# --- somebody accepts one meanwhile -------------------------------------------------------------------------

PINS = ["seedance-2.0", "seedance-2.0-mini", "seedance-2.0-fast"]


def in_a_thread(call: Callable[..., Any], *args: Any) -> None:
    """From a thread the event loop knows nothing of."""
    thread = threading.Thread(target=call, args=args)
    thread.start()
    thread.join()


async def say(studio: Any, job: str, where: str) -> None:
    if where == "task":
        studio.accept(job, "this one")
    elif where == "worker":
        await anyio.to_thread.run_sync(studio.accept, job)
    else:
        await anyio.to_thread.run_sync(in_a_thread, studio.accept, job)


@pytest.mark.parametrize("where", ["task", "thread", pytest.param("worker", marks=pytest.mark.matrix)])
async def test_who_accepts_a_take_as_it_comes_ends_it_from_anywhere(lot: Any, where: str) -> None:
    inner = lot.vendor()
    vendor = Slow(inner, "mini")
    async with lot.open(vendor) as studio, anyio.create_task_group() as watching:

        async def screen(events: Any) -> None:
            async for event in events:
                if event.kind == "verified":
                    await say(studio, event.job_id, where)
                    return

        watching.start_soon(screen, studio.events())
        with anyio.fail_after(60):
            takes = await studio.takes(lot.shot, 3, across=PINS)
        assert models(takes) == ["seedance-2.0-mini"]
        assert takes.failures == ()
        assert [word["accepted"] for word in studio.reviews(takes[0].job_id)] == [True]
    assert {job.id for job in inner.jobs if "mini" not in job.body["model"]} == vendor.stopped


async def test_a_listener_may_accept_before_the_clip_is_handed_over(lot: Any) -> None:
    """The event comes first: the accepted take must still be among those returned."""
    lot.events = Told(lambda event: studio.accept(event.job_id) if event.kind == "verified" else None)
    async with lot.open(Slow(lot.vendor(), "mini")) as studio:
        with anyio.fail_after(60):
            takes = await studio.takes(lot.shot, 3, across=PINS)
    assert models(takes) == ["seedance-2.0-mini"]


class Told(list[Any]):
    """A list of events that somebody reads at once."""

    def __init__(self, reader: Callable[[Any], None]) -> None:
        super().__init__()
        self.reader = reader

    def append(self, event: Any) -> None:
        super().append(event)
        self.reader(event)


async def test_who_is_being_asked_is_let_go_once_the_take_is_accepted(lot: Any) -> None:
    async with lot.open(Slow(lot.vendor(), "mini")) as studio:

        async def ask(clip: Any) -> bool:
            studio.accept(clip)
            await anyio.sleep_forever()
            return False

        with anyio.fail_after(60):
            takes = await studio.takes(lot.shot, 3, across=PINS, until=ask)
    assert models(takes) == ["seedance-2.0-mini"]


async def test_only_a_take_of_that_shot_and_only_a_yes_ends_it(lot: Any) -> None:
    async with lot.open() as studio:
        other = await studio.shoot(lot.shot.changed(prompt="白天"))

        def look(clip: Any) -> bool:
            studio.accept(other)
            studio.reject(clip, "face drifts")
            return False

        takes = await studio.takes(lot.shot, 3, until=look)
    assert len(takes) == 3


async def an_earlier_one_is_accepted(lot: Any, by: Callable[[Any], Any]) -> None:
    """Take 9 is accepted while takes 1 and 2 run; ``by`` gives the studio that says so."""
    inner = lot.vendor()
    async with lot.open(inner) as studio:
        first = await studio.shoot(lot.shot, take=9)
        inner.hold(jobs=True)
        inner.arrived = anyio.Event()
        async with anyio.create_task_group() as group:

            async def accept() -> None:
                await inner.arrived.wait()
                await anyio.to_thread.run_sync(by(studio).accept, first)

            group.start_soon(accept)
            with anyio.fail_after(60):
                takes = await studio.takes(lot.shot, 2, across="seeds")
        assert list(takes) == []
        inner.release()
        # What was sent is kept: asked for again, it is not sent again.
        assert len(await studio.takes(lot.shot, 2, across="seeds")) == 2
    assert len(inner.jobs) == 3


async def test_an_earlier_take_that_is_accepted_now_ends_them_all(lot: Any) -> None:
    """Also where the takes are of one model, and no take of this call is the one."""
    await an_earlier_one_is_accepted(lot, lambda studio: studio)


# --- somebody accepts one in another process ------------------------------------------------------------------


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks into the journal without making the test wait for them."""
    monkeypatch.setattr("dramagen.studio.picks.LOOK", 0.005)


async def test_who_accepts_a_take_in_another_process_ends_it_too(lot: Any, often: None) -> None:
    inner = lot.vendor()
    vendor = Slow(inner, "mini")
    elsewhere = lot.open()  # a studio that was not entered: it knows of the other what the journal says
    said: list[str] = []

    async def look(clip: Any) -> bool:
        if not said:
            said.append(clip.job_id)
            await anyio.to_thread.run_sync(elsewhere.accept, clip.job_id)
        return False

    async with lot.open(vendor) as studio:
        with anyio.fail_after(60):
            takes = await studio.takes(lot.shot, 3, across=PINS, until=look)
        assert [clip.job_id for clip in takes] == said
        assert takes.failures == ()
    assert {job.id for job in inner.jobs if "mini" not in job.body["model"]} == vendor.stopped


async def test_where_the_vendor_cannot_stop_them_what_was_sent_is_kept(lot: Any, often: None) -> None:
    elsewhere = lot.open()
    await an_earlier_one_is_accepted(lot, lambda studio: elsewhere)


async def test_elsewhere_too_only_a_new_yes_to_this_shot_ends_takes(lot: Any, often: None) -> None:
    elsewhere = lot.open()
    async with lot.open() as studio:
        other = await studio.shoot(lot.shot.changed(prompt="白天"))
        before = await studio.shoot(lot.shot, take=9)
        elsewhere.accept(before)
        looks: list[int] = []

        async def look(clip: Any) -> bool:
            await anyio.to_thread.run_sync(elsewhere.accept, other)
            await anyio.to_thread.run_sync(elsewhere.reject, clip)
            await heard_again(studio, looks)
            return False

        takes = await studio.takes(lot.shot, 3, until=look)
    assert len(takes) == 3
    assert len(looks) >= 2


async def heard_again(studio: Any, looks: list[int]) -> None:
    """Until the journal was looked into twice more: the first look may have begun before."""
    picks, enough = studio._opened.picks, anyio.Event()
    consult, before = picks._consult, len(looks)

    def counted(question: Any) -> Any:
        answer = consult(question)
        looks.append(1)
        if len(looks) >= before + 2:
            anyio.from_thread.run_sync(enough.set)
        return answer

    picks._consult = counted
    with anyio.fail_after(60):
        await enough.wait()


async def test_nobody_looks_while_nobody_waits_and_a_look_that_fails_is_made_again(
    monkeypatch: pytest.MonkeyPatch, often: None
) -> None:
    answers: list[Any] = [0, JournalUnavailable("busy"), [(1, "shot", 2)]]
    asked: list[Any] = []

    def consult(question: Any) -> Any:
        asked.append(question)
        answer = answers[min(len(asked), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with BlockingPortal() as portal, anyio.create_task_group() as group:
        picks = Picks(portal, consult)
        group.start_soon(picks.run)
        await anyio.sleep(0.02)
        assert asked == []
        told, once = [], anyio.Event()

        def heard(take: int) -> None:
            told.append(take)
            once.set()

        with anyio.fail_after(60):
            async with picks.heard("shot", heard):
                await once.wait()
        assert told == [2]
        group.cancel_scope.cancel()


# --- the spread ---------------------------------------------------------------------------------------------


def test_wishes_go_round_and_what_is_held_counts() -> None:
    assert spread(["a", "b"], [None, None, None]) == ["a", "b", "a"]
    assert spread(["a", "b"], ["p:r/b", None, None]) == [None, "a", "a"]
    assert spread(["a", "b", "c"], [None, "p:r/a", None]) == ["b", None, "c"]
    assert spread(["a"], ["p:r/x", None]) == [None, "a"]
    assert spread([], [None, "p:r/x"]) == [None, None]
    assert spread(["p", "q:r/m"], ["p:s/m", "q:r/m", None]) == [None, None, "p"]
