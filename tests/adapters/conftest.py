"""Films end to end: a studio, real sockets, the emulated vendors, and their bill."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image as Picture

from dramagen import Clip, Config, Reference, Shot, Studio
from dramagen.emulator import Handle, running
from dramagen.errors import DramagenError

SPEED = 600.0

Sample = Callable[[Iterable[Any], int], list[Any]]


class Cast(NamedTuple):
    """What is seen in the films: two upright pictures, and two characters."""

    frame: bytes
    other: bytes
    lin: Reference
    shen: Reference


@dataclass(frozen=True)
class Stage:
    """A place to film in, and the vendors' bill."""

    emulator: Handle
    home: Path
    sample: Sample

    def studio(self, prices: str = "") -> Studio:
        """A studio that was told these prices."""
        (self.home.parent / "dramagen.toml").write_text(prices, "utf-8")
        return Studio(Config(home=self.home, time_scale=SPEED), cwd=self.home.parent)

    def paid(self) -> list[Decimal]:
        return [amount for row in self.emulator.bill() if (amount := Decimal(row["amount"]))]

    async def film_each(self, shots: Mapping[str, Shot], prices: str = "") -> dict[str, Clip]:
        """Film every shot (five in a normal run), and hold clips, ledger and bill against what was asked."""
        shots = {name: shots[name] for name in self.sample(shots, 5)}
        clips: dict[str, Clip] = {}
        problems: dict[str, DramagenError] = {}
        async with self.studio(prices) as studio:
            for name, shot in shots.items():
                took = await self.shoot(studio, shot)
                if isinstance(took, Clip):
                    clips[name] = took
                else:
                    problems[name] = took
            ledger = studio.ledger()
        assert not problems, "\n".join(f"{name}: {why}" for name, why in problems.items())
        for name, clip in clips.items():
            asked = shots[name]
            wide, high = map(int, asked.aspect_ratio.split(":"))
            assert clip.media.duration == pytest.approx(asked.duration, abs=0.05), name
            assert asked.audio is not True or clip.media.has_audio, name
            assert clip.media.width / clip.media.height == pytest.approx(wide / high, rel=0.03), name
        assert len(self.emulator.bill()) == len(shots)
        assert [money.amount for money in ledger.spent] == [sum(self.paid())]
        assert not ledger.reserved
        assert not ledger.unknown
        return clips

    async def shoot(self, studio: Studio, shot: Shot) -> Clip | DramagenError:
        """The clip, or why there is none."""
        try:
            return await studio.shoot(shot)
        except DramagenError as error:
            return error


def _picture(width: int, height: int, shade: int) -> bytes:
    kept = BytesIO()
    Picture.new("RGB", (width, height), (shade, shade, 90)).save(kept, "png")
    return kept.getvalue()


@pytest.fixture(scope="session")
def cast() -> Cast:
    frame, other = _picture(720, 1280, 40), _picture(720, 1280, 200)
    return Cast(frame, other, Reference("林晚", [frame, other]), Reference("沈舟", [_picture(512, 512, 120)]))


@pytest.fixture(scope="session")
def _emulator(kept: dict[str, Any]) -> Iterator[Handle]:
    with running(speed=SPEED, settings=kept) as handle:
        yield handle


@pytest.fixture
def stage(_emulator: Handle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sample: Sample) -> Stage:
    _emulator.reset()
    monkeypatch.setenv("DRAMAGEN_EMULATOR", _emulator.url)
    return Stage(_emulator, tmp_path / "h", sample)
