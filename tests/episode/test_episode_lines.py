"""The scanner that knows on which line everything stands."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from dramagen.episode.lines import line_of, lines

TEXT = '''\
title = "雨" # a comment = [1]

[characters."林夏"]
images = ["a#b.png",
  # here
  'c]d.png',
]
[[shot]]
id = "s01"
prompt = """
a "quoted" [[shot]]
= not a key \\""" still
"""
camera = { move = "push_in", speed = 'slow' }
[[shot.dialogue]]
speaker = "林夏"
[[shot.dialogue]]
text = "x"
[[shot]]
options.kling.mode = "pro"
cuts = [{prompt = "a", duration = 1.5},
  {prompt = "b", duration = 2}]
note = \'\'\'it''s'\'\'\'
when = 2026-11-22 10:00:00
'''


def test_every_part_has_its_line() -> None:
    tomllib.loads(TEXT)
    found = lines(TEXT)
    assert found["title",] == 1
    assert found["characters", "林夏"] == 3
    assert found["characters", "林夏", "images", 0] == 4
    assert found["characters", "林夏", "images", 1] == 6
    assert found["shot", 0] == 8
    assert found["shot", 0, "prompt"] == 10
    assert found["shot", 0, "camera", "speed"] == 14
    assert found["shot", 0, "dialogue", 1] == 17
    assert found["shot", 0, "dialogue", 1, "text"] == 18
    assert found["shot", 1] == 19
    assert found["shot", 1, "options", "kling", "mode"] == 20
    assert found["shot", 1, "cuts", 1, "prompt"] == 22
    assert found["shot", 1, "cuts", 1, "duration"] == 22
    assert found["shot", 1, "note"] == 23
    assert found["shot", 1, "when"] == 24


def test_a_missing_part_is_where_the_nearest_thing_around_it_is() -> None:
    found = lines(TEXT)
    assert line_of(found, ("shot", 0, "dialogue", 1, "speaker")) == 17
    assert line_of(found, ("shot", 1, "duration")) == 19
    assert line_of(found, ("budget",)) == 1


keys = st.sampled_from(["a", '"b c"', "'d.e'", "f-1", '"\\u0041\\""'])
values = st.recursive(
    st.sampled_from(
        ["1", "true", "-2.5e3", '"x # y"', "'z]'", '"""m\n\\"""n"""', "'''p\n''q'''", "1979-05-27"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[\n{' ,'.join(parts)}\n]")
        | st.lists(inner, max_size=1).map(lambda parts: f"{{{','.join(f'k = {p}' for p in parts)}}}")
    ),
    max_leaves=6,
)


@given(st.lists(st.tuples(keys, values), max_size=4, unique_by=lambda pair: pair[0]))
def test_it_finds_every_key_tomllib_finds(pairs: list[tuple[str, str]]) -> None:
    text = "[[t]]\n" + "".join(f"{key} = {value}\n" for key, value in pairs)
    table = tomllib.loads(text)["t"][0]
    found = lines(text)
    line = 2
    for (_, value), key in zip(pairs, table, strict=True):
        assert found["t", 0, key] == line
        line += 1 + value.count("\n")
