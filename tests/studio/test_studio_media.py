"""References given by URL, end to end: fetched once, priced, sent the vendor's way, and written down nowhere."""

import gzip
import io
import os
import wave
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from PIL import Image as Pillow

from dramagen import Config, Image, Money, Reference, Shot, Studio
from dramagen.emulator import Handle, running
from dramagen.errors import InvalidShot, NoRoute, ProviderUnavailable
from dramagen.media.convert import video_frame
from dramagen.media.encode import written

pytestmark = [pytest.mark.anyio, pytest.mark.matrix]

SPEED = 600.0
SECRET = "open-sesame-0123456789"
QUERY = f"?seconds=3&X-Signature={SECRET}"


def png(width: int = 720, height: int = 1280, kind: str = "PNG") -> bytes:
    drawn = io.BytesIO()
    Pillow.new("RGB", (width, height), "navy").save(drawn, kind)
    return drawn.getvalue()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three grey seconds at 720x1280."""
    path = tmp_path_factory.mktemp("film") / "grey.mp4"
    grey = video_frame(Pillow.new("RGB", (720, 1280), (90, 90, 90)), "yuv420p")
    with written(path, width=720, height=1280, fps=Fraction(24), audio=False, crf=50) as target:
        for _ in range(72):
            target.picture(grey)
    return path.read_bytes()


@pytest.fixture(scope="module")
def voice() -> bytes:
    """Three silent seconds."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", "none"))
        sound.writeframes(bytes(2 * 3 * 16000))
    return out.getvalue()


class Site:
    """A server of files, on this machine. ``asked`` has the paths that were asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                site.asked.append(path)
                found = site.files.get(path)
                if callable(found):
                    found(self)
                    return
                self.send_response(200 if found is not None else 404)
                self.send_header("Content-Length", str(len(found or b"")))
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def url(self, path: str) -> str:
        return f"{self.address}{path}{QUERY}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def site(film: bytes, voice: bytes) -> Iterator[Site]:
    site = Site()
    site.files = {"/film.mp4": film, "/voice.wav": voice, "/face.png": png()}
    yield site
    site.close()


@pytest.fixture(scope="module")
def _emulator() -> Iterator[Handle]:
    with running(speed=SPEED) as handle:
        yield handle


@pytest.fixture
def emulator(_emulator: Handle, monkeypatch: pytest.MonkeyPatch) -> Handle:
    for name in os.environ:
        if "proxy" in name.lower():
            monkeypatch.delenv(name)
    _emulator.reset()
    monkeypatch.setenv("DRAMAGEN_EMULATOR", _emulator.url)
    return _emulator


def studio(home: Path, **settings: Any) -> Studio:
    return Studio(Config(home=home, time_scale=SPEED, **({"allow_private": ("127.0.0.1",)} | settings)))


def on_disk(home: Path, words: bytes) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and words in path.read_bytes()]


VENDORS: dict[str, tuple[str, dict[str, Any], bool, Money]] = {
    # pin, fields, whether a voice is taken, and the bill of the clip with three seconds of reference video
    "seedance": ("seedance:cn/seedance-2.0", {"duration": 4, "audio": True}, True, Money("4.2588 CNY")),
    "seedance abroad": ("seedance:intl/seedance-2.0", {"duration": 4, "audio": True}, True, Money("0.65403 USD")),
    "kling": ("kling:cn/kling-3.0-omni", {"duration": 3}, False, Money("2.7 CNY")),
    "kling abroad": ("kling:intl/kling-3.0-omni", {"duration": 3}, False, Money("0.378 USD")),
    "wan3": ("wan:cn/wan-3.0", {"duration": 2, "resolution": "480p", "audio": True}, True, Money("1.5 CNY")),
    "wan2.7": ("wan:cn/wan-2.7", {"duration": 2, "audio": True}, True, Money("3 CNY")),
    "wan2.6": ("wan:cn/wan-2.6", {"duration": 2, "audio": True}, False, Money("3 CNY")),
    "h3": ("hailuo:intl/minimax-h3", {"duration": 5, "resolution": "768p", "audio": True}, True, Money("0.64 USD")),
}  # fmt: skip


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_video_given_by_url_is_billed_and_its_url_is_nowhere(
    emulator: Handle, tmp_path: Path, site: Site, vendor: str, caplog: pytest.LogCaptureFixture
) -> None:
    pin, fields, speaks, bill = VENDORS[vendor]
    caplog.set_level("DEBUG")
    cast = Reference(
        "林夏", [site.url("/face.png")], video=site.url("/film.mp4"),
        voice=site.url("/voice.wav") if speaks else None,
    )  # fmt: skip
    shot = Shot("@林夏回头", references=[cast], pin=pin, **fields)
    async with studio(tmp_path / "home") as here:
        clip = await here.shoot(shot)
        assert (await here.shoot(shot)).cached
    assert clip.cost == bill
    paid = [row for row in emulator.bill() if Decimal(row["amount"])]
    assert [(Decimal(row["amount"]), row["currency"]) for row in paid] == [(bill.amount, bill.currency)]
    assert not [a for a in clip.adjustments if a.field == "references"]
    # The shot of a clip is what the caller handed in; all else has forgotten where things were.
    assert SECRET not in repr(clip)
    assert SECRET not in caplog.text
    for words in (SECRET.encode(), b"/film.mp4", site.address.encode()):
        assert on_disk(tmp_path / "home", words) == []
    assert sorted(site.asked) == sorted(set(site.asked)), "each URL is fetched once"


async def test_in_a_later_process_the_same_content_is_the_same_shot_and_another_is_not(
    emulator: Handle, tmp_path: Path, site: Site, film: bytes
) -> None:
    cast = Reference("林夏", video=site.url("/film.mp4"))
    shot = Shot("@林夏回头", references=[cast], duration=3, pin="kling:cn/kling-3.0-omni")
    async with studio(tmp_path / "home") as here:
        first = await here.shoot(shot)
    async with studio(tmp_path / "home") as here:
        again = await here.shoot(shot)
        assert (again.job_id, again.cached) == (first.job_id, True)
    site.files["/film.mp4"] = film + b"\0\0\0\x08free"
    async with studio(tmp_path / "home") as here:
        other = await here.shoot(shot)
    assert other.job_id != first.job_id
    assert len([row for row in emulator.bill() if Decimal(row["amount"])]) == 2


async def test_a_video_only_taken_by_url_is_refused_as_a_file_before_paying(
    emulator: Handle, tmp_path: Path, film: bytes
) -> None:
    shot = Shot("@林夏回头", references=[Reference("林夏", video=film)], duration=4, pin="seedance-2.0")
    async with studio(tmp_path / "home") as here:
        with pytest.raises(NoRoute, match="takes a video only by its public URL"):
            await here.shoot(shot)
    assert emulator.bill() == []


async def test_a_picture_is_adapted_once_and_its_change_is_on_the_clip(
    emulator: Handle, tmp_path: Path
) -> None:
    frame = Image.from_bytes(png(1440, 2560, "WEBP"))
    shot = Shot("雨夜", first_frame=frame, duration=3, pin="kling:cn/kling-3.0")
    async with studio(tmp_path / "home") as here:
        assert here.plan(shot)
        kept = sorted((tmp_path / "home" / "inputs").rglob("*.*"))
        clip = await here.shoot(shot)
    [change] = clip.adjustments
    assert (change.field, change.asked, change.given) == ("first_frame", "1440x2560 webp", "1440x2560 jpeg")
    jpegs = list((tmp_path / "home" / "inputs").rglob("*.jpg"))
    assert len(jpegs) == 1
    assert jpegs[0] in kept
    async with studio(tmp_path / "home") as here:
        assert (await here.shoot(shot)).cached
    assert list((tmp_path / "home" / "inputs").rglob("*.jpg")) == jpegs


# --- what a URL may hold ----------------------------------------------------------------------------------


def shot_of(url: str) -> Shot:
    return Shot("雨夜", first_frame=Image.from_url(url), pin="kling:cn/kling-3.0", duration=3)


async def refused(home: Path, url: str, error: type[Exception], **settings: Any) -> str:
    async with studio(home, **settings) as here:
        with pytest.raises(error) as caught:
            await here.shoot(shot_of(url))
    said = f"{caught.value} {caught.value!r}"
    assert SECRET not in said
    return said


async def test_a_private_address_is_not_asked(emulator: Handle, tmp_path: Path, site: Site) -> None:
    said = await refused(tmp_path / "home", site.url("/face.png"), InvalidShot, allow_private=())
    assert "127.0.0.1" in said
    assert site.asked == []


async def test_nor_one_behind_a_redirect(emulator: Handle, tmp_path: Path, site: Site) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "http://169.254.169.254/latest/meta-data")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    site.files["/moved.png"] = elsewhere
    assert "169.254.169.254" in await refused(tmp_path / "home", site.url("/moved.png"), InvalidShot)


async def test_a_body_without_end_is_given_up(
    emulator: Handle, tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):  # until the other side hangs up
            while True:
                handler.wfile.write(bytes(1 << 16))

    monkeypatch.setattr("dramagen.engine.intake.FETCH_LIMIT", 1_000_000)
    site.files["/endless.png"] = endless
    assert "larger than 1,000,000 bytes" in await refused(
        tmp_path / "home", site.url("/endless.png"), InvalidShot
    )
    assert not list((tmp_path / "home" / "inputs").rglob("*.bin"))


async def test_a_body_that_never_comes_is_given_up(
    emulator: Handle, tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = Event()

    def silent(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        over.wait()

    monkeypatch.setattr("dramagen.engine.intake.FETCH_SECONDS", 0.2)
    site.files["/silent.png"] = silent
    try:
        said = await refused(tmp_path / "home", site.url("/silent.png"), ProviderUnavailable)
    finally:
        over.set()
    assert "TimeoutError" in said


async def test_a_small_answer_that_unpacks_to_a_large_one_is_given_up(
    emulator: Handle, tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = gzip.compress(bytes(50_000_000))
    assert len(packed) < 100_000

    def bomb(handler: BaseHTTPRequestHandler) -> None:
        assert handler.headers["Accept-Encoding"] == "identity"
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(packed)))
        handler.end_headers()
        handler.wfile.write(packed)

    monkeypatch.setattr("dramagen.engine.intake.FETCH_LIMIT", 1_000_000)
    site.files["/bomb.png"] = bomb
    assert "larger than" in await refused(tmp_path / "home", site.url("/bomb.png"), InvalidShot)


@pytest.mark.parametrize(
    ("path", "content", "error", "why"),
    [
        ("/gone.png", None, InvalidShot, "HTTP 404"),
        ("/empty.png", b"", InvalidShot, "empty"),
        ("/page.png", b"<html>not here</html>", InvalidShot, "picture"),
        ("/iphone.png", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", InvalidShot, "HEIC"),
    ],
)
async def test_what_is_no_picture_is_known_by_its_content(
    emulator: Handle, tmp_path: Path, site: Site, path: str, content: bytes | None,
    error: type[Exception], why: str,
) -> None:  # fmt: skip
    if content is not None:
        site.files[path] = content
    assert why in await refused(tmp_path / "home", site.url(path), error)
    assert emulator.bill() == []


async def test_a_server_in_trouble_is_no_fault_of_the_shot(
    emulator: Handle, tmp_path: Path, site: Site
) -> None:
    def trouble(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(503)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    site.files["/busy.png"] = trouble
    assert "HTTP 503" in await refused(tmp_path / "home", site.url("/busy.png"), ProviderUnavailable)


async def test_a_picture_is_known_whatever_its_address_ends_in(
    emulator: Handle, tmp_path: Path, site: Site
) -> None:
    site.files["/face.mp4"] = png()
    async with studio(tmp_path / "home") as here:
        clip = await here.shoot(shot_of(site.url("/face.mp4")))
    assert clip.adjustments == ()
