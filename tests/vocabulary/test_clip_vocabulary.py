"""Clip: what came back, as a record that can be written down, and a file that can be copied out."""

import hashlib
import pickle
from pathlib import Path

import pytest

from dramagen import Clip, Money, Shot
from dramagen.clip import Adjustment, Facts, Original


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    path = tmp_path / "store" / "ab12.mp4"
    path.parent.mkdir()
    path.write_bytes(b"a film")
    sha256 = hashlib.sha256(b"a film").hexdigest()
    return Clip(
        path=path,
        sha256=sha256,
        original=Original(path=path, sha256=sha256),
        media=Facts(duration=5.0, width=720, height=1280, fps=24.0, has_audio=True, codec="h264", frames=120),
        cost=Money("4.5 CNY"),
        model="kling-3.0",
        provider="kling",
        region="cn",
        route="kling:cn/kling-3.0",
        take=1,
        job_id="j1",
        adjustments=(Adjustment(field="seed", asked="7", given="none", why="the model takes none"),),
        shot=Shot("雨夜", first_frame=b"\x89PNG\xff", options={"kling": {"a": [1]}}),
    )


def test_a_clip_survives_json_and_pickle(clip: Clip) -> None:
    assert Clip.model_validate_json(clip.model_dump_json()) == clip
    assert pickle.loads(pickle.dumps(clip)) == clip


def test_its_money_is_decimal_text_in_json(clip: Clip) -> None:
    assert clip.model_dump(mode="json")["cost"] == {"amount": "4.5", "currency": "CNY"}


def test_an_adjustment_reads_as_a_sentence(clip: Clip) -> None:
    assert str(clip.adjustments[0]) == "seed: 7 → none (the model takes none)"


def test_save_to_a_name_a_folder_and_a_folder_to_be(clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    places: list[tuple[str | Path, Path]] = [
        (tmp_path / "new/one.mp4", tmp_path / "new/one.mp4"),
        (tmp_path / "there", tmp_path / "there/ab12.mp4"),
        (f"{tmp_path}/later/", tmp_path / "later/ab12.mp4"),
    ]
    for asked, expected in places:
        assert clip.save(asked) == expected
        assert expected.read_bytes() == b"a film"


def test_save_onto_itself_is_harmless(clip: Clip) -> None:
    assert clip.save(clip.path) == clip.path
    assert clip.path.read_bytes() == b"a film"
