"""What somebody new does wrong, and what the commands say to it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
FILE = "rain/episode.toml"


@pytest.mark.parametrize(
    "command", [("film", FILE), ("plan", FILE), ("pick", FILE, "s01", "1"), ("cut", FILE)]
)
@pytest.mark.parametrize("out", ["a-file", "a-file/deep/er"])
def test_a_file_where_the_folder_of_an_episode_should_be_is_called_one(
    run: Run, place: Path, command: tuple[str, ...], out: str
) -> None:
    (place / "a-file").write_text("not a folder")
    done = run(*command, "--out", out)
    assert done.code == 2
    assert (
        done.err == "a-file is a file; an episode is filmed into a folder, made where it is not there yet\n"
    )


def test_a_home_that_is_a_file_is_called_one(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "a-file").write_text("not a folder")
    monkeypatch.setenv("DRAMAGEN_HOME", "a-file/home")
    done = run("plan", "雨夜")
    assert done.code == 2
    assert done.err.startswith(f"DRAMAGEN_HOME: {place / 'a-file'} is a file; the home is a folder")


def test_a_take_that_was_never_filmed_can_be_neither_picked_nor_rejected(run: Run, place: Path) -> None:
    for word in ("pick", "reject"):
        done = run(word, FILE, "s01", "1")
        assert (done.code, done.err) == (2, f"nothing of s01 is filmed in out/rain: dramagen film {FILE}\n")
    run("film", FILE)
    for word in ("pick", "reject"):
        done = run(word, FILE, "s01", "5")
        told = f"s01 has no take 5; filmed are 1: dramagen takes {FILE} s01 -n 5\n"
        assert (done.code, done.err) == (2, told)
        assert not (place / "rain/episode.picks.json").exists(), "nothing is said of it"


def test_a_refusal_is_told_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARK_API_KEY", "a-key-of-no-account")
    (Path("dramagen.toml")).write_text('[budgets]\nday = "0.01 CNY"\n', "utf-8")
    done = run("shoot", "雨夜", "--pin", "seedance", "--yes")
    assert done.code == 3
    assert done.err.count("the budget per day is 0.01 CNY") == 1
    assert len(done.err.splitlines()) == 1


def test_a_plan_of_which_nothing_can_be_filmed_says_so_and_fails(run: Run) -> None:
    done = run("plan", "雨夜,女主回头", "--pin", "kling")
    assert done.code == 1
    assert done.err == "nothing can be filmed: no route can film 雨夜,女主回头 as things stand\n"
    for misleading in ("until accepted", " min", "0.00 CNY", "0:00", "all 1 shot"):
        assert misleading not in done.out
    assert "no key" in done.out
    as_json = run("plan", "雨夜,女主回头", "--pin", "kling", "--json")
    assert as_json.code == 1
    assert as_json.json["feasible"] is False
    assert as_json.json["seconds"] is None


def test_a_plan_of_which_some_shots_cannot_be_filmed_says_which(run: Run, place: Path) -> None:
    file = place / FILE
    file.write_text(
        file.read_text("utf-8").replace('prompt = "空街"', 'prompt = "空街"\npin = "kling"'), "utf-8"
    )
    done = run("plan", FILE)
    assert done.code == 0
    assert "1 shot(s) cannot be filmed as things stand, and are in none of these figures: s03" in done.out
    assert "all 3 shot(s)" not in done.out
    assert "the other 2 shot(s) are accepted within 4 take(s) each with a chance of " in done.out
    assert "a chance of 0%" not in done.out


def test_a_deadline_nobody_can_check_is_said_to_be_one(run: Run) -> None:
    told = "whether it is in time is not known: how long a take lasts is not known of previz:local/previz"
    assert told in run("plan", FILE, "--deadline", "1s").out
    assert "in time" not in run("plan", FILE).out
