"""The words put into a prompt: mentions, and which language to put them in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.adapters.prompt import is_chinese, mentioned, replace_mentions, sentences

NAMES = st.text(st.sampled_from("林夏天abcAB12_.*["), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("雨夜,女主回头", True),
        ("雨夜，4K 电影感, cinematic", True),
        ("a girl called 林夏 walks in", False),
        ("A rainy night", False),
        ("東京の夜、彼女は振り返る", False),
        ("서울의 밤", False),
        ("@林夏 walks", False),
        ("", False),
    ],
)
def test_the_language_of_a_prompt(text: str, chinese: bool) -> None:
    assert is_chinese(text, ["林夏"]) is chinese


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@林夏天和@林夏", "<2>和<1>"),
        ("＠林夏走来", "<1>走来"),
        ("@lin, @linda and @lin's", "<3>, @linda and <3>'s"),
        ("write to a@lin.com", "write to a@lin.com"),
        ("@nobody @林", "@nobody @林"),
        ("@林夏@林夏", "<1><1>"),
    ],
)
def test_mentions(text: str, said: str) -> None:
    assert replace_mentions(text, {"林夏": "<1>", "林夏天": "<2>", "lin": "<3>"}) == said


def test_a_replacement_is_not_read_again() -> None:
    assert replace_mentions("@a @b", {"a": "@b", "b": "@a"}) == "@b @a"


@given(st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_every_name_is_found_and_only_as_itself(names: list[str]) -> None:
    text = " ".join(f"@{name}" for name in names)
    words = {name: f"<{number}>" for number, name in enumerate(names)}
    assert replace_mentions(text, words) == " ".join(words.values())
    assert mentioned(text, names) == set(names)


def test_no_names_no_mentions() -> None:
    assert mentioned("@a", []) == frozenset()
    assert replace_mentions("@a", {}) == "@a"


def test_sentences_end_once() -> None:
    assert sentences("雨夜", "", " 她说：“走！”", "远处？", chinese=True) == "雨夜。她说：“走！”远处？"
    assert sentences("A night.", "She runs", chinese=False) == "A night. She runs."
