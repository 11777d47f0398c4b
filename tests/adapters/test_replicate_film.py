"""Replicate end to end: a studio, real sockets, emulated predictions, and their bill."""

import random
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image as Picture

from dramagen import Camera, Clip, Cut, Line, Shot
from dramagen.adapters.replicate_files import SMALL
from dramagen.errors import ContentRejected

if TYPE_CHECKING:
    from tests.adapters.conftest import Cast, Stage

pytestmark = [pytest.mark.anyio, pytest.mark.matrix]

PRICES = """
[providers.replicate.models]
"kling-4.0".price = [{ per = "second", amount = "0.10", currency = "USD" }]
"hailuo-2.3".price = [{ per = "second", amount = "0.10", currency = "USD" }]
"seedance-2.0".price = [{ per = "second", amount = "0.10", currency = "USD" }]
"viduq3-turbo".price = [{ per = "second", amount = "0.10", currency = "USD" }]
"""
"""Of models whose price is not known: what the emulator takes for them."""


def noise(width: int, height: int) -> bytes:
    """A picture too large to travel inside a request."""
    kept = BytesIO()
    drawn = random.Random(1)
    Picture.frombytes("RGB", (width // 2, height // 2), drawn.randbytes(width * height * 3 // 4)).save(
        kept, "png"
    )
    assert len(kept.getvalue()) > SMALL
    return kept.getvalue()


LARGE = noise(1080, 1920)
TEXT = Shot("雨夜", duration=2, resolution="480p", pin="replicate/wan-3.0")


def families(cast: "Cast") -> dict[str, Shot]:
    frame, other, lin, shen = cast
    return {
        "wan text": TEXT.changed(camera=Camera("push_in"), negative_prompt="雾"),
        "wan first frame": TEXT.changed(first_frame=frame),
        "seedance 2.5 text": Shot(
            "雨夜", duration=4, resolution="480p", audio=True, seed=7, pin="replicate/seedance-2.5"
        ),
        "seedance 2.0 two frames": Shot(
            "她走近", duration=4, resolution="480p", first_frame=frame, last_frame=other, pin="replicate/seedance-2.0"
        ),
        "seedance 2.0 references": Shot(
            "@林晚把伞递给@沈舟", duration=4, resolution="480p", references=[lin, shen], pin="replicate/seedance-2.0"
        ),
        "kling 3.0 cuts": Shot(
            "雨夜", duration=4, cuts=[Cut("她推门", 2), Cut("他回头", 2)], audio=True, dialogue=[Line("他", "谁？")],
            pin="replicate/kling-3.0",
        ),
        "kling 3.0 pro two frames": Shot(
            "她走近", duration=3, resolution="1080p", first_frame=frame, last_frame=other, pin="replicate/kling-3.0"
        ),
        "kling omni references": Shot(
            "@林晚看着@沈舟", duration=3, references=[lin, shen], pin="replicate/kling-3.0-omni"
        ),
        "kling 4.0 references": Shot(
            "@林晚看着@沈舟", duration=3, references=[lin, shen], pin="replicate/kling-4.0"
        ),
        "a large first frame goes up": Shot(
            "她回头", duration=3, first_frame=LARGE, pin="replicate/kling-4.0"
        ),
        "hailuo first frame": Shot(
            "她回头", duration=6, resolution="768p", first_frame=frame, camera=Camera("push_in"),
            pin="replicate/hailuo-2.3",
        ),
        "vidu text": Shot("雨夜", duration=1, audio=True, pin="replicate/viduq3-pro"),
        "vidu two frames": Shot(
            "她走近", duration=1, resolution="540p", first_frame=frame, last_frame=other, pin="replicate/viduq3-turbo"
        ),
    }  # fmt: skip


async def test_every_family_is_filmed_once_and_the_bill_is_the_ledger(stage: "Stage", cast: "Cast") -> None:
    clips = await stage.film_each(families(cast), PRICES)
    assert {clip.cost_source for clip in clips.values()} == {"computed"}


@pytest.mark.parametrize("prompt", ["[[moderate-input]]", "[[moderate-output]]"])
async def test_what_is_moderated_is_no_clip(stage: "Stage", prompt: str) -> None:
    async with stage.studio(PRICES) as studio:
        error = await stage.shoot(studio, TEXT.changed(prompt=prompt))
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
async def test_whichever_way_the_vendor_behaves(stage: "Stage", settings: dict[str, Any]) -> None:
    stage.emulator.settings(replicate=settings)
    async with stage.studio(PRICES) as studio:
        for prompt in ("雨夜", "雪夜"):
            assert isinstance(await stage.shoot(studio, TEXT.changed(prompt=prompt)), Clip)
        assert [money.amount for money in studio.ledger().spent] == [sum(stage.paid())]
    assert len(stage.paid()) == 2
