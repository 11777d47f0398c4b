from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.media import fonts
from dramagen.media.captions import split_line
from dramagen.media.text import NOT_FIRST, ascii_only, wrap

FILE = fonts.cjk_font()
FONT = fonts.load_font(FILE, 20)
Letters = st.text(st.sampled_from("雨夜女主回头,。!?「」a bcWord word longerword "), max_size=80)


@given(Letters, st.integers(60, 400))
def test_wrapping_loses_no_letter_and_passes_no_margin(text: str, width: int) -> None:
    lines = wrap(text, FONT, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(FONT.getlength(line) <= width or len(line) == 1 for line in lines)


def test_chinese_breaks_anywhere_but_before_punctuation() -> None:
    lines = wrap("雨夜女主在霓虹灯下回头,雨水顺着发梢滴落。", FONT, 100)
    assert len(lines) > 3
    assert not any(line[0] in NOT_FIRST for line in lines)


def test_english_breaks_between_words() -> None:
    assert wrap("turns back slowly", FONT, FONT.getlength("turns back") + 2) == ["turns back", "slowly"]


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    lines = wrap("雨" * 100, FONT, 200, 2)
    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert FONT.getlength(lines[1]) <= 200


def test_codes_for_a_font_without_chinese() -> None:
    assert ascii_only("Lin: 你") == "Lin: \\u4f60"


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("女主: 你终于来了", ("女主", "你终于来了")),
        ("女主：你终于来了", ("女主", "你终于来了")),
        ("你终于来了", ("", "你终于来了")),
        (": hm", ("", ": hm")),
        ("Now we wait until it is late: ten", ("", "Now we wait until it is late: ten")),
    ],
)
def test_a_line_is_a_speaker_and_words(line: str, parts: tuple[str, str]) -> None:
    assert split_line(line) == parts


def test_the_font_has_chinese_letters() -> None:
    assert FILE is not None
    assert bytes(FONT.getmask("你")) != bytes(FONT.getmask("终"))
    if FILE.suffix == ".ttc":
        assert (FONT.getname()[0] or "").endswith("SC")


def test_an_explicit_font_comes_first_and_must_exist(tmp_path: Path) -> None:
    own = tmp_path / "own.ttf"
    with pytest.raises(FileNotFoundError):
        fonts.cjk_font(own)
    own.write_bytes(b"")
    assert fonts.cjk_font(own) == own


def test_without_the_package_system_places_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "PACKAGE", "no-such-font-package")
    there = tmp_path / "there.ttc"
    there.write_bytes(b"")
    assert fonts.cjk_font(places=[tmp_path / "missing.ttc", there]) == there
    assert fonts.cjk_font(places=[]) is None
    assert fonts.load_font(None, 12).getlength("shot") > 0
