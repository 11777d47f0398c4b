"""The other commands: plan, shoot, models, jobs, cache, doctor, trust."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from dramagen.cli import exits
from dramagen.cli.app import app
from dramagen.emulator.server import Handle
from dramagen.errors import AuthError, BudgetExceeded, ConfigError, MissingExtra, OutcomeUnknown

Run = Callable[..., Any]
FILE = "rain/episode.toml"
TINY = ("--duration", "0.4", "--resolution", "360p")


def test_a_plan_of_an_episode_spends_nothing(run: Run, place: Path) -> None:
    done = run("plan", FILE, "--json")
    assert done.code == 0
    assert [shot["shot"] for shot in done.json["shots"]] == ["s01", "s02", "s03"]
    assert any(route["route"] == "kling:cn/kling-3.0" for route in done.json["routes"])
    assert not (place / "out").exists()
    shown = run("plan", FILE, "--pin", "kling-3.0", "--budget", "1 CNY")
    assert "no key" in shown.out
    assert "budget 1 CNY" in shown.out or "budget 1.00 CNY" in shown.out


def test_a_pinned_plan_shows_what_the_pin_means_and_counts_the_rest(run: Run) -> None:
    shown = run("plan", FILE, "--pin", "kling-3.0").out
    tables, _, last = shown.partition("more routes")
    assert "kling:cn/kling-3.0" in tables
    assert "fal:intl/kling-3.0" in tables
    assert "seedance" not in tables
    assert last.strip() == "have a price; without the pin they are shown too"
    retired = run("plan", "雨夜", "--pin", "sora").out
    assert "was retired on 2026-09-24" in retired
    assert "no key" not in retired
    everything = run("plan", FILE).out
    assert "more routes" not in everything
    assert "of the pins" not in everything


def test_a_plan_of_a_prompt(run: Run) -> None:
    done = run("plan", "雨夜,女主回头", "--json")
    assert done.json["shots"][0]["shot"] == "雨夜,女主回头"


def test_a_shot_prints_its_clip_and_is_free_the_second_time(run: Run, place: Path) -> None:
    first = run("shoot", "雨夜", *TINY, "--pin", "previz")
    assert first.code == 0
    assert Path(first.out.strip()).is_file()
    again = run("shoot", "雨夜", *TINY, "--pin", "previz", "--save", "clip.mp4", "--json")
    assert again.json["cached"] is True
    assert (place / "clip.mp4").is_file()
    assert run("shoot", "雨夜", *TINY, "--pin", "previz", "--take", "2", "--json").json["cached"] is False
    assert run("shoot", "雨夜", *TINY, "--pin", "previz", "--fresh", "--json").json["cached"] is False


def test_a_senseless_shot_is_told_in_one_line(run: Run) -> None:
    done = run("shoot", "p", "--duration", "-1")
    assert done.code == 2
    assert "duration = -1.0" in done.err
    assert len(done.err.splitlines()) == 1


def test_a_shot_that_costs_asks_even_when_filmed_anew(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLING_API_KEY", "k" * 32)
    assert run("shoot", "p", "--pin", "kling").code == 3
    assert run("shoot", "p", "--pin", "kling", "--fresh").code == 3
    assert run("shoot", "p", "--pin", "kling", "--budget", "nonsense").code == 2


def test_models_lists_prices_dates_and_the_retired(run: Run) -> None:
    done = run("models", "--json")
    rows = {row["route"]: row for row in done.json["models"]}
    assert rows["kling:cn/kling-3.0"]["prices"][0]["currency"] == "CNY"
    assert rows["previz:local/previz"]["keyed"] is True
    assert any(row["retired"] for row in rows.values())
    assert all(set(entry) == {"model", "days"} for entry in done.json["old_prices"])
    shown = run("models")
    assert "gone since" in shown.out
    assert ("check it with the vendor" in shown.err) == bool(done.json["old_prices"])


def test_doctor_says_what_is_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk-" + "7" * 40
    monkeypatch.setenv("ARK_API_KEY", secret)
    done = run("doctor", "--offline", "--json")
    checks = {check["name"]: check for check in done.json["checks"]}
    assert checks["seedance:cn"]["ok"] is True
    assert checks["kling:cn"]["ok"] is None
    assert checks["home"]["ok"] is True
    assert secret not in done.out + done.err + run("doctor", "--offline").out


def test_doctor_finds_a_broken_setting(run: Run, place: Path) -> None:
    (place / "dramagen.toml").write_text("curency = 'CNY'\n")
    done = run("doctor")
    assert done.code == 1
    assert "curency" in done.out


def test_jobs_and_their_money(run: Run) -> None:
    assert run("jobs", "--json").json["jobs"] == []
    run("shoot", "雨夜", *TINY, "--pin", "previz")
    [job] = run("jobs", "list", "--json").json["jobs"]
    shown = run("jobs", "show", job["id"][:8], "--json").json
    assert (shown["state"], shown["timeline"][-1]["kind"]) == ("done", "done")
    assert "雨夜" in run("jobs").out
    assert run("jobs", "show", job["id"]).code == 0
    assert run("jobs", "show", "nothing").code == 2
    assert run("jobs", "settle", job["id"], "--paid").code == 2
    assert run("jobs", "settle", job["id"]).code == 2
    assert run("jobs", "resume").out == "nothing was left behind\n"


def test_an_unknown_outcome_is_told_and_settled_by_a_person(run: Run, emulator: Handle) -> None:
    emulator.faults(provider="seedance", on="create", kind="drop", after_accept=True, times=1)
    emulator.faults(provider="seedance", on="find", kind="status", status=500, times=1000)
    done = run("shoot", "p", "--pin", "seedance-2.0", "--json")
    assert done.code == 4
    assert done.json["error"]["error"] == "OutcomeUnknown"
    [job] = run("jobs", "list", "--open", "--json").json["jobs"]
    assert job["state"] == "unknown"
    assert run("doctor").code == 1
    settled = run("jobs", "settle", job["id"], "--paid", "--json")
    assert (settled.code, settled.json["state"]) == (0, "paid")
    assert run("jobs", "list", "--json").json["ledger"]["unknown"] == []


def test_the_cache_shows_its_room_and_deletes_only_what_can_be_made_again(run: Run) -> None:
    run("shoot", "雨夜", *TINY, "--pin", "previz")
    kinds = run("cache", "show", "--json").json["kinds"]
    assert kinds["original"]["files"] == 1
    assert "original" in run("cache").out
    assert run("cache", "prune", "--older-than", "soon").code == 2
    assert run("cache", "prune", "--older-than", "0h", "--json").code == 0
    assert run("cache", "show", "--json").json["kinds"]["original"]["files"] == 1
    assert run("cache", "prune", "--older-than", "0h", "--force", "--dry-run").code == 0
    assert run("cache", "show", "--json").json["kinds"]["original"]["files"] == 1
    assert run("cache", "prune", "--older-than", "0h", "--force").code == 0
    assert run("cache", "show", "--json").json["kinds"]["original"]["files"] == 0


def test_trust_holds_until_the_file_changes(run: Run, place: Path) -> None:
    from dramagen.settings import is_trusted

    assert run("trust").code == 2
    file = place / "dramagen.toml"
    file.write_text("currency = 'CNY'\n")
    assert run("trust", "--json").json == {"trusted": str(file)}
    assert is_trusted(place.parent / "home", file)
    file.write_text("currency = 'USD'\n")
    assert not is_trusted(place.parent / "home", file)


def test_a_file_that_is_refused_until_it_is_trusted_can_be_trusted(run: Run, place: Path) -> None:
    file = place / "dramagen.toml"
    file.write_text("database = 'postgresql://u@127.0.0.1:1/x'\n")
    refused = run("jobs")
    assert refused.code == 2
    assert "dramagen trust" in refused.err
    assert run("trust").code == 0
    assert "cannot open the journal postgresql://127.0.0.1:1/x" in run("jobs").err


def test_exit_codes() -> None:
    unknown, cap, auth = OutcomeUnknown("x"), BudgetExceeded("x"), AuthError("x")
    assert [exits.code_of(e) for e in (auth, ConfigError("x"), MissingExtra("a", "b"), cap, unknown)] == [
        1,
        2,
        2,
        3,
        4,
    ]
    assert exits.code_of_all([]) == 0
    assert exits.code_of_all([cap, cap]) == 3
    assert exits.code_of_all([cap, auth]) == 1
    assert exits.code_of_all([auth, cap, unknown]) == 4
    assert set(exits.MEANING) == {0, 1, 2, 3, 4, 130}


def test_help_says_what_exit_codes_mean(run: Run) -> None:
    assert "Exit codes" in run("--help").out
    assert run("--version").code == 0
    assert json.dumps(run("film").code) == "2"


def test_no_help_has_words_that_are_taken_for_markup_and_not_shown() -> None:
    def helps(command: Any) -> list[str]:
        own = [command.help or "", *(getattr(each, "help", None) or "" for each in command.params)]
        return own + [text for each in getattr(command, "commands", {}).values() for text in helps(each)]

    every = helps(get_command(app))
    assert len(every) > 100
    assert [text for text in every if re.search(r"\[[a-z#/@]", text)] == []
