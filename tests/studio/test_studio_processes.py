"""Several processes, one home, real sockets: a shot is bought once, and no real key leaves for an emulator."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dramagen
from dramagen import Config, Money, Shot, Studio
from dramagen.errors import DramagenError

FILM = """
import json, sys, anyio
from dramagen import Config, Shot, Studio

async def main():
    async with Studio(Config(time_scale=200)) as studio:
        if "resume" in sys.argv:
            print(json.dumps([r.clip.job_id for r in await studio.resume()]))
            return
        clip = await studio.shoot(Shot("雨夜", duration=5, resolution="480p", pin=sys.argv[1]))
        print(json.dumps([clip.job_id, clip.sha256, clip.cached]))

anyio.run(main)
"""


@pytest.fixture
def vendors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from dramagen.emulator import running

    monkeypatch.setenv("DRAMAGEN_HOME", str(tmp_path / "home"))
    with running(speed=200) as handle:
        monkeypatch.setenv("DRAMAGEN_EMULATOR", handle.url)
        yield handle


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", FILM, *arguments], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_three_processes_buy_one_shot_once(vendors: Any) -> None:
    children = [start("seedance/seedance-2.0") for _ in range(3)]
    said = [child.communicate(timeout=90) for child in children]
    assert [err for _, err in said] == [""] * 3
    clips = [json.loads(out) for out, _ in said]
    assert len({(job, sha256) for job, sha256, _ in clips}) == 1
    assert [cached for *_, cached in clips].count(False) == 1
    assert len(vendors.bill()) == 1
    (row,) = vendors.bill()
    (spent,) = Studio().ledger().spent
    assert spent.rounded() == Money(row["amount"], row["currency"]).rounded()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_process_leaves_a_job_the_next_one_brings_home(vendors: Any) -> None:
    vendors.faults(provider="seedance", on="poll", kind="status", status=503, times=10**6)
    child = start("seedance/seedance-2.0")
    give_up = time.monotonic() + 60
    while not any(job.state == "accepted" for job in Studio().jobs()):
        assert time.monotonic() < give_up
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    vendors._control("DELETE", "faults")
    (job,) = Studio().jobs()
    resumed = start("seedance", "resume")
    out, err = resumed.communicate(timeout=90)
    assert (json.loads(out), err) == ([job.id], "")
    assert len(vendors.bill()) == 1


def test_a_real_key_never_reaches_an_emulator(vendors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read off the wire: a socket that says nothing and keeps everything."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(65536))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        monkeypatch.setenv("DRAMAGEN_EMULATOR", f"http://127.0.0.1:{listener.getsockname()[1]}")
        for name in (
            "ARK_API_KEY",
            "BYTEPLUS_API_KEY",
            "KLING_API_KEY",
            "KLING_ACCESS_KEY",
            "KLING_SECRET_KEY",
        ):
            monkeypatch.setenv(name, "a-real-secret")
        config = Config(keys={"kling": "a-real-secret"}, time_scale=1000)
        for pin, resolution in (("seedance/seedance-2.0", "480p"), ("kling/kling-3.0", "720p")):
            shot = Shot("雨夜", duration=5, resolution=resolution, pin=pin)
            with pytest.raises(DramagenError):
                dramagen.shoot_sync(shot, config=config)
        listener.shutdown(socket.SHUT_RDWR)
    assert len(heard) >= 2
    assert all(b"a-real-secret" not in request for request in heard)
    assert any(b"emulator-key" in request for request in heard)
