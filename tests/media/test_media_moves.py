import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.media.captions import MOVE_NAMES
from dramagen.media.moves import SPEED, Curve, Wave, camera, covered, overscan, project, view
from dramagen.shot import MOVES

FRAMES, FPS = 48, 24.0
Share = st.floats(-0.3, 0.3)
Waves = st.lists(st.builds(Wave, Share, st.floats(0.1, 3), st.floats(0, 6)), max_size=3).map(tuple)


def test_every_move_of_a_shot_can_be_filmed_and_named() -> None:
    for move in MOVES:
        camera(move)
    assert set(MOVE_NAMES) == set(MOVES)


def test_unknown_moves_and_speeds_are_refused() -> None:
    with pytest.raises(ValueError, match="camera move 'whip'"):
        camera("whip")
    with pytest.raises(ValueError, match="speed 'warp'"):
        camera("roll", "warp")


@given(st.builds(Curve, Share, Share, Waves), st.integers(0, FRAMES - 1))
def test_the_expression_says_what_the_curve_does(curve: Curve, frame: int) -> None:
    said = eval(curve.expression("n", FRAMES, FPS), {"sin": math.sin, "n": frame})
    assert said == pytest.approx(curve.at(frame, FRAMES, FPS), abs=1e-6)


@pytest.mark.parametrize("speed", SPEED)
@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("ratio", [16 / 9, 9 / 16, 1.0])
def test_no_camera_ever_looks_past_the_picture(move: str, speed: str, ratio: float) -> None:
    room = overscan(camera(move, speed), FRAMES, FPS, ratio)
    cam = covered(camera(move, speed), FRAMES, FPS, room)
    for n in range(FRAMES):
        seen = view(cam, n, FRAMES, FPS)
        half = 0.5 * room / seen.scale
        assert abs(seen.x) + half <= 0.5 + 1e-9
        assert abs(seen.y) + half <= 0.5 + 1e-9
        cos, sin = math.cos(seen.roll), abs(math.sin(seen.roll))
        assert cos + ratio * sin <= room + 1e-9
        assert cos + sin / ratio <= room + 1e-9


def shift(move: str, depth: float) -> tuple[float, float]:
    """How far a thing in the middle goes over the shot, right and down."""
    cam = camera(move)
    (x0, y0, _), (x1, y1, _) = (project(cam, 0, 0, depth, n, FRAMES, FPS) for n in (0, FRAMES - 1))
    return x1 - x0, y1 - y0


@pytest.mark.parametrize("move", ["pan_left", "pan_right", "tilt_up", "tilt_down"])
def test_a_turning_camera_moves_near_and_far_alike(move: str) -> None:
    assert shift(move, 0.4) == pytest.approx(shift(move, 1.0))


@pytest.mark.parametrize("move", ["truck_left", "truck_right", "pedestal_up", "pedestal_down"])
def test_a_travelling_camera_moves_what_is_near_more(move: str) -> None:
    near, far = sum(shift(move, 0.4)), sum(shift(move, 1.0))
    assert near / far == pytest.approx(1 / 0.4)


def test_an_orbit_moves_near_and_far_against_each_other() -> None:
    assert shift("orbit_right", 0.4)[0] < 0 < shift("orbit_right", 1.0)[0]
    assert shift("orbit_left", 1.0)[0] < 0 < shift("orbit_left", 0.4)[0]


@pytest.mark.parametrize(("move", "alike"), [("zoom_in", True), ("push_in", False)])
def test_a_lens_enlarges_all_alike_and_a_travelling_camera_what_is_near(move: str, alike: bool) -> None:
    near, far = (project(camera(move), 0, 0, d, FRAMES - 1, FRAMES, FPS)[2] for d in (0.4, 1.0))
    assert far > 1.2
    assert (near == pytest.approx(far)) is alike


def test_dust_behind_the_camera_is_gone() -> None:
    assert project(camera("push_in", "fast"), 0.1, 0.1, 0.3, FRAMES - 1, FRAMES, FPS)[2] == 0
