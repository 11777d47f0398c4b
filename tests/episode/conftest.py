"""A crew that films tiny clips at once, and keeps books like a studio does."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dramagen.catalog.order import Order, Price, Quote
from dramagen.catalog.route import Route
from dramagen.clip import Clip, Facts, Original
from dramagen.engine.ledger import Ledger
from dramagen.errors import DramagenError
from dramagen.identity import shot_hash
from dramagen.money import Money, Rates
from dramagen.routing.plan import Plan, ShotPlan
from dramagen.shot import Shot
from dramagen.store import MemoryIndex, Store

PRICE = Money("1.50 CNY")


@dataclass
class FakeCrew:
    """``failing`` maps a shot's id to the error it fails with; ``filmed`` has every (id, take) that was paid."""

    folder: Path
    failing: dict[str, DramagenError] = field(default_factory=dict)
    audible: frozenset[str] = frozenset()
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    filmed: list[tuple[str, int]] = field(default_factory=list)
    shots: dict[tuple[str, int], Shot] = field(default_factory=dict)
    clips: dict[tuple[str, int], Clip] = field(default_factory=dict)
    prepared: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store(self.folder / "home", MemoryIndex())

    async def prepare(self, shots: Sequence[Shot]) -> None:
        self.prepared += [shot.id for shot in shots]

    def plan(
        self,
        shots: Sequence[Shot],
        budget: Money | None = None,
        *,
        takes: Sequence[int] | None = None,
        **known: Any,
    ) -> Plan:
        planned = []
        for shot, take in zip(shots, takes or [1] * len(shots), strict=True):
            held = "fake:cn/one" if (shot_hash(shot), take) in self.clips else None
            planned.append(ShotPlan(shot, (_quote(shot),), (_quote(shot),), (), held))
        rates = Rates({"CNY": "7"}, date(2026, 11, 1))
        return Plan(tuple(planned), "CNY", rates, budget)

    async def shoot(
        self,
        shot: Shot,
        *,
        take: int = 1,
        fresh: bool = False,
        episode: str | None = None,
        policy: Any = None,
    ) -> Clip:
        key = (shot_hash(shot), take)
        if key in self.clips:
            return self.clips[key].model_copy(update={"cached": True})
        assert shot.id is not None
        self.shots[shot.id, take] = shot
        if shot.id in self.failing:
            raise self.failing[shot.id]
        self.filmed.append((shot.id, take))
        path = self.folder / f"{len(self.filmed)}.mp4"
        width, height = self.sizes.get(shot.id, (64, 96))
        tiny(path, len(self.filmed), width, height, audio=shot.id in self.audible)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.clips[key] = Clip(
            path=path,
            sha256=digest,
            original=Original(path=path, sha256=digest),
            media=Facts(
                duration=0.4,
                width=width,
                height=height,
                fps=25,
                has_audio=shot.id in self.audible,
                codec="h264",
            ),
            cost=PRICE,
            model="one",
            provider="fake",
            region="cn",
            route="fake:cn/one",
            take=take,
            job_id=f"{episode}-{shot.id}-{take}-{len(self.filmed)}",
            shot=shot,
        )
        return self.clips[key]

    def ledger(self, episode: str | None = None) -> Ledger:
        return Ledger(tuple(clip.cost for clip in self.clips.values()))

    def jobs(self, *, open_only: bool = False) -> list[Any]:
        return [] if open_only else [
            SimpleNamespace(
                id=clip.job_id, cost=clip.cost, shot_id=clip.shot.id, take=clip.take,
                episode=clip.job_id.split("-")[0],
            )
            for clip in self.clips.values()
        ]  # fmt: skip


def _quote(shot: Shot) -> Quote:
    route = Route(provider="fake", region="cn", model="one")
    order = Order(
        route=route,
        wire={},
        mode="text",
        prompt=shot.prompt,
        duration=Decimal(5),
        resolution="720p",
        audio=False,
    )
    return Quote(route=route, order=order, price=Price(expected=PRICE, most=PRICE), keyed=True)


def tiny(path: Path, shade: int, width: int, height: int, *, audio: bool = False) -> None:
    """Ten frames of one shade at 25 frames per second."""
    import av

    from dramagen.media.encode import written

    with written(path, width=width, height=height, fps=Fraction(25), audio=audio) as film:
        for _ in range(10):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane, value in zip(frame.planes, (40 + shade * 12 % 200, 128, 128), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            film.picture(frame)
        if audio:
            film.sound(bytes(4 * 19200))


@pytest.fixture
def crew(tmp_path: Path) -> FakeCrew:
    folder = tmp_path / "crew"
    folder.mkdir()
    return FakeCrew(folder)


EPISODE = """\
title = "雨夜"

[[shot]]
id = "s01"
prompt = "雨夜,街口"

[[shot]]
id = "s02"
prompt = "女主回头"
continues = "s01"

[[shot]]
id = "s03"
prompt = "她走开"
continues = "s02"

[[shot]]
id = "s04"
prompt = "空街"
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes an episode file, and the empty files it names."""

    def write(text: str = EPISODE, *files: str) -> Path:
        folder = tmp_path / "rain"
        folder.mkdir(exist_ok=True)
        for name in files:
            (folder / name).write_bytes(b"x")
        path = folder / "episode.toml"
        path.write_text(text, "utf-8")
        return path

    return write
