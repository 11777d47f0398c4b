"""The report in a real browser: every video plays, nothing goes wrong, and a phone need not scroll sideways."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dramagen.bench import page
from dramagen.bench.results import Results
from dramagen.bench.suite import Suite
from dramagen.bench.take import Take
from dramagen.bench.votes import Pair, Votes
from dramagen.money import Rates

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
)  # fmt: skip
PATIENCE = 120
"""Seconds a busy machine may take to start a browser and play the videos."""

# Plays each video in turn, presses a vote, and tells what it saw.
PROBE = """
<script>
const wrong = [];
addEventListener("error", (event) => wrong.push(String(event.message || event.target)), true);
addEventListener("unhandledrejection", (event) => wrong.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => wrong.push("policy: " + event.blockedURI));
addEventListener("load", async () => {
  const played = [];
  for (const video of document.querySelectorAll("video")) {
    video.scrollIntoView();
    video.muted = true;
    await new Promise((done) => {
      video.addEventListener("timeupdate", () => { if (video.currentTime > 0.1) done(); });
      setTimeout(done, 20000);
      video.play().catch((error) => wrong.push(String(error)));
    });
    played.push(video.currentTime);
    video.pause();
  }
  document.querySelector(".votes .yes").click();
  const seen = {
    played, wrong, width: innerWidth, needed: document.documentElement.scrollWidth,
    save: document.getElementById("save").textContent,
  };
  await fetch("ADDRESS", { method: "POST", mode: "no-cors", body: JSON.stringify(seen) });
});
</script></head>"""


@pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: 'apt-get install chromium' for the report's own test"
)
@pytest.mark.parametrize(
    "width",
    [
        pytest.param(320, id="small-phone"),
        pytest.param(390, id="phone"),
        pytest.param(1280, id="desk"),
    ],
)
@pytest.mark.skipif(os.environ.get("DRAMAGEN_MATRIX") != "all", reason="a browser is for `make test-all`")
def test_every_video_plays_and_nothing_goes_wrong(
    width: int, suite: Suite, tmp_path: Path, film_clip: Callable[..., Path], make_take: Callable[..., Take]
) -> None:
    routes = ("kling/kling-3.0", "seedance:intl/seedance-1.0-pro-fast")
    takes = tuple(make_take(shot, route, cost="1234.56") for shot in "ab" for route in routes)
    for number, take in enumerate(takes):
        film_clip(tmp_path / (take.clip or ""), hue=40 + 50 * number)
    votes = Votes({takes[2].id: (True, ""), takes[3].id: (False, "手")}, [Pair(takes[2].id, takes[3].id)])
    results = Results(suite, takes, 1, votes, "CNY", Rates({"CNY": "7"}, date(2026, 11, 22)))
    report = page.write(results, tmp_path)
    seen = visited(report, width, tmp_path)
    assert seen["wrong"] == []
    assert len(seen["played"]) == 4
    assert min(seen["played"]) > 0.1
    assert seen["needed"] <= seen["width"]
    assert seen["save"] == "save 1 votes as votes.json"


def visited(report: Path, width: int, tmp_path: Path) -> dict[str, Any]:
    """What the probe saw in the report, in a window so many pixels wide."""
    told: list[bytes] = []
    there = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()
            there.set()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/"
        text = report.read_text("utf-8")
        # The page itself may talk to nobody; this copy may talk to us.
        text = text.replace("default-src 'none';", f"default-src 'none'; connect-src {address};")
        # A window of a browser is never as narrow as a phone; a frame is.
        probed = tmp_path / "probed.html"
        probed.write_text(text.replace("</head>", PROBE.replace("ADDRESS", address), 1), "utf-8")
        frame = tmp_path / "frame.html"
        frame.write_text(
            '<body style="margin:0"><iframe src="probed.html" allow="autoplay" '
            f'style="border:0;width:{width}px;height:800px">'
        )
        command = [
            str(CHROMIUM), *QUIET, "--autoplay-policy=no-user-gesture-required", "--window-size=1400,900",
            f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", frame.as_uri(),
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
            try:
                assert there.wait(PATIENCE), "the browser said nothing"
            finally:
                browser.terminate()
        server.shutdown()
        thread.join()
    seen: dict[str, Any] = json.loads(told[0])
    return seen
