"""The same take is bought once: across calls, tasks, studios, pins and policies (design: identity has two levels)."""

import hashlib
from pathlib import Path
from typing import Any

import anyio
import pytest

from dramagen.errors import BudgetExceeded, ConfigError, ContentRejected, InvalidShot, NoRoute
from dramagen.events import Event

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]


def dearest(shot: Any, quotes: Any, rates: Any) -> Any:
    return sorted(quotes, key=lambda q: -rates.convert(q.price.expected, "USD").amount)


async def test_the_same_call_again_is_the_same_clip_and_free(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        first = await studio.shoot(lot.shot)
        again = await studio.shoot(lot.shot)
    assert (first.cached, again.cached) == (False, True)
    assert again.model_copy(update={"cached": False}) == first
    assert len(vendor.jobs) == 1
    async with lot.open(vendor) as studio:  # another process would see the same
        later = await studio.shoot(lot.shot)
    assert (later.sha256, later.job_id, later.cost) == (first.sha256, first.job_id, first.cost)
    assert len(vendor.jobs) == 1


async def test_a_clip_says_where_it_came_from_and_is_the_file_it_says(lot: Any) -> None:
    async with lot.open() as studio:
        clip = await studio.shoot(lot.shot.pinned(lot.PIN))
    assert (clip.provider, clip.region, clip.model) == ("seedance", "cn", "seedance-2.0")
    assert clip.route == "seedance:cn/seedance-2.0"
    assert hashlib.sha256(clip.path.read_bytes()).hexdigest() == clip.sha256
    assert (clip.media.width, clip.media.height, clip.media.has_audio) == (480, 864, True)
    assert clip.cost.currency == "CNY"
    assert clip.cost_source == "reported"
    assert clip.shot == lot.shot.pinned(lot.PIN)


async def test_what_changes_nothing_that_is_filmed_changes_nothing(lot: Any, tmp_path: Path) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        first = await studio.shoot(lot.shot.changed(id="s01", tags={"night"}))
        for other in ({"id": "s99"}, {"tags": {"day"}}, {"pin": first.route}, {"pin": first.provider}):
            assert (await studio.shoot(lot.shot.changed(**other))).job_id == first.job_id
    assert len(vendor.jobs) == 1


async def test_an_unpinned_call_follows_the_binding_whatever_the_policy_says_now(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        pinned = await studio.shoot(lot.shot.pinned(lot.PIN))
        planned, other = studio.plan([lot.shot, lot.shot.changed(prompt="白天")]).shots
        assert planned.held == pinned.route == planned.choice.route.id  # there it costs nothing more
        assert other.choice.route.id != pinned.route
    async with lot.open(vendor, policy=dearest) as studio:
        assert (await studio.shoot(lot.shot)).job_id == pinned.job_id
    assert len(vendor.jobs) == 1


async def test_a_pinned_call_buys_what_the_binding_does_not_satisfy_and_leaves_it_alone(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        bound = await studio.shoot(lot.shot)
        pinned = await studio.shoot(lot.shot.pinned("seedance-2.0"))
        assert pinned.job_id != bound.job_id
        assert (
            await studio.shoot(lot.shot.pinned(lot.PIN))
        ).job_id == pinned.job_id  # any order that satisfies
        assert (await studio.shoot(lot.shot)).job_id == bound.job_id
    assert len(vendor.jobs) == 2


async def test_a_held_take_needs_no_key_and_no_network(lot: Any) -> None:
    async with lot.open() as studio:
        first = await studio.shoot(lot.shot)
    vendor = lot.vendor()
    async with lot.open(vendor, keys={}) as studio:
        assert (await studio.shoot(lot.shot)).job_id == first.job_id
    assert vendor.requests == []


async def test_takes_and_generations_are_bought_apart(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        one = await studio.shoot(lot.shot)
        two = await studio.shoot(lot.shot, take=2)
        anew = await studio.shoot(lot.shot, fresh=True)
        assert (one.take, two.take, anew.take) == (1, 2, 1)
        assert len({one.job_id, two.job_id, anew.job_id}) == 3
        assert not anew.cached
        assert (await studio.shoot(lot.shot)).job_id == anew.job_id  # the newest generation holds the take
        assert (await studio.shoot(lot.shot, take=2)).job_id == two.job_id
        pinned_anew = await studio.shoot(lot.shot.pinned(lot.PIN), fresh=True)
        assert (await studio.shoot(lot.shot)).job_id == pinned_anew.job_id
    assert len(vendor.jobs) == 4


async def test_many_tasks_wait_for_one_job_and_one_of_them_paid(lot: Any) -> None:
    vendor = lot.vendor()
    clips = []
    async with lot.open(vendor) as studio:

        async def one() -> None:
            clips.append(await studio.shoot(lot.shot))

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(one)
    assert len(vendor.jobs) == 1
    assert len({clip.job_id for clip in clips}) == 1
    assert [clip.cached for clip in clips].count(False) == 1


async def test_two_studios_of_one_home_share_a_job(lot: Any) -> None:
    vendor = lot.vendor()
    clips = []
    async with lot.open(vendor) as first, lot.open(vendor) as second:

        async def one(studio: Any) -> None:
            clips.append(await studio.shoot(lot.shot))

        async with anyio.create_task_group() as group:
            for studio in (first, second, first, second):
                group.start_soon(one, studio)
    assert len(vendor.jobs) == 1
    assert len({clip.sha256 for clip in clips}) == 1


async def test_takes_stand_side_by_side_with_their_failures(lot: Any) -> None:
    vendor = lot.vendor("succeed", "reject_input", "succeed")
    async with lot.open(vendor, limits={"seedance": 1}) as studio:
        takes = await studio.takes(lot.shot.pinned(lot.PIN), 3)
    assert len(takes) == 2
    ((number, error),) = takes.failures
    assert {number, *(clip.take for clip in takes)} == {1, 2, 3}
    assert isinstance(error, ContentRejected)


async def test_takes_raise_where_none_succeeded_and_more_takes_buy_only_the_new_ones(lot: Any) -> None:
    vendor = lot.vendor("reject_input", "reject_input")
    shot = lot.shot.pinned(lot.PIN)
    async with lot.open(vendor) as studio:
        with pytest.raises(ContentRejected):
            await studio.takes(shot, 2)
        assert len(await studio.takes(shot, 2)) == 2
        assert len(vendor.jobs) == 2
        assert len(await studio.takes(shot, 4)) == 4
    assert len(vendor.jobs) == 4


@pytest.mark.parametrize(("call", "number"), [("shoot", 0), ("shoot", -1), ("takes", 0)])
async def test_takes_are_counted_from_one(lot: Any, call: str, number: int) -> None:
    async with lot.open() as studio:
        with pytest.raises(InvalidShot, match="take"):
            await (studio.shoot(lot.shot, take=number) if call == "shoot" else studio.takes(lot.shot, number))


async def test_a_listener_that_breaks_costs_nothing(lot: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("a progress bar's bug")

    vendor = lot.vendor()
    studio = lot.open(vendor)
    studio._on_event = broken
    async with studio:
        assert (await studio.shoot(lot.shot)).path.exists()
    assert len(vendor.jobs) == 1
    assert "a listener failed on" in caplog.text


async def test_events_tell_the_whole_way(lot: Any) -> None:
    async with lot.open() as studio:
        await studio.shoot(lot.shot.changed(id="s01"))
        await studio.shoot(lot.shot)
    kinds = [event.kind for event in lot.events]
    assert kinds == ["planned", "reserved", "submitted", "ready", "collected", "verified", "cached"]
    assert lot.events[1].shot.id == "s01"
    assert lot.events[1].money is not None
    assert len({event.job_id for event in lot.events[1:]}) == 1


async def test_a_closed_or_unopened_studio_says_so(lot: Any) -> None:
    studio = lot.open()
    with pytest.raises(ConfigError, match="open the studio first"):
        await studio.shoot(lot.shot)
    async with studio:
        await studio.shoot(lot.shot)
        with pytest.raises(ConfigError, match="already open"):
            await studio.__aenter__()
    with pytest.raises(ConfigError, match="open the studio first"):
        studio.shoot_all([lot.shot])
    async with studio:  # it can be opened again
        assert (await studio.shoot(lot.shot)).cached


# --- caps ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per", ["episode", "shot", "day"])
async def test_a_cap_is_hard_and_counts_what_is_running(lot: Any, per: Any) -> None:
    from dramagen import Budget

    vendor = lot.vendor()
    (planned,) = lot.open().plan(lot.shot.pinned(lot.PIN)).shots
    assert planned.choice is not None
    one = planned.choice.price.most
    takes = 5
    async with lot.open(vendor, budgets=(Budget(one * 2, per=per),)) as studio:
        done = await studio.takes(lot.shot.pinned(lot.PIN), takes, episode="rain")
        assert (len(done), len(done.failures)) == (2, takes - 2)
        assert all(isinstance(error, BudgetExceeded) for _, error in done.failures)
    assert len(vendor.jobs) == 2
    assert studio.ledger("rain").reserved == ()


async def test_a_call_has_its_own_cap_and_episodes_count_apart(lot: Any) -> None:
    from dramagen import Budget

    shot = lot.shot.pinned(lot.PIN)
    cap = Budget("2.50 CNY")
    price = lot.open().plan(shot).shots[0].choice.price.most
    cap = Budget(price)
    async with lot.open() as studio:
        await studio.shoot(shot, episode="one", budget=cap)
        with pytest.raises(BudgetExceeded, match="Nothing was sent"):
            await studio.shoot(shot, take=2, episode="one", budget=cap)
        await studio.shoot(shot, take=2, episode="two", budget=cap)
        assert (
            await studio.shoot(shot, episode="one", budget=Budget("0 CNY"))
        ).cached  # what is held is free
        with pytest.raises(ConfigError, match="EUR"):
            await studio.shoot(shot, take=3, budget=Budget("1 EUR"))


async def test_a_cap_in_dollars_binds_yuan(lot: Any) -> None:
    from dramagen import Budget

    async with lot.open(budgets=(Budget("0.01 USD"),)) as studio:
        with pytest.raises(BudgetExceeded):
            await studio.shoot(lot.shot)


# --- the person's word -----------------------------------------------------------------------------------


async def test_a_verdict_on_a_clip_is_kept_open_or_closed(lot: Any) -> None:
    import sqlite3

    async with lot.open() as studio:
        clip = await studio.shoot(lot.shot)
        studio.accept(clip)
        studio.reject(clip, "face drifts")
    lot.open().accept(clip, "on second thought")
    with sqlite3.connect(lot.home / "journal.sqlite") as database:
        rows = database.execute("SELECT job, accepted, reason FROM reviews ORDER BY seq").fetchall()
    database.close()
    assert rows == [
        (clip.job_id, 1, ""),
        (clip.job_id, 0, "face drifts"),
        (clip.job_id, 1, "on second thought"),
    ]


async def test_a_clip_is_saved_and_its_last_frame_starts_the_next(lot: Any, tmp_path: Path) -> None:
    async with lot.open() as studio:
        clip = await studio.shoot(lot.shot)
        folder = tmp_path / "out"
        assert clip.save(f"{folder}/").parent == folder
        named = clip.save(folder / "s01.mp4")
        assert hashlib.sha256(named.read_bytes()).hexdigest() == clip.sha256
        named.unlink()
        assert clip.path.exists()  # a copy, never the stored file itself
        following = lot.shot.changed(first_frame=clip.last_frame(), prompt="她走进雨里")
        (planned,) = studio.plan(following).shots
        frame = next(q.order.first_frame for q in planned.quotes if q.route.provider == "previz")
        assert (frame.width, frame.height) == (480, 864)


async def test_jobs_timeline_and_ledger_can_be_read_without_opening(lot: Any) -> None:
    async with lot.open() as studio:
        clip = await studio.shoot(lot.shot, episode="rain")
    closed = lot.open()
    (job,) = closed.jobs()
    assert closed.jobs(open_only=True) == []
    assert closed.job(clip.job_id[:6]) == job
    assert closed.job("nobody") is None
    kinds = [line["kind"] for line in closed.timeline(clip.job_id)]
    assert kinds[0] == "reserved"
    assert kinds[-1] == "done"
    assert closed.ledger("rain").spent == (clip.cost,)
    assert closed.ledger("snow").spent == ()


async def test_a_pin_nothing_satisfies_is_no_excuse_to_film_elsewhere(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        with pytest.raises(NoRoute) as raised:
            await studio.shoot(lot.shot.pinned("kling/kling-3.0").changed(resolution="720p"))
    assert "KLING_API_KEY" in str(raised.value)
    assert all(route.endswith("/kling-3.0") for route, _ in raised.value.reasons)
    assert vendor.requests == []


@pytest.mark.parametrize("lengths", [(5, 4.5), (4.5, 5)])
async def test_shots_that_come_to_one_order_are_still_two_clips(
    lot: Any, lengths: tuple[float, float]
) -> None:
    """Both are ordered as five seconds; each gets the length it asked for, and its own list of adjustments."""
    async with lot.open() as studio:
        for seconds in lengths:
            clip = await studio.shoot(lot.shot.changed(duration=seconds, pin=lot.PIN))
            assert clip.media.duration == pytest.approx(seconds, abs=0.05)
            assert [a.field for a in clip.adjustments if a.field == "duration"] == ["duration"] * (
                seconds == 4.5
            )
            assert (clip.path != clip.original.path) is (seconds == 4.5)
