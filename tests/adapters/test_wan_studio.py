"""Wan end to end: a studio, real sockets, the emulator's bill."""

import io
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from dramagen import Config, Image, Reference, Shot, Studio
from dramagen.emulator import Handle, running
from dramagen.errors import DramagenError

pytestmark = [pytest.mark.anyio, pytest.mark.matrix]

SPEED = 600.0


def png(width: int = 720, height: int = 1280, colour: str = "navy") -> bytes:
    drawn = io.BytesIO()
    Pillow.new("RGB", (width, height), colour).save(drawn, "PNG")
    return drawn.getvalue()


FRAME = Image.from_bytes(png())
LAST = Image.from_bytes(png(colour="teal"))
LIN = Reference("林夏", [Image.from_bytes(png(800, 800))])


@pytest.fixture(scope="module")
def _emulator() -> Iterator[Handle]:
    with running(speed=SPEED) as handle:
        yield handle


@pytest.fixture
def emulator(_emulator: Handle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Handle:
    for name in os.environ:
        if name.startswith(("DRAMAGEN_", "DASHSCOPE_")) or "proxy" in name.lower():
            monkeypatch.delenv(name)
    _emulator.reset()
    monkeypatch.setenv("DRAMAGEN_EMULATOR", _emulator.url)
    monkeypatch.chdir(tmp_path)
    return _emulator


def studio(tmp_path: Path) -> Studio:
    return Studio(Config(home=tmp_path / "home", time_scale=SPEED))


def paid(emulator: Handle) -> list[Decimal]:
    amounts = [Decimal(row["amount"]) for row in emulator.bill()]
    return [amount for amount in amounts if amount]


FILMS = {
    "wan3 text": (Shot("雨夜", resolution="480p", duration=2, pin="wan-3.0"), (480, 832)),
    "wan3 with sound, abroad": (
        Shot("rain", resolution="480p", duration=2, audio=True, pin="wan:intl/wan-3.0"),
        (480, 832),
    ),
    "wan3 frames": (
        Shot("雨夜", resolution="480p", duration=2, first_frame=FRAME, last_frame=LAST, pin="wan-3.0"),
        None,
    ),
    "wan3 references": (
        Shot("@林夏回头", resolution="480p", duration=2, references=[LIN], pin="wan-3.0-prime"),
        (480, 832),
    ),
    "wan2.7 text": (Shot("雨夜", duration=2, negative_prompt="文字", pin="wan-2.7"), (720, 1280)),
    "wan2.6 text": (Shot("雨夜", duration=5, aspect_ratio="16:9", pin="wan:cn/wan-2.6"), (1280, 720)),
    "wan2.6 frame, silent": (
        Shot("雨夜", duration=2, audio=False, first_frame=FRAME, pin="wan:cn/wan-2.6-flash"),
        None,
    ),
    "wan2.5 text": (
        Shot("雨夜", duration=5, resolution="480p", aspect_ratio="1:1", pin="wan:cn/wan-2.5-preview"),
        (624, 624),
    ),
    "wan2.2 text": (Shot("雨夜", resolution="480p", pin="wan:cn/wan-2.2-plus"), (480, 832)),
    "wan2.2 frames": (
        Shot("雨夜", resolution="480p", first_frame=FRAME, last_frame=LAST, pin="wan:cn/wan-2.2-flash"),
        None,
    ),
    "happyhorse text": (Shot("雨夜", duration=3, pin="wan:cn/happyhorse-1.0"), (720, 1280)),
    "happyhorse references": (
        Shot("@林夏回头", duration=3, references=[LIN], pin="wan:intl/happyhorse-1.0"),
        (720, 1280),
    ),
}


@pytest.mark.matrix
@pytest.mark.parametrize(("shot", "size"), FILMS.values(), ids=FILMS)
async def test_each_family_films_a_shot_and_the_bill_is_the_ledger(
    emulator: Handle, tmp_path: Path, shot: Shot, size: tuple[int, int] | None
) -> None:
    async with studio(tmp_path) as here:
        clip = await here.shoot(shot)
        again = await here.shoot(shot)
        (spent,) = here.ledger().spent
    (amount,) = paid(emulator)
    assert (spent.amount, clip.cost.amount) == (amount, amount)
    assert again.cached
    assert clip.media.duration == pytest.approx(shot.duration, abs=0.1)
    assert size is None or (clip.media.width, clip.media.height) == size
    assert clip.media.height / clip.media.width == pytest.approx(_height(shot.aspect_ratio), rel=0.03)
    if shot.audio is not None:
        assert clip.media.has_audio is shot.audio


def _height(ratio: str) -> float:
    wide, high = map(int, ratio.split(":"))
    return high / wide


async def test_a_failed_job_costs_nothing_and_says_why(emulator: Handle, tmp_path: Path) -> None:
    async with studio(tmp_path) as here:
        with pytest.raises(DramagenError, match="moderation") as caught:
            await here.shoot(
                Shot("雨夜 [[moderate-output]]", duration=2, resolution="480p", pin="wan:cn/wan-3.0")
            )
        assert not any(money.amount for money in here.ledger().spent)
        assert not here.ledger().reserved
    assert caught.value.billed is False
    assert paid(emulator) == []


SHOT = Shot("雨夜", duration=2, resolution="480p", pin="wan:cn/wan-3.0")


@pytest.mark.parametrize(
    "settings",
    [
        {"prompt_shown": "always"},
        {"list_delay": 60},
        {"list_zone": "utc"},
        {"page_most": 10, "page_over": "refuse"},
        {"numbers": "text"},
        {"create_state": "RUNNING"},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
async def test_a_lost_job_is_found_however_the_vendor_behaves(
    emulator: Handle, tmp_path: Path, settings: dict[str, Any]
) -> None:
    emulator.settings(wan=settings)
    emulator.faults(provider="wan", on="create", kind="drop", after_accept=True)
    async with studio(tmp_path) as here:
        clip = await here.shoot(SHOT)
    assert [clip.cost.amount] == paid(emulator)


async def test_an_unknown_word_for_running_is_waited_for(emulator: Handle, tmp_path: Path) -> None:
    emulator.settings(wan={"running_word": "GENERATING"})
    async with studio(tmp_path) as here:
        assert (await here.shoot(SHOT)).cost.amount == Decimal("0.6")


# --- uploads --------------------------------------------------------------------------------------------------


UPLOADED: dict[str, tuple[Callable[[], Shot], str]] = {
    "wan2.7 first frame": (lambda: Shot("雨夜", duration=2, first_frame=FRAME), "wan:cn/wan-2.7"),
    "wan2.7 both frames": (
        lambda: Shot("雨夜", duration=2, first_frame=FRAME, last_frame=LAST),
        "wan:cn/wan-2.7",
    ),
    "wan2.7 references beside a frame": (
        lambda: Shot("@林夏回头", duration=2, first_frame=FRAME, references=[LIN]),
        "wan:cn/wan-2.7",
    ),
    "wan2.6 references": (lambda: Shot("@林夏回头", duration=2, references=[LIN]), "wan:cn/wan-2.6"),
    "happyhorse first frame": (
        lambda: Shot("雨夜", duration=3, first_frame=FRAME),
        "wan:cn/happyhorse-1.0",
    ),
}


@pytest.mark.matrix
@pytest.mark.parametrize(("make", "pin"), UPLOADED.values(), ids=UPLOADED)
async def test_pictures_that_go_up_first_are_taken_by_the_create(
    emulator: Handle, tmp_path: Path, make: Callable[[], Shot], pin: str
) -> None:
    async with studio(tmp_path) as here:
        clip = await here.shoot(make().pinned(pin))
    assert clip.route == pin
    assert len(emulator.bill()) == 1
    posts = [r for r in emulator.requests() if r["method"] == "POST"]
    # The picture goes where the vendor says, and the key stays at home.
    upload, create = posts[-2:]
    assert "authorization" not in {name.lower() for name in upload["headers"]}
    assert "authorization" in {name.lower() for name in create["headers"]}


async def test_a_picture_the_store_does_not_take_costs_nothing(emulator: Handle, tmp_path: Path) -> None:
    emulator.settings(wan={"upload_mb": 0})
    async with studio(tmp_path) as here:
        with pytest.raises(DramagenError):
            await here.shoot(Shot("雨夜", duration=2, first_frame=FRAME, pin="wan:cn/wan-2.7"))
        assert not here.ledger().reserved
    assert emulator.bill() == []
