"""One shot without a studio of one's own: in a script, in a notebook's running loop, in several threads."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import dramagen
from dramagen import Config, Shot
from dramagen.errors import NoRoute

SMALL = Shot("雨夜", duration=0.5, resolution="360p", pin="previz")


@pytest.mark.anyio
async def test_a_clip_in_one_line(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    clip = await dramagen.shoot(SMALL, config=config)
    again = await dramagen.shoot(SMALL, config=config)
    assert (clip.cached, again.cached) == (False, True)
    other = await dramagen.shoot(SMALL, config=config, take=2)
    assert other.take == 2


def test_a_script_and_a_running_loop(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    clip = dramagen.shoot_sync(SMALL, config=config)
    assert clip.path.exists()

    async def notebook() -> Any:
        return dramagen.shoot_sync(SMALL, config=config)

    assert asyncio.run(notebook()).job_id == clip.job_id


def test_several_threads_share_one_job(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    clips: list[Any] = []
    threads = [
        threading.Thread(target=lambda: clips.append(dramagen.shoot_sync(SMALL, config=config)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(clips) == 4
    assert len({clip.job_id for clip in clips}) == 1


def test_the_error_is_the_studios_own(tmp_path: Path) -> None:
    with pytest.raises(NoRoute):
        dramagen.shoot_sync(SMALL.pinned("nobody"), config=Config(home=tmp_path / "home"))


SCRIPT = """
import dramagen
clip = dramagen.shoot_sync(dramagen.Shot("雨夜", duration=0.5, resolution="360p"))
print(clip.path.suffix)
"""


def test_a_plain_script_ends_without_a_word_on_stderr(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        env={**os.environ, "DRAMAGEN_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, ".mp4\n", "")


WAITING = """
import sys, dramagen
from dramagen import Shot
print("begun", flush=True)
try:
    dramagen.shoot_sync(Shot("雨夜", duration=5, resolution="480p", pin="seedance/seedance-2.0"))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one child alone")
def test_control_c_detaches_and_the_same_call_picks_the_job_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dramagen.emulator import running

    with running(speed=40) as vendors:
        # The job is not seen to end before somebody presses Ctrl-C, however late that is.
        vendors.faults(provider="seedance", on="poll", kind="status", status=503, times=10**6)
        monkeypatch.setenv("DRAMAGEN_EMULATOR", vendors.url)
        monkeypatch.setenv("DRAMAGEN_HOME", str(tmp_path / "home"))
        child = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WAITING], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        try:
            give_up = time.monotonic() + 60
            while not any(job.state == "accepted" for job in dramagen.Studio().jobs()):
                assert time.monotonic() < give_up
                assert child.poll() is None, child.stderr.read() if child.stderr else ""
                time.sleep(0.02)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
        vendors._control("DELETE", "faults")
        assert (child.returncode, out, err) == (130, "begun\ninterrupted\n", "")
        (job,) = dramagen.Studio().jobs()
        assert job.state == "accepted"
        clip = dramagen.shoot_sync(
            Shot("雨夜", duration=5, resolution="480p", pin=job.route.id), config=Config(time_scale=40)
        )
        assert clip.job_id == job.id
        assert len(vendors.bill()) == 1
