"""The technical checks, on clips drawn here: what they refuse, what they warn of, what they let pass."""

import io
import math
import random
from array import array
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from dramagen.media.checks import ANIME, HARDLY_MOVES, LIVE, Asked, Examination, Profile, examine
from dramagen.media.checks_likeness import correlation, ssim
from dramagen.media.checks_picture import Pictures
from dramagen.media.checks_text import Writing
from dramagen.media.encode import written

SIZE = (90, 160)
FPS = 24
Draw = Callable[[int], Image.Image]
Make = Callable[..., Path]


@lru_cache
def scene(seed: int) -> Image.Image:
    """A still picture with structure, another one for each seed."""
    chance = random.Random(seed)
    image = Image.new("RGB", SIZE, tuple(chance.randrange(40, 200) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y, r = chance.randrange(SIZE[0]), chance.randrange(SIZE[1]), chance.randrange(6, 38)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chance.randrange(256) for _ in range(3)))
    return image


def moving(seed: int = 1, step: int = 2) -> Draw:
    """The scene with a ball crossing it."""
    still = scene(seed)

    def draw(at: int) -> Image.Image:
        image = still.copy()
        x = (at * step) % SIZE[0]
        ImageDraw.Draw(image).ellipse((x - 15, 60, x + 15, 90), fill=(250, 240, 60))
        return image

    return draw


def tone(seconds: float, level: float = 0.2) -> bytes:
    samples = array("h")
    for at in range(480):  # a hundred periods a second fit it exactly
        value = round(32_767 * level * math.sin(at * 2 * math.pi / 120))
        samples.extend((value, value))
    return samples.tobytes() * round(seconds * 100)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Films ``frames`` pictures, with sound or without."""
    import av

    def make(draw: Draw, frames: int = 48, sound: bytes | None = None, size: tuple[int, int] = SIZE) -> Path:
        path = tmp_path / "clip.mp4"
        with written(
            path, width=size[0], height=size[1], fps=Fraction(FPS), audio=sound is not None, crf=20
        ) as film:
            for at in range(frames):
                picture = draw(at).resize(size)
                film.picture(av.VideoFrame.from_image(picture).reformat(format="yuv420p"))  # type: ignore[no-untyped-call]  # PyAV
            if sound is not None:
                film.sound(sound)
        return path

    return make


def found(seen: Examination) -> set[tuple[str, str]]:
    return {(mark.verdict, mark.check) for mark in seen.marks}


ORDERED = Asked(duration=2.0, aspect_ratio="9:16", short_side=90)


def test_a_good_clip_passes_without_a_word(make: Make) -> None:
    seen = examine(make(moving(), sound=tone(2.0)), Asked(2.0, False, "9:16", 90, True, moves=True))
    assert seen.marks == ()
    assert seen.signs["motion"] > HARDLY_MOVES
    assert seen.signs["cuts"] == 0
    assert -25 < seen.signs["loudness_dbfs"] < -12


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Asked(duration=5.0), "2.00 s, 5 s ordered"),
        (Asked(duration=1.5), "2.00 s, 1.5 s ordered"),
        (Asked(aspect_ratio="16:9"), "off 16:9"),
        (Asked(short_side=720), "90 px, 720 px ordered"),
        (Asked(audio=True), "sound was ordered, the file has none"),
    ],
)
def test_what_was_not_ordered_is_refused(make: Make, asked: Asked, message: str) -> None:
    seen = examine(make(moving()), asked)
    assert [message in mark.message for mark in seen.rejects] == [True]


def test_a_vendors_closing_frame_and_a_longer_clip_where_that_is_fine_are_not(make: Make) -> None:
    assert examine(make(moving(), 50), ORDERED).rejects == ()
    longer = examine(make(moving(), 72), Asked(duration=2.0, longer_ok=True))
    assert found(longer) == {("warn", "spec")}


def test_a_file_that_does_not_decode_is_refused(make: Make) -> None:
    path = make(moving())
    path.write_bytes(path.read_bytes()[:3000])
    seen = examine(path, ORDERED)
    assert [mark.check for mark in seen.rejects] == ["decode"]
    assert str(path.parent) not in seen.rejects[0].message


def test_a_frozen_clip_is_a_warning_and_never_a_refusal(make: Make) -> None:
    still = scene(3)
    seen = examine(make(lambda at: still), Asked(2.0, moves=True))
    assert seen.rejects == ()
    assert found(seen) == {("warn", "freeze"), ("warn", "duplicates"), ("warn", "motion")}


@pytest.mark.parametrize(("profile", "told"), [(LIVE, {"freeze"}), (ANIME, set())])
def test_a_drawing_may_be_held_longer_than_a_camera_holds_still(
    make: Make, profile: Profile, told: set[str]
) -> None:
    draw = moving()
    seen = examine(make(lambda at: draw(min(at, 20) if at < 37 else at)), ORDERED, profile)
    assert {mark.check for mark in seen.warnings} - {"duplicates"} == told
    assert seen.signs["still_seconds"] == pytest.approx(17 / 24, abs=0.1)


@pytest.mark.parametrize(("profile", "told"), [(LIVE, {"duplicates"}), (ANIME, set())])
def test_animation_on_twos_is_ordinary_for_a_drawn_film_only(
    make: Make, profile: Profile, told: set[str]
) -> None:
    draw = moving(step=4)
    seen = examine(make(lambda at: draw(at // 2 * 2)), ORDERED, profile)
    assert {mark.check for mark in seen.marks} == told
    assert seen.signs["duplicates"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("frames", "verdict"), [(30, "reject"), (12, "reject"), (6, "warn")])
def test_long_black_is_refused_and_short_black_told(make: Make, frames: int, verdict: str) -> None:
    black, draw = Image.new("RGB", SIZE), moving()
    seen = examine(make(lambda at: black if at < frames else draw(at)), Asked(2.0, single_take=False))
    assert (verdict, "black") in found(seen)
    assert not {mark.check for mark in seen.marks} & {"freeze"}
    assert seen.signs["black_seconds"] == pytest.approx(frames / 24)


def test_a_dark_night_is_not_black(make: Make) -> None:
    draw = moving()
    assert examine(make(lambda at: draw(at).point(lambda v: v // 4)), ORDERED).marks == ()


def test_a_cut_is_refused_where_one_take_was_ordered(make: Make) -> None:
    one, other = moving(1), moving(2)
    path = make(lambda at: one(at) if at < 20 else other(at))
    seen = examine(path, ORDERED)
    assert found(seen) == {("reject", "cut")}
    assert seen.rejects[0].at == pytest.approx(20 / 24)
    assert examine(path, Asked(single_take=False)).marks == ()


def test_a_fast_pan_and_a_slow_fade_are_no_cuts(make: Make) -> None:
    wide = Image.new("RGB", (SIZE[0] * 6, SIZE[1]))
    for n in range(6):
        wide.paste(scene(20 + n), (SIZE[0] * n, 0))
    pan = make(lambda at: wide.crop((at * 9, 0, at * 9 + SIZE[0], SIZE[1])))
    assert examine(pan, ORDERED).rejects == ()
    fade = make(lambda at: Image.blend(scene(1), scene(2), min(1.0, at / 40)))
    assert examine(fade, ORDERED).rejects == ()


def test_lightning_is_a_flash_and_no_cut(make: Make) -> None:
    draw = moving()
    seen = examine(
        make(lambda at: draw(at).point(lambda v: 255 - (255 - v) // 4) if at == 20 else draw(at)), ORDERED
    )
    assert found(seen) == {("warn", "flash")}
    assert seen.warnings[0].at == pytest.approx(20 / 24)


def test_a_strobe_is_told(make: Make) -> None:
    draw = moving()
    seen = examine(make(lambda at: draw(at).point(lambda v: v if at // 2 % 2 else v // 2)), ORDERED)
    assert any("three flashes" in mark.message for mark in seen.warnings)


@pytest.mark.parametrize(
    ("sound", "audio", "expected"),
    [
        (bytes(4 * 96_000), True, {("reject", "sound")}),
        (bytes(4 * 96_000), None, {("warn", "sound")}),
        (tone(2.0, 0.006), True, {("warn", "sound")}),
        (tone(0.2) + bytes(4 * 86_400), True, {("warn", "sound")}),
        (tone(2.0), False, {("warn", "sound")}),
        (tone(2.0), None, set()),
    ],
    ids=["silent though ordered", "silent", "quiet", "mostly silent", "not wanted", "fine"],
)
def test_sound_is_judged_by_what_is_heard(
    make: Make, sound: bytes, audio: bool | None, expected: set[tuple[str, str]]
) -> None:
    assert found(examine(make(moving(), sound=sound), Asked(audio=audio))) == expected


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_first_frame_is_compared_with_the_picture_given(make: Make) -> None:
    draw = moving()
    path = make(draw)
    same = examine(path, Asked(first_frame=png(draw(0).resize((720, 1280)))))
    assert same.marks == ()
    assert same.signs["likeness"] > 0.85
    wide = Image.new("RGB", (1280, 1280))
    wide.paste(draw(0).resize((720, 1280)), (280, 0))
    assert examine(path, Asked(first_frame=png(wide))).marks == ()  # cropped, as before it is sent
    other = examine(path, Asked(first_frame=png(scene(9))))
    assert found(other) == {("warn", "first_frame")}
    recropped = draw(0).crop((20, 40, 76, 140))
    assert found(examine(path, Asked(first_frame=png(recropped)))) == {("warn", "first_frame")}


def test_a_picture_is_like_itself() -> None:
    grey = scene(4).convert("L")
    assert ssim(grey, grey) == pytest.approx(1.0)
    other = scene(5).convert("L")
    assert ssim(grey, other) < 0.8
    assert correlation(grey, grey) == pytest.approx(1.0)
    assert correlation(grey, other) < 0.4
    assert correlation(grey, Image.new("L", grey.size, 90)) == 0


@pytest.mark.parametrize(("text_ok", "verdict"), [(True, "warn"), (False, "reject")])
def test_writing_at_one_place_on_most_frames_is_burned_in(make: Make, text_ok: bool, verdict: str) -> None:
    def read(picture: Image.Image) -> list[Writing]:
        assert max(picture.size) <= 960
        return [Writing("看不清", 0.3, 0.5, 0.2), Writing("你终于来了", 0.97, 0.5, 0.9)]

    seen = examine(make(moving()), Asked(text_ok=text_ok), reader=read)
    assert found(seen) == {(verdict, "text")}
    assert "你终于来了" in seen.marks[0].message


def test_a_sign_the_camera_passes_is_not_burned_in(make: Make) -> None:
    looks = iter((0.2, 0.5, 0.8, None))

    def read(picture: Image.Image) -> list[Writing]:
        x = next(looks)
        return [] if x is None else [Writing("钟表铺", 0.95, x, 0.3)]

    assert examine(make(moving()), Asked(text_ok=False), reader=read).marks == ()


def test_flashes_and_turns_are_found_in_the_levels_alone() -> None:
    calm = Pictures(24, (), (), tuple(100 + 0.5 * n for n in range(48)), (), (), ())
    assert (calm.flashes, calm.strobe) == ((), None)
    switched_on = Pictures(24, (), (), (50.0,) * 24 + (150.0,) * 24, (), (), ())
    assert (switched_on.flashes, switched_on.strobe) == ((), None)
    slow = Pictures(24, (), (), tuple(100 + 60 * (n // 12 % 2) for n in range(96)), (), (), ())
    assert slow.strobe is None
    fast = Pictures(24, (), (), tuple(100 + 60 * (n // 3 % 2) for n in range(48)), (), (), ())
    assert fast.strobe == pytest.approx(3 / 24)


def test_marks_are_records(make: Make) -> None:
    seen = examine(make(lambda at: scene(1 if at < 24 else 2)), ORDERED)
    record: dict[str, Any] = seen.to_json()
    assert type(seen.marks[0]).parse(record["marks"][0]) == seen.marks[0]
