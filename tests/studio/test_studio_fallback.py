"""Another route is tried after a verdict, and after nothing else."""

from typing import Any

import anyio
import pytest

from dramagen.errors import ContentRejected, JobFailed, OutcomeUnknown
from dramagen.testing.fake import FakeJob

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]


def models(vendor: Any) -> list[str]:
    return [job.body["model"] for job in vendor.jobs]


@pytest.mark.parametrize("verdict", ["reject_input", "fail", "reject_output"])
async def test_a_refused_or_failed_job_goes_to_the_next_route(lot: Any, verdict: Any) -> None:
    vendor = lot.vendor(verdict)
    async with lot.open(vendor) as studio:
        first, second = studio.plan(lot.shot).shots[0].attempts[:2]
        clip = await studio.shoot(lot.shot)
        assert clip.route == second.route.id
        assert not clip.cached
        states = {job.route.id: job.state for job in studio.jobs()}
        assert states[first.route.id] == ("refused" if verdict == "reject_input" else "failed")
        assert (await studio.shoot(lot.shot)).job_id == clip.job_id
    assert vendor.billed == 1
    assert [e.kind for e in lot.events].count("fell_back") == 1


async def test_where_every_route_fails_the_last_error_has_the_others(lot: Any) -> None:
    number = len(lot.open().plan(lot.shot).shots[0].attempts)
    assert number > 2
    vendor = lot.vendor(*["reject_output"] * number)
    async with lot.open(vendor) as studio:
        with pytest.raises(ContentRejected) as raised:
            await studio.shoot(lot.shot)
        assert len(raised.value.attempts) == number - 1
        assert all(isinstance(error, ContentRejected) for error in raised.value.attempts)
        assert raised.value not in raised.value.attempts
        with pytest.raises(ContentRejected) as again:  # said again, not tried again
            await studio.shoot(lot.shot)
        assert len(again.value.attempts) == number - 1
        assert len(set(models(vendor))) == len(vendor.jobs) == number
        anew = await studio.shoot(lot.shot, fresh=True)
    assert not anew.cached
    assert len(vendor.jobs) == number + 1


async def test_a_pinned_job_that_failed_is_not_sent_again_unless_fresh(lot: Any) -> None:
    vendor = lot.vendor("fail")
    shot = lot.shot.pinned("seedance:cn/seedance-2.0")
    async with lot.open(vendor) as studio:
        for _ in range(2):
            with pytest.raises(JobFailed) as raised:
                await studio.shoot(shot)
            assert raised.value.model == "seedance-2.0"
            assert raised.value.attempts == ()
        assert len(vendor.jobs) == 1
        assert (await studio.shoot(shot, fresh=True)).path.exists()


async def test_the_verdict_that_is_said_again_is_the_pinned_routes_own(lot: Any) -> None:
    vendor = lot.vendor("fail", "reject_output")
    async with lot.open(vendor) as studio:
        with pytest.raises(JobFailed):
            await studio.shoot(lot.shot.pinned("seedance-2.0"))
        with pytest.raises(ContentRejected):
            await studio.shoot(lot.shot.pinned("seedance-2.0-fast"))
        with pytest.raises(JobFailed) as raised:
            await studio.shoot(lot.shot.pinned("seedance-2.0"))
    assert raised.value.attempts == ()


async def test_a_lost_answer_never_falls_back(lot: Any) -> None:
    vendor = lot.vendor("drop")
    async with lot.open(vendor) as studio:
        with pytest.raises(OutcomeUnknown) as raised:
            await studio.shoot(lot.shot)
        assert raised.value.at_risk == studio.jobs()[0].reserved
        with pytest.raises(OutcomeUnknown):  # asked about again, never sent again
            await studio.shoot(lot.shot)
        assert studio.ledger().unknown == (raised.value.at_risk,)
        creates = [r for r in vendor.requests if r.method == "POST"]
        assert len(creates) == 1
        job = studio.settle(studio.jobs()[0].id, paid=False)
        assert job.state == "unpaid"
        assert (await studio.shoot(lot.shot)).path.exists()
    assert vendor.billed == 1


async def test_a_lost_answer_whose_job_is_found_is_that_job(lot: Any) -> None:
    vendor = lot.vendor("lose")
    async with lot.open(vendor) as studio:
        clip = await studio.shoot(lot.shot)
    assert clip.path.exists()
    assert vendor.billed == len(vendor.jobs) == 1


async def test_a_job_a_person_calls_paid_stays_paid(lot: Any) -> None:
    vendor = lot.vendor("drop")
    async with lot.open(vendor) as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(lot.shot)
    closed = lot.open()
    (job,) = closed.jobs()
    closed.settle(job.id, paid=True)
    assert closed.ledger().spent == (job.reserved,)
    async with lot.open(vendor) as studio:
        with pytest.raises(JobFailed, match="settled"):
            await studio.shoot(lot.shot)
        assert len(vendor.jobs) == 0
        await studio.shoot(lot.shot, fresh=True)
    assert len(vendor.jobs) == 1


async def test_settling_says_what_cannot_be_settled(lot: Any) -> None:
    from dramagen.errors import ConfigError

    async with lot.open() as studio:
        clip = await studio.shoot(lot.shot)
        with pytest.raises(ConfigError, match="done"):
            studio.settle(clip.job_id, paid=True)
        with pytest.raises(ConfigError, match="no job is called 'nobody'"):
            studio.settle("nobody", paid=True)
    vendor = lot.vendor("drop")
    async with lot.open(vendor) as owner:
        with pytest.raises(OutcomeUnknown):
            await owner.shoot(lot.shot, take=2)
        job = next(j for j in owner.jobs() if j.take == 2)
        with pytest.raises(ConfigError, match="still running"):
            lot.open().settle(job.id, paid=True)  # as another process would


async def test_callers_that_wait_together_fall_back_together(lot: Any) -> None:
    """Whoever joined a job that is then refused is as entitled to the next route as who ordered it."""
    vendor = lot.vendor("reject_input")
    vendor.hold(creates=True)
    clips = []
    async with lot.open(vendor, virtual=False) as studio:

        async def one() -> None:
            clips.append(await studio.shoot(lot.shot))

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await vendor.arrived.wait()
            for _ in range(3):
                group.start_soon(one)
            while _waiters(studio) < 4:
                await anyio.lowlevel.checkpoint()
            vendor.release()
    assert len({clip.job_id for clip in clips}) == 1
    assert len(clips) == 4
    assert [isinstance(job, FakeJob) for job in vendor.jobs] == [True]


def _waiters(studio: Any) -> int:
    return sum(flight.waiters for flight in studio._running().engine.flights.values())


async def test_a_cap_met_while_falling_back_says_what_failed_before(lot: Any) -> None:
    from dramagen import Budget
    from dramagen.errors import BudgetExceeded

    vendor = lot.vendor("reject_output")
    attempts = lot.open().plan(lot.shot).shots[0].attempts
    cap = Budget(attempts[0].price.most, per="shot")
    assert attempts[1].price.most > cap.limit
    async with lot.open(vendor, budgets=(cap,)) as studio:
        with pytest.raises(BudgetExceeded) as raised:
            await studio.shoot(lot.shot)
    assert [type(error) for error in raised.value.attempts] == [ContentRejected]
