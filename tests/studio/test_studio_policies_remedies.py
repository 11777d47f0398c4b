"""What is tried after a verdict depends on its cause, and on what the project allows."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dramagen.errors import (
    AuthError,
    ConfigError,
    ContentRejected,
    DefectiveClip,
    DramagenError,
    JobFailed,
    OutcomeUnknown,
    QuotaExhausted,
)
from dramagen.routing.causes import cause_of
from dramagen.routing.leading import as_planned
from dramagen.routing.remedies import remedies_of
from dramagen.testing import fake

OUTPUT = "reject_output"
SOUND = "OutputAudioSensitiveContentDetected"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ContentRejected("no", stage="input"), "input_moderation"),
        (ContentRejected("the clip was held back", stage="output"), "output_moderation"),
        (ContentRejected("refused", stage="output", code=SOUND), "audio_moderation"),
        (ContentRejected("a sound was refused", stage="input", field="voice"), "input_moderation"),
        (ContentRejected("no", stage="input", code="InputImage.PrivacyInformation"), "real_face"),
        (ContentRejected("no", stage="input", vendor_message="may contain real person"), "real_face"),
        (DefectiveClip("short"), "defective"),
        (QuotaExhausted("used up"), "capacity"),
        (AuthError("no"), "outage"),
        (JobFailed("no"), "failed"),
    ],
)
def test_every_verdict_has_a_cause(error: DramagenError, cause: str) -> None:
    assert cause_of(error) == cause


def test_silence_is_a_remedy_for_sound_alone(lot: Any) -> None:
    with pytest.raises(ConfigError, match="without_sound helps against audio_moderation only"):
        lot.open(routing={"remedies": {"outage": ["without_sound"]}})


@pytest.fixture
def sound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """``reject_output`` is about the sound."""
    monkeypatch.setitem(fake._FAILURES, OUTPUT, SOUND)


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_cause_without_remedies_ends_the_take_now_and_when_asked_again(lot: Any) -> None:
    vendor = lot.vendor("fail")
    async with lot.open(vendor, routing={"remedies": {"failed": [], "outage": []}}) as studio:
        for _ in range(2):
            with pytest.raises(DramagenError):
                await studio.shoot(lot.shot)
        assert len(vendor.jobs) == 1
        await studio.shoot(lot.shot, fresh=True)
    assert len(vendor.jobs) == 2


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.usefixtures("sound_is_refused")
async def test_without_leave_a_shot_keeps_its_sound_and_goes_to_another_route(lot: Any) -> None:
    shot = lot.shot.changed(audio=True)
    vendor = lot.vendor(OUTPUT)
    async with lot.open(vendor) as studio:
        clip = await studio.shoot(shot)
        first, second = studio.jobs()
    assert first.route != second.route
    assert second.quote.order.audio
    assert clip.adjustments == ()


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.usefixtures("sound_is_refused")
async def test_with_leave_the_same_route_films_it_silent_once_and_the_clip_says_so(lot: Any) -> None:
    shot = lot.shot.changed(audio=True).pinned(lot.PIN)
    vendor = lot.vendor(OUTPUT)
    remedies = {"audio_moderation": ["without_sound"]}
    async with lot.open(vendor, routing={"remedies": remedies}) as studio:
        clip = await studio.shoot(shot)
        first, second = studio.jobs()
        assert (await studio.shoot(shot)).job_id == clip.job_id == second.id
    assert first.route == second.route
    assert (first.quote.order.audio, second.quote.order.audio) == (True, False)
    assert [(a.field, a.given) for a in clip.adjustments] == [("audio", "no sound")]
    assert clip.shot == shot
    assert len(vendor.jobs) == 2
    async with lot.open(vendor) as studio:
        assert (await studio.shoot(shot)).cached


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.usefixtures("sound_is_refused")
async def test_silence_is_tried_once_and_a_second_no_is_the_end(lot: Any) -> None:
    shot = lot.shot.changed(audio=True).pinned(lot.PIN)
    vendor = lot.vendor(OUTPUT, OUTPUT)
    remedies = {"audio_moderation": ["without_sound"]}
    async with lot.open(vendor, routing={"remedies": remedies}) as studio:
        for _ in range(2):
            with pytest.raises(ContentRejected):
                await studio.shoot(shot)
    assert len(vendor.jobs) == 2


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.usefixtures("sound_is_refused")
async def test_a_lost_create_is_no_verdict_whatever_the_remedies(lot: Any) -> None:
    shot = lot.shot.changed(audio=True).pinned(lot.PIN)
    vendor = lot.vendor(OUTPUT, "drop")
    remedies = {"audio_moderation": ["without_sound", "other_route"]}
    async with lot.open(vendor, routing={"remedies": remedies}) as studio:
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(shot)
        assert [str(job.state) for job in studio.jobs()] == ["failed", "unknown"]


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_refused_face_halves_a_routes_chance_for_pictures_in_this_run(
    lot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "InputImageSensitiveContentDetected.PrivacyInformation"
    monkeypatch.setitem(fake._REFUSALS, "reject_input", (400, code))
    picture = tmp_path / "face.png"
    Image.new("RGB", (480, 864), (200, 160, 140)).save(picture)
    with_face = lot.shot.changed(first_frame=picture)
    async with lot.open(lot.vendor("reject_input")) as studio:
        await studio.shoot(with_face)
        (job,) = [job for job in studio.jobs() if str(job.state) == "refused"]
        refused = job.route.id
        clip = await studio.shoot(with_face.changed(prompt="她转身"))
        plain = await studio.shoot(lot.shot)
        doubted, usual = (studio.decision(each.job_id).candidate(refused) for each in (clip, plain))
        before = studio.decision(job.id).candidate(refused)
    assert doubted.chance == pytest.approx(before.chance / 2, rel=1e-4)
    assert usual.chance > doubted.chance


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.usefixtures("sound_is_refused")
async def test_a_refused_sound_is_remembered_in_this_run_and_the_decision_says_so(lot: Any) -> None:
    shot = lot.shot.changed(audio=True)
    async with lot.open(lot.vendor(OUTPUT)) as studio:
        await studio.shoot(shot)
        first, _ = studio.jobs()
        clip = await studio.shoot(shot.changed(prompt="她转身"))
        silent = await studio.shoot(shot.changed(prompt="她转身", audio=False))
        before, doubted, quiet = (studio.decision(job) for job in (first.id, clip.job_id, silent.job_id))
    refused = first.route.id
    assert doubted.doubts == {refused: 0.5}
    assert doubted.candidate(refused).chance == pytest.approx(before.candidate(refused).chance / 2, rel=1e-3)
    assert (before.doubts, quiet.doubts) == ({}, {})
    assert type(doubted).from_json(doubted.to_json()) == doubted


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.usefixtures("sound_is_refused")
async def test_a_plan_of_the_same_studio_knows_what_was_refused_until_it_is_closed(lot: Any) -> None:
    shot = lot.shot.changed(audio=True)
    later = shot.changed(prompt="她转身")
    async with lot.open(lot.vendor(OUTPUT)) as studio:
        (before,) = studio.plan(later).shots
        await studio.shoot(shot)
        refused = studio.jobs()[0].route.id
        after, silent, held = studio.plan([later, later.changed(audio=False), shot], takes=[1, 1, 1]).shots
        (elsewhere,) = studio.plan(later, without=["wan"]).shots
        clip = await studio.shoot(later)
        assert after.choice is not None
        assert clip.route == after.choice.route.id  # what the plan says is what is done
    usual = before.decision.candidate(refused).chance
    for planned in (after, elsewhere):
        assert planned.decision.doubts == {refused: 0.5}
        assert planned.decision.candidate(refused).chance == pytest.approx(usual / 2, rel=1e-3)
    assert silent.decision.doubts == {}
    assert held.held is not None
    (again,) = studio.plan(later.changed(prompt="白天")).shots
    assert again.decision.doubts == {}


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.usefixtures("sound_is_refused")
async def test_a_clip_that_is_there_is_as_good_as_before_its_route_refused_another(lot: Any) -> None:
    shot = lot.shot.changed(audio=True)
    async with lot.open(lot.vendor("succeed", OUTPUT)) as studio:
        clip = await studio.shoot(shot)
        (before,) = studio.plan(shot).shots
        with pytest.raises(ContentRejected):
            await studio.shoot(shot.changed(prompt="她转身", pin=clip.route))
        (after,) = studio.plan(shot).shots
    assert after.held == clip.route
    assert after.decision.doubts == {}
    assert before.decision.outlook == after.decision.outlook


REGIONS = {"seedance:cn": "a-key-of-no-account", "seedance:intl": "another-of-none"}


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.parametrize("planned_before", [False, True])
async def test_a_model_that_was_held_back_gives_way_to_others_on_this_take(
    lot: Any, planned_before: bool
) -> None:
    """Its other region would be the next, and what is held back there is charged as well."""
    shot = lot.shot.changed(audio=True)
    async with lot.open(lot.vendor(OUTPUT), keys=REGIONS) as studio:
        (before,) = studio.plan(shot).shots
        order = [quote.route for quote in before.attempts]
        clip = await studio.shoot(
            shot, policy=as_planned([route.id for route in order]) if planned_before else None
        )
        why = studio.decision(clip.job_id)
        (other,) = studio.plan(shot.changed(prompt="白天")).shots
    assert order[0].model == order[1].model
    other_model = next(route for route in order if route.model != order[0].model)
    assert clip.route == other_model.id
    assert why.outlook.held_back == {order[0].model: 1}
    usual = before.decision.candidate(order[1].id).chance
    assert why.candidate(order[1].id).chance == pytest.approx(usual / 2, rel=1e-4)
    assert type(why).from_json(why.to_json()) == why
    assert other.decision.candidate(order[1].id).chance == usual  # it is of this take alone
    foretold = remedies_of(before, before, studio.settings.routing.remedies)
    assert f"other_route: {other_model.id}, " in str(foretold["output_moderation"][1])
    assert f"other_route: {order[1].id}, " in str(foretold["outage"][0])


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_plan_and_the_error_know_what_was_held_back(lot: Any) -> None:
    shot, nothing = lot.shot.changed(audio=True), {"remedies": {"output_moderation": ()}}
    async with lot.open(lot.vendor(OUTPUT), keys=REGIONS, routing=nothing) as studio:
        with pytest.raises(ContentRejected) as raised:
            await studio.shoot(shot)
    async with lot.open(keys=REGIONS) as studio:
        (planned,) = studio.plan(shot).shots
        clip = await studio.shoot(shot)
    assert planned.choice.route.id == clip.route
    assert planned.decision.outlook.held_back == {raised.value.model: 1}
    assert clip.model != raised.value.model
    assert f"other_route: {clip.route}, " in raised.value.untried
