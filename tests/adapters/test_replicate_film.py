"""Replicate end to end: a studio, real sockets, emulated predictions, and their bill."""

import random
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from dramagen import Camera, Clip, Config, Cut, Line, Reference, Shot, Studio
from dramagen.adapters.replicate_files import SMALL
from dramagen.emulator import Handle, running
from dramagen.errors import ContentRejected, DramagenError

pytestmark = [pytest.mark.anyio, pytest.mark.matrix]

SPEED = 600.0
PRICES = """
[providers.replicate.models]
"kling-4.0".price = [{ per = "second", amount = "0.10", currency = "USD" }]
"hailuo-2.3".price = [{ per = "second", amount = "0.10", currency = "USD" }]
"seedance-2.0".price = [{ per = "second", amount = "0.10", currency = "USD" }]
"viduq3-turbo".price = [{ per = "second", amount = "0.10", currency = "USD" }]
"""
"""Of models whose price is not known: what the emulator takes for them."""


def picture(width: int, height: int, shade: int) -> bytes:
    kept = BytesIO()
    Picture.new("RGB", (width, height), (shade, shade, 90)).save(kept, "png")
    return kept.getvalue()


def noise(width: int, height: int) -> bytes:
    """A picture too large to travel inside a request."""
    kept = BytesIO()
    drawn = random.Random(1)
    Picture.frombytes("RGB", (width // 2, height // 2), drawn.randbytes(width * height * 3 // 4)).save(
        kept, "png"
    )
    assert len(kept.getvalue()) > SMALL
    return kept.getvalue()


FRAME, OTHER = picture(720, 1280, 40), picture(720, 1280, 200)
LARGE = noise(1080, 1920)
LIN = Reference("林晚", [FRAME, OTHER])
SHEN = Reference("沈舟", [picture(512, 512, 120)])
TEXT = Shot("雨夜", duration=2, resolution="480p", pin="replicate/wan-3.0")


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
    (home.parent / "dramagen.toml").write_text(PRICES, "utf-8")
    return Studio(Config(home=home, time_scale=SPEED), cwd=home.parent)


def paid(emulator: Handle) -> list[Decimal]:
    return [amount for row in emulator.bill() if (amount := Decimal(row["amount"]))]


async def shoot(studio: Studio, shot: Shot) -> Clip | DramagenError:
    try:
        return await studio.shoot(shot)
    except DramagenError as error:
        return error


FAMILIES = {
    "wan text": TEXT.changed(camera=Camera("push_in"), negative_prompt="雾"),
    "wan first frame": TEXT.changed(first_frame=FRAME),
    "seedance 2.5 text": Shot(
        "雨夜", duration=4, resolution="480p", audio=True, seed=7, pin="replicate/seedance-2.5"
    ),
    "seedance 2.0 two frames": Shot(
        "她走近", duration=4, resolution="480p", first_frame=FRAME, last_frame=OTHER, pin="replicate/seedance-2.0"
    ),
    "seedance 2.0 references": Shot(
        "@林晚把伞递给@沈舟", duration=4, resolution="480p", references=[LIN, SHEN], pin="replicate/seedance-2.0"
    ),
    "kling 3.0 cuts": Shot(
        "雨夜", duration=4, cuts=[Cut("她推门", 2), Cut("他回头", 2)], audio=True, dialogue=[Line("他", "谁？")],
        pin="replicate/kling-3.0",
    ),
    "kling 3.0 pro two frames": Shot(
        "她走近", duration=3, resolution="1080p", first_frame=FRAME, last_frame=OTHER, pin="replicate/kling-3.0"
    ),
    "kling omni references": Shot(
        "@林晚看着@沈舟", duration=3, references=[LIN, SHEN], pin="replicate/kling-3.0-omni"
    ),
    "kling 4.0 references": Shot(
        "@林晚看着@沈舟", duration=3, references=[LIN, SHEN], pin="replicate/kling-4.0"
    ),
    "a large first frame goes up": Shot(
        "她回头", duration=3, first_frame=LARGE, pin="replicate/kling-4.0"
    ),
    "hailuo first frame": Shot(
        "她回头", duration=6, resolution="768p", first_frame=FRAME, camera=Camera("push_in"),
        pin="replicate/hailuo-2.3",
    ),
    "vidu text": Shot("雨夜", duration=1, audio=True, pin="replicate/viduq3-pro"),
    "vidu two frames": Shot(
        "她走近", duration=1, resolution="540p", first_frame=FRAME, last_frame=OTHER, pin="replicate/viduq3-turbo"
    ),
}  # fmt: skip


async def test_every_family_is_filmed_once_and_the_bill_is_the_ledger(
    emulator: Handle, tmp_path: Path
) -> None:
    problems: dict[str, object] = {}
    async with studio_in(tmp_path / "h") as studio:
        for name, shot in FAMILIES.items():
            clip = await shoot(studio, shot)
            if not isinstance(clip, Clip):
                problems[name] = clip
                continue
            assert clip.media.duration == pytest.approx(shot.duration, abs=0.05), name
            assert shot.audio is not True or clip.media.has_audio, name
            assert clip.media.width / clip.media.height == pytest.approx(9 / 16, rel=0.03), name
            assert clip.cost_source == "computed", name
        ledger = studio.ledger()
    assert not problems, "\n".join(f"{name}: {why}" for name, why in problems.items())
    assert len(emulator.bill()) == len(FAMILIES)
    assert [money.amount for money in ledger.spent] == [sum(paid(emulator))]
    assert not ledger.reserved
    assert not ledger.unknown


@pytest.mark.parametrize("prompt", ["[[moderate-input]]", "[[moderate-output]]"])
async def test_what_is_moderated_is_no_clip(emulator: Handle, tmp_path: Path, prompt: str) -> None:
    async with studio_in(tmp_path / "h") as studio:
        error = await shoot(studio, TEXT.changed(prompt=prompt))
        assert isinstance(error, ContentRejected), error
        assert not any(studio.ledger().reserved)


@pytest.mark.parametrize(
    "settings",
    [
        {"list_input": "absent"},
        {"output": "list"},
        {"unknown_status": "paused"},
        {"concurrency": 1},
        {"web_url": False},
    ],
    ids=str,
)
async def test_whichever_way_the_vendor_behaves(
    emulator: Handle, tmp_path: Path, settings: dict[str, Any]
) -> None:
    emulator.settings(replicate=settings)
    async with studio_in(tmp_path / "h") as studio:
        for prompt in ("雨夜", "雪夜"):
            assert isinstance(await shoot(studio, TEXT.changed(prompt=prompt)), Clip)
        assert [money.amount for money in studio.ledger().spent] == [sum(paid(emulator))]
    assert len(paid(emulator)) == 2
