import pytest

from dramagen.media.check import Expected, Findings, check, parse_ratio
from dramagen.media.probe import MediaFacts


def facts(
    duration: float = 5.0,
    width: int = 720,
    height: int = 1280,
    fps: float = 24.0,
    has_audio: bool = True,
) -> MediaFacts:
    return MediaFacts(duration, width, height, fps, has_audio, "h264", round(duration * fps), 1000)


def test_what_was_ordered_has_no_findings() -> None:
    ordered = Expected(5.0, 720, 1280, "9:16", audio=True, fps=24.0)
    assert check(facts(), ordered) == Findings()


@pytest.mark.parametrize(
    ("fps", "missing_frames", "defective"),
    [
        (24.0, 1, False),
        (24.0, 2, False),  # 0.083 s: within two frames and within 0.1 s
        (24.0, 3, True),  # 0.125 s
        (60.0, 6, False),  # exactly 0.1 s
        (60.0, 7, True),
        (10.0, 2, False),  # exactly two frames, 0.2 s
        (10.0, 3, True),
    ],
)
def test_short_is_defective_beyond_two_frames_and_a_tenth_of_a_second(
    fps: float, missing_frames: int, defective: bool
) -> None:
    found = check(facts(duration=(5 * fps - missing_frames) / fps, fps=fps), Expected(5.0))
    assert bool(found.defects) is defective
    assert bool(found.warnings) is not defective


def test_long_is_a_warning_however_long() -> None:
    found = check(facts(duration=9.0), Expected(5.0))
    assert found.defects == ()
    assert found.warnings == ("longer than ordered by 4.000 s: 9.000 s, 5 s ordered",)


def test_a_closing_frame_is_no_news() -> None:
    # 24 fps vendors deliver 5 s as 121 frames.
    assert check(facts(duration=121 / 24, fps=24.0), Expected(5.0)).warnings == ()
    assert check(facts(duration=123 / 24, fps=24.0), Expected(5.0)).warnings != ()


@pytest.mark.parametrize(
    ("width", "height", "defective"),
    [(720, 1280, False), (648, 1152, False), (646, 1148, True), (1080, 1920, False)],
)
def test_small_is_defective_under_nine_tenths_of_the_short_side(
    width: int, height: int, defective: bool
) -> None:
    found = check(facts(width=width, height=height), Expected(5.0, 720, 1280))
    assert bool(found.defects) is defective
    assert bool(found.warnings) is (not defective and width != 720)


@pytest.mark.parametrize(
    ("width", "height", "defects", "warnings"),
    [
        (1000, 1000, 0, 0),
        (1005, 1000, 0, 0),
        (1020, 1000, 0, 1),
        (1050, 1000, 0, 1),
        (1051, 1000, 1, 0),
        (950, 1000, 0, 1),
        (949, 1000, 1, 0),
    ],
)
def test_ratio_is_defective_when_off_by_over_five_percent(
    width: int, height: int, defects: int, warnings: int
) -> None:
    found = check(facts(width=width, height=height), Expected(5.0, aspect_ratio="1:1"))
    assert (len(found.defects), len(found.warnings)) == (defects, warnings)


def test_a_turned_picture_is_defective_by_ratio() -> None:
    found = check(facts(width=1280, height=720), Expected(5.0, 720, 1280))
    assert [defect[:6] for defect in found.defects] == ["ratio:"]


def test_missing_sound_is_defective_and_unwanted_sound_a_warning() -> None:
    assert check(facts(has_audio=False), Expected(5.0, audio=True)).defects == (
        "sound was ordered, the file has none",
    )
    unwanted = check(facts(), Expected(5.0, audio=False))
    assert unwanted == Findings(warnings=("silence was ordered, the file has sound",))
    assert check(facts(has_audio=False), Expected(5.0)) == Findings()


def test_another_rate_is_a_warning() -> None:
    assert check(facts(fps=30.0), Expected(5.0, fps=24.0)).warnings == ("30 fps, 24 ordered",)
    assert check(facts(fps=24000 / 1001), Expected(5.0, fps=23.976)) == Findings()


@pytest.mark.parametrize("text", ["", "9", "9:", ":16", "9:0", "9x16", "-9:16", "9:16:1"])
def test_a_ratio_is_two_positive_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="aspect ratio"):
        parse_ratio(text)
