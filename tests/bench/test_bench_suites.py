"""The suites that come with the library."""

import re
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from dramagen.bench.suite import MOTIONS, SHIPPED, STYLES, Suite, facets, mode_of, profile_of
from dramagen.errors import ConfigError
from dramagen.studio import Studio

PROMISED = {"close-up", "two-hander", "action", "crowd", "night", "effects", "camera"}


@pytest.mark.parametrize(("name", "shots"), [("smoke", 6), ("drama", 40)])
def test_a_shipped_suite_is_as_large_as_it_says_and_every_shot_is_tagged(name: str, shots: int) -> None:
    suite = Suite.load(name)
    assert (len(suite.shots), suite.left_out, suite.source) == (shots, (), name)
    for shot in suite.shots:
        assert len(shot.tags & set(STYLES)) == 1, shot.id
        assert len(shot.tags & set(MOTIONS)) == 1, shot.id
        assert len(shot.prompt.strip()) > 80, shot.id


def test_drama_has_every_kind_of_shot_in_both_languages() -> None:
    suite = Suite.load("drama")
    count = Counter(facet for shot in suite.shots for facet in facets(shot))
    assert {tag for kind, tag in count if kind == "topic"} >= PROMISED
    assert {tag for kind, tag in count if kind == "style"} == set(STYLES)
    assert {tag for kind, tag in count if kind == "mode"} == {
        "text", "first frame", "first+last frame", "references",
    }  # fmt: skip
    assert count["dialogue", "dialogue"] >= 6
    assert min(count["prompt", "中文"], count["prompt", "English"]) >= 15
    assert min(count.values()) >= 2


@pytest.mark.parametrize("name", SHIPPED)
def test_the_pictures_are_there_and_large_enough_for_every_vendor(name: str) -> None:
    for shot in Suite.load(name).shots:
        listed = [i for i in (shot.first_frame, shot.last_frame) if i is not None]
        for image in listed:
            assert image.path is not None
            with Image.open(image.path) as picture:
                assert picture.size == (720, 1280)
        listed += [image for reference in shot.references for image in reference.images]
        for image in listed:
            assert image.path is not None
            assert image.path.stat().st_size < 60_000
            with Image.open(image.path) as picture:
                assert min(picture.size) >= 300


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shot_is_filmed_by_several_vendors(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAMAGEN_HOME", str(tmp_path))
    plan = Studio().plan(Suite.load(name).shots)
    for planned in plan.shots:
        vendors = {quote.route.provider for quote in planned.quotes} - {"previz"}
        assert len(vendors) >= 2, f"{planned.shot.id}: {vendors}"


def test_what_a_shot_is_counted_under_is_read_off_it(suite: Suite) -> None:
    a, b = suite.shots
    assert profile_of(a).name == "anime"
    assert profile_of(b).name == "live"
    assert mode_of(a) == "text"


def test_an_episode_is_a_suite_without_the_shots_that_continue_others(tmp_path: Path) -> None:
    path = tmp_path / "rain/episode.toml"
    path.parent.mkdir()
    path.write_text(
        '[[shot]]\nid = "s1"\nprompt = "雨"\npin = "kling"\n[[shot]]\nid = "s2"\nprompt = "雪"\ncontinues = "s1"\n',
        "utf-8",
    )
    suite = Suite.load(path)
    assert (suite.name, [s.id for s in suite.shots], suite.left_out) == ("rain", ["s1"], ("s2",))
    assert suite.shots[0].pin is None
    with pytest.raises(ConfigError, match=re.escape("the suites are smoke, drama")):
        Suite.load("smok")
