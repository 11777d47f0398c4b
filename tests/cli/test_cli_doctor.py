"""`dramagen doctor` over real sockets: good and bad keys, empty accounts, dead hosts, wrong clocks."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from dramagen import Studio
from dramagen.emulator import app
from dramagen.emulator.server import Handle, running
from dramagen.errors import AuthError, InsufficientBalance, ProviderUnavailable
from dramagen.studio.doctor import examine

Run = Callable[..., Any]
KEY = "k3y-" + "7" * 36
VARIABLES = {
    "seedance": "ARK_API_KEY",
    "kling": "KLING_API_KEY",
    "wan": "DASHSCOPE_API_KEY",
    "hailuo": "MINIMAX_API_KEY",
    "vidu": "VIDU_API_KEY",
    "sora": "OPENAI_API_KEY",
    "fal": "FAL_KEY",
    "replicate": "REPLICATE_API_TOKEN",
}


@pytest.fixture(autouse=True)
def keyless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keys the machine has are none of these tests' business."""
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="module")
def vendors() -> Iterator[Handle]:
    with running(speed=500) as handle:
        yield handle


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch, vendors: Handle) -> Callable[..., None]:
    """Gives a key, and sends its provider to the emulator, or to another base URL."""

    def give(provider: str, variable: str, key: str = KEY, base: str | None = None) -> None:
        monkeypatch.setenv(variable, key)
        monkeypatch.setenv(f"DRAMAGEN_{provider.upper()}_BASE_URL", base or f"{vendors.url}/{provider}")

    return give


@contextmanager
def vendor(status: int, body: Any, *, ahead: float | None = 0.0) -> Iterator[str]:
    """A host that answers everything the same; its clock is ``ahead`` seconds of ours, or it tells no time."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(body).replace("KEY", self.headers["authorization"].split()[-1]).encode()
            self.send_response_only(status)
            if ahead is not None:
                self.send_header("Date", formatdate(time.time() + ahead, usegmt=True))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def report(done: Any, key: str) -> dict[str, Any]:
    (found,) = [k for k in done.json["keys"] if f"{k['provider']}:{k['region']}" == key]
    return dict(found)


def test_a_good_key_tells_what_it_opens(run: Run, keyed: Callable[..., None]) -> None:
    keyed("kling", "KLING_API_KEY")
    keyed("vidu", "VIDU_API_KEY")
    done = run("doctor", "--json")
    assert done.code == 0
    assert [k["provider"] for k in done.json["keys"]] == ["kling", "vidu"]
    kling, vidu = report(done, "kling:cn"), report(done, "vidu:cn")
    assert (kling["ok"], kling["works"], kling["error"], kling["host"]) == (True, True, None, "127.0.0.1")
    assert "kling-3.0" in kling["models"]
    assert not {"kling-4.0", "kling-1.0"} & set(kling["models"]), "without a price, and retired"
    assert vidu["concurrency"] == 5
    assert vidu["balance"] == {"amount": "31250.00000", "currency": "CNY"}
    shown = run("doctor")
    assert "kling:cn" in shown.out
    assert "31,250.00 CNY" in shown.out or "31250.00 CNY" in shown.out
    assert KEY not in done.out + done.err + shown.out + shown.err


def test_only_what_is_free_is_sent(run: Run, keyed: Callable[..., None], vendors: Handle) -> None:
    vendors.reset()
    for provider, variable in VARIABLES.items():
        keyed(provider, variable)
    done = run("doctor", "--json")
    assert done.code == 0, done.out
    assert len(done.json["keys"]) == len(VARIABLES)
    assert {r["method"] for r in vendors.requests()} == {"GET"}
    assert vendors.bill() == []


def test_everything_at_the_emulator(run: Run, vendors: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAMAGEN_EMULATOR", vendors.url)
    done = run("doctor", "--json")
    assert done.code == 0, done.out
    assert {k["works"] for k in done.json["keys"]} == {True}
    assert {"seedance", "kling", "wan", "hailuo", "vidu", "sora"} <= {
        k["provider"] for k in done.json["keys"]
    }
    assert "sora-2" in report(done, "sora:intl")["models"], "on somebody's own server it lives on"


def test_a_bad_key_is_an_auth_error(run: Run, keyed: Callable[..., None]) -> None:
    for provider, variable in VARIABLES.items():
        keyed(provider, variable, f"bad-{provider}-" + "5" * 30)
    done = run("doctor", "--json")
    assert done.code == 1
    assert {k["provider"] for k in done.json["keys"]} == set(VARIABLES)
    for found in done.json["keys"]:
        assert (found["works"], found["error"]["error"], found["models"]) == (False, "AuthError", []), found
    assert "5" * 30 not in done.out + run("doctor").out


def test_a_key_of_another_region_is_told_how_to_move(run: Run, keyed: Callable[..., None]) -> None:
    refusal = {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r"}
    with vendor(401, refusal) as base:
        keyed("wan", "DASHSCOPE_API_KEY", base=base)
        done = run("doctor", "--json")
        shown = run("doctor")
    found = report(done, "wan:cn")
    assert (done.code, found["works"], found["error"]["error"]) == (1, False, "AuthError")
    assert "DASHSCOPE_REGION" in found["hint"]
    assert "intl" in found["hint"]
    assert "DASHSCOPE_REGION" in shown.out


def test_a_key_the_vendor_repeats_is_not_shown(run: Run, keyed: Callable[..., None]) -> None:
    with vendor(401, {"error": {"code": "invalid_api_key", "message": "Wrong: KEY."}}) as base:
        keyed("sora", "OPENAI_API_KEY", base=base)
        done, shown = run("doctor", "--json"), run("doctor")
    assert report(done, "sora:intl")["error"]["error"] == "AuthError"
    assert KEY not in done.out + shown.out + done.err + shown.err


def test_arrears_are_no_bad_key(run: Run, keyed: Callable[..., None]) -> None:
    overdue = {"error": {"code": "AccountOverdueError", "message": "overdue", "type": "Forbidden"}}
    spent = {"code": 1102, "message": "resource pack exhausted", "request_id": "r"}
    with vendor(403, overdue) as ark, vendor(429, spent) as kling:
        keyed("seedance", "ARK_API_KEY", base=ark)
        keyed("kling", "KLING_API_KEY", base=kling)
        done = run("doctor", "--json")
        shown = run("doctor")
    assert done.code == 1
    for key in ("seedance:cn", "kling:cn"):
        found = report(done, key)
        assert (found["ok"], found["works"], found["error"]["error"]) == (False, True, "InsufficientBalance")
        assert found["models"]
    assert "InsufficientBalance" in shown.out


def test_a_balance_is_money(run: Run, keyed: Callable[..., None]) -> None:
    answer = {"available_amount": "42.50", "base_resp": {"status_code": 0, "status_msg": "success"}}
    with vendor(200, answer) as base:
        keyed("hailuo", "MINIMAX_API_KEY", base=base)
        done = run("doctor", "--json")
    assert report(done, "hailuo:cn")["balance"] == {"amount": "42.50", "currency": "CNY"}


def test_a_dead_host_does_not_hide_the_others(run: Run, keyed: Callable[..., None]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    keyed("kling", "KLING_API_KEY", base=f"http://127.0.0.1:{port}")
    keyed("vidu", "VIDU_API_KEY")
    done = run("doctor", "--json")
    dead = report(done, "kling:cn")
    assert done.code == 1
    assert (dead["ok"], dead["works"], dead["error"]["error"]) == (False, None, "ProviderUnavailable")
    assert report(done, "vidu:cn")["works"] is True
    assert "not known" in run("doctor").out


@pytest.mark.anyio
async def test_a_silent_host_is_waited_for_only_so_long(
    keyed: Callable[..., None], anyio_backend: str
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        keyed("kling", "KLING_API_KEY", base=f"http://127.0.0.1:{silent.getsockname()[1]}")
        keyed("vidu", "VIDU_API_KEY")
        studio = Studio()
        # In this process: a busy machine may take longer to answer over a socket than the silent one is waited for.
        at_once = httpx.ASGITransport(app())
        with anyio.fail_after(60):
            kling, vidu = await examine(studio._services, studio._clock, {"vidu": at_once}, patience=0.5)
    assert kling.works is None
    assert isinstance(kling.error, ProviderUnavailable)
    assert vidu.works is True


@pytest.mark.parametrize(("ahead", "skewed"), [(3600.0, True), (-300.0, True), (20.0, False), (None, False)])
def test_a_clock_that_is_off_is_told(
    run: Run, keyed: Callable[..., None], ahead: float | None, skewed: bool
) -> None:
    with vendor(200, {"code": 0, "message": "", "data": {"code": 0}}, ahead=ahead) as base:
        keyed("kling", "KLING_API_KEY", base=base)
        done = run("doctor", "--json")
        shown = run("doctor").out if skewed else ""
    found = report(done, "kling:cn")
    assert done.code == 0, "a warning: the key still works"
    assert found["clock_skewed"] is skewed
    if ahead is None:
        assert found["clock_skew_seconds"] is None
    else:
        assert found["clock_skew_seconds"] == pytest.approx(ahead, abs=5)
    assert ("set the clock" in shown) is skewed
    if skewed and ahead is not None:
        assert ("behind" if ahead > 0 else "ahead of") in shown


def test_offline_sends_nothing(run: Run, keyed: Callable[..., None], vendors: Handle) -> None:
    vendors.reset()
    keyed("kling", "KLING_API_KEY", "bad-key-that-nobody-sees")
    done = run("doctor", "--offline", "--json")
    assert (done.code, done.json["keys"]) == (0, None)
    assert {c["name"]: c["ok"] for c in done.json["checks"]}["kling:cn"] is True
    assert vendors.requests() == []
    assert "a key, for 127.0.0.1" in run("doctor", "--offline").out


def test_without_keys_it_says_what_to_set_and_where(run: Run) -> None:
    done, shown = run("doctor", "--json"), run("doctor")
    assert (done.code, done.json["keys"]) == (0, [])
    missing = {each["provider"]: each for each in done.json["missing"]}
    assert {"seedance", "kling", "wan", "hailuo", "vidu"} <= set(missing)
    assert missing["seedance"]["variables"] == ["ARK_API_KEY", "BYTEPLUS_API_KEY"]
    assert missing["kling"]["variables"] == ["KLING_API_KEY", "KLING_ACCESS_KEY", "KLING_SECRET_KEY"]
    assert "previz" not in missing
    assert "sora" not in missing, "a key would open nothing: its models are gone"
    for each in missing.values():
        assert each["console"].startswith("https://")
        assert all(name in shown.out for name in each["variables"])
        assert each["console"] in shown.out.replace("\n", "")


def test_a_key_that_is_no_key_at_all_is_a_calm_report(keyed: Callable[..., None]) -> None:
    """What ``sign`` itself refuses: nothing is sent, and the reason is typed."""
    keyed("wan", "DASHSCOPE_API_KEY", "sk-sp-" + "1" * 30)
    (found,) = anyio.run(Studio().doctor)
    assert isinstance(found.error, AuthError)
    assert found.ok is False
    assert not isinstance(found.error, InsufficientBalance)


def test_a_full_disk_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dramagen.cli.doctor_checks.LITTLE", 1e9)
    done = run("doctor", "--offline", "--json")
    home = next(c for c in done.json["checks"] if c["name"] == "home")
    assert home["ok"] is None
    assert "GB free: paid clips need a place" in home["detail"]


def test_a_home_that_is_a_file_is_broken(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("DRAMAGEN_HOME", str(tmp_path / "file" / "home"))
    done = run("doctor", "--offline")
    assert done.code == 1
    assert "NO" in done.out
