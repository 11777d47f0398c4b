"""The same order once more: only by name, only after a verdict, and once."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio
import pytest

from dramagen import Budget, Money
from dramagen.errors import (
    BudgetExceeded,
    ConfigError,
    ContentRejected,
    DefectiveClip,
    DramagenError,
    OutcomeUnknown,
    from_json,
)
from dramagen.events import Event
from dramagen.routing.remedies import remedies_of
from dramagen.testing import fake

OUTPUT = "reject_output"
AGAIN = {"failed": ["again"], "output_moderation": ["again"], "defective": ["again"]}
PARTING = {"failed": ["other_route", "again"], "output_moderation": ["other_route", "again"]}


def fallen_back(lot: Any) -> list[Event]:
    return [event for event in lot.events if event.kind == "fell_back"]


@pytest.mark.parametrize("cause", ["input_moderation", "real_face", "capacity", "outage", "audio_moderation"])
def test_once_more_is_no_remedy_where_it_cannot_help(lot: Any, cause: str) -> None:
    with pytest.raises(ConfigError, match="again helps against output_moderation, defective, failed only"):
        lot.open(routing={"remedies": {cause: ["again"]}})


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_the_same_route_films_it_once_more(lot: Any) -> None:
    vendor, shot = lot.vendor(OUTPUT), lot.shot.pinned(lot.PIN)
    async with lot.open(vendor, routing={"remedies": AGAIN}) as studio:
        clip = await studio.shoot(shot)
        first, second = studio.jobs()
        assert (await studio.shoot(shot)).job_id == clip.job_id == second.id
    assert (first.route, first.order_hash) == (second.route, second.order_hash)
    assert first.tag != second.tag
    assert clip.adjustments == ()
    assert (len(vendor.jobs), vendor.billed) == (2, 1)
    (event,) = fallen_back(lot)
    price = second.quote.price
    assert (event.reason, event.money) == ("again", price.expected)
    assert event.detail == f"again after output_moderation: {price.expected}, at most {price.most}"


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_it_is_done_once_whoever_asks_and_the_other_route_comes_after(lot: Any) -> None:
    vendor = lot.vendor("fail", "fail")
    async with lot.open(vendor, routing={"remedies": PARTING}) as studio:
        await studio.shoot(lot.shot)
        first, second, third = studio.jobs()
    assert first.route == second.route != third.route
    assert [event.reason for event in fallen_back(lot)] == ["again", "other_route"]


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.parametrize("pin", [None, "seedance/seedance-2.0"])
async def test_a_second_no_is_the_end_and_asking_again_buys_nothing(lot: Any, pin: str | None) -> None:
    vendor, shot = lot.vendor("fail", "fail"), lot.shot.changed(pin=pin)
    for _ in range(2):
        async with lot.open(vendor, routing={"remedies": AGAIN}) as studio:
            with pytest.raises(DramagenError):
                await studio.shoot(shot)
    assert len(vendor.jobs) == 2


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_pin_elsewhere_is_filmed_whatever_another_route_said(lot: Any) -> None:
    vendor = lot.vendor("fail", "fail")
    async with lot.open(vendor, routing={"remedies": AGAIN}) as studio:
        first, second = studio.plan(lot.shot).shots[0].attempts[:2]
        with pytest.raises(DramagenError):
            await studio.shoot(lot.shot)
        assert (
            (await studio.shoot(lot.shot.pinned(second.route.id))).route == second.route.id != first.route.id
        )


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_second_job_that_is_lost_stays_unknown_and_there_is_no_third(lot: Any) -> None:
    vendor = lot.vendor("fail", "lose")
    everything = {cause: ["again", "other_route"] for cause in AGAIN}
    async with lot.open(vendor, routing={"remedies": everything}) as studio:
        with suppress(OutcomeUnknown):
            await studio.shoot(lot.shot)
        with suppress(OutcomeUnknown):
            await studio.shoot(lot.shot)
        assert len({job.route for job in studio.jobs()}) == 1
    assert (len(vendor.jobs), vendor.billed) == (2, 1)


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_the_log_says_which_remedy_and_for_how_much(lot: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="dramagen.events")
    async with lot.open(lot.vendor("fail"), routing={"remedies": AGAIN}) as studio:
        await studio.shoot(lot.shot)
        price = studio.jobs()[0].quote.price
    (line,) = [record.getMessage() for record in caplog.records if "fell_back" in record.getMessage()]
    assert f"fell_back (again after failed: {price.expected}, at most {price.most})" in line


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.parametrize("script", [("fail",), ("fail", "fail")])
async def test_callers_of_one_take_share_the_second_job(lot: Any, script: tuple[fake.Outcome, ...]) -> None:
    vendor, shot = lot.vendor(*script), lot.shot.pinned(lot.PIN)
    ends: list[object] = []

    async def call() -> None:
        try:
            ends.append((await studio.shoot(shot)).job_id)
        except DramagenError as error:
            ends.append(type(error))

    async with lot.open(vendor, routing={"remedies": AGAIN}) as studio, anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(call)
    assert len(vendor.jobs) == 2
    assert len(set(ends)) == 1


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_lost_create_is_not_ordered_once_more(lot: Any) -> None:
    vendor = lot.vendor("drop")
    everything = {cause: ["again", "other_route"] for cause in AGAIN}
    async with lot.open(vendor, routing={"remedies": everything}) as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(lot.shot)
        assert [str(job.state) for job in studio.jobs()] == ["unknown"]
    assert fallen_back(lot) == []


def spoiling(lot: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A vendor whose first clip is cut off."""
    vendor = lot.vendor()
    spoilt, whole, create = lot.film[: len(lot.film) // 3], lot.film, vendor._create

    def creating(request: Any) -> Any:
        vendor._clip = whole if vendor.jobs else spoilt
        return create(request)

    monkeypatch.setattr(vendor, "_create", creating)
    return vendor


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.parametrize(
    ("remedies", "jobs"), [({}, 1), ({"defective": ["again"]}, 2), ({"defective": ["other_route"]}, 2)]
)
async def test_past_a_defective_clip_only_by_name(
    lot: Any, monkeypatch: pytest.MonkeyPatch, remedies: dict[str, list[str]], jobs: int
) -> None:
    vendor = spoiling(lot, monkeypatch)
    shot = lot.shot if remedies.get("defective") == ["other_route"] else lot.shot.pinned(lot.PIN)
    async with lot.open(vendor, routing={"remedies": remedies}) as studio:
        if jobs == 1:
            with pytest.raises(DefectiveClip) as raised:
                await studio.shoot(shot)
            assert "not tried: again: seedance:cn/seedance-2.0, " in str(raised.value)
        else:
            clip = await studio.shoot(shot)
            first, second = studio.jobs()
            assert [str(job.state) for job in (first, second)] == ["defective", "done"]
            assert (first.route == second.route) is (remedies["defective"] == ["again"])
            for pin in (shot.pin, None):
                again = await studio.shoot(shot.changed(pin=pin))
                assert (again.job_id, again.cached) == (clip.job_id, True)
    assert vendor.billed == jobs


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_the_second_job_is_within_every_budget(lot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor, shot = spoiling(lot, monkeypatch), lot.shot.pinned(lot.PIN)
    async with lot.open(vendor, routing={"remedies": AGAIN}) as studio:
        most = studio.plan(shot).most
        cap = Budget(Money(most.amount * 3 / 2, most.currency), per="shot")
        with pytest.raises(BudgetExceeded) as raised:
            await studio.shoot(shot, budget=cap)
    assert [type(each) for each in raised.value.attempts] == [DefectiveClip]
    assert vendor.billed == 1


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_the_error_says_what_leave_would_have_bought_and_for_how_much(lot: Any) -> None:
    shot = lot.shot.pinned(lot.PIN)
    async with lot.open(lot.vendor(OUTPUT)) as studio:
        with pytest.raises(ContentRejected) as raised:
            await studio.shoot(shot)
        (job,) = studio.jobs()
    assert raised.value.untried == f"again: {job.route.id}, {job.quote.price.expected}"
    assert str(raised.value).endswith(f"so not tried: {raised.value.untried}")
    assert from_json(raised.value.to_json()).untried == raised.value.untried


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_the_error_names_the_other_route_where_that_is_forbidden(lot: Any) -> None:
    async with lot.open(lot.vendor(OUTPUT), routing={"remedies": {"output_moderation": []}}) as studio:
        second = studio.plan(lot.shot).shots[0].attempts[1]
        with pytest.raises(ContentRejected) as raised:
            await studio.shoot(lot.shot)
    assert f"other_route: {second.route.id}, {second.price.expected}" in raised.value.untried


def test_the_price_of_silence_is_that_of_the_same_route_without_sound(lot: Any) -> None:
    leave = {"audio_moderation": ["without_sound"]}
    studio, shot = lot.open(routing={"remedies": leave}), lot.shot.changed(audio=True).pinned("seedance")
    loud, quiet = (studio.plan(each).shots[0] for each in (shot, shot.changed(audio=False)))
    silent, elsewhere = remedies_of(loud, quiet, studio.settings.routing.remedies)["audio_moderation"]
    assert (silent.remedy, silent.allowed) == ("without_sound", True)
    assert silent.quote is not None
    assert silent.quote.route == loud.choice.route
    assert not silent.quote.order.audio
    assert (elsewhere.allowed, elsewhere.quote) == (False, loud.attempts[1])
    assert remedies_of(replace(loud, held="seedance:cn/seedance-2.0"), quiet, {}) == {}
    alone = remedies_of(replace(loud, attempts=loud.attempts[:1]), replace(quiet, quotes=()), {})
    assert [str(each) for each in alone["audio_moderation"]] == ["without_sound: none", "other_route: none"]


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.parametrize(("failures", "paid"), [(None, 3), (1, 1), (4, 4)])
async def test_so_many_jobs_of_a_take_may_be_paid_for_in_vain(
    lot: Any, failures: int | None, paid: int
) -> None:
    """Remedies go on past any number of verdicts that cost nothing, but not past any amount of money."""
    vendor = lot.vendor()
    vendor._clip = lot.film[: len(lot.film) // 3]
    said = {"remedies": {"defective": ["other_route"]}} | ({"failures": failures} if failures else {})
    async with lot.open(vendor, routing=said) as studio:
        with pytest.raises(DefectiveClip) as raised:
            await studio.shoot(lot.shot)
        assert f"{paid} jobs of this take were paid for in vain already, [routing] failures" in str(
            raised.value
        )
        assert [type(each) for each in raised.value.attempts] == [DefectiveClip] * (paid - 1)
    assert vendor.billed == paid


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_verdicts_that_cost_nothing_do_not_use_it_up(lot: Any) -> None:
    vendor = lot.vendor(*[OUTPUT] * 4)
    async with lot.open(vendor, routing={"failures": 1}) as studio:
        assert (await studio.shoot(lot.shot)).path.exists()
    assert (len(vendor.jobs), vendor.billed) == (5, 1)
