"""Mentions of nobody: an error where there are references, a remark where there are none."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen import Cut, Reference, Shot, errors
from dramagen.episode import Episode
from dramagen.mentions import strangers

LIN = Reference("林夏", b"\x89PNG\r\n\x1a\n" + b"lin")
NAMES = ["林夏", "lin"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@角色A走进来", ["角色A走进来"]),
        ("＠角色B，回头", ["角色B"]),
        ("@林夏 sees @linda", ["linda"]),
        ("@林夏走向@lin, @林夏", []),
        ("a long one: @这是一个非常非常长的句子没有尽头", ["这是一个非常非常长的句子…"]),
        ("write to lin@studio.example", []),
        ("https://video.example/@handle", []),
        ("the phone shows “@official”, \"@two\" and '@three'", []),
        ("《@四》（@五）「@六」", []),
        ("meet @ five, @5 yuan, @", []),
        ("@Image1 and @element_2 as @图片3, @素材 4", []),
        ("@imagine", ["imagine"]),
    ],
)
def test_what_reads_as_a_mention(text: str, found: list[str]) -> None:
    assert strangers(text, NAMES) == found


@given(st.text(max_size=40), st.lists(st.text("ab林夏", min_size=1, max_size=3), max_size=3))
def test_any_text_can_be_read(text: str, names: list[str]) -> None:
    assert all(0 < len(word) <= 13 for word in strangers(text, names))
    assert strangers(" ".join(f"@{name}" for name in names), names) == []


def test_where_there_are_references_a_mention_of_nobody_is_a_mistake() -> None:
    with pytest.raises(errors.InvalidShot, match=r"@角色A, and no reference is called so: there are 林夏\."):
        Shot("@角色A 与 @林夏 走进来", references=[LIN])
    with pytest.raises(errors.InvalidShot, match="@linda"):
        Shot("雨夜", duration=4, references=[LIN], cuts=[Cut("@林夏", 2), Cut("@linda", 2)])
    Shot("@林夏 看手机，屏幕上是“@官方账号”", references=[LIN])


def test_without_references_it_is_text() -> None:
    assert Shot("@角色A 走进来").prompt == "@角色A 走进来"


RECORDED = {
    "prompt": "@角色A 与 @林夏 走进来",
    "references": [LIN],
    "cuts": [{"prompt": "@linda", "duration": 5}],
}
"""As a journal or a workflow has it from before: it was filmed with the words as text."""


def test_what_was_recorded_before_is_read_as_it_was() -> None:
    shot = Shot.parse(RECORDED)
    assert shot.prompt == RECORDED["prompt"]
    silent = shot.changed(audio=False, first_frame=b"\x89PNG\r\n\x1a\n")
    assert silent.pinned("kling").prompt == shot.prompt
    assert Shot.model_validate_json(silent.model_dump_json()) == silent


@pytest.mark.parametrize("words", [{"prompt": "@角色B"}, {"references": [LIN]}, {"cuts": ()}])
def test_written_anew_it_is_refused(words: dict[str, Any]) -> None:
    shot = Shot.parse(RECORDED)
    with pytest.raises(errors.InvalidShot, match="no reference is called so") as caught:
        shot.changed(**words)
    assert len(caught.value.problems) == 1


def test_in_a_file_the_line_is_told(tmp_path: Path) -> None:
    (tmp_path / "lin.png").write_bytes(b"lin")
    file = tmp_path / "e.toml"
    text = "title = 'e'\n[characters.'林夏']\nimages = 'lin.png'\n[[shot]]\nid = 's'\nprompt = '@林夏看@路人甲'\n"
    file.write_text(text, "utf-8")
    with pytest.raises(errors.InvalidShot, match=r"e\.toml:6: shot 's': .*@路人甲.*there are 林夏"):
        Episode.load(file)
    file.write_text(text.replace("@路人甲", "“@路人甲”"), "utf-8")
    assert len(Episode.load(file).shots[0].shot.references) == 1
