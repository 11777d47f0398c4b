"""What makes no sense is said before anything is sent: a value found wrong when the clip comes home has been paid."""

import math
from typing import Any

import pytest

from dramagen import Episode, Money
from dramagen.errors import BudgetExceeded, ConfigError, InvalidShot
from dramagen.routing import InvalidNumbers

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]


@pytest.mark.parametrize("take", [0, -1, 1.5, 1.0, "2", True, None, 2**31])
async def test_a_take_that_is_no_whole_number_from_one_on_buys_nothing(lot: Any, take: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        with pytest.raises(InvalidShot, match="counted from 1"):
            await studio.shoot(lot.shot, take=take)
        with pytest.raises(InvalidShot, match="counted from 1"):
            studio.plan(lot.shot, takes=[take])
    assert not vendor.jobs


@pytest.mark.parametrize("n", [0, -1, 1.5, "3", True, 10**9])
async def test_so_many_takes_are_no_number_of_takes(lot: Any, n: Any) -> None:
    async with lot.open(lot.vendor()) as studio:
        with pytest.raises(InvalidShot, match="ask for 1 to 1000"):
            await studio.takes(lot.shot, n)


@pytest.mark.parametrize("across", ["kling", "nosuch", [], 5, [3], b"models"])
async def test_takes_are_spread_over_models_seeds_or_a_list_of_pins(lot: Any, across: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        with pytest.raises(ConfigError, match="list of pins"):
            await studio.takes(lot.shot, 2, across=across)
    assert not vendor.jobs


async def test_takes_across_never_leave_the_shots_own_pin(lot: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        with pytest.raises(InvalidShot, match="pinned to kling"):
            await studio.takes(lot.shot.pinned("kling"), 2, across=[lot.PIN])
        assert not vendor.jobs
        within = await studio.takes(lot.shot.pinned("seedance"), 1, across=["seedance/seedance-2.0"])
    assert [clip.model for clip in within] == ["seedance-2.0"]


@pytest.mark.parametrize("episode", [5, Episode("雨夜", ()), ["雨夜"]])
async def test_an_episode_is_called_by_its_title(lot: Any, episode: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        for asked in (studio.shoot(lot.shot, episode=episode), studio.takes(lot.shot, 2, episode=episode)):
            with pytest.raises(ConfigError, match="say its title"):
                await asked
    assert not vendor.jobs


@pytest.mark.parametrize("until", ["yes", 3, True])
async def test_until_is_a_function(lot: Any, until: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        with pytest.raises(ConfigError, match="until ="):
            await studio.takes(lot.shot, 2, until=until)
    assert not vendor.jobs


@pytest.mark.parametrize("amount", ["0.01 CNY", Money("0.01 CNY"), [Money("0.01 CNY"), "90 CNY"]])
async def test_an_amount_is_a_cap_wherever_a_budget_may_stand(lot: Any, amount: Any) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        with pytest.raises(BudgetExceeded, match="per shot"):
            await studio.shoot(lot.shot, budget=amount)
        with pytest.raises(BudgetExceeded, match="per shot"):
            await studio.takes(lot.shot, 1, budget=amount)
        (result,) = [each async for each in studio.shoot_all([lot.shot], budget=amount)]
        assert isinstance(result.error, BudgetExceeded)
        assert "per episode" in str(result.error)
    assert not vendor.jobs


@pytest.mark.parametrize("amount", ["nonsense", "nan CNY", "-1 CNY", 5, True])
async def test_what_is_no_amount_caps_nothing_and_is_refused(lot: Any, amount: Any) -> None:
    async with lot.open(lot.vendor()) as studio:
        for asked in (studio.shoot(lot.shot, budget=amount), studio.takes(lot.shot, 1, budget=amount)):
            with pytest.raises(ConfigError, match=r"Budget\.limit"):
                await asked
        with pytest.raises(ConfigError, match=r"Budget\.limit"):
            studio.plan(lot.shot, budget=amount)


@pytest.mark.parametrize("deadline", [math.nan, math.inf, -1, "45m", True])
def test_a_deadline_is_so_many_seconds(lot: Any, deadline: Any) -> None:
    with pytest.raises(InvalidNumbers, match="the deadline"):
        lot.open().plan(lot.shot, deadline=deadline)


def test_one_pin_to_plan_without_may_stand_alone(lot: Any) -> None:
    studio = lot.open()
    assert str(studio.plan(lot.shot, without="kling")) == str(studio.plan(lot.shot, without=["kling"]))
    with pytest.raises(ConfigError, match="pins are text"):
        studio.plan(lot.shot, without=5)


@pytest.mark.parametrize("shots", ["a street", None, 5, ["a street"]])
async def test_what_is_no_shot_is_called_so(lot: Any, shots: Any) -> None:
    async with lot.open(lot.vendor()) as studio:
        with pytest.raises(InvalidShot, match="is no Shot"):
            studio.plan(shots)
        with pytest.raises(InvalidShot, match="is no Shot"):
            await studio.shoot(shots)
        with pytest.raises(InvalidShot, match="is no Shot"):
            await studio.takes(shots, 2)


@pytest.mark.parametrize("clip", ["nosuch", "", None, 5])
async def test_a_word_on_a_job_nobody_knows_is_not_swallowed(lot: Any, clip: Any) -> None:
    async with lot.open(lot.vendor()) as studio:
        for say in (studio.accept, studio.reject):
            with pytest.raises(ConfigError, match="no job"):
                say(clip)


async def test_the_beginning_of_a_jobs_id_is_that_job(lot: Any) -> None:
    async with lot.open(lot.vendor()) as studio:
        clip = await studio.shoot(lot.shot)
        studio.reject(clip.job_id[:6], "drifts")
        assert [each["reason"] for each in studio.reviews(clip.job_id)] == ["drifts"]
        with pytest.raises(ConfigError, match="a reason is text"):
            studio.reject(clip, 5)
