"""Policies, budgets and causes at their edges: what nobody should do ends as a typed error, and nothing is bought."""

from collections.abc import Sequence
from typing import Any

import pytest

from dramagen.config import HELPFUL
from dramagen.errors import BudgetExceeded, ConfigError, DramagenError, NoRoute
from dramagen.routing.causes import cause_of
from dramagen.testing import fake

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]


def sometimes(lot: Any) -> Any:
    """A policy that fails on shots at dawn."""

    def 挑剔(shot: Any, quotes: Sequence[Any], rates: Any) -> Sequence[Any]:
        if "天亮" in shot.prompt:
            raise LookupError("没有这个模型")
        return quotes

    return 挑剔


async def test_a_policy_that_raises_is_the_failure_of_its_shot_alone(lot: Any) -> None:
    vendor, dawn = lot.vendor(), lot.shot.changed(prompt="天亮")
    async with lot.open(vendor, policy=sometimes(lot)) as studio:
        with pytest.raises(
            ConfigError, match="policy '挑剔' could not choose: LookupError: 没有这个模型"
        ) as raised:
            await studio.shoot(dawn)
        results = {each.shot.prompt: each async for each in studio.shoot_all([dawn, lot.shot])}
        assert isinstance(raised.value.__cause__, LookupError)
        assert isinstance(results["天亮"].error, ConfigError)
        assert results[lot.shot.prompt].clip is not None
        assert len(studio.jobs()) == vendor.billed == 1


async def test_one_that_raises_while_takes_are_filmed_takes_no_other_down(lot: Any) -> None:
    asked = 0

    def third(shot: Any, quotes: Sequence[Any], rates: Any) -> Any:
        nonlocal asked
        asked += 1  # once for each take in the plan, then once for each that is filmed
        return iter(quotes) if asked != 6 else iter([quotes[0], 1 / 0])

    vendor = lot.vendor()
    async with lot.open(vendor, policy=third) as studio:
        takes = await studio.takes(lot.shot, 3)
    assert (len(takes), len(takes.failures)) == (2, 1)
    assert isinstance(takes.failures[0][1], ConfigError)
    assert vendor.billed == 2


async def test_a_policy_against_the_pin_buys_nothing(lot: Any) -> None:
    def elsewhere(shot: Any, quotes: Sequence[Any], rates: Any) -> Any:
        return [quote for quote in quotes if not quote.route.satisfies(lot.PIN)]

    vendor = lot.vendor()
    async with lot.open(vendor, policy=elsewhere) as studio:
        with pytest.raises(NoRoute, match="the policy left it out"):
            await studio.shoot(lot.shot.pinned(lot.PIN))
        assert studio.plan(lot.shot.pinned(lot.PIN)).idle
    assert vendor.requests == []


@pytest.mark.parametrize("budget", ["0 CNY", "0.01 CNY", "0 USD"])
async def test_a_budget_below_one_take_buys_nothing(lot: Any, budget: str) -> None:
    vendor = lot.vendor()
    async with lot.open(vendor) as studio:
        assert not studio.plan(lot.shot, budget=budget).feasible
        with pytest.raises(BudgetExceeded):
            await studio.shoot(lot.shot, budget=budget)
        with pytest.raises(BudgetExceeded):
            await studio.takes(lot.shot, 2, budget=budget)
    assert vendor.requests == []


async def test_a_yes_and_a_budget_that_ends_in_the_middle_go_together(lot: Any) -> None:
    plan = lot.open().plan(lot.shot.pinned(lot.PIN))
    vendor = lot.vendor()
    async with lot.open(vendor, limits={"seedance": 1}) as studio:
        takes = await studio.takes(
            lot.shot, 4, across=[lot.PIN], budget=plan.most + plan.most, until=lambda clip: True
        )
        again = await studio.shoot(lot.shot, take=takes[0].take, budget="0 CNY")
    assert again.job_id == takes[0].job_id  # what is there costs nothing
    assert all(isinstance(error, BudgetExceeded) for _, error in takes.failures)
    assert vendor.billed <= 2  # one more may have been on its way


FORBIDDEN = {
    "input_moderation": "reject_input",
    "output_moderation": "reject_output",
    "audio_moderation": "reject_output",
    "real_face": "reject_input",
    "failed": "fail",
}

CODES = {
    "audio_moderation": "OutputAudioSensitiveContentDetected",
    "real_face": "InputImageSensitiveContentDetected.PrivacyInformation",
}


@pytest.mark.parametrize("cause", FORBIDDEN)
async def test_a_cause_with_every_remedy_forbidden_is_the_end_and_says_what_was_not_tried(
    lot: Any, cause: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fake._FAILURES, "reject_output", CODES.get(cause, fake._FAILURES["reject_output"]))
    if cause == "real_face":
        monkeypatch.setitem(fake._REFUSALS, "reject_input", (400, CODES[cause]))
    vendor = lot.vendor(FORBIDDEN[cause])
    async with lot.open(vendor, routing={"remedies": {cause: []}}) as studio:
        with pytest.raises(DramagenError) as raised:
            await studio.shoot(lot.shot)
        assert cause_of(raised.value) == cause
        assert len(studio.jobs()) == 1
    missed = {remedy for remedy in HELPFUL[cause] if remedy != "without_sound"}  # it asked for no sound
    assert {said.split(":")[0] for said in raised.value.untried.split("; ")} == missed
