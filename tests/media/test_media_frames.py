from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from dramagen.errors import MissingExtra
from dramagen.media import picture as module
from dramagen.media.frames import extract_frame
from dramagen.media.picture import PictureFacts, picture_facts
from dramagen.media.probe import UndecodableMedia

Clips = Callable[..., Path]
Number = Callable[[bytes], int]
Encode = Callable[..., bytes]


@pytest.mark.parametrize(
    ("index", "number"), [("first", 0), ("middle", 36), ("last", 71), (0, 0), (50, 50), (71, 71)]
)
def test_the_frame_asked_for(make_clip: Clips, number_of: Number, index: int, number: int) -> None:
    path = make_clip(frames=72)  # 3 s: the last frame lies behind a seek
    assert number_of(extract_frame(path, index)) == number


def test_a_frame_past_the_end_is_an_error(make_clip: Clips) -> None:
    with pytest.raises(UndecodableMedia, match="it has 5 frames"):
        extract_frame(make_clip(frames=5), 5)
    with pytest.raises(ValueError, match="from 0"):
        extract_frame(make_clip(frames=5), -1)


def test_a_frame_is_a_png_of_the_size_of_the_clip(make_clip: Clips) -> None:
    facts = picture_facts(extract_frame(make_clip(), "last"))
    assert (facts.width, facts.height, facts.format, facts.has_alpha) == (96, 160, "png", False)


@pytest.fixture
def _no_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, what: str) -> None:
        raise MissingExtra("media", what)

    monkeypatch.setattr(module, "require", refuse)


@pytest.mark.usefixtures("_no_pillow")
@pytest.mark.parametrize(
    ("mode", "kind", "alpha"),
    [
        ("RGB", "PNG", False),
        ("RGBA", "PNG", True),
        ("LA", "PNG", True),
        ("L", "PNG", False),
        ("RGB", "JPEG", False),
        ("L", "JPEG", False),
    ],
)
def test_png_and_jpeg_are_measured_without_pillow(encoded: Encode, mode: str, kind: str, alpha: bool) -> None:
    data = encoded(Image.new(mode, (37, 53)), kind)
    assert picture_facts(data) == PictureFacts(37, 53, kind.lower(), alpha, len(data))


@pytest.mark.usefixtures("_no_pillow")
def test_a_progressive_jpeg_with_a_thumbnail_is_measured_by_its_own_size(encoded: Encode) -> None:
    thumbnail = encoded(Image.new("RGB", (9, 9)), "JPEG")
    data = encoded(Image.new("RGB", (300, 200)), "JPEG")
    app1 = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    assert picture_facts(data[:2] + app1 + data[2:]).width == 300


@pytest.mark.usefixtures("_no_pillow")
def test_a_palette_with_a_transparent_colour_has_alpha(encoded: Encode) -> None:
    picture = Image.new("P", (4, 4))
    picture.info["transparency"] = 0
    assert picture_facts(encoded(picture)).has_alpha


@pytest.mark.usefixtures("_no_pillow")
def test_other_formats_need_the_extra(encoded: Encode) -> None:
    with pytest.raises(MissingExtra):
        picture_facts(encoded(Image.new("RGB", (4, 4)), "WEBP"))


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP"])
def test_other_formats_are_measured_by_pillow(encoded: Encode, kind: str) -> None:
    facts = picture_facts(encoded(Image.new("RGB", (37, 53)), kind))
    assert (facts.width, facts.height, facts.format) == (37, 53, kind.lower())


@pytest.mark.parametrize(
    "data", [b"", b"text", b"\x89PNG\r\n\x1a\nrest", b"\xff\xd8\xff\xe0\x00\x04ab", b"\xff\xd8\xff\xd9"]
)
def test_what_is_no_picture_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"picture|header"):
        picture_facts(data)
