"""The report: everything in one file, nothing from anywhere else, and nobody's words run as code."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dramagen.bench import page
from dramagen.bench.judging import Answer, Judgement
from dramagen.bench.results import Results, load_results, load_takes
from dramagen.bench.suite import Suite
from dramagen.bench.take import Take
from dramagen.bench.votes import Votes
from dramagen.errors import ConfigError
from dramagen.media.checks import Mark
from dramagen.media.probe import probe
from dramagen.money import Rates

RATES = Rates({"CNY": "7"}, date(2026, 11, 22))


@pytest.fixture
def results(
    suite: Suite, tmp_path: Path, film_clip: Callable[..., Path], make_take: Callable[..., Take]
) -> Results:
    """Two shots on two routes; one take was refused by its vendor, one by the checks."""
    cut = Mark("cut", "reject", "it cuts, though <one take> was ordered", 0.25)
    takes = (
        make_take("a", "kling/kling-3.0", seconds=90.0, signs={"width": 90, "height": 160}),
        make_take("a", "vidu", cost="1", currency="USD", marks=(cut,), seconds=200.0),
        make_take("b", "kling/kling-3.0", seconds=110.0),
        make_take("b", "vidu", state="failed", cost=None, error=("ContentRejected", "<script>no</script>")),
    )
    for number, take in enumerate(takes):
        if take.clip:
            film_clip(tmp_path / take.clip, hue=40 + 60 * number)
    return Results(suite, takes, 1, Votes(), "CNY", RATES, made=datetime(2026, 11, 22, tzinfo=UTC))


def test_the_page_holds_every_video_and_asks_for_nothing(results: Results, tmp_path: Path) -> None:
    text = page.write(results, tmp_path).read_text("utf-8")
    assert re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", text) == []
    assert "default-src 'none'" in text
    films = re.findall(r'<script type="text/plain" id="(\w+)">([^<]+)</script>', text)
    assert len(films) == 3
    assert {name for name, _ in films} == set(re.findall(r'data-clip="(\w+)"', text))
    for _, data in films:
        path = tmp_path / "one.mp4"
        path.write_bytes(base64.b64decode(data))
        facts = probe(path)
        assert (facts.codec, facts.width, facts.height) == ("h264", 90, 160)
        assert facts.fps <= 15
    assert 'lang="zh">雨夜,街口 &lt;b&gt;&amp;&lt;/b&gt;' in text
    assert "<script>no" not in text
    assert "though &lt;one take&gt; was ordered" in text
    assert 'href="clips/a-kling-kling-3.0-t1.mp4"' in text


def test_the_page_says_what_accepted_means(results: Results, tmp_path: Path) -> None:
    text = page.write(results, tmp_path).read_text("utf-8")
    assert "Nobody has looked at these takes yet" in text
    assert "emulator" not in text
    assert "1 USD = 7 CNY" in text
    voted = replace(
        results, votes=Votes({results.takes[0].id: (False, "脸变了")}), emulated=True, takes=results.takes[:3]
    )
    text = page.write(voted, tmp_path).read_text("utf-8")
    assert "Nobody has looked" not in text
    assert "1 takes are undecided" in text
    assert "Filmed on an emulator" in text
    assert "rejected by a person: 脸变了" in text


def test_what_does_not_fit_is_linked_and_said(results: Results, tmp_path: Path) -> None:
    films = page.embedded(results, tmp_path, 10**9)
    room = sum(sorted(film.stat().st_size for film in films.values())[:1])
    text = page.write(results, tmp_path, room).read_text("utf-8")
    assert text.count("<video") == 1
    assert "2 takes are linked, not embedded" in text


def test_a_judges_findings_and_its_agreement_are_shown(results: Results, tmp_path: Path) -> None:
    said = Judgement(
        "seer <1>", {results.takes[0].id: (Answer("Is a limb missing?", True, 0.1, "left hand"),)}
    )
    text = page.write(replace(results, judgement=said), tmp_path).read_text("utf-8")
    assert "judge: 0.1 s: Is a limb missing?" in text
    assert "seer &lt;1&gt;" in text
    assert "it only sorts, and decides nothing" in text


def test_results_come_back_as_they_were_written(results: Results, tmp_path: Path) -> None:
    results.votes.save(tmp_path)
    said = Judgement("seer", {results.takes[0].id: (Answer("q", True),)})
    whole = replace(results, judgement=said)
    whole.save(tmp_path)
    again = load_results(tmp_path)
    assert again.takes == results.takes
    assert json.dumps(again.to_json()) == json.dumps(whole.to_json())
    assert load_takes(tmp_path) == results.takes
    assert load_takes(tmp_path / "elsewhere") == ()
    with pytest.raises(ConfigError, match="has no results"):
        load_results(tmp_path / "elsewhere")
    for text, told in (("{", "damaged"), ('{"format": "other/9"}', "this release reads")):
        (tmp_path / "results.json").write_text(text)
        with pytest.raises(ConfigError, match=told):
            load_takes(tmp_path)
