"""What a verdict heard in a run takes from a route's chance on later shots."""

import pytest

from dramagen import Shot
from dramagen.errors import ContentRejected, JobFailed
from dramagen.routing.doubts import CREDIT, LEAST, Doubts, halved, held_back

R = "kling:cn/kling-3.0"
SILENT = Shot("雨夜", audio=False)
EITHER = Shot("雨夜")


def test_a_refused_sound_halves_shots_that_may_have_sound_and_no_others() -> None:
    doubts = Doubts()
    doubts.refused("audio_moderation", R)
    assert doubts.about(EITHER) == {R: 0.5}
    assert doubts.about(SILENT) == {}


def test_halving_ends_somewhere() -> None:
    doubts = Doubts()
    for _ in range(50):
        doubts.refused("audio_moderation", R)
    assert doubts.about(EITHER) == {R: LEAST}


def test_a_clip_held_back_counts_mildly_and_clips_that_come_make_up_for_it() -> None:
    doubts = Doubts()
    doubts.refused("output_moderation", R)
    first = doubts.about(SILENT)[R]
    assert first == CREDIT / (CREDIT + 1)
    for _ in range(16):
        doubts.gave(R)
    assert doubts.about(SILENT)[R] == 20 / 21 > first


def test_doubts_about_one_route_multiply() -> None:
    doubts = Doubts()
    doubts.refused("audio_moderation", R)
    doubts.refused("output_moderation", R)
    assert doubts.about(EITHER)[R] == pytest.approx(0.4)


def test_what_says_nothing_of_later_shots_leaves_no_doubt() -> None:
    doubts = Doubts()
    for cause in ("input_moderation", "capacity", "outage", "defective", "failed"):
        doubts.refused(cause, R)
    assert doubts.about(EITHER) == {}


def test_a_model_is_held_back_by_what_moderation_said_of_what_it_made() -> None:
    picture = ContentRejected("held back", stage="output")
    sound = ContentRejected("held back", stage="output", code="OutputAudioSensitiveContentDetected")
    said = [
        ("kling-3.0", picture), ("kling-3.0", sound), ("wan-2.7", ContentRejected("no", stage="input")),
        ("vidu-q3", JobFailed("no")), ("sora-2", None),
    ]  # fmt: skip
    assert held_back(said) == {"kling-3.0": 2}
    assert held_back(said, sound=False) == {"kling-3.0": 1}  # it is filmed without sound now


def test_what_is_left_of_a_chance_is_never_nothing() -> None:
    assert [halved(times) for times in (0, 1, 2, 3, 50)] == [1, 0.5, 0.25, LEAST, LEAST]
