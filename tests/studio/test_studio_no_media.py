"""Without the ``media`` extra: clips are delivered undecoded, and nothing is ordered that would need a trim."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
sys.modules["av"] = sys.modules["PIL"] = None  # as where the extra is not installed
import json, anyio
from pathlib import Path
from dramagen import Config, Shot, Studio
from dramagen.engine.clock import VirtualClock
from dramagen.errors import NoRoute
from dramagen.testing import FakeProvider

async def main():
    home, film = Path(sys.argv[1]), Path(sys.argv[2])
    shot = Shot("雨夜", duration=5, resolution="480p", pin="seedance/seedance-2.0")
    said, clock = {}, VirtualClock()
    config = Config(home=home, keys={"seedance:cn": "k"})
    vendor = FakeProvider(film.read_bytes(), now=clock.now)
    async with Studio(config, clock=clock, transports={"https": vendor}) as studio:
        clip = await studio.shoot(shot)
        said["warnings"], said["decoded"], said["same"] = clip.warnings, clip.media.decoded, clip.path.is_file()
        try:
            await studio.shoot(shot.changed(duration=4.5))
        except NoRoute as error:
            said["refused"] = str(error)
        said["billed"] = vendor.billed
        longer = await studio.shoot(shot.changed(duration=4.5, allow_longer=True))
        said["longer"] = [str(a) for a in longer.adjustments]
        (planned,) = studio.plan(shot.changed(duration=4.5)).shots
        said["rules"] = sorted({r.rule for r in planned.refusals if r.route.model == "seedance-2.0"})
        try:
            clip.last_frame()
        except Exception as error:
            said["last_frame"] = [type(error).__name__, str(error)]
    print(json.dumps(said, ensure_ascii=False))

anyio.run(main)
"""


@pytest.fixture(scope="module")
def said(film: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder: Path = tmp_path_factory.mktemp("bare")
    clip = folder / "film.mp4"
    clip.write_bytes(film)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(folder / "home"), str(clip)],
        capture_output=True, text=True, timeout=90, cwd=folder,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found: dict[str, object] = json.loads(ran.stdout)
    return found


def test_a_clip_comes_undecoded_and_says_so(said: dict[str, object]) -> None:
    assert "not decoded" in str(said["warnings"])
    assert said["decoded"] is False
    assert said["same"] is True


def test_what_needs_a_trim_is_refused_before_it_is_paid_for(said: dict[str, object]) -> None:
    assert "allow_longer" in str(said["refused"])
    assert said["billed"] == 1
    assert said["rules"] == ["duration"]


def test_unless_a_longer_clip_will_do(said: dict[str, object]) -> None:
    assert "4.5 s" in str(said["longer"])


def test_a_frame_names_the_extra_it_needs(said: dict[str, object]) -> None:
    assert str(said["last_frame"]).startswith("['MissingExtra'")
    assert "dramagen[media]" in str(said["last_frame"])
