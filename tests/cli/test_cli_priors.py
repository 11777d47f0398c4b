"""``dramagen priors`` and ``dramagen jobs show --why``: what is believed, and what was decided by it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

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


Answer = tuple[int, Any]


@contextmanager
def answering(answer: Callable[[str, str | None], Answer]) -> Iterator[str]:
    """A server on this machine that answers a path and a key with a status and JSON; its address."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path, self.headers["x-api-key"])
            sent = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def board() -> Iterator[str]:
    """A board on this machine that knows one key."""

    def answer(path: str, key: str | None) -> Answer:
        if key != KEY:
            return 401, {}
        return 200, {"data": ROWS[path.rpartition("/")[2]]}

    with answering(answer) as url:
        yield url


ARENA: dict[str, dict[str, tuple[float, float | None, float | None]]] = {
    "text_to_video": {
        "dreamina-seedance-2.0-720p": (1490.0, 1480.0, 1500.0),
        "wan2.7-t2v": (1350.0, 1341.0, 1359.0),
        "sora-2": (1344.0, 1337.0, 1351.0),
        "seedance-v1-lite": (1112.0, None, None),
        "kling-v3-pro": (1400.0, 1390.0, 1410.0),
        "veo-9": (1600.0, 1590.0, 1610.0),
    },
    "image_to_video": {
        "kling-v3-pro": (1360.0, 1354.0, 1366.0),
        "seedance-v1-lite": (1190.0, 1182.0, 1198.0),
        "wan2.6-i2v": (1320.0, 1313.0, 1327.0),
        "vidu-q3-pro": (1370.0, 1361.0, 1379.0),
    },
}
"""Rating and interval by the names arena.ai gives."""


def arena_rows(subset: str) -> list[dict[str, Any]]:
    """A subset as it is published: parts of a board stand among the rows of the whole."""

    def row(name: str, rating: float, low: float | None, high: float | None, category: str) -> dict[str, Any]:
        return {
            "model_name": name, "organization": "somebody", "rating": rating, "rating_lower": low,
            "rating_upper": high, "variance": 2.5, "vote_count": 4000, "rank": 1, "category": category,
            "leaderboard_publish_date": "2026-11-18",
        }  # fmt: skip

    parts = [row(f"part-{n}", 1000.0, 990.0, 1010.0, "anime") for n in range(100)]
    whole = [row(name, *numbers, "overall") for name, numbers in ARENA[subset].items()]
    return [*whole[:3], *parts, *whole[3:]]


@pytest.fixture
def arena() -> Iterator[str]:
    """What hands out the rows of the dataset, a hundred at most, to anybody."""

    def answer(path: str, key: str | None) -> Answer:
        assert key is None
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if (urlsplit(path).path, asked["dataset"], asked["split"]) != (
            "/rows", "lmarena-ai/leaderboard-dataset", "latest",
        ):  # fmt: skip
            return 404, {"error": "no such dataset"}
        rows, start, length = arena_rows(asked["config"]), int(asked["offset"]), int(asked["length"])
        if length > 100:
            return 422, {"error": "length is 100 at most"}
        return 200, {
            "rows": [
                {"row_idx": n, "row": row, "truncated_cells": []}
                for n, row in enumerate(rows[start : start + length], start)
            ],
            "num_rows_total": len(rows),
            "partial": False,
        }

    with answering(answer) as url:
        yield url


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
    assert "image-to-video: nothing was taken over" in done.err
    assert "have a rating here too: 1; it takes 3" in done.err
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


def test_arenas_board_needs_no_key_and_its_names_are_understood(
    run: Any, arena: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("priors", "refresh", "--url", arena)
    assert done.code == 0, done.err
    assert "text-to-video of 2026-11-18: 5 models" in done.out
    assert "1 are not on any card" in done.out
    kept = json.loads((tmp_path / "home" / "ratings.json").read_text("utf-8"))
    assert "arena.ai" in kept["source"]
    assert set(kept["text"]) == {"seedance-2.0", "wan-2.7", "sora-2", "seedance-1.0-lite-t2v", "kling-3.0"}
    assert set(kept["image"]) == {"kling-3.0", "seedance-1.0-lite-i2v", "wan-2.6", "viduq3-pro"}
    # Its scale is the cards' own but for the drift of some weeks.
    assert kept["text"]["kling-3.0"]["rating"] == pytest.approx(1400, abs=10)
    assert kept["text"]["kling-3.0"]["interval"] == pytest.approx(10, abs=0.5)
    assert kept["text"]["seedance-1.0-lite-t2v"]["interval"] is None
    # A key that is set is not needed here, and not sent.
    monkeypatch.setenv("ARTIFICIAL_ANALYSIS_API_KEY", KEY)
    found = run("priors", "refresh", "--board", "arena", "--url", arena, "--json").json
    assert found["boards"]["image"]["published"] == "2026-11-18"
    assert found["boards"]["text"]["unknown"] == ["veo-9"]


def test_a_board_that_answers_otherwise_changes_nothing(run: Any, arena: str, tmp_path: Path) -> None:
    assert run("priors", "refresh", "--url", arena).code == 0
    kept = (tmp_path / "home" / "ratings.json").read_bytes()
    answers: list[Answer] = [
        (404, {"error": "no such dataset"}),
        (200, {"rows": [], "num_rows_total": 0}),
        (200, {"rows": [{"row": {"category": "overall"}}], "num_rows_total": 1}),
        (200, []),
    ]
    with answering(lambda path, key: answers[0]) as url:
        while answers:
            done = run("priors", "refresh", "--url", url)
            assert (done.code != 0, done.err.count("\n")) == (True, 1), (answers[0], done.err)
            assert (tmp_path / "home" / "ratings.json").read_bytes() == kept
            answers.pop(0)


def arena_answer(rows: dict[str, list[dict[str, Any]]], total: int | None = None) -> Callable[..., Answer]:
    def answer(path: str, key: str | None) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        found = rows[asked["config"]]
        page = found[int(asked["offset"]) : int(asked["offset"]) + 100]
        return 200, {"rows": [{"row": row} for row in page], "num_rows_total": total or len(found)}

    return answer


def test_an_answer_that_is_not_the_whole_board_overwrites_nothing(
    run: Any, arena: str, tmp_path: Path
) -> None:
    assert run("priors", "refresh", "--url", arena).code == 0
    kept = (tmp_path / "home" / "ratings.json").read_bytes()
    every = {subset: arena_rows(subset) for subset in ARENA}
    few = {subset: rows[:2] for subset, rows in every.items()}
    strangers = {
        s: [row | {"model_name": f"veo-{n}"} for n, row in enumerate(rows)] for s, rows in every.items()
    }
    ranks = {s: [row | {"rating": n / 1000} for n, row in enumerate(rows)] for s, rows in every.items()}
    none = {s: [row | {"rating": float("nan")} for row in rows] for s, rows in every.items()}
    cases = (
        (arena_answer(few), "have a rating here too: 2; it takes 3"),
        (arena_answer(strangers), "have a rating here too: 0; it takes 3"),
        (arena_answer(every, total=5000), "ended after 1"),
        (arena_answer(ranks), "those are no ratings"),
        (arena_answer(none), "no number"),
    )
    for answer, why in cases:
        with answering(answer) as url:
            done = run("priors", "refresh", "--url", url)
        assert (done.code != 0, done.err.count("\n")) == (True, 1), done.err
        assert why in done.err
        assert (tmp_path / "home" / "ratings.json").read_bytes() == kept
    assert run("priors").code == 0


def test_a_board_that_lost_most_of_its_models_waits_for_a_persons_word(
    run: Any, arena: str, tmp_path: Path
) -> None:
    assert run("priors", "refresh", "--url", arena).code == 0
    file = tmp_path / "home" / "ratings.json"
    record = json.loads(file.read_text("utf-8"))
    record["text"] |= {f"kept-{n}": {"rating": 1200.0, "interval": None} for n in range(9)}
    file.write_text(json.dumps(record | {"date": "2026-11-01"}), "utf-8")
    done = run("priors", "refresh", "--url", arena)
    assert done.code == 0
    assert "only 5 of the 14 models kept of 2026-11-01 are still in its answer" in done.err
    assert "image-to-video of 2026-11-18: 4 models" in done.out
    after = json.loads(file.read_text("utf-8"))
    assert after["text"] == record["text"]
    assert after["older"]["text"]["date"] == "2026-11-01"
    # What was kept of an older day still counts by its own day, also for the next refresh.
    again = run("priors", "refresh", "--url", arena, "--json").json
    assert "of 2026-11-01" in again["boards"]["text"]["refused"]
    assert again["boards"]["image"]["refused"] is None
    file.unlink()
    assert run("priors", "refresh", "--url", arena).err == ""


def test_without_a_key_without_a_net_and_with_a_wrong_key_it_is_one_calm_line(
    run: Any, board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("priors", "refresh", "--board", "artificialanalysis")
    assert (done.code != 0, "ARTIFICIAL_ANALYSIS_API_KEY" in done.err, done.err.count("\n")) == (
        True,
        True,
        1,
    )
    assert "arena" in run("priors", "refresh", "--board", "nobodys").err
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
