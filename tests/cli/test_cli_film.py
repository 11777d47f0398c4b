"""``film`` and the person's hand on the takes, with the real studio on previz and the emulator."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dramagen.emulator.server import Handle

Run = Callable[..., Any]
FILE = "rain/episode.toml"


def takes(manifest: Any) -> dict[str, int]:
    return {shot["id"]: shot["take"] for shot in manifest["shots"]}


def test_previz_films_without_a_question_and_the_second_time_without_work(run: Run, place: Path) -> None:
    first = run("film", FILE, "--json")
    assert (first.code, takes(first.json)) == (0, {"s01": 1, "s02": 1, "s03": 1})
    out = place / "out/rain"
    assert json.loads((out / "manifest.json").read_bytes()) | {"folder": "out/rain"} == first.json
    assert {path.name for path in out.iterdir()} >= {"clips", "episode.mp4", "contact-sheet.png"}
    assert "s02  t1  verified  previz:local/previz" in first.err
    made = (out / "episode.mp4").stat().st_mtime_ns

    again = run("film", FILE, "--json")
    assert all(shot["cached"] for shot in again.json["shots"])
    assert (out / "episode.mp4").stat().st_mtime_ns == made
    assert len(run("jobs", "list", "--json").json["jobs"]) == 3


@pytest.mark.parametrize("command", [("film", FILE), ("takes", FILE, "s01")])
def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(
    run: Run, place: Path, command: tuple[str, ...]
) -> None:
    (place / "full").symlink_to(place / "gone")
    done = run(*command, "--out", "full")
    assert done.code == 2
    assert "full: nothing can be written there" in done.err
    assert run("jobs", "list", "--json").json["jobs"] == []


def test_people_see_what_was_filmed_and_what_it_would_cost(run: Run) -> None:
    done = run("film", FILE)
    assert done.code == 0
    for word in (
        "雨夜",
        "s02",
        "out/rain/episode.mp4",
        "What the same episode would cost",
        "kling:cn/kling-3.0",
    ):
        assert word in done.out


def test_without_a_terminal_money_needs_a_word(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLING_API_KEY", "k" * 32)
    done = run("film", FILE, "--pin", "kling")
    assert done.code == 3
    assert "no terminal to ask on: --yes" in done.err
    assert "nothing was sent" in done.err
    assert run("jobs", "list", "--json").json["jobs"] == []


@pytest.mark.usefixtures("terminal")
def test_at_a_terminal_it_asks_and_no_means_no(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLING_API_KEY", "k" * 32)
    done = run("film", FILE, "--pin", "kling", typed="n\n")
    assert done.code == 3
    assert "This may cost up to" in done.err
    assert "if refusals are charged and it goes elsewhere. Go on?" in done.err
    assert run("jobs", "list", "--json").json["jobs"] == []


@pytest.mark.usefixtures("terminal")
def test_ctrl_c_at_the_question_is_an_interruption(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(question: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setenv("KLING_API_KEY", "k" * 32)
    monkeypatch.setattr("dramagen.cli.consent.answer", interrupted)
    done = run("film", FILE, "--pin", "kling")
    assert done.code == 130
    assert "Interrupted." in done.err


@pytest.mark.usefixtures("emulator")
def test_a_budget_below_the_upper_bound_stops_before_anything_is_sent(run: Run, place: Path) -> None:
    for arguments in (("--budget", "0.01 CNY"), ("--budget", "0.01 CNY", "--yes", "--json")):
        done = run("film", FILE, "--pin", "kling", *arguments)
        assert done.code == 3
        assert "the budget is 0.01 CNY; nothing was sent" in done.err
    assert done.json["error"]["error"] == "BudgetExceeded"
    file = place / FILE
    file.write_text(file.read_text("utf-8") + '\n[budget]\nlimit = "0.02 CNY"\n', "utf-8")
    assert run("film", FILE, "--pin", "kling", "--yes").code == 3


@pytest.mark.matrix
@pytest.mark.parametrize("provider", ["kling", "seedance"])
def test_the_emulator_is_billed_once_a_shot_and_the_ledger_agrees(
    run: Run, emulator: Handle, provider: str
) -> None:
    for _ in range(2):
        done = run("film", FILE, "--pin", provider, "--json")
        assert done.code == 0
    bill = emulator.bill()
    assert len(bill) == 3
    billed = sum(Decimal(row["amount"]) for row in bill)
    [value] = done.json["total"]["value"]
    [spent] = run("jobs", "list", "--json").json["ledger"]["spent"]
    assert round(Decimal(value["amount"]), 2) == round(Decimal(spent["amount"]), 2) == round(billed, 2)
    assert done.json["total"]["spent_now"] == []


def test_takes_picks_rejections_and_cuts(run: Run, place: Path) -> None:
    run("film", FILE)
    taken = run("takes", FILE, "s01", "-n", "2", "--json")
    assert [(t["take"], t["cached"]) for t in taken.json["takes"]] == [(1, True), (2, False)]
    assert Path(taken.json["takes"][1]["clip"]).is_file()

    picked = run("pick", FILE, "s01", "2", "--json")
    assert picked.json == {"shot": "s01", "take": 2, "stale": ["s02"]}
    assert (place / "rain/episode.picks.json").is_file()

    refused = run("film", FILE)
    assert refused.code == 3
    assert "s02 continue from a take that is no longer picked: --yes films them again" in refused.err

    cut = run("cut", FILE, "--json")
    assert (cut.code, takes(cut.json), cut.json["stale"]) == (0, {"s01": 2, "s02": 1, "s03": 1}, ["s02"])

    filmed = run("film", FILE, "--yes", "--json")
    assert takes(filmed.json) == {"s01": 2, "s02": 2, "s03": 1}
    assert "stale" not in filmed.json
    assert (place / "out/rain/clips/s02-t1.mp4").is_file()

    rejected = run("reject", FILE, "s03", "1", "手指不对", "--json")
    assert rejected.json["now"] == 2
    assert "手指不对" in (place / "rain/episode.picks.json").read_text("utf-8")
    missing = run("cut", FILE)
    assert missing.code == 1
    assert "not filmed yet, so not in it: s03 (take 2)" in missing.err
    assert takes(run("film", FILE, "--json").json) == {"s01": 2, "s02": 2, "s03": 2}


@pytest.mark.usefixtures("terminal")
def test_a_no_keeps_the_stale_take(run: Run) -> None:
    run("film", FILE)
    run("takes", FILE, "s01", "-n", "2")
    run("pick", FILE, "s01", "2")
    done = run("film", FILE, "--json", typed="n\n")
    assert (done.code, takes(done.json)) == (0, {"s01": 2, "s02": 1, "s03": 1})
    assert done.json["stale"] == ["s02"]


def test_words_about_takes_that_are_not_there(run: Run) -> None:
    assert run("takes", FILE, "s02", "-n", "2").code == 1
    run("film", FILE)
    for arguments in (("pick", FILE, "s01", "5"), ("pick", FILE, "s9", "1"), ("takes", FILE, "s9")):
        assert run(*arguments).code == 2
    assert run("pick", FILE, "s01", "0").code == 2
    assert run("cut", FILE, "--out", "elsewhere").code == 1


def test_a_bad_file_is_one_line_with_its_line(run: Run, place: Path) -> None:
    (place / FILE).write_text('[[shot]]\nid = "s01"\nprompt = "p"\ndurration = 3\n', "utf-8")
    done = run("film", FILE, "--json")
    assert done.code == 2
    assert done.err == f"{FILE}:4: shot 's01': unknown key 'durration'; did you mean 'duration'?\n"
    assert done.json["error"]["error"] == "ConfigError"


@pytest.mark.usefixtures("emulator")
def test_one_refused_shot_does_not_stop_the_others(run: Run, place: Path) -> None:
    file = place / FILE
    file.write_text(file.read_text("utf-8").replace("雨夜,街口", "雨夜,街口 [[moderate-input]]"), "utf-8")
    done = run("film", FILE, "--pin", "kling-2.6", "--json")
    assert done.code == 1
    assert takes(done.json) == {"s03": 1}
    first, second = done.json["failures"]
    assert (first["id"], first["error"]) == ("s01", "ContentRejected")
    assert (second["id"], second["waits_for"]) == ("s02", "s01")
    assert (place / "out/rain/episode.mp4").is_file()
    shown = run("film", FILE, "--pin", "kling-2.6")
    assert shown.code == 1
    assert "waits for s01" in shown.out
    assert "change s01, or film another take: dramagen takes FILE s01 -n 2" in shown.err


def test_a_pin_that_means_nothing(run: Run) -> None:
    done = run("film", FILE, "--pin", "klang")
    assert done.code == 1
    assert "nothing is called 'klang'" in done.err
