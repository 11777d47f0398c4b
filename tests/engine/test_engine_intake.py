"""Media as they are handed in: measured by content, changed once, kept for the next process."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as Pillow

from dramagen.catalog.order import Input
from dramagen.catalog.recipe import Recipe, Seen
from dramagen.engine import intake as module
from dramagen.engine.intake import Intake
from dramagen.errors import InvalidShot
from dramagen.medium import Image, Video, Voice
from dramagen.shot import Reference, Shot
from dramagen.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "home")
    yield store
    store.close()


def picture(kind: str = "PNG", size: tuple[int, int] = (400, 300)) -> bytes:
    out = io.BytesIO()
    Pillow.effect_noise(size, 50).convert("RGB").save(out, kind)
    return out.getvalue()


def test_a_picture_is_changed_once_for_good(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    image, recipe = Image.from_bytes(picture()), Recipe(formats=("jpeg",), max_side=100)
    made = Intake(store).adapt(image, recipe)
    assert type(made) is Input
    assert (made.width, made.height, made.media_type) == (100, 75, "image/jpeg")
    assert store.inputs.read(made.sha256) is not None

    def never(*_: object, **__: object) -> bytes:
        raise AssertionError("it is made again")

    monkeypatch.setattr(module, "adapt_picture", never)
    assert Intake(store).adapt(image, recipe) == made
    with pytest.raises(AssertionError):
        Intake(store).adapt(image, recipe.model_copy(update={"max_side": 50}))


def test_one_that_was_cleared_away_is_made_again(store: Store) -> None:
    image, recipe = Image.from_bytes(picture()), Recipe(formats=("jpeg",), max_side=100)
    made = Intake(store).adapt(image, recipe)
    store.inputs.remove(made.sha256)
    assert Intake(store).adapt(image, recipe) == made
    assert store.inputs.read(made.sha256) is not None


def test_what_cannot_be_done_is_said(store: Store) -> None:
    with pytest.raises(InvalidShot, match="cannot be changed: it cannot be brought under 500 bytes"):
        Intake(store).adapt(
            Image.from_bytes(picture()), Recipe(formats=("jpeg",), max_bytes=500, min_side=250)
        )


def test_what_is_odd_about_a_picture_is_seen(store: Store) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Pillow.new("RGB", (80, 40)).save(out, "JPEG", exif=exif)
    turned = Intake(store).measure(Image.from_bytes(out.getvalue()))
    assert isinstance(turned, Seen)
    assert (turned.width, turned.height) == (40, 80)
    assert "turned" in str(turned.flaw)
    plain = Intake(store).measure(Image.from_bytes(picture()))
    assert isinstance(plain, Seen)
    assert plain.flaw is None


@pytest.mark.parametrize("medium", [Video, Voice])
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\0\0\0\x18ftypisom" + bytes(64), "cannot be measured"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "cannot be measured"),
        (b"<html>", "no video or sound"),
        (picture(), "no video or sound"),
    ],
)
def test_a_broken_video_or_voice_is_a_fault_of_the_shot(
    store: Store, medium: type[Video] | type[Voice], data: bytes, why: str
) -> None:
    with pytest.raises(InvalidShot, match=why):
        Intake(store).measure(medium.from_bytes(data))


def test_everything_a_shot_names_is_kept_even_what_cannot_be_measured(store: Store) -> None:
    broken = b"\0\0\0\x18ftypqt  " + bytes(64)
    shot = Shot("@a", references=[Reference("a", [picture("WEBP")], video=broken, voice=b"no sound at all")])
    Intake(store).keep(shot)
    kept = sorted(item.path.suffix for item in store.inputs)
    assert kept == [".bin", ".mov", ".webp"]
