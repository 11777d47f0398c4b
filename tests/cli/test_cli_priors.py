"""``dramagen priors`` and ``dramagen jobs show --why``: what is believed, and what was decided by it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

KEY = "a-key-that-must-not-show"
ROWS = {
    "text-to-video": [
        {"name": "Seedance 2.0", "slug": "seedance-2-0", "elo": 1265.0, "ci95": "-6/6"},
        {"name": "Wan 2.7 (720p)", "slug": "x", "elo": 1215.0, "ci95": "-8/9"},
        {"name": "Wan 2.6", "slug": "wan-2-6", "elo": 1185.0, "ci95": "-8/8"},
        {"name": "Kling 3.0", "slug": "kling-3-0", "elo": 1239.0, "ci95": None},
        {"name": "Somebody Else 9", "slug": "somebody-else-9", "elo": 1300.0, "ci95": "-3/3"},
    ],
    "image-to-video": [{"name": "Seedance 2.0", "slug": "seedance-2-0", "elo": 1200.0, "ci95": "-6/6"}],
}


@pytest.fixture
def board() -> Iterator[str]:
    """A board on this machine that knows one key."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["x-api-key"] == KEY
            body = json.dumps({"data": ROWS[self.path.rpartition("/")[2]]} if known else {}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_model_has_a_chance_and_where_it_comes_from(run: Any) -> None:
    done = run("priors")
    assert done.code == 0
    assert "rating 1482" in done.out
    found = run("priors", "--image", "--tag", "anime", "--json").json
    assert found["kind"] == ["anime", "frame"]
    by_name = {each["model"]: each for each in found["models"]}
    low, high = by_name["seedance-2.0"]["interval"]
    assert low < by_name["seedance-2.0"]["chance"] < high
    assert by_name["seedance-2.0"]["levels"]["prior"]["basis"] == "rating 1478"
    chances = [each["chance"] for each in found["models"]]
    assert chances == sorted(chances, reverse=True)
    assert run("priors", "--tag", "amine").code != 0


def test_ratings_are_fetched_onto_the_cards_scale_and_believed(
    run: Any, board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIFICIAL_ANALYSIS_API_KEY", KEY)
    done = run("priors", "refresh", "--url", board)
    assert done.code == 0, done.err
    assert "text-to-video: 4 models" in done.out
    assert "image-to-video: only 1 models" in done.err
    assert KEY not in done.out + done.err + (tmp_path / "home" / "ratings.json").read_text("utf-8")
    kept = json.loads((tmp_path / "home" / "ratings.json").read_text("utf-8"))
    assert kept["source"]
    assert kept["date"]
    kling = kept["text"]["kling-3.0"]["rating"]  # on no card of this board; between its neighbours
    assert kept["text"]["wan-2.7"]["rating"] < kling < kept["text"]["seedance-2.0"]["rating"]
    basis = {
        each["model"]: each["levels"]["prior"]["basis"] for each in run("priors", "--json").json["models"]
    }
    assert basis["kling-3.0"] == f"rating {kling:.0f}"


def test_without_a_key_without_a_net_and_with_a_wrong_key_it_is_one_calm_line(
    run: Any, board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("priors", "refresh")
    assert (done.code != 0, "ARTIFICIAL_ANALYSIS_API_KEY" in done.err, done.err.count("\n")) == (
        True,
        True,
        1,
    )
    monkeypatch.setenv("ARTIFICIAL_ANALYSIS_API_KEY", "another-key")
    for url in (board, "http://127.0.0.1:9"):
        done = run("priors", "refresh", "--url", url)
        assert (done.code != 0, done.err.count("\n")) == (True, 1), done.err
        assert "another-key" not in done.err


def test_a_broken_file_of_ratings_is_named(run: Any, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "ratings.json").write_text("{}", "utf-8")
    done = run("priors")
    assert done.code != 0
    assert "ratings.json" in done.err


def test_a_job_says_why(run: Any) -> None:
    assert run("shoot", "雨夜", "--pin", "previz", "--duration", "0.4", "--resolution", "360p").code == 0
    (job,) = run("jobs", "--json").json["jobs"]
    done = run("jobs", "show", job["id"], "--why")
    assert done.code == 0
    assert "policy value" in done.out
    assert "ordered here" in done.out
    why = run("jobs", "show", job["id"], "--why", "--json").json["why"]
    assert why["order"] == ["previz:local/previz"]
    assert why["candidates"][0]["chance"] > 0
    assert "why" not in run("jobs", "show", job["id"], "--json").json
