"""Why a job was ordered where it was, as people read it."""

from dataclasses import replace

import pytest

from dramagen.cli.why import say_why, why_json
from dramagen.routing.decision import Decision
from dramagen.routing.outlook import Candidate, Outlook

ONE, TWO = "kling:cn/kling-3.0", "seedance:cn/seedance-2.0"


def decision(doubts: dict[str, float]) -> Decision:
    candidates = (Candidate(ONE, "kling-3.0", 4.0, 0.4), Candidate(TWO, "seedance-2.0", 5.0, 0.8))
    outlook = Outlook(
        candidates=candidates, currency="CNY", value=20.0, basis="derived", takes=4, failed={}, rho=0.4
    )
    return Decision("value", outlook, (TWO, ONE), {}, doubts=doubts)


def test_a_doubt_of_the_run_is_beside_the_route_it_touched(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    say_why(decision({ONE: 0.5}), TWO)
    lines = [line for line in capsys.readouterr().out.splitlines() if " plan " not in line]
    doubted, sure = (next(line for line in lines if name in line) for name in (ONE, TWO))
    assert "chance x 0.50 for what it refused in this run" in doubted
    assert "refused" not in sure


def test_what_was_held_back_is_said_by_model(capsys: pytest.CaptureFixture[str]) -> None:
    made = decision({})
    held = replace(made, outlook=replace(made.outlook, held_back={"kling-3.0": 2}))
    say_why(held, TWO)
    assert "held back 2 of kling-3.0 on this take already: its chance x 0.25" in capsys.readouterr().out
    assert (why_json(held) or {})["held_back"] == {"kling-3.0": 2}
    assert "held_back" not in made.to_json()


def test_a_decision_of_an_older_version_has_no_doubts() -> None:
    record = decision({}).to_json()
    assert "doubts" not in record
    assert Decision.from_json(record).doubts == {}
    assert (why_json(decision({ONE: 0.5})) or {})["doubts"] == {ONE: 0.5}
