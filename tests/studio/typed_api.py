"""The public names as users write them, for the type checker alone: nothing here runs."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import assert_type

import dramagen
from dramagen import (
    Budget,
    Camera,
    Clip,
    Config,
    Cut,
    Episode,
    Image,
    Line,
    Money,
    Reference,
    Shot,
    Studio,
    errors,
)


async def films(shot: Shot, shots: list[Shot]) -> None:
    async with Studio() as studio:
        clip = await studio.shoot(Shot(prompt="雨夜,女主回头", duration=5, aspect_ratio="9:16"))
        assert_type(clip, Clip)
        clip = await studio.shoot(shot, take=2)
        clip = await studio.shoot(shot.pinned("kling"))
        clip = await studio.shoot(
            shot, fresh=True, episode="rain", budget=Budget(limit=Money("80 CNY"), per="shot")
        )
        takes = await studio.takes(shot, 4)
        for take in takes:
            assert_type(take, Clip)
        assert_type(takes.failures, tuple[tuple[int, errors.DramagenError], ...])
        plan = studio.plan([shot, shot], budget=Money("80 CNY"))
        print(plan, plan.most <= Money(Decimal("80"), "CNY"), plan.shots[0].choice)
        studio.plan(shot, takes=[2])
        await studio.prepare(shots)
        async for event in studio.shoot_all(shots, take=1, episode="rain"):
            assert_type(event.shot, Shot)
            assert_type(event.clip, Clip | None)
            assert_type(event.error, errors.DramagenError | None)
        studio.accept(clip)
        studio.reject(clip, "face drifts")
        for result in await studio.resume():
            print(result.clip or result.error)
        for job in studio.jobs():
            print(job.id, studio.timeline(job.id), studio.settle(job.id, paid=True))
        print(studio.ledger("rain").spent, studio.job("1"), studio.access, studio.catalog, studio.settings)


async def one_liners(shot: Shot) -> None:
    assert_type(await dramagen.shoot(shot), Clip)
    assert_type(dramagen.shoot_sync(shot), Clip)


def everything_a_shot_has(folder: Path) -> Shot:
    return Shot(
        prompt="@林夏 走进雨里",
        negative_prompt="字幕",
        duration=5.0,
        aspect_ratio="9:16",
        resolution="720p",
        first_frame=folder / "first.png",
        last_frame=Image.from_url("https://pictures.example/last.png"),
        references=[
            Reference("林夏", images=(Image.from_path("a.png"), b"..."), voice="a.wav", kind="character")
        ],
        camera=Camera("push_in", speed="slow"),
        cuts=(Cut("远景", 2), Cut(prompt="特写", duration=3)),
        dialogue=[Line("林夏", "你来了。", voice="v1", language="zh")],
        audio=True,
        seed=7,
        pin="kling:intl/kling-3.0",
        options={"kling": {"watermark": False}},
        tags={"night"},
        id="s01",
        strict={"seed"},
    )


def everything_a_config_has(home: Path) -> Config:
    return Config(
        home=home,
        keys={"seedance": "key", "kling": {"access_key": "a", "secret_key": "s"}},
        regions={"kling": "intl"},
        base_urls={"kling": "https://gateway.example"},
        currency="CNY",
        limits={"kling": 3},
        budgets=(Budget(Money("80 CNY")), Budget("10 USD", per="day")),
        policy="cheapest",
        allow_private=("10.0.0.0/8",),
        on_unknown="hold",
        time_scale=1,
    )


def what_a_clip_has(clip: Clip) -> Sequence[object]:
    assert_type(clip.last_frame(), Image)
    assert_type(clip.save("out/"), Path)
    assert_type(clip.cost, Money)
    media = clip.media
    return [
        clip.path, clip.sha256, clip.original.path, clip.original.sha256, media.duration, media.width, media.height,
        media.fps, media.has_audio, media.codec, clip.model, clip.provider, clip.region, clip.route, clip.take,
        clip.seed, clip.job_id, clip.cached, clip.adjustments, clip.warnings, clip.shot.changed(duration=6),
    ]  # fmt: skip


def what_went_wrong(error: errors.DramagenError) -> object:
    if isinstance(error, errors.ContentRejected):
        return error.stage, error.field
    if isinstance(error, errors.OutcomeUnknown):
        return error.at_risk
    if isinstance(error, errors.DefectiveClip):
        return error.path
    known = (error.provider, error.model, error.code, error.vendor_message, error.request_id)
    return known, error.retryable, error.billed, error.attempts


def an_episode(episode: Episode) -> Episode:
    return episode
