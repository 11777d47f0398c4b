"""The hash of a shot: blind to spelling, place and process; awake to everything that is filmed."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen import Camera, Cut, Image, Line, Reference, Shot
from dramagen.identity import canonical, digest, shot_hash
from dramagen.mentions import strangers
from dramagen.shot import MOVES, RESOLUTIONS

PNG = b"\x89PNG\r\n\x1a\nnot really"

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)
# Beside references, whoever a prompt mentions must be one of them.
prompts = words.filter(lambda text: not strangers(text))
names = st.text("林夏沈言abcxyz", min_size=1, max_size=6)
pictures = st.binary(min_size=1, max_size=20)
seconds = st.integers(10, 300).map(lambda tenths: tenths / 10)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "prompt": prompts,
    "negative_prompt": words,
    "duration": seconds,
    "aspect_ratio": st.sampled_from(["9:16", "16:9", "1:1", "21:9"]),
    "resolution": st.sampled_from(RESOLUTIONS),
    "first_frame": pictures,
    "references": st.lists(
        st.builds(lambda name, data: Reference(name, data), names, pictures),
        unique_by=lambda reference: reference.name,
        min_size=1,
        max_size=3,
    ),
    "camera": st.builds(Camera, st.sampled_from(MOVES), st.sampled_from(["slow", "normal", "fast"])),
    "dialogue": st.lists(st.builds(Line, names, words), min_size=1, max_size=3),
    "audio": st.booleans(),
    "seed": st.integers(0, 2**32 - 1),
    "options": st.dictionaries(names, st.dictionaries(words, json_values, max_size=3), max_size=2),
    "strict": st.sets(st.sampled_from(["seed", "resolution", "negative_prompt"]), max_size=3),
    "allow_longer": st.booleans(),
}
filmed = st.fixed_dictionaries(
    {"prompt": prompts}, optional={k: v for k, v in FIELDS.items() if k != "prompt"}
)


@given(filmed, st.randoms())
def test_field_order_and_spelling_change_nothing(fields: dict[str, Any], random: Any) -> None:
    shuffled = list(fields.items())
    random.shuffle(shuffled)
    again = dict(shuffled)
    if "options" in again:
        again["options"] = {k: dict(reversed(v.items())) for k, v in reversed(again["options"].items())}
    if again.get("duration", 0.5).is_integer():
        again["duration"] = int(again["duration"])
    assert shot_hash(Shot(**fields)) == shot_hash(Shot(**again))


@given(filmed, words, st.sets(words, max_size=3), st.sampled_from(["kling", "kling:intl/kling-3.0"]))
def test_id_tags_and_pin_change_nothing(fields: dict[str, Any], name: str, tags: set[str], pin: str) -> None:
    assert shot_hash(Shot(**fields)) == shot_hash(Shot(**fields, id=name, tags=tags, pin=pin))


@given(filmed, st.data())
def test_any_other_change_changes_the_hash(fields: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FIELDS)))
    before = Shot(**fields)
    after = Shot(**fields | {name: data.draw(FIELDS[name])})
    # Options compare as JSON does: 1 and 1.0 are equal there and here, and so are True and 1 in Python only.
    same = canonical(_plain(before)) == canonical(_plain(after))
    assert (shot_hash(before) == shot_hash(after)) is same


def _plain(shot: Shot) -> dict[str, Any]:
    record = shot.model_dump(mode="json", exclude={"id", "tags", "pin"})
    record["strict"] = sorted(record["strict"])
    return record


@given(filmed)
def test_a_shot_read_back_from_json_is_the_same_shot(fields: dict[str, Any]) -> None:
    shot = Shot(**fields)
    assert shot_hash(Shot.model_validate_json(shot.model_dump_json())) == shot_hash(shot)


def test_whole_seconds_and_floats_are_one_duration() -> None:
    assert shot_hash(Shot("x", duration=5)) == shot_hash(Shot("x", duration=5.0)) == shot_hash(Shot("x"))
    assert shot_hash(Shot("x", duration=5)) != shot_hash(Shot("x", duration=5.1))


def test_a_default_said_aloud_changes_nothing() -> None:
    assert shot_hash(Shot("x", audio=None, cuts=(), resolution="720P")) == shot_hash(Shot("x"))


def test_dialogue_means_audio() -> None:
    line = Line("林夏", "你好")
    assert shot_hash(Shot("x", dialogue=[line])) == shot_hash(Shot("x", dialogue=[line], audio=True))
    assert shot_hash(Shot("x", dialogue=[line])) != shot_hash(Shot("x", dialogue=[line], audio=False))


def test_order_matters_where_it_is_seen() -> None:
    one, two = Cut("a", 2.5), Cut("b", 2.5)
    assert shot_hash(Shot("x", cuts=[one, two])) != shot_hash(Shot("x", cuts=[two, one]))


def test_a_picture_is_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one.png").write_bytes(PNG)
    (tmp_path / "two.png").write_bytes(PNG)
    (tmp_path / "other.png").write_bytes(PNG + b"!")
    monkeypatch.chdir(tmp_path)
    spellings: list[Any] = [
        "a/one.png",
        "./a/../a/one.png",
        tmp_path / "two.png",
        PNG,
        Image.from_bytes(PNG),
        Image.from_path("two.png"),
    ]
    hashes = {shot_hash(Shot("x", first_frame=spelling)) for spelling in spellings}
    assert len(hashes) == 1
    assert shot_hash(Shot("x", first_frame="other.png")) not in hashes


def test_the_content_of_a_url_comes_from_whoever_fetched_it() -> None:
    content = hashlib.sha256(PNG).hexdigest()
    fetched = shot_hash(Shot("x", first_frame="https://h/a.png?sig=1"), lambda media: content)
    assert fetched == shot_hash(Shot("x", first_frame=PNG))


def test_the_place_of_a_picture_in_the_shot_matters() -> None:
    first = shot_hash(Shot("x", first_frame=PNG))
    both = shot_hash(Shot("x", first_frame=PNG, last_frame=PNG))
    reference = shot_hash(Shot("x", references=[Reference("a", PNG)]))
    assert len({first, both, reference}) == 3


PROGRAM = """
from dramagen import Camera, Cut, Line, Reference, Shot
from dramagen.identity import shot_hash
print(shot_hash(Shot("雨夜 @林夏", negative_prompt="晃动", duration=6, camera=Camera("push_in", "slow"),
    references=[Reference("林夏", b"picture")], dialogue=[Line("林夏", "你终于来了。")], seed=7,
    strict={"seed", "resolution", "negative_prompt"}, tags={"a", "b", "c"},
    options={"kling": {"z": 1, "a": [1.5, None, True]}, "seedance": {}})))
"""
KNOWN = "s1:6bc6451e07b9a11621c265553faa5c2d35058859473a179e3805d042047044c5"


@pytest.mark.parametrize("hash_seed", ["0", "1", "4711"])
def test_another_process_makes_the_same_hash(hash_seed: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    # Written down: bindings made by an earlier release must still be found. A change here needs a new version.
    assert ran.stdout.strip() == KNOWN


def test_a_hash_names_its_version() -> None:
    assert shot_hash(Shot("x")).startswith("s1:")
    assert digest("a1", {}) != digest("a2", {})


@pytest.mark.parametrize("value", [b"bytes", object(), {1: "a"}, float("inf"), float("nan"), "\ud83d"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical({"value": value})


@given(json_values)
def test_canonical_text_says_what_it_was_made_of(value: Any) -> None:
    import json

    assert canonical(json.loads(canonical(value))) == canonical(value)
