"""Hailuo from a shot to a clip, over real sockets: every family of models, against the vendor's bill."""

import io
import itertools
import os
import wave
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import Image as Picture

from dramagen import Camera, Clip, Config, Cut, Image, Line, Reference, Shot, Studio
from dramagen.emulator import Handle, running
from dramagen.errors import ContentRejected, DramagenError, JobFailed, NoRoute, OutcomeUnknown
from dramagen.medium import Voice

# A normal run films these vendors in the episode's and the lost creates' samples.
pytestmark = [pytest.mark.anyio, pytest.mark.matrix(few=0)]

Sample = Callable[[Iterable[Any], int], list[Any]]
ON_ONE = pytest.mark.parametrize("anyio_backend", ["asyncio"])
"""For what is slow because of its pictures, not of its waiting."""

SPEED = 600.0


def png(width: int, height: int, colour: str = "navy") -> bytes:
    """A picture that can be read."""
    file = io.BytesIO()
    Picture.new("RGB", (width, height), colour).save(file, "png")
    return file.getvalue()


def wav(seconds: int) -> bytes:
    """Silence that can be measured."""
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setparams((1, 2, 16_000, 0, "NONE", ""))
        target.writeframes(bytes(2 * 16_000 * seconds))
    return file.getvalue()


UPRIGHT = Image.from_bytes(png(540, 960))
LAST = Image.from_bytes(png(540, 960, "maroon"))
WIDE = Image.from_bytes(png(960, 540))
LIN = Reference("林夏", [UPRIGHT], voice=Voice.from_bytes(wav(5)))

H3 = Shot("雨夜，女主回头", duration=5, pin="hailuo:cn/minimax-h3")
V1 = Shot("雨夜，女主回头", duration=6, aspect_ratio="16:9", pin="hailuo:cn/hailuo-2.3")
SMALL = H3.changed(pin="hailuo:cn/minimax-h3-max", resolution="480p")
"""What is quickest to draw and to cut."""
LOW = V1.changed(pin="hailuo:cn/hailuo-02", first_frame=WIDE, resolution="512p")


@pytest.fixture(scope="module")
def _emulator(kept: dict[str, Any]) -> Iterator[Handle]:
    with running(speed=SPEED, settings=kept) as handle:
        yield handle


@pytest.fixture
def emulator(_emulator: Handle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Handle:
    for name in list(os.environ):
        if name.startswith("DRAMAGEN_") or name.endswith("_API_KEY") or "proxy" in name.lower():
            monkeypatch.delenv(name)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    _emulator.reset()
    monkeypatch.setenv("DRAMAGEN_EMULATOR", _emulator.url)
    return _emulator


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(home=tmp_path / "home", time_scale=SPEED)


def paid(emulator: Handle) -> list[Decimal]:
    amounts = [Decimal(row["amount"]) for row in emulator.bill()]
    return [amount for amount in amounts if amount]


async def shoot(studio: Studio, shot: Shot) -> Clip | DramagenError:
    try:
        return await studio.shoot(shot)
    except DramagenError as error:
        return error


FILMED: dict[str, tuple[Shot, str, tuple[int, int], float]] = {
    "H3, text": (H3, "2.5", (768, 1344), 5),
    "H3, words": (
        H3.changed(
            camera=Camera("orbit_left", "slow"),
            cuts=(Cut("推门", 2), Cut("回头", 3)),
            dialogue=(Line("她", "你终于来了。"),),
        ),
        "2.5",
        (768, 1344),
        5,
    ),
    "H3, a length of the grid's other side": (H3.changed(duration=6), "3.5", (768, 1344), 6),
    "H3, 2K": (H3.changed(resolution="2k"), "4", (1440, 2560), 5),
    "H3, first frame": (H3.changed(first_frame=UPRIGHT), "2.5", (768, 1344), 5),
    "H3, first and last frame": (H3.changed(first_frame=UPRIGHT, last_frame=LAST), "2.5", (768, 1344), 5),
    "H3, references": (
        H3.changed(prompt="@林夏 走进雨夜", references=(LIN, Reference("伞", [UPRIGHT] * 5, kind="prop"))),
        "2.7",
        (768, 1344),
        5,
    ),
    "H3 Max": (H3.changed(pin="hailuo:cn/minimax-h3-max", resolution="480p"), "1.65", (480, 832), 5),
    "2.3": (V1, "2", (1366, 768), 6),
    "2.3, a command": (V1.changed(camera="push_in", duration=8), "4", (1366, 768), 8),
    "2.3 Fast": (
        V1.changed(pin="hailuo:cn/hailuo-2.3-fast", first_frame=WIDE, resolution="1080p"),
        "2.31",
        (1920, 1080),
        6,
    ),
    "02, low": (
        V1.changed(pin="hailuo:cn/hailuo-02", aspect_ratio="9:16", first_frame=UPRIGHT, resolution="512p"),
        "0.6",
        (512, 910),
        6,
    ),
    "02, first and last frame": (
        V1.changed(pin="hailuo:cn/hailuo-02", aspect_ratio="9:16", first_frame=UPRIGHT, last_frame=LAST),
        "2",
        (768, 1366),
        6,
    ),
}


@ON_ONE
@pytest.mark.parametrize("name", FILMED)
async def test_every_family_films(emulator: Handle, config: Config, name: str) -> None:
    shot, amount, size, seconds = FILMED[name]
    async with Studio(config) as studio:
        clip = await studio.shoot(shot)
        again = await studio.shoot(shot)
        ledger = studio.ledger()
    assert (clip.media.width, clip.media.height) == size
    assert abs(clip.media.duration - seconds) < 0.06
    assert clip.media.has_audio is shot.pin.startswith("hailuo:cn/minimax")  # type: ignore[union-attr]  # it is pinned
    assert again.cached
    assert paid(emulator) == [Decimal(amount)] == [clip.cost.amount]
    assert [money.amount for money in ledger.spent] == [Decimal(amount)]
    assert not ledger.reserved
    assert not ledger.unknown


@ON_ONE
@pytest.mark.parametrize("model", ["hailuo-01", "hailuo-01-director", "hailuo-01-live", "minimax-h3-lite"])
async def test_an_unpriced_model_films_at_a_stated_price(
    emulator: Handle, config: Config, model: str
) -> None:
    row = f'[[providers.hailuo.models."{model}".price]]\nper = "clip"\namount = "3"\ncurrency = "CNY"\n'
    await anyio.Path("dramagen.toml").write_text(row, "utf-8")
    shot = V1.changed(pin=f"hailuo:cn/{model}", duration=5)
    if model == "hailuo-01-live":
        shot = shot.changed(first_frame=WIDE)
    async with Studio(config) as studio:
        clip = await studio.shoot(shot)
        assert clip.cost.amount == 3
        if model == "hailuo-01":
            face = Reference("林夏", [UPRIGHT])
            assert (await studio.shoot(shot.changed(prompt="@林夏 走来", references=(face,)))).path.is_file()
    assert len(emulator.bill()) == (2 if model == "hailuo-01" else 1)


async def test_abroad_is_another_place_and_another_price(emulator: Handle, config: Config) -> None:
    async with Studio(config) as studio:
        clip = await studio.shoot(H3.changed(pin="hailuo:intl/minimax-h3"))
    assert str(clip.cost) == "0.40 USD"
    assert [(row["region"], row["currency"]) for row in emulator.bill()] == [("intl", "USD")]


async def test_what_a_generation_cannot_do_is_refused_before_anything_is_sent(
    emulator: Handle, config: Config
) -> None:
    async with Studio(config) as studio:
        for shot in (
            V1.changed(audio=True),
            V1.changed(duration=8, resolution="1080p"),
            V1.changed(aspect_ratio="9:16"),
            V1.changed(camera="roll"),
            V1.changed(cuts=(Cut("a", 3), Cut("b", 3))),
            V1.changed(pin="hailuo:cn/hailuo-2.3-fast"),
            V1.changed(first_frame=WIDE, last_frame=WIDE),
            H3.changed(audio=False),
            H3.changed(first_frame=UPRIGHT, references=(LIN,)),
            H3.changed(resolution="4k"),
            H3.changed(pin="hailuo:cn/minimax-h3-highspeed"),
        ):
            with pytest.raises(NoRoute):
                await studio.shoot(shot)
    assert emulator.requests() == []


@pytest.mark.parametrize(
    ("shot", "marker", "error", "spent"),
    [
        (H3, "[[moderate-input]]", ContentRejected, None),
        (H3, "[[moderate-output]]", ContentRejected, None),
        (H3, "[[fail]]", JobFailed, None),
        (V1, "[[moderate-input]]", ContentRejected, None),
        # What a failed job of the first generation costs is not said, and not shown as nothing.
        (V1, "[[moderate-output]]", ContentRejected, Decimal(2)),
    ],
)
async def test_failures_are_typed(
    emulator: Handle,
    config: Config,
    shot: Shot,
    marker: str,
    error: type[DramagenError],
    spent: Decimal | None,
) -> None:
    async with Studio(config) as studio:
        with pytest.raises(error):
            await studio.shoot(shot.changed(prompt=f"雨夜 {marker}"))
        ledger = studio.ledger()
    assert paid(emulator) == []
    assert [money.amount for money in ledger.spent if money] == ([] if spent is None else [spent])
    assert not ledger.reserved


SWITCHES: dict[str, dict[str, Any]] = {
    "rounded up": {"grid_rounding": "up"},
    "exact": {"grid_rounding": "exact"},
    "an unknown word": {"running_word": "rendering"},
    "adaptive": {"adaptive_shown": "adaptive"},
    "oldest first": {"list_order": "oldest"},
    "statuses": {"v1_status": "own", "v1_refused_id": "absent", "fail_word": "Failed"},
    "short links": {"link_seconds": 900},
}


@ON_ONE
@pytest.mark.parametrize("switch", SWITCHES)
async def test_a_clip_arrives_whatever_the_pages_leave_open(
    emulator: Handle, config: Config, switch: str
) -> None:
    emulator.settings(hailuo=SWITCHES[switch])
    async with Studio(config) as studio:
        for number, shot in enumerate((SMALL.changed(duration=7), SMALL.changed(first_frame=UPRIGHT), LOW)):
            clip = await studio.shoot(shot)
            assert clip.media.duration >= shot.duration - 0.06
            assert len(emulator.bill()) == number + 1


async def test_of_two_alike_neither_is_taken_for_the_other(emulator: Handle, config: Config) -> None:
    """Two equal shots at the same time, one answer lost: looked for too late, the list cannot tell whose is whose."""
    emulator.faults(provider="hailuo", on="create", kind="drop", after_accept=True)
    async with Studio(config) as studio:
        told = [event async for event in studio.shoot_all([SMALL, SMALL.changed(prompt="晴天")])]
    clips = [event.clip for event in told if event.clip is not None]
    errors = [event.error for event in told if event.error is not None]
    assert len(paid(emulator)) == 2
    assert clips
    assert len({clip.original.sha256 for clip in clips}) == len(clips), "no two shots have one job"
    assert {type(error) for error in errors} <= {OutcomeUnknown}


TROUBLE: list[dict[str, Any]] = [
    {"on": "poll", "kind": "status", "status": 500, "times": 3},
    {"on": "poll", "kind": "status", "status": 429, "times": 2},
    {"on": "poll", "kind": "drop", "times": 3},
    {"on": "poll", "kind": "malformed", "times": 3},
    {"on": "content", "kind": "drop", "times": 2},
    {"on": "content", "kind": "status", "status": 503, "times": 2},
]


async def test_trouble_after_the_create_is_no_verdict(
    emulator: Handle, tmp_path: Path, sample: Sample
) -> None:
    for number, (shot, fault) in enumerate(sample(itertools.product((SMALL, LOW), TROUBLE), 2)):
        emulator.reset()
        emulator.faults(provider="hailuo", **fault)
        async with Studio(Config(home=tmp_path / str(number), time_scale=SPEED)) as studio:
            clip = await studio.shoot(shot)
            spent = [money.amount for money in studio.ledger().spent]
        assert spent == paid(emulator) == [clip.cost.amount], fault
        assert len(emulator.bill()) == 1, fault
