"""Two studios on one home: one flight a take, and a dead one's jobs are taken over at once and once."""

from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from dramagen.engine import ownership
from dramagen.engine.jobs import Job
from dramagen.engine.journal import JobMoved, Journal
from dramagen.engine.state import JobState
from dramagen.errors import AuthError, DramagenError
from dramagen.testing.fake import TASKS

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "ELSEWHERE", 0.01)


class Held(httpx.AsyncBaseTransport):
    """The fake vendor, whose creates (or polls) wait for ``go``."""

    def __init__(self, inner: httpx.AsyncBaseTransport, what: str) -> None:
        self.inner, self.what = inner, what
        self.go, self.here = anyio.Event(), anyio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        creating = request.method == "POST" and request.url.path == TASKS
        if creating == (self.what == "create") and not self.go.is_set():
            self.here.set()
            await self.go.wait()
        return await self.inner.handle_async_request(request)


@pytest.mark.parametrize("what", ["create", "poll"])
async def test_a_living_studios_job_is_waited_for(stage: Any, what: str) -> None:
    held = Held(stage.vendor, what)
    clips = []
    async with stage.studio(transport=held) as one, stage.studio() as two, anyio.create_task_group() as group:

        async def first() -> None:
            clips.append(await one.shoot(stage.shot))

        async def second() -> None:
            await held.here.wait()
            group.start_soon(open_later)
            clips.append(await two.shoot(stage.shot))
            assert await two.resume() == []

        async def open_later() -> None:
            await anyio.sleep(0.05)
            assert await two.resume() == []  # nothing of a living studio's is touched
            held.go.set()

        group.start_soon(first)
        group.start_soon(second)
    assert stage.creates == 1
    assert sorted(clip.cached for clip in clips) == [False, True]


@pytest.mark.parametrize("what", ["create", "poll"])
async def test_a_closed_studios_job_goes_on_in_the_next(stage: Any, what: str) -> None:
    held = Held(stage.vendor, what)
    async with anyio.create_task_group() as group, stage.studio(transport=held) as one:

        async def leave_behind() -> None:
            with pytest.raises(DramagenError, match="closed"):
                await one.shoot(stage.shot)

        group.start_soon(leave_behind)
        await held.here.wait()
        if what == "create":
            held.go.set()  # the create is shielded: closing waits for its outcome
    async with stage.studio() as two:
        clip = await two.shoot(stage.shot)
    assert clip.cost.amount == stage.COST
    assert stage.creates == 1


@pytest.mark.parametrize("state", ["intended", "sending", "unknown", "accepted", "ready"])
async def test_a_dead_studios_job_is_taken_over_once(
    stage: Any, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two heirs race for the job of a process that died in this state."""
    await _die_in(stage, JobState(state), monkeypatch)
    clips = []
    async with stage.studio() as one, stage.studio() as two, anyio.create_task_group() as group:

        async def heir(studio: Any) -> None:
            clips.append(await studio.shoot(stage.shot))

        for studio in (one, two, one, two):
            group.start_soon(heir, studio)
    assert len({clip.sha256 for clip in clips}) == 1
    assert stage.creates == stage.vendor.billed == 1
    assert [job.state for job in stage.studio().jobs()] == ["done"]


async def _die_in(stage: Any, state: JobState, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Journal.move

    def move(self: Journal, job: Job, to: JobState, **known: Any) -> Any:
        if stopped and to == JobState.REFUSED:
            raise JobMoved(job.id, to)  # nor does it tidy up
        if stopped:
            raise RuntimeError("dead")
        if job.state == state or (state == JobState.UNKNOWN and to == JobState.ACCEPTED):
            stopped.append(job)
            raise RuntimeError("dead")
        return original(self, job, to, **known)

    if state == JobState.UNKNOWN:
        stage.make_vendor(["lose"])
    stopped: list[Job] = []
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "move", move)
        async with stage.studio() as studio:
            with pytest.raises(DramagenError):
                await studio.shoot(stage.shot)
    (stage.home / "tickets.log").unlink(missing_ok=True)  # what it kept beside the journal died with it
    assert [job.state for job in stage.studio().jobs()] == [state]


async def test_resume_finishes_what_was_sent(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await _die_in(stage, JobState.ACCEPTED, monkeypatch)
    async with stage.studio() as studio:
        (result,) = await studio.resume()
        assert result.clip is not None
        assert result.clip.cost.amount == stage.COST
        assert await studio.resume() == []
        assert (await studio.shoot(stage.shot)).cached
    assert stage.creates == 1


async def test_resume_frees_what_was_never_sent(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await _die_in(stage, JobState.INTENDED, monkeypatch)
    async with stage.studio() as studio:
        assert studio.ledger().reserved
        assert await studio.resume() == []
        assert not studio.ledger().reserved
        await studio.shoot(stage.shot)
    assert stage.creates == 1


async def test_resume_leaves_this_studios_own_jobs_alone(stage: Any) -> None:
    held = Held(stage.vendor, "create")
    clips = []
    async with (
        stage.studio(transport=held, limits={"seedance": 1}) as studio,
        anyio.create_task_group() as group,
    ):

        async def take(number: int) -> None:
            clips.append(await studio.shoot(stage.shot, take=number))

        group.start_soon(take, 1)
        await held.here.wait()
        group.start_soon(take, 2)  # reserved, and waiting for its turn
        while len(studio.jobs()) < 2:
            await anyio.lowlevel.checkpoint()
        group.start_soon(studio.resume)
        await anyio.sleep(0.02)
        held.go.set()
    assert len(clips) == 2
    assert stage.creates == 2


async def test_a_job_is_asked_about_only_with_the_key_it_was_sent_with(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _die_in(stage, JobState.ACCEPTED, monkeypatch)
    async with stage.studio(keys={"seedance": "ark-another-key-0000"}) as studio:
        with pytest.raises(AuthError, match="another key"):
            await studio.shoot(stage.shot)
        assert studio.ledger().reserved
    async with stage.studio() as studio:
        await studio.shoot(stage.shot)
    assert stage.creates == 1


async def test_limits_of_jobs_at_once_are_kept(stage: Any) -> None:
    running: set[str] = set()
    peak = 0
    two = anyio.Event()

    class Counting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal peak
            if request.method != "POST":
                await two.wait()  # nobody is told that the first is over before the second has left
            response: httpx.Response = await stage.vendor.handle_async_request(request)
            if request.method == "POST":
                running.add(response.json()["id"])
                peak = max(peak, len(running))
                if peak == 2:
                    two.set()
            elif request.url.path.startswith(TASKS):
                running.discard(request.url.path.rpartition("/")[2])
                running.difference_update(request.url.params.get_list("filter.task_ids"))
            return response

    with anyio.fail_after(60):
        async with stage.studio(transport=Counting(), limits={"seedance": 2}) as studio:
            assert len(await studio.takes(stage.shot, 6)) == 6
    assert peak == 2


async def test_a_job_taken_over_before_its_turn_is_not_sent_from_here(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not read again when its turn comes at once: the word before the create says that it moved."""
    taken: list[Any] = []
    async with stage.studio() as studio:
        engine = studio._running().engine
        join = engine.submitter.gate.join

        def late(job: Any, *rest: Any) -> Any:
            if not taken:
                taken.append(engine.journal.take_over(job, "a process that is gone"))
            return join(job, *rest)

        monkeypatch.setattr(engine.submitter.gate, "join", late)
        clip = await studio.shoot(stage.shot)
        kinds = [line["kind"] for line in studio.timeline(clip.job_id)]
    assert taken[0].owner == "a process that is gone"
    assert kinds[:4] == ["reserved", "taken_over", "taken_over", "sending"]
    assert stage.creates == 1
