"""Votes from files, and what becomes of them."""

import json
import re
from pathlib import Path

import pytest

from dramagen.bench.take import TakeId
from dramagen.bench.votes import SHAPE, Pair, Votes
from dramagen.errors import ConfigError

ONE, TWO = TakeId("a", "kling/kling-3.0", 1), TakeId("a", "vidu", 1)


def test_votes_come_back_as_they_were_kept(tmp_path: Path) -> None:
    votes = Votes({ONE: (True, ""), TWO: (False, "手指多了一根")}, [Pair(ONE, TWO)])
    votes.save(tmp_path)
    assert Votes.load(tmp_path) == votes
    assert Votes.load(tmp_path / "elsewhere") == Votes()


def test_a_spreadsheet_is_read_with_its_blanks_and_its_words(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text(
        "\ufeffshot,route,take,accepted,reason\na,kling/kling-3.0,1,Yes,\na,vidu,1,否,脸变了\nb,vidu,1,,\n",
        "utf-8",
    )
    assert Votes.read(path).takes == {ONE: (True, ""), TWO: (False, "脸变了")}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("v.csv", "shot,take,accepted\na,1,yes\n", "no column route"),
        (
            "v.csv",
            "shot,route,take,accepted\na,k,1,perhaps\n",
            "v.csv:2: accepted is yes or no, not 'perhaps'",
        ),
        ("v.csv", "shot,route,take,accepted\na,k,one,yes\n", "v.csv:2: take is a number"),
        ("v.json", "{}", "these are no votes"),
        ("v.json", "[1]", "these are no votes"),
        ("v.json", "{", "these are no votes"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=told):
        Votes.read(tmp_path / name)


ROW = '{"shot": "a", "route": "k", "take": 1, "accepted": true}'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"[{ROW}]", "the whole is a list, not an object"),
        ("{}", "votes is no list"),
        ('{"votes": [], "pairs": 5}', "pairs is no list"),
        (f'{{"votes": {ROW}}}', "votes is no list"),
        (f'{{"votes": [{ROW}, {{"shot": "a", "route": "k", "take": 1}}]}}', "vote 2 has no 'accepted'"),
        (f'{{"votes": [{ROW.replace("true", chr(34) + "no" + chr(34))}]}}', "vote 1 is "),
        ('{"votes": [5]}', "vote 1 is 5"),
        (f'{{"votes": [{ROW}], "pairs": [{ROW}]}}', "pair 1 is "),
    ],
)
def test_votes_of_another_shape_are_shown_the_right_one(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "v.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Votes.read(path)
    said = str(caught.value)
    assert told in said
    assert "TypeError" not in said
    path.write_text(SHAPE)
    assert said.endswith(f"; the file is {SHAPE}")
    assert Votes.read(path).takes == {TakeId("s01", "kling/kling-3.0", 1): (True, "")}


def test_the_shape_of_votes_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs/bench.md").read_text("utf-8")
    (text,) = re.findall(r"```json\n(\{ *\"votes\".*?)```", page, re.DOTALL)
    document = json.loads(text)
    assert document["votes"][0].keys() == json.loads(SHAPE)["votes"][0].keys()
    assert document["pairs"][0].keys() == {"better", "worse"}


def test_a_later_vote_replaces_an_earlier_one() -> None:
    votes = Votes({ONE: (True, "")}, [Pair(ONE, TWO)])
    votes.add(Votes({ONE: (False, "seen again")}, [Pair(TWO, ONE)]))
    assert votes == Votes({ONE: (False, "seen again")}, [Pair(TWO, ONE)])


def test_another_benchmarks_votes_are_refused_and_stray_ones_left_out() -> None:
    with pytest.raises(ConfigError, match="none of these votes"):
        Votes({ONE: (True, "")}).only([TWO])
    assert Votes({ONE: (True, ""), TWO: (True, "")}).only([TWO]).takes == {TWO: (True, "")}
    assert Votes().only([TWO]) == Votes()


def test_wins_are_counted_between_routes_only() -> None:
    other = TakeId("a", "vidu", 2)
    votes = Votes(pairs=[Pair(ONE, TWO), Pair(TWO, other), Pair(other, ONE)])
    assert votes.wins() == {"kling/kling-3.0": (1, 2), "vidu": (1, 2)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_is_read_as_spreadsheets_in_chinese_save_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "选片.csv"
    path.write_bytes("shot,route,take,accepted,reason\n镜头一,kling,1,否,右手六指\n".encode(encoding))
    assert Votes.read(path).takes == {TakeId("镜头一", "kling", 1): (False, "右手六指")}


def test_what_is_no_text_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_bytes(b"\xff\xff\xff")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        Votes.read(path)


def test_a_reason_in_a_table_may_have_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    reason = "脸漂移\n手也不对\u2028重拍"  # a spreadsheet's break, and a web page's
    path.write_text(f'shot,route,take,accepted,reason\na,k,1,no,"{reason}"\nb,k,1,yes,\n', "utf-8")
    assert Votes.read(path).takes == {TakeId("a", "k", 1): (False, reason), TakeId("b", "k", 1): (True, "")}
