"""``dramagen bench`` from the command line, with the real studio on previz and the emulator."""

import json
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dramagen.cli.app import app
from dramagen.emulator.server import Handle
from dramagen.studio import Studio

Run = Callable[..., Any]
ROUTES = ("--routes", "kling/kling-3.0", "seedance/seedance-2.0")

SUITE = """
title = "试拍"
[defaults]
duration = 0.4
resolution = "360p"
[[shot]]
id = "a"
prompt = "雨夜,街口"
[[shot]]
id = "b"
prompt = "She turns round"
"""

LONGER = """
[defaults]
duration = 4
[[shot]]
id = "a"
prompt = "雨夜,街口"
[[shot]]
id = "b"
prompt = "She turns round"
references = [{ name = "box", images = ["box.png"] }]
[[shot]]
id = "c"
prompt = "[[moderate-output]] 街口"
"""


@pytest.fixture
def bought(place: Path) -> str:
    """A suite that vendors take: the second shot, with a reference, only some of them."""
    from PIL import Image

    Image.new("RGB", (320, 320), (120, 40, 40)).save(place / "box.png")
    (place / "bought.toml").write_text(LONGER.replace("She turns round", "@box opens"), "utf-8")
    return "bought.toml"


@pytest.fixture(scope="module")
def filmed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny suite, two takes on previz: a working directory with its home."""
    place = tmp_path_factory.mktemp("bench")
    (place / "tiny.toml").write_text(SUITE, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DRAMAGEN_EMULATOR", raising=False)
        patch.setenv("DRAMAGEN_HOME", str(place / "home"))
        patch.chdir(place)
        assert CliRunner().invoke(app, ["bench", "tiny.toml", "previz"]).exit_code == 0
    return place


@pytest.fixture
def filmed(filmed_once: Path, place: Path) -> Path:
    """A copy of it, the test's own."""
    shutil.copytree(filmed_once, place, dirs_exist_ok=True)
    return place


def test_previz_films_a_suite_for_nothing_and_the_second_time_from_the_cache(run: Run, filmed: Path) -> None:
    folder = filmed / "out/bench-tiny"
    document = json.loads((folder / "results.json").read_bytes())
    assert document["basis"] == "checks"
    assert [(t["shot"], t["take"], t["state"], t["cached"]) for t in document["takes"]] == [
        ("a", 1, "clip", False), ("a", 2, "clip", False), ("b", 1, "clip", False), ("b", 2, "clip", False),
    ]  # fmt: skip
    assert all((folder / take["clip"]).is_file() for take in document["takes"])
    assert (folder / "report.html").stat().st_size > 20_000

    done = run("film", "tiny.toml", "--routes", "previz", "--json")
    again = done.json
    assert "a previz  t1  cached" in done.err
    assert json.loads((folder / "results.json").read_bytes()) | {"folder": "out/bench-tiny"} == again
    assert [t["cached"] for t in again["takes"]] == [True] * 4
    assert [t["marks"] for t in again["takes"]] == [t["marks"] for t in document["takes"]]
    assert len(Studio().jobs()) == 4


def test_two_routes_are_compared_and_nothing_is_bought_twice(run: Run, emulator: Handle, bought: str) -> None:
    done = run(bought, *ROUTES, "-k", "1", "--json")
    assert done.code == 0, done.err
    found = {row["route"]: row for row in done.json["routes"]}
    seedance = found["seedance/seedance-2.0"]
    assert (seedance["takes"], seedance["accepted"]) == (3, 2)
    kling = found["kling/kling-3.0"]
    assert kling["shots"] + kling["unfit"] == 3
    assert kling["failed"] == seedance["failed"] == {"ContentRejected": 1}
    bill = [Decimal(job["amount"]) for job in emulator.bill()]
    # A route may have two regions, and a clip refused in one is tried in the other; refused ones cost nothing.
    assert (
        sum(amount > 0 for amount in bill) == sum(take["state"] == "clip" for take in done.json["takes"]) == 3
    )
    spent = sum((Decimal(money["amount"]) for money in done.json["spent"]), Decimal())
    assert spent == sum(bill)
    assert done.json["emulated"] is True
    assert run(bought, *ROUTES, "-k", "1").code == 0
    assert len(emulator.bill()) == len(bill)


@pytest.mark.usefixtures("emulator")
def test_a_budget_below_the_upper_bound_stops_before_anything_is_sent(run: Run, bought: str) -> None:
    done = run(bought, *ROUTES, "--budget", "0.01 CNY")
    assert done.code == 3
    assert "at most" in done.out
    assert "the budget is 0.01 CNY; nothing was sent" in done.err


def test_without_a_terminal_money_needs_a_word(
    run: Run, bought: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLING_API_KEY", "k" * 32)
    done = run(bought, "kling/kling-3.0", "-k", "1")
    assert done.code == 3
    assert "no terminal to ask on: --yes" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("tiny.toml",), 2, "which routes?"),
        (("nothing", "previz"), 2, "the suites are smoke, drama"),
        (("tiny.toml", "klingon"), 1, "klingon"),
        (("tiny.toml", "kling/kling-3.0"), 1, "films no shot of the suite"),
        (("tiny.toml", "previz", "--judge", "m"), 2, "--judge needs --judge-url"),
        (("tiny.toml", "previz", "--judge", "m", "--judge-price", "cheap"), 2, "0.8/4 CNY"),
    ],
)
@pytest.mark.matrix
def test_what_cannot_be_is_said_before_anything_is_filmed(
    run: Run, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = run(*arguments)
    assert done.code == code
    assert told in " ".join(re.sub(r"[│\s]+", " ", done.err).split())


def test_votes_from_a_file_become_the_figures_and_teach_the_studio(run: Run, filmed: Path) -> None:
    (filmed / "votes.csv").write_text(
        "shot,route,take,accepted,reason\na,previz,1,yes,\na,previz,2,no,too dark\nb,previz,1,no,\n", "utf-8"
    )
    done = run("vote", "out/bench-tiny", "--votes", "votes.csv", "--teach", "--json")
    assert done.code == 0
    assert "3 verdicts told to the studio" in done.err
    row = done.json["routes"][0]
    assert (done.json["basis"], row["takes"], row["accepted"], row["undecided"]) == ("people", 3, 1, 1)
    dark = next(t for t in done.json["takes"] if (t["shot"], t["take"]) == ("a", 2))
    assert (dark["accepted"], dark["by"], dark["why"]) == (False, "person", "too dark")
    reviews = Studio().reviews(dark["job_id"])
    assert [(r["accepted"], r["reason"]) for r in reviews][-1] == (False, "too dark")
    again = run("vote", "out/bench-tiny", "--votes", "votes.csv", "--teach")
    assert "0 verdicts told" in again.err
    assert "rejected by a person: too dark" in (filmed / "out/bench-tiny/report.html").read_text("utf-8")


@pytest.mark.usefixtures("filmed")
def test_what_nobody_said_is_not_taught(run: Run) -> None:
    done = run("tiny.toml", "previz", "--teach", "--json")
    assert "0 verdicts told to the studio" in done.err
    assert [Studio().reviews(take["job_id"]) for take in done.json["takes"]] == [[]] * 4


def test_a_refusal_that_was_taught_is_still_no_persons_word(run: Run, filmed: Path) -> None:
    path = filmed / "out/bench-tiny/results.json"
    document = json.loads(path.read_bytes())
    document["takes"][0]["marks"] = [{"check": "cut", "verdict": "reject", "message": "it cuts"}]
    path.write_text(json.dumps(document))
    for told in ("1 verdicts told", "0 verdicts told"):
        done = run("tiny.toml", "previz", "--teach", "--json")
        assert told in done.err
        assert done.json["basis"] == "checks"
        assert [t["accepted"] for t in done.json["takes"]] == [False, True, True, True]
    (said,) = Studio().reviews(document["takes"][0]["job_id"])
    assert (said["accepted"], said["reason"]) == (False, "technical check: it cuts")


def test_a_person_votes_without_seeing_the_route(
    run: Run, filmed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("dramagen.cli.consent", "dramagen.cli.bench_vote"):
        monkeypatch.setattr(f"{module}.can_ask", lambda: True)
    done = run("vote", "out/bench-tiny", typed="y\ny\nA\nn the face drifts\nq\n")
    assert done.code == 0
    assert "previz" not in done.err.replace(str(filmed), "").replace("out/bench-tiny/previews", "")
    votes = json.loads((filmed / "out/bench-tiny/votes.json").read_bytes())
    assert [(v["shot"], v["accepted"], v["reason"]) for v in votes["votes"]] == [
        ("a", True, ""), ("a", True, ""), ("b", False, "the face drifts"),
    ]  # fmt: skip
    assert len(votes["pairs"]) == 1
    left = run("vote", "out/bench-tiny", typed="")  # only what was not voted on is asked
    assert left.err.count("? ") == 1


@pytest.mark.usefixtures("filmed")
def test_without_a_terminal_votes_come_from_a_file(run: Run) -> None:
    done = run("vote", "out/bench-tiny")
    assert done.code == 3
    assert "--votes FILE" in done.err
