from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from dramagen.media.sheet import SheetRow, contact_sheet

Encode = Callable[..., bytes]


def count(path: Path, colour: tuple[int, int, int]) -> int:
    with Image.open(path) as sheet:
        return sum(number for number, seen in sheet.getcolors(1 << 24) or [] if seen == colour)


def test_each_shot_has_its_three_frames_in_order(encoded: Encode, tmp_path: Path) -> None:
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    frames = tuple(encoded(Image.new("RGB", (90, 160), colour)) for colour in colours)
    row = SheetRow("s01", ("5.0 s", "previz", "0.00 CNY"), (frames[0], frames[1], frames[2]))
    one = contact_sheet([row], tmp_path / "one.png", "雨")
    two = contact_sheet([row, row], tmp_path / "two.png", "雨")
    for colour in colours:
        assert count(one, colour) > 20_000
        assert count(two, colour) == 2 * count(one, colour)
    with Image.open(one) as sheet:
        line = [sheet.getpixel((x, sheet.height // 2)) for x in range(sheet.width)]
    assert [line.index(colour) for colour in colours] == sorted(line.index(colour) for colour in colours)


def test_words_are_drawn_and_differ(encoded: Encode, tmp_path: Path) -> None:
    frame = encoded(Image.new("RGB", (160, 90)))
    frames = (frame, frame, frame)
    one = contact_sheet([SheetRow("s01", ("雨夜",), frames)], tmp_path / "1.png", "雨")
    other = contact_sheet([SheetRow("s01", ("雪夜",), frames)], tmp_path / "2.png", "雨")
    assert one.read_bytes() != other.read_bytes()


def test_a_sheet_of_nothing_has_its_title(tmp_path: Path) -> None:
    with Image.open(contact_sheet([], tmp_path / "none.png", "空")) as sheet:
        assert sheet.height > 100


def test_a_frame_must_be_a_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a picture"):
        contact_sheet([SheetRow("s01", (), (b"", b"", b""))], tmp_path / "x.png", "t")
