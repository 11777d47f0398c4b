"""Vidu end to end: a studio, real sockets, the emulated vendor, and its bill."""

from typing import TYPE_CHECKING, Any

import pytest

from dramagen import Camera, Line, Shot
from dramagen.errors import ContentRejected

if TYPE_CHECKING:
    from tests.adapters.conftest import Cast, Stage

pytestmark = [pytest.mark.anyio, pytest.mark.matrix]


TEXT = Shot("雨夜", duration=1, resolution="540p", pin="vidu/viduq3-turbo")


def families(cast: "Cast") -> dict[str, Shot]:
    frame, other, lin, shen = cast
    return {
        "q3 text": Shot("雨夜", duration=2, resolution="540p", audio=True, pin="vidu/viduq3-pro"),
        "q3 first frame": Shot(
            "她回头", duration=1, resolution="720p", first_frame=frame, pin="vidu/viduq3-pro-fast"
        ),
        "q3 two frames": Shot(
            "她走近", duration=1, resolution="540p", first_frame=frame, last_frame=other, pin="vidu/viduq3-turbo"
        ),
        "q3 named subjects": Shot(
            "@林晚把伞递给@沈舟", duration=3, resolution="540p", references=[lin, shen],
            camera=Camera("push_in", "slow"), dialogue=[Line("沈舟", "谢谢", voice="v-1")], pin="vidu/viduq3",
        ),
        "q3 list of images": Shot("@林晚走来", duration=3, references=[lin], pin="vidu/viduq3-mix"),
        "q4 first frame": Shot(
            "她回头", duration=3, resolution="540p", first_frame=frame, seed=7, pin="viduq4-preview"
        ),
        "q4 references": Shot(
            "@沈舟看着@林晚", duration=3, resolution="540p", references=[lin, shen], pin="viduq4-preview"
        ),
        "q2 text": Shot("雨夜", duration=1, aspect_ratio="16:9", pin="vidu/viduq2"),
        "q2 first frame": Shot("她回头", duration=1, first_frame=frame, audio=True, pin="vidu/viduq2-turbo"),
        "q1 text": Shot("雨夜", duration=5, resolution="1080p", aspect_ratio="1:1", pin="vidu/viduq1"),
    }  # fmt: skip


async def test_every_family_is_filmed_once_and_the_bill_is_the_ledger(stage: "Stage", cast: "Cast") -> None:
    await stage.film_each(families(cast))
    assert {row["currency"] for row in stage.emulator.bill()} == {"CNY"}


async def test_abroad_and_off_peak(stage: "Stage", monkeypatch: pytest.MonkeyPatch) -> None:
    stage.emulator.settings(vidu={"off_peak_wait": 60})
    shot = TEXT.changed(pin="vidu:intl/viduq3-turbo")
    async with stage.studio() as studio:
        await studio.shoot(shot)
        await studio.shoot(shot.changed(options={"vidu": {"off_peak": True}}))
    assert [(row["amount"], row["currency"]) for row in stage.emulator.bill()] == [
        ("0.035", "USD"),
        ("0.02", "USD"),
    ]
    sent = [request["body"] for request in stage.emulator.requests() if request["method"] == "POST"]
    assert [body.get("off_peak") for body in sent] == [None, True]


async def test_two_takes_of_one_shot_are_told_apart(stage: "Stage") -> None:
    stage.emulator.faults(provider="vidu", on="create", kind="drop", after_accept=True, times=2)
    async with stage.studio() as studio:
        one, two = await studio.shoot(TEXT), await studio.shoot(TEXT, take=2)
    assert one.sha256 != two.sha256
    assert len(stage.paid()) == 2
    assert one.job_id != two.job_id


@pytest.mark.parametrize(
    ("prompt", "caught"), [("[[moderate-input]]", "input"), ("[[moderate-output]]", "output")]
)
async def test_what_is_moderated_costs_nothing(stage: "Stage", prompt: str, caught: str) -> None:
    async with stage.studio() as studio:
        error = await stage.shoot(studio, TEXT.changed(prompt=prompt))
        assert isinstance(error, ContentRejected)
        assert error.stage == caught
        assert not any(studio.ledger().spent)
    assert stage.paid() == []


@pytest.mark.parametrize(
    "settings",
    [
        {"credits_spelling": "string"},
        {"error_name_in": "code"},
        {"unknown_state": "rendering"},
        {"over_limit": "refuse", "concurrency": 1},
        {"schemes": "both"},
    ],
    ids=lambda settings: "-".join(map(str, settings)),
)
async def test_whichever_way_the_vendor_behaves(stage: "Stage", settings: dict[str, Any]) -> None:
    stage.emulator.settings(vidu=settings)
    async with stage.studio() as studio:
        clips = await studio.takes(TEXT, 2)
        assert len(clips) == 2
        assert [money.amount for money in studio.ledger().spent] == [sum(stage.paid())]
    assert len(stage.paid()) == 2
