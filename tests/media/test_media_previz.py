import io
import json
import math
from array import array
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw

from dramagen.media.convert import video_frame
from dramagen.media.encode import written
from dramagen.media.frames import extract_frame
from dramagen.media.previz import Scene, lines_of, parts_of, render
from dramagen.media.probe import probe
from dramagen.media.sound import read_sound
from dramagen.media.tones import PITCHES, pitch_of
from dramagen.shot import MOVES

Encode = Callable[..., bytes]
WIDTH, HEIGHT = 144, 256
SMALL = Scene("s01", "雨夜", width=WIDTH, height=HEIGHT, frames=24)


@pytest.fixture
def marker(encoded: Encode) -> bytes:
    """Two red marks, 24 px to either side of the middle, slightly above it, on a plain ground."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), (60, 90, 90))
    draw = ImageDraw.Draw(picture)
    for x in (48, 96):
        draw.ellipse((x - 6, 104, x + 6, 116), (255, 0, 0))
    return encoded(picture)


def frame(path: Path, index: int | str) -> Image.Image:
    assert isinstance(index, int) or index in ("first", "middle", "last")
    with Image.open(io.BytesIO(extract_frame(path, index))) as picture:  # type: ignore[arg-type]  # checked above
        return picture.convert("RGB")


def marks(picture: Image.Image) -> tuple[float, float, float, float]:
    """Where the middle of the two marks is, how far they are apart, and how they lean (right one lower: > 0)."""
    red, green, _ = picture.split()
    found = ImageChops.multiply(
        red.point(lambda v: 255 if v > 120 else 0), green.point(lambda v: 255 if v < 70 else 0)
    )
    columns = [x for x in range(found.width) if found.crop((x, 0, x + 1, found.height)).getbbox()]
    gap = max(range(1, len(columns)), key=lambda n: columns[n] - columns[n - 1])
    split = (columns[gap - 1] + columns[gap]) // 2
    centres = []
    for left, right in ((0, split), (split, found.width)):
        box = found.crop((left, 0, right, found.height)).getbbox()
        assert box is not None
        centres.append((left + (box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
    (x0, y0), (x1, y1) = centres
    return (x0 + x1) / 2, (y0 + y1) / 2, math.dist(*centres), math.atan2(y1 - y0, x1 - x0)


# What the picture does: right, down, larger, turned clockwise; 0 is "stays as it is".
SEEN = {
    "static": (0, 0, 0, 0),
    "push_in": (0, None, 1, 0),
    "pull_out": (0, None, -1, 0),
    "pan_left": (1, 0, 0, 0),
    "pan_right": (-1, 0, 0, 0),
    "tilt_up": (0, 1, 0, 0),
    "tilt_down": (0, -1, 0, 0),
    "truck_left": (1, 0, 0, 0),
    "truck_right": (-1, 0, 0, 0),
    "pedestal_up": (0, 1, 0, 0),
    "pedestal_down": (0, -1, 0, 0),
    "orbit_left": (-1, 0, 0, 0),
    "orbit_right": (1, 0, 0, 0),
    "zoom_in": (0, None, 1, 0),
    "zoom_out": (0, None, -1, 0),
    "roll": (None, None, 0, -1),
}


@pytest.mark.parametrize("move", SEEN)
def test_the_picture_moves_as_the_camera_says(move: str, marker: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    render(replace(SMALL, picture="m", move=move), path, {"m": marker})
    before, after = marks(frame(path, "first")), marks(frame(path, "last"))
    change = [after[0] - before[0], after[1] - before[1], after[2] - before[2], after[3] - before[3]]
    enough = (10.0, 10.0, 5.0, math.radians(6))
    for moved, wanted, much in zip(change, SEEN[move], enough, strict=True):
        if wanted is None:
            continue
        if wanted == 0:
            assert abs(moved) <= much / 4
        else:
            assert moved * wanted >= much


@pytest.mark.parametrize("move", ["handheld", "follow"])
def test_a_carried_camera_never_rests(move: str, marker: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    render(replace(SMALL, picture="m", move=move, frames=36, speed="fast"), path, {"m": marker})
    heights = [marks(frame(path, n))[1] for n in range(0, 36, 4)]
    steps = [b - a for a, b in pairwise(heights)]
    assert any(step > 0 for step in steps)
    assert any(step < 0 for step in steps)


def test_every_two_moves_differ(marker: bytes, tmp_path: Path) -> None:
    seen = set()
    for move in MOVES:
        path = tmp_path / f"{move}.mp4"
        render(replace(SMALL, picture="m", move=move, frames=6), path, {"m": marker})
        # The corner with the name of the move is left out.
        seen.add(frame(path, "last").crop((0, 40, WIDTH, HEIGHT)).tobytes())
    assert len(seen) == len(MOVES)


def test_a_fast_move_goes_further(marker: bytes, tmp_path: Path) -> None:
    far = {}
    for speed in ("slow", "normal", "fast"):
        path = tmp_path / f"{speed}.mp4"
        render(replace(SMALL, picture="m", move="truck_left", speed=speed), path, {"m": marker})
        far[speed] = marks(frame(path, "last"))[0] - marks(frame(path, "first"))[0]
    assert far["slow"] < far["normal"] < far["fast"]


def test_size_rate_length_and_silence_are_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    assert render(replace(SMALL, fps=30.0, frames=7), path) == probe(path)
    facts = probe(path)
    assert (facts.width, facts.height, facts.fps, facts.frames) == (WIDTH, HEIGHT, 30.0, 7)
    assert (facts.has_audio, facts.codec) == (False, "h264")
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")


def test_equal_scenes_are_equal_files_and_a_seed_changes_them(tmp_path: Path) -> None:
    scenes = [SMALL, SMALL, replace(SMALL, seed=1)]
    files = []
    for n, scene in enumerate(scenes):
        render(replace(scene, frames=6, audio=True, captions=("女主: 来",)), tmp_path / f"{n}.mp4")
        files.append((tmp_path / f"{n}.mp4").read_bytes())
    assert files[0] == files[1] != files[2]


def difference(one: Image.Image, other: Image.Image, box: Iterable[float]) -> float:
    """Mean difference of two frames inside a box of shares (left, top, right, bottom)."""
    left, top, right, bottom = box
    area = tuple(round(v) for v in (left * WIDTH, top * HEIGHT, right * WIDTH, bottom * HEIGHT))
    assert len(area) == 4
    grey = ImageChops.difference(one, other).convert("L").crop(area)
    return sum(value * count for value, count in enumerate(grey.histogram())) / (grey.width * grey.height)


def test_a_cut_changes_the_picture_at_its_frame(tmp_path: Path) -> None:
    scene = replace(SMALL, cuts=(("街道", 0.25), ("特写", 0.5), ("雨伞", 0.25)))
    assert [(part.prompt, part.start, part.end) for part in parts_of(scene)] == [
        ("街道", 0, 6),
        ("特写", 6, 18),
        ("雨伞", 18, 24),
    ]
    path = tmp_path / "clip.mp4"
    render(scene, path)
    frames = [frame(path, n) for n in range(24)]
    jumps = [n for n in range(1, 24) if difference(frames[n - 1], frames[n], (0, 0.2, 1, 0.9)) > 3]
    assert jumps == [6, 18]


def test_each_line_has_its_own_time(tmp_path: Path) -> None:
    scene = replace(SMALL, captions=("女主: 你终于来了", "男主: 来了"))
    (_, first, turn), (_, turned, last) = lines_of(scene)
    assert (first, turned, last) == (0, turn, 24)
    assert turn > 12  # more words, more time
    path = tmp_path / "clip.mp4"
    render(scene, path)
    frames = [frame(path, n) for n in (0, turn - 1, turn, 23)]
    box = (0.1, 0.66, 0.9, 0.8)
    assert difference(frames[0], frames[1], box) < 2 < difference(frames[1], frames[2], box)
    assert difference(frames[2], frames[3], box) < 2


def test_a_clip_says_that_it_is_previz(tmp_path: Path, marker: bytes) -> None:
    path = tmp_path / "clip.mp4"
    render(replace(SMALL, picture="m", frames=2), path, {"m": marker})
    chip = frame(path, 0).crop((9, 9, 30, 17))
    amber = [c for c, (r, g, b) in chip.getcolors(9999) or [] if r > 180 and 120 < g < 220 and b < 130]  # type: ignore[misc]  # RGB
    assert sum(amber) > 40


def test_a_shot_ends_on_its_last_picture(encoded: Encode, tmp_path: Path) -> None:
    ground = {name: encoded(Image.new("RGB", (WIDTH, HEIGHT), name)) for name in ("red", "blue")}
    path = tmp_path / "clip.mp4"
    render(replace(SMALL, picture="red", last_picture="blue"), path, ground)
    colours = [frame(path, n).getpixel((WIDTH // 2, HEIGHT // 2)) for n in (0, 9, 23)]
    for colour, strong, weak in zip(colours, (0, 0, 2), (2, 2, 0), strict=True):
        assert isinstance(colour, tuple)
        assert colour[strong] > 200 > 60 > colour[weak]


def test_a_hum_for_each_speaker_while_the_line_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    facts = render(replace(SMALL, captions=("女主: 你终于来了",), audio=True), path)
    assert facts.has_audio
    sound = read_sound(path, 0.0, 48_000)
    assert sound is not None
    peak = max(abs(value) for value in array("h", sound))
    assert 1000 < peak < 6000
    silent = render(replace(SMALL, audio=True, frames=12), tmp_path / "silent.mp4")
    assert silent.has_audio
    heard = read_sound(tmp_path / "silent.mp4", 0.0, 20_000)
    assert heard is not None
    assert max(abs(value) for value in array("h", heard)) < 10
    assert pitch_of("女主") in PITCHES


def test_a_scene_survives_json() -> None:
    scene = replace(
        SMALL,
        captions=("女主: 来",),
        cuts=(("街道", 0.5), ("特写", 0.5)),
        picture="a",
        move="roll",
        audio=True,
    )
    assert Scene.from_json(json.loads(json.dumps(scene.to_json()))) == scene


@pytest.mark.parametrize(
    "wrong", [{"width": 145}, {"height": 8}, {"frames": 0}, {"fps": 0}, {"move": "whip"}, {"speed": "warp"}]
)
def test_a_scene_that_cannot_be_filmed_is_refused(wrong: dict[str, int | str]) -> None:
    with pytest.raises(ValueError, match=r"frame|rate|move|speed"):
        Scene.from_json(SMALL.to_json() | wrong)


def test_missing_and_broken_pictures_are_errors_and_leave_no_file(tmp_path: Path) -> None:
    scene = replace(SMALL, picture="m", frames=2)
    with pytest.raises(KeyError):
        render(scene, tmp_path / "clip.mp4", {})
    with pytest.raises(ValueError, match="not a picture"):
        render(scene, tmp_path / "clip.mp4", {"m": b"text"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("width", "height"), [(16, 16), (64, 16), (96, 54), (54, 96), (100, 100)])
def test_every_size_can_be_written_on(width: int, height: int, tmp_path: Path) -> None:
    scene = replace(
        SMALL,
        id="a-very-long-shot-name-" * 3,
        prompt="很长的提示词" * 40,
        captions=("A speaker: " + "word " * 60,),
        width=width,
        height=height,
        frames=2,
        move="handheld",
    )
    facts = render(scene, tmp_path / "clip.mp4")
    assert (facts.width, facts.height) == (width, height)


def test_without_a_chinese_font_codes_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dramagen.media.previz.cjk_font", lambda font=None: None)
    assert render(replace(SMALL, frames=2), tmp_path / "clip.mp4").frames == 2


def test_a_film_given_up_half_way_leaves_nothing(tmp_path: Path) -> None:
    def give_up() -> None:
        with written(tmp_path / "clip.mp4", width=64, height=64, fps=Fraction(24), audio=False) as film:
            film.picture(video_frame(Image.new("RGB", (64, 64)), "yuv420p"))
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        give_up()
    assert list(tmp_path.iterdir()) == []
