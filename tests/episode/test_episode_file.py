"""Episode files: what a good one means, and that a bad one is told with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

import dramagen
from dramagen.config import Budget
from dramagen.episode import Episode
from dramagen.errors import ConfigError, DramagenError, InvalidShot
from dramagen.money import Money

Write = Callable[..., Path]

GOOD = """\
title = "雨夜"

[defaults]
duration = 4
resolution = "480p"
pin = "previz"

[budget]
limit = "60 CNY"

[characters."林夏"]
images = "lin.png"
[characters.zhou]
images = ["zhou.png", "https://example.com/zhou.png"]
kind = "character"

[[shot]]
id = "s01"
prompt = "@林夏在雨里回头"
camera = "push_in"
dialogue = [{ speaker = "林夏", text = "是你?" }]

[[shot]]
id = "s02"
prompt = "近景"
characters = ["zhou"]
duration = 5
cuts = [{ prompt = "@林夏", duration = 2 }, { prompt = "街", duration = 3 }]
continues = "s01"
last_frame = "end.png"
pin = "kling"
"""


def test_a_good_file(write: Write) -> None:
    path = write(GOOD, "lin.png", "zhou.png", "end.png")
    episode = dramagen.Episode.load(path)
    first, second = episode.shots
    assert episode.title == "雨夜"
    assert episode.budget == Budget(Money("60 CNY"))
    assert (first.shot.duration, first.shot.resolution, first.shot.pin) == (4, "480p", "previz")
    assert [r.name for r in first.shot.references] == ["林夏"]
    assert first.shot.references[0].images[0].path == path.parent / "lin.png"
    assert first.shot.camera == dramagen.Camera("push_in")
    assert first.shot.audio is True
    assert [r.name for r in second.shot.references] == ["林夏", "zhou"]
    assert (second.continues, second.shot.pin, second.line) == ("s01", "kling", 23)
    assert second.shot.first_frame is None
    frame = dramagen.Image.from_bytes(b"frame")
    started = second.starting_on(frame)
    assert started.first_frame == frame
    assert started.last_frame == dramagen.Image.from_path(path.parent / "end.png")


def test_a_file_without_a_title_is_called_after_its_folder(write: Write) -> None:
    assert Episode.load(write('[[shot]]\nid = "a"\nprompt = "p"\n')).title == "rain"


def test_windows_line_ends_and_a_byte_order_mark(write: Write) -> None:
    path = write()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert [shot.line for shot in Episode.load(path).shots] == [3, 7, 12, 17]


SHOT = '[[shot]]\nid = "s01"\nprompt = "p"\n'


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('title = "a\n[[shot]]', 1, "not TOML"),
        ("[characters.林夏]\n", 1, 'quoted: [characters."林夏"]'),
        ('[[shot]]\nid = "s01"\nprompt = """x\n', 4, "the file ends here"),
        ("", 1, "an episode has shots"),
        ('titel = "x"\n' + SHOT, 1, "unknown key 'titel'; did you mean 'title'?"),
        (SHOT + "durration = 4\n", 4, "shot 's01': unknown key 'durration'; did you mean 'duration'?"),
        (SHOT + "\nduration = 'five'\n", 5, "duration = 'five'"),
        ("[defaults]\n\nresolution = '9p'\n" + SHOT, 3, "resolution = '9p': one of 360p"),
        ("[defaults]\nlenght = 4\n" + SHOT, 2, "[defaults]: unknown key 'lenght'"),
        ('[[shot]]\nprompt = "p"\n', 1, "a shot has an id"),
        ('[[shot]]\nid = 3\nprompt = "p"\n', 2, "not 3"),
        ('[[shot]]\nid = "s01"\n', 1, "a shot has a prompt"),
        ('[shot]\nid = "s01"\n', 1, "written [[shot]]"),
        ('title = 3\n' + SHOT, 1, "title is a text"),
        (SHOT + "dialogue = [\n {speaker = 'a', text = 'b'},\n {speaker = 'a', txt = 'b'},\n]\n", 6, "txt"),
        (SHOT + "camera = 'push'\n", 4, "push_in"),
        (SHOT + "duration = 5\n\ncuts = [\n {prompt='a', duration=2}, {prompt='b', duration=2}]\n", 6, "add up to 4"),
        (SHOT + "first_frame = 'lim.png'\n", 4, "no file 'lim.png'; did you mean 'lin.png'?"),
        ("[characters.lin]\nimages = [\n'lin.png',\n'no.png']\n" + SHOT, 4, "no file 'no.png'"),
        ("[characters.lin]\nkind = 'prop'\n" + SHOT, 1, "at least one image"),
        ("[characters.lin]\nimages = 'lin.png'\nkind = 'hero'\n" + SHOT, 3, "kind = 'hero'"),
        ("[characters.'林夏']\nimages = 'lin.png'\n" + SHOT + "characters = ['林厦']\n", 6, "no [characters.林厦]"),
        (
            "[characters.'林夏']\nimages = 'lin.png'\n[[shot]]\nid = 's'\nprompt = '@林厦走'\n",
            5,
            "mentions @林厦; did you mean @林夏?",
        ),
        ("[budget]\nlimit = 'sixty'\n" + SHOT, 2, "is not an amount"),
        ("[budget]\nlimit = '6 CNY'\nper = 'year'\n" + SHOT, 3, "per"),
        ("[budget]\nlimit = 6\n" + SHOT, 2, "money is written"),
        (SHOT + "continues = 's1'\n", 4, "did you mean 's01'?"),
        (SHOT + SHOT, 5, "another shot (line 1) has the same id"),
        (SHOT + SHOT.replace("s01", "S01"), 5, "upper and lower case"),
        (SHOT + "continues = 's02'\n" + SHOT.replace("s01", "s02") + "continues = 's01'\n", 4, "s01 → s02 → s01"),
        (SHOT + "continues = 's01'\n", 4, "circle"),
        (SHOT + "continues = 's01'\nfirst_frame = 'lin.png'\n", 5, "either continues or first_frame"),
        (SHOT + "last_frame = 'lin.png'\n", 4, "last_frame needs first_frame"),
        (SHOT + "seed = -1\n", 4, "seed = -1"),
    ],
)  # fmt: skip
def test_a_bad_file_names_its_line_and_what_was_expected(
    write: Write, text: str, line: int, says: str
) -> None:
    path = write(text, "lin.png")
    with pytest.raises(DramagenError) as caught:
        Episode.load(path)
    assert isinstance(caught.value, ConfigError | InvalidShot)
    assert caught.value.message.startswith(f"{path}:{line}: ")
    assert says in caught.value.message


def test_a_speaker_nobody_introduced_is_allowed(write: Write) -> None:
    text = SHOT + "dialogue = [{speaker = '旁白', text = '那一夜'}]\n"
    assert Episode.load(write(text)).shots[0].shot.dialogue[0].speaker == "旁白"


def test_a_mention_that_is_near_nobody_is_text(write: Write) -> None:
    text = '[characters."林夏"]\nimages = "lin.png"\n' + SHOT.replace('"p"', '"招牌上写着 @cafe"')
    assert Episode.load(write(text, "lin.png")).shots[0].shot.references == ()


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        Episode.load(tmp_path / "none.toml")
    (tmp_path / "gbk.toml").write_bytes("title = '雨'".encode("gbk"))
    with pytest.raises(ConfigError, match="UTF-8"):
        Episode.load(tmp_path / "gbk.toml")


def test_shots_are_ordered_by_what_they_continue(write: Write) -> None:
    text = "".join(
        f'[[shot]]\nid = "{name}"\nprompt = "p"\n' + (f'continues = "{before}"\n' if before else "")
        for name, before in [("c", "b"), ("a", None), ("b", "a"), ("d", None)]
    )
    episode = Episode.load(write(text))
    assert [shot.id for shot in episode.shots] == ["c", "a", "b", "d"]
    assert [shot.id for shot in episode.ordered] == ["a", "b", "c", "d"]
    assert [shot.id for shot in episode.followers("a")] == ["b", "c"]
    with pytest.raises(InvalidShot, match="no shot 'e'"):
        episode.shot("e")
