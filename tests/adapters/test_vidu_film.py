"""Vidu end to end: a studio, real sockets, the emulated vendor, and its bill."""

from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from dramagen import Camera, Clip, Config, Line, Reference, Shot, Studio
from dramagen.emulator import Handle, running
from dramagen.errors import ContentRejected, DramagenError

pytestmark = [pytest.mark.anyio, pytest.mark.matrix]

SPEED = 600.0


def picture(width: int, height: int, shade: int) -> bytes:
    kept = BytesIO()
    Picture.new("RGB", (width, height), (shade, shade, 90)).save(kept, "png")
    return kept.getvalue()


FRAME, OTHER = picture(720, 1280, 40), picture(720, 1280, 200)
LIN = Reference("林晚", [FRAME, OTHER])
SHEN = Reference("沈舟", [picture(512, 512, 120)])
TEXT = Shot("雨夜", duration=1, resolution="540p", pin="vidu/viduq3-turbo")


@pytest.fixture(scope="module")
def _emulator() -> Iterator[Handle]:
    with running(speed=SPEED) as handle:
        yield handle


@pytest.fixture
def emulator(_emulator: Handle, monkeypatch: pytest.MonkeyPatch) -> Handle:
    _emulator.reset()
    monkeypatch.setenv("DRAMAGEN_EMULATOR", _emulator.url)
    return _emulator


def studio_in(home: Path) -> Studio:
    return Studio(Config(home=home, time_scale=SPEED), cwd=home.parent)


def paid(emulator: Handle) -> list[Decimal]:
    return [amount for row in emulator.bill() if (amount := Decimal(row["amount"]))]


async def shoot(studio: Studio, shot: Shot) -> Clip | DramagenError:
    try:
        return await studio.shoot(shot)
    except DramagenError as error:
        return error


FAMILIES = {
    "q3 text": Shot("雨夜", duration=2, resolution="540p", audio=True, pin="vidu/viduq3-pro"),
    "q3 first frame": Shot("她回头", duration=1, resolution="720p", first_frame=FRAME, pin="vidu/viduq3-pro-fast"),
    "q3 two frames": Shot(
        "她走近", duration=1, resolution="540p", first_frame=FRAME, last_frame=OTHER, pin="vidu/viduq3-turbo"
    ),
    "q3 named subjects": Shot(
        "@林晚把伞递给@沈舟", duration=3, resolution="540p", references=[LIN, SHEN], camera=Camera("push_in", "slow"),
        dialogue=[Line("沈舟", "谢谢", voice="v-1")], pin="vidu/viduq3",
    ),
    "q3 list of images": Shot("@林晚走来", duration=3, references=[LIN], pin="vidu/viduq3-mix"),
    "q4 first frame": Shot("她回头", duration=3, resolution="540p", first_frame=FRAME, seed=7, pin="viduq4-preview"),
    "q4 references": Shot(
        "@沈舟看着@林晚", duration=3, resolution="540p", references=[LIN, SHEN], pin="viduq4-preview"
    ),
    "q2 text": Shot("雨夜", duration=1, aspect_ratio="16:9", pin="vidu/viduq2"),
    "q2 first frame": Shot("她回头", duration=1, first_frame=FRAME, audio=True, pin="vidu/viduq2-turbo"),
    "q1 text": Shot("雨夜", duration=5, resolution="1080p", aspect_ratio="1:1", pin="vidu/viduq1"),
}  # fmt: skip


async def test_every_family_is_filmed_once_and_the_bill_is_the_ledger(
    emulator: Handle, tmp_path: Path
) -> None:
    async with studio_in(tmp_path / "h") as studio:
        clips = {name: await studio.shoot(shot) for name, shot in FAMILIES.items()}
        ledger = studio.ledger()
    for name, clip in clips.items():
        asked = FAMILIES[name]
        assert clip.media.duration == pytest.approx(asked.duration, abs=0.05), name
        assert asked.audio is not True or clip.media.has_audio, name
        wide, high = map(int, asked.aspect_ratio.split(":"))
        assert clip.media.width / clip.media.height == pytest.approx(wide / high, rel=0.03), name
    assert len(emulator.bill()) == len(FAMILIES)
    assert {row["currency"] for row in emulator.bill()} == {"CNY"}
    assert [money.amount for money in ledger.spent] == [sum(paid(emulator))]
    assert not ledger.reserved
    assert not ledger.unknown


async def test_abroad_and_off_peak(emulator: Handle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.settings(vidu={"off_peak_wait": 60})
    shot = TEXT.changed(pin="vidu:intl/viduq3-turbo")
    async with studio_in(tmp_path / "h") as studio:
        await studio.shoot(shot)
        await studio.shoot(shot.changed(options={"vidu": {"off_peak": True}}))
    assert [(row["amount"], row["currency"]) for row in emulator.bill()] == [
        ("0.035", "USD"),
        ("0.02", "USD"),
    ]
    sent = [request["body"] for request in emulator.requests() if request["method"] == "POST"]
    assert [body.get("off_peak") for body in sent] == [None, True]


async def test_two_takes_of_one_shot_are_told_apart(emulator: Handle, tmp_path: Path) -> None:
    emulator.faults(provider="vidu", on="create", kind="drop", after_accept=True, times=2)
    async with studio_in(tmp_path / "h") as studio:
        one, two = await studio.shoot(TEXT), await studio.shoot(TEXT, take=2)
    assert one.sha256 != two.sha256
    assert len(paid(emulator)) == 2
    assert one.job_id != two.job_id


@pytest.mark.parametrize(
    ("prompt", "stage"), [("[[moderate-input]]", "input"), ("[[moderate-output]]", "output")]
)
async def test_what_is_moderated_costs_nothing(
    emulator: Handle, tmp_path: Path, prompt: str, stage: str
) -> None:
    async with studio_in(tmp_path / "h") as studio:
        error = await shoot(studio, TEXT.changed(prompt=prompt))
        assert isinstance(error, ContentRejected)
        assert error.stage == stage
        assert not any(studio.ledger().spent)
    assert paid(emulator) == []


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
async def test_whichever_way_the_vendor_behaves(
    emulator: Handle, tmp_path: Path, settings: dict[str, Any]
) -> None:
    emulator.settings(vidu=settings)
    async with studio_in(tmp_path / "h") as studio:
        clips = await studio.takes(TEXT, 2)
        assert len(clips) == 2
        assert [money.amount for money in studio.ledger().spent] == [sum(paid(emulator))]
    assert len(paid(emulator)) == 2
