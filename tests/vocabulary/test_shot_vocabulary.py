"""Shot and its parts: what they accept, what they refuse, and how the refusal reads."""

import copy
import operator
import pickle
from pathlib import Path
from typing import Any

import pytest

from dramagen import Camera, Cut, Image, Line, Reference, Shot
from dramagen.errors import ConfigError, InvalidShot

PNG = b"\x89PNG\r\n\x1a\nnot really"


def test_only_the_prompt_is_needed() -> None:
    shot = Shot("雨夜")
    assert (shot.duration, shot.aspect_ratio, shot.resolution, shot.audio) == (5.0, "9:16", "720p", None)


def test_positional_order_is_the_documented_one() -> None:
    shot = Shot("雨夜", "晃动", 6, "16:9", "1080p")
    assert (shot.negative_prompt, shot.duration, shot.aspect_ratio, shot.resolution) == (
        "晃动",
        6.0,
        "16:9",
        "1080p",
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("prompt", "", "prompt"),
        ("prompt", " \n", "nothing to read"),
        ("prompt", "half \ud83d", "unicode"),
        ("duration", 0, "greater than 0"),
        ("duration", -1, "greater than 0"),
        ("duration", 601, "less than or equal to 600"),
        ("duration", float("nan"), "duration"),
        ("duration", "long", "number"),
        ("aspect_ratio", "wide", "'9:16'"),
        ("aspect_ratio", "0:16", "'9:16'"),
        ("aspect_ratio", "²:1", "'9:16'"),
        ("aspect_ratio", "100:1", "10:1"),
        ("resolution", "999p", "1080p"),
        ("camera", "fly", "push_in"),
        ("seed", -1, "greater than or equal to 0"),
        ("seed", 2**32, "4294967295"),
        ("pin", "a/b/c", "kling:intl/kling-3.0"),
        ("pin", "kling:", "kling:intl/kling-3.0"),
        ("pin", "kling/", "kling:intl/kling-3.0"),
        ("pin", "two words", "kling:intl/kling-3.0"),
        ("tags", "night", "set"),
        ("strict", {"speed"}, "speed"),
        ("first_frame", 3, "first_frame"),
        ("first_frame", b"", "first_frame"),
        ("first_frame", "data:image/png;base64,AAAA", "bytes"),
        ("last_frame", PNG, "needs first_frame"),
        ("options", {"kling": {"when": object()}}, "JSON"),
        ("options", {"kling": {"half": "\ud83d"}}, "surrogate"),
        ("options", {"kling": {"nan": float("nan")}}, "finite"),
        ("cuts", [Cut("a", 2), Cut("b", 2)], "add up to 4"),
        ("references", [Reference("a", PNG), Reference("a", PNG)], "different names"),
        ("references", [{"name": "two words", "images": [PNG]}], "references.0.name"),
        ("references", [{"name": "empty"}], "references.0"),
        ("dialogue", [{"speaker": "林夏", "text": " "}], "dialogue.0.text"),
    ],
)
def test_a_bad_value_is_refused_and_named(field: str, value: Any, said: str) -> None:
    fields: dict[str, Any] = {"prompt": "雨夜"} | {field: value}
    with pytest.raises(InvalidShot) as refused:
        Shot(**fields)
    assert said in str(refused.value)
    assert refused.value.problems
    assert refused.value.billed is False


def test_every_problem_is_listed_at_once() -> None:
    with pytest.raises(InvalidShot) as refused:
        Shot("x", duration=-1, resolution="9p", seed=-3)
    assert {field for field, _, _ in refused.value.problems} == {"duration", "resolution", "seed"}


def test_the_bytes_of_a_picture_are_not_printed() -> None:
    with pytest.raises(InvalidShot) as refused:
        Shot("x", references=PNG * 1000)  # type: ignore[arg-type]  # the mistake under test
    assert len(str(refused.value)) < 400


def test_ratio_from_a_chinese_keyboard() -> None:
    assert Shot("x", aspect_ratio="９:１６").aspect_ratio == "9:16"


def test_resolution_in_capitals() -> None:
    assert Shot("x", resolution="1080P").resolution == "1080p"


def test_dialogue_asks_for_sound_unless_silence_is_said() -> None:
    line = Line("林夏", "你终于来了。")
    assert Shot("x", dialogue=[line]).audio is True
    assert Shot("x", dialogue=[line], audio=False).audio is False
    assert Shot("x").audio is None


def test_a_camera_move_by_name_or_mapping() -> None:
    assert Shot("x", camera="push_in").camera == Camera("push_in")
    assert Shot("x", camera={"move": "pan_left", "speed": "slow"}).camera == Camera("pan_left", "slow")


@pytest.mark.parametrize("total", [3.3, 5.0, 7.9])
def test_cuts_add_up_in_decimals(total: float) -> None:
    Shot("x", duration=total, cuts=[Cut("a", 1.1), Cut("b", round(total - 1.1, 1))])


def test_one_picture_need_not_be_a_list(tmp_path: Path) -> None:
    assert Reference("林夏", "lin.png").images == (Image.from_path("lin.png"),)
    assert Reference("林夏", tmp_path).images == (Image.from_path(tmp_path),)
    assert Reference("林夏", PNG).images == (Image.from_bytes(PNG),)


def test_pictures_by_path_url_and_bytes() -> None:
    assert Shot("x", first_frame="a.png").first_frame == Image.from_path("a.png")
    assert Shot("x", first_frame="https://h/a.png").first_frame == Image.from_url("https://h/a.png")
    assert Shot("x", first_frame=bytearray(PNG)).first_frame == Image.from_bytes(PNG)  # type: ignore[arg-type]  # read, not promised


def test_an_image_has_exactly_one_source() -> None:
    with pytest.raises(InvalidShot, match="exactly one"):
        Image(path=Path("a.png"), data=PNG)
    with pytest.raises(InvalidShot, match="exactly one"):
        Image()
    with pytest.raises(InvalidShot, match="http"):
        Image.from_url("ftp://h/a.png")


def test_a_missing_picture_says_which(tmp_path: Path) -> None:
    with pytest.raises(InvalidShot, match=r"nowhere\.png"):
        Image.from_path(tmp_path / "nowhere.png").read()


def test_a_url_is_not_measured_before_it_is_fetched() -> None:
    with pytest.raises(InvalidShot, match="prepare"):
        _ = Image.from_url("https://h/a.png").sha256


def test_the_repr_of_an_image_shows_no_signature_and_no_bytes() -> None:
    assert "sig" not in repr(Shot("x", first_frame="https://h/a.png?sig=abc"))
    assert repr(Image.from_bytes(PNG)) == f"Image({len(PNG)} bytes)"


def test_a_shot_is_frozen_to_the_bottom() -> None:
    given: dict[str, Any] = {"kling": {"list": [1], "deep": {"a": 1}}}
    shot = Shot("x", options=given)
    given["kling"]["list"].append(2)  # the caller's own, changed afterwards
    assert shot.options["kling"]["list"] == (1,)
    for change in (
        lambda: setattr(shot, "prompt", "y"),
        lambda: operator.setitem(shot.options["kling"], "a", 1),  # type: ignore[call-overload]  # what must not work
        lambda: shot.options["kling"]["deep"].update(b=1),
        lambda: shot.options.clear(),  # type: ignore[attr-defined]  # likewise
    ):
        with pytest.raises((ValueError, TypeError)):
            change()


def test_shots_are_keys_and_travel() -> None:
    shot = Shot(
        "@林夏 回头",
        references=[Reference("林夏", PNG)],
        options={"kling": {"a": [1, {"b": 2}]}},
        tags={"night", "rain"},
    )
    for twin in (pickle.loads(pickle.dumps(shot)), copy.deepcopy(shot), shot.model_copy(deep=True)):
        assert twin == shot
        assert {shot: "clip"}[twin] == "clip"


def test_json_and_back_keeps_pictures() -> None:
    shot = Shot("x", first_frame=PNG, options={"kling": {"a": [1, {"b": 2}]}}, tags={"a", "b"})
    assert Shot.model_validate_json(shot.model_dump_json()) == shot


def test_pinned_changes_the_pin_alone() -> None:
    shot = Shot("x", duration=7, tags={"a"})
    assert shot.pinned("kling") == Shot("x", duration=7, tags={"a"}, pin="kling")
    assert shot.pinned("kling").pinned(None) == shot


def test_changed_validates() -> None:
    with pytest.raises(InvalidShot):
        Shot("x").changed(duration=-1)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(InvalidShot, match="lens"):
        Shot.parse({"prompt": "x", "lens": "85mm"})


def test_a_setting_that_is_not_shown_is_not_shown_in_its_error() -> None:
    from dramagen import Config

    with pytest.raises(ConfigError) as refused:
        Config(keys="plainkeywithoutaprefix")
    assert "plainkey" not in str(refused.value)


def test_shots_share_what_they_do_not_say() -> None:
    one, other = Shot("a", duration=3, resolution="720P", pin="kling"), Shot("b", options={}, tags=[])
    for name in ("aspect_ratio", "resolution", "options", "tags", "strict", "references"):
        assert getattr(one, name) is getattr(other, name), name
    assert one.model_fields_set is other.model_fields_set, (
        "the names of its fields are the largest part of a shot"
    )
    assert Shot("c", tags={"night"}).tags == {"night"}
    assert Shot("c", options={"kling": {}}).options == {"kling": {}}


def test_the_copy_of_a_record_shares_nothing_it_changes() -> None:
    camera = Camera("roll", speed="slow")
    copied = camera.model_copy(update={"speed": "fast"})
    copied.model_fields_set.clear()
    assert camera.model_fields_set == Camera("roll", "fast").model_fields_set == {"move", "speed"}
    assert Image(url="https://example.com/a.png").model_fields_set == {"url"}
