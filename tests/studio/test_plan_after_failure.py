"""What a plan says of takes that were begun: neither what is paid is counted, nor what would not be bought."""

from contextlib import suppress
from typing import Any

import pytest

from dramagen.errors import DefectiveClip, DramagenError
from dramagen.money import Money

EMPTY = Money("0 CNY")


@pytest.fixture
def short(lot: Any) -> Any:
    """A vendor whose every clip is cut off."""
    vendor = lot.vendor()
    vendor._clip = lot.film[: len(lot.film) // 3]
    return vendor


async def filmed_in_vain(studio: Any, shot: Any) -> None:
    with pytest.raises(DefectiveClip):
        await studio.shoot(shot)


@pytest.mark.anyio
async def test_a_paid_take_with_a_defect_is_not_counted_again(lot: Any, short: Any) -> None:
    shot = lot.shot.pinned(lot.PIN)
    other = shot.changed(prompt="天亮")
    async with lot.open(short) as studio:
        before = studio.plan([shot, other], budget="100 CNY")
        await filmed_in_vain(studio, shot)
        after = studio.plan([shot, other], budget="100 CNY")
        await filmed_in_vain(studio, shot)  # asking again buys nothing, as the plan says
        (job,) = studio.jobs()
    assert after.most < before.most
    assert (after.most, after.expected) == (
        after.shots[1].choice.price.most,
        after.shots[1].choice.price.expected,
    )
    gone = after.shots[0]
    assert (gone.attempts, gone.held) == ((), None)
    assert gone.ended.startswith("seedance:cn/seedance-2.0: the clip is paid for and unusable: ")
    assert f"({job.cost} paid). Nothing more is bought" in gone.ended
    assert gone.ended in str(after)
    assert after.to_json()["shots"][0]["ended"] == gone.ended
    assert after.unfilmable == (gone,)
    assert not after.idle
    assert short.billed == 1


@pytest.mark.anyio
@pytest.mark.parametrize("remedies", [{"defective": ["again"]}, {"defective": ["other_route"]}])
async def test_what_a_remedy_would_still_buy_is_counted(lot: Any, short: Any, remedies: Any) -> None:
    async with lot.open(short) as studio:
        await filmed_in_vain(studio, lot.shot)
    async with lot.open(short, routing={"remedies": remedies, "failures": 2}) as studio:
        (planned,) = studio.plan(lot.shot).shots
        with pytest.raises(DefectiveClip):
            await studio.shoot(lot.shot)
        first, second = studio.jobs()
        over = studio.plan(lot.shot)
    assert planned.choice.route == second.route
    assert (first.route == second.route) is (remedies["defective"] == ["again"])
    assert over.most == EMPTY
    assert over.shots[0].ended is not None


@pytest.mark.anyio
async def test_a_route_that_failed_a_take_is_not_planned_for_it(lot: Any) -> None:
    async with lot.open(lot.vendor("fail"), routing={"remedies": {"failed": []}}) as studio:
        with suppress(DramagenError):
            await studio.shoot(lot.shot)
        assert studio.plan(lot.shot).most == EMPTY
    async with lot.open(lot.vendor()) as studio:
        plan = studio.plan(lot.shot)
        clip = await studio.shoot(lot.shot)
        (failed, _) = studio.jobs()
    assert plan.shots[0].choice.route.id == clip.route != failed.route.id
    assert f"gave no clip of this take already: {failed.route.id}" in str(plan)


@pytest.mark.anyio
async def test_where_every_route_of_the_pin_failed_nothing_is_left_to_pay(lot: Any) -> None:
    shot = lot.shot.pinned(lot.PIN)
    async with lot.open(lot.vendor("fail")) as studio:
        with suppress(DramagenError):
            await studio.shoot(shot)
        plan = studio.plan(shot)
    assert plan.most == EMPTY
    assert plan.idle
    assert plan.shots[0].ended.startswith(f"{studio.catalog.matching(shot.pin)[0].id}: ")
    assert plan.shots[0].ended.endswith(
        "Nothing more is bought for this take: film another, or this one with fresh=True"
    )
    assert plan.shots[0].ended in str(plan)


@pytest.mark.anyio
async def test_after_too_many_in_vain_nothing_more_is_bought_however_often_it_is_asked_for(
    lot: Any, short: Any
) -> None:
    remedies = {"defective": ["other_route"]}
    for _ in range(3):
        async with lot.open(short, routing={"remedies": remedies}) as studio:
            with pytest.raises(DefectiveClip):
                await studio.shoot(lot.shot)
            assert studio.plan(lot.shot).most == EMPTY
    assert short.billed == 3


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_clip_that_cannot_be_used_is_remembered_when_the_next_route_failed(lot: Any) -> None:
    vendor = lot.vendor("succeed", "fail")
    whole, vendor._clip = vendor._clip, lot.film[: len(lot.film) // 3]
    remedies = {"defective": ["other_route"], "failed": []}
    async with lot.open(vendor, routing={"remedies": remedies}) as studio:
        with pytest.raises(DramagenError):
            await studio.shoot(lot.shot)
        defective, failed = studio.jobs()
    vendor._clip = whole
    assert [str(job.state) for job in (defective, failed)] == ["defective", "failed"]
    async with lot.open(vendor) as studio:
        (planned,) = studio.plan(lot.shot).shots
        clip = await studio.shoot(lot.shot)
    assert set(planned.decision.tried) == {defective.route.id, failed.route.id}
    assert planned.choice.route.id == clip.route  # what the plan says is what is done
