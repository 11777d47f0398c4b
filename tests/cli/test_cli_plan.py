"""``dramagen plan``: takes, sums, reasons, and what if."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from dramagen import Money, Studio
from dramagen.cli.times import span
from dramagen.engine.ledger import Ledger

Run = Callable[..., Any]
FILE = "rain/episode.toml"


def test_a_plan_shows_takes_sums_and_reasons(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLING_API_KEY", "a-key-of-no-account")
    shown = run("plan", "雨夜,女主回头", "--pin", "kling-3.0").out
    assert "take 1: kling:cn/kling-3.0" in shown
    assert "until accepted: expected " in shown


def test_what_if_a_provider_were_not_there(run: Run) -> None:
    done = run("plan", "雨夜,女主回头", "--without", "kling", "--without", "seedance-2.5", "--json")
    lost = {each["route"]: each["reason"] for each in done.json["shots"][0]["lost"]}
    assert lost["kling:cn/kling-3.0"] == "left out of this plan, which was asked for without kling"
    assert (
        lost["seedance:cn/seedance-2.5"] == "left out of this plan, which was asked for without seedance-2.5"
    )
    assert lost["seedance:cn/seedance-2.0"] == "no key"
    assert run("plan", "雨夜", "--without", "klin").code != 0


def test_a_deadline_and_a_budget_are_in_the_plan(run: Run) -> None:
    done = run("plan", FILE, "--deadline", "45m", "--budget", "20 CNY", "--json")
    assert done.json["episode"]["deadline"] == 2700
    assert done.json["budget"] == {"amount": "20", "currency": "CNY"}


def test_a_budget_is_what_filming_with_it_could_still_spend(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = Ledger(spent=(Money("15 CNY"),), reserved=(Money("2 CNY"),))
    monkeypatch.setattr(Studio, "ledger", lambda self, episode=None: spent)
    assert run("plan", FILE, "--budget", "20 CNY", "--json").json["budget"]["amount"] == "3"
    assert (
        "budget 20.00 CNY, of which 3.00 CNY can still be spent: "
        in run("plan", FILE, "--budget", "20 CNY").out
    )
    file = place / FILE
    file.write_text(
        file.read_text("utf-8").replace("[defaults]", '[budget]\nlimit = "18 CNY"\n\n[defaults]'), "utf-8"
    )
    assert run("plan", FILE, "--budget", "20 CNY", "--json").json["budget"]["amount"] == "1"


def test_a_span_of_time_is_read_as_typed() -> None:
    assert [span(text) for text in ("90s", "45m", "1.5h", "45")] == [90, 2700, 5400, 2700]
    for wrong in ("soon", "0m", "-3m", ""):
        with pytest.raises(typer.BadParameter):
            span(wrong)


def test_remedies_are_shown_with_what_they_cost_before_one_is_taken(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARK_API_KEY", "a-key-of-no-account")
    asked = ("plan", "雨夜,女主回头", "--pin", "seedance", "--remedies")
    done = run(*asked, "--json")
    (shot,) = done.json["remedies"]
    causes, quotes = shot["causes"], {q["route"]: q for q in done.json["shots"][0]["quotes"]}
    first, second = done.json["shots"][0]["attempts"][:2]
    once_more, elsewhere = causes["output_moderation"]
    assert once_more == {
        "remedy": "again", "allowed": False, "route": first,
        "expected": quotes[first]["expected"], "most": quotes[first]["most"],
    }  # fmt: skip
    assert (elsewhere["allowed"], elsewhere["route"]) == (True, second)
    assert [each["remedy"] for each in causes["audio_moderation"]] == ["without_sound", "other_route"]
    assert "route" not in causes["audio_moderation"][0], "this shot is filmed without sound anyway"
    assert [each["allowed"] for each in causes["defective"]] == [False, False]
    shown = run(*asked).out
    assert "again" in shown
    assert "not allowed" in shown
    assert "remedies" not in run("plan", "雨夜", "--pin", "previz", "--json").json


def test_takes_of_what_costs_nothing_are_not_listed(run: Run) -> None:
    shown = run("plan", "rain/episode.toml").out
    assert "previz:local/previz" in shown
    assert "take 1:" not in shown
    assert "no key" in shown
