"""Ids as file names: reversible, readable, safe."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.episode.names import LONGEST, clip_name, escape, unescape

texts = st.text(min_size=1, max_size=40)
nasty = st.text(
    st.sampled_from("%/\\.:*?~- aAé\u0301林夏％\u200b\u202e\n\x00conCON1"), min_size=1, max_size=20
)


@given(texts | nasty)
def test_a_name_leads_back_to_its_id(text: str) -> None:
    name = escape(text)
    if "%~" not in name:
        assert unescape(name) == text


@given(texts | nasty)
def test_a_name_is_safe_wherever_it_is_written(text: str) -> None:
    name = escape(text)
    assert not re.search(r'[/\\<>:"|?*\x00-\x1f\x7f]', name)
    assert name[0] not in ".-~ "
    assert name[-1] not in ". "
    assert len(name.encode()) <= LONGEST
    assert unicodedata.normalize("NFC", name) == name
    assert not re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)", name)


@given(
    st.lists(texts | nasty | st.text("林a%/", min_size=60, max_size=200), min_size=2, max_size=6, unique=True)
)
def test_two_ids_never_share_a_name(ids: list[str]) -> None:
    assert len({escape(text) for text in ids}) == len(ids)


def test_chinese_and_plain_ids_stay_readable() -> None:
    assert clip_name("s01", 2) == "s01-t2.mp4"
    assert clip_name("雨夜·回头 A", 1) == "雨夜·回头 A-t1.mp4"
    assert escape("a/b") == "a%2Fb"
    assert escape("../x") == "%2E.%2Fx"


def test_a_long_id_keeps_its_beginning_and_says_it_has_no_way_back() -> None:
    name = escape("雨" * 200)
    assert name.startswith("雨雨雨")
    assert escape("雨" * 200 + "夜") != name
    with pytest.raises(ValueError, match="shortened"):
        unescape(name)


def test_an_empty_id_has_no_name() -> None:
    with pytest.raises(ValueError, match="empty"):
        escape("")
