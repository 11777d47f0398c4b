"""What routes say to a shot is kept for all shots of its kind, and never shows: every answer is as if asked anew."""

from datetime import date
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dramagen import Camera, Config, Cut, Line, Shot
from dramagen.adapters import seedance_prompt
from dramagen.catalog.kept import Shelf
from dramagen.catalog.kinds import Kind, longest
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Quote, Refusal
from dramagen.engine.intake import Intake
from dramagen.engine.service import Services
from dramagen.settings import gather
from dramagen.shot import Move
from dramagen.store import Store
from dramagen.studio.asking import Asking

TODAY = date(2026, 11, 22)

writing = st.sampled_from([
    "雨夜，女主回头", "She turns around; a well-known man: \"go!\"", "雨" * 660, "雨" * 860, "a" * 2380, "b " * 1250,
    "She turns --rs 720p", "image_ picture_ look_", "[Push in] she turns", "雨" * 801, "雨" * 1001,
])  # fmt: skip

shots = st.builds(
    Shot,
    writing,
    negative_prompt=st.sampled_from(["", "blur"]),
    duration=st.sampled_from([5.0, 4.5, 4.75]),
    resolution=st.sampled_from(["720p", "1080p"]),
    camera=st.sampled_from([None, Camera("push_in"), Camera("roll", "slow")]),
    dialogue=st.sampled_from([(), (Line("女主", "你来了。"),), (Line("男主", "走" * 90, language="zh"),)]),
    options=st.sampled_from([{}, {"seedance": {"service_tier": "flex"}}]),
    id=st.sampled_from([None, "s01", "s02"]),
)


def asking(home: Path) -> Asking:
    """One that was asked nothing yet."""
    found = gather(Config(home=home), environ={}, cwd=home)
    return Asking(Services(Catalog.load(), found), Intake(Store(home)), found.rates, can_trim=True)


def asked(of: Asking, shot: Shot) -> list[Quote | Refusal]:
    return of.ask(shot, of.services.catalog.routes(), frozenset(), True, TODAY)


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    """One that every example before has asked."""
    return asking(tmp_path_factory.mktemp("home"))


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(shot=shots, before=writing)
def test_a_kept_answer_is_the_answer(warm: Asking, shot: Shot, before: str) -> None:
    asked(warm, shot.changed(prompt=before, id="s00"))
    cold = Asking(warm.services, warm.intake, warm.rates, can_trim=True)
    assert asked(warm, shot) == asked(cold, shot)


def test_plain_words_are_not_put_to_the_adapters_twice(warm: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    shot = Shot("雨夜", duration=6)
    first = asked(warm, shot)
    monkeypatch.setattr(seedance_prompt, "wording", lambda order: pytest.fail("asked again"))
    second = asked(warm, shot.changed(prompt="雨停了"))
    assert [type(answer) for answer in second] == [type(answer) for answer in first]
    assert {a.order.prompt for a in second if isinstance(a, Quote)} == {"雨停了"}
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        asked(warm, shot.changed(prompt="雨停了 --dur 10"))


def test_neither_are_they_where_another_length_comes_to_the_same_order(
    warm: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = Asking(warm.services, warm.intake, warm.rates, can_trim=True)
    shot = Shot("雨夜", duration=4.5, aspect_ratio="1:1", pin="seedance")
    asked(fresh, shot)
    whole, heard = shot.changed(duration=5), shot.changed(duration=4.25, audio=True)
    cold = [
        asked(Asking(warm.services, warm.intake, warm.rates, can_trim=True), each) for each in (whole, heard)
    ]
    monkeypatch.setattr(seedance_prompt, "wording", lambda order: pytest.fail("asked again"))
    assert asked(fresh, whole) == cold[0]
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        asked(fresh, heard)  # another order


def test_an_outsiders_adapter_reads_every_prompt(warm: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dramagen.studio.asking.ours", lambda name: name != "ark")
    shot = Shot("雨夜", duration=7)
    asked(warm, shot)
    monkeypatch.setattr(seedance_prompt, "wording", lambda order: pytest.fail("asked again"))
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        asked(warm, shot.changed(prompt="雨停了"))


def test_no_wording_of_ours_adds_more_than_is_counted_on(warm: Asking) -> None:
    tongues = (("雨夜，女主回头", "女主", "你来了"), ("She turns around", "Lin Xia", "You came"))
    moves = [(move, "slow") for move in get_args(Move)] + [("push_in", "normal"), ("push_in", "fast")]
    most = 0
    for (move, speed), (prompt, who, text) in product(moves, tongues):
        lines = [Line(who, text, language=language) for language in ("zh", "en", None)]
        shot = Shot(
            prompt,
            negative_prompt="blur",
            camera=Camera.parse({"move": move, "speed": speed}),
            dialogue=lines,
        )
        bound = longest(shot)
        assert bound is not None
        for quote in asked(warm, shot):
            if isinstance(quote, Quote):
                sent = warm.services.adapter(quote.route.provider).wording(quote.order)
                assert len(sent) <= bound, (quote.route.id, move, sent)
                most = max(most, len(sent))
    assert most > 60  # something was put around them


def test_plain_writing_is_known_from_what_may_be_a_command() -> None:
    for plain in ("雨夜，女主回头——“谁？”", "A well-known man (30s) says: 'go', 5,000 times…\n"):
        assert longest(Shot(plain)) is not None
    for other in ("--rs", "@lin", "＠林", "image_1", "[pan]", "<d>", "a -b", "`x`", "\ue000"):
        assert longest(Shot(f"rain {other}")) is None
        assert longest(Shot("rain", dialogue=[Line("lin", f"go {other}")])) is None


def test_shots_that_send_something_or_choose_a_voice_have_no_kind() -> None:
    assert Kind.of(Shot("a"), True) == Kind.of(Shot("b", id="s01", tags={"night"}), True)
    assert Kind.of(Shot("a", seed=1), True) != Kind.of(Shot("a", seed=2), True)
    assert Kind.of(Shot("a", first_frame=b"png"), True) is None
    assert Kind.of(Shot("a", cuts=[Cut("b", 5)]), True) is None
    assert Kind.of(Shot("a", dialogue=[Line("lin", "go", voice="v1")]), True) is None
    sent = [Kind.of(Shot("a", options={"kling": {"x": x}}), True) for x in (5, 5.0)]
    assert sent[0] != sent[1]


def test_a_full_shelf_drops_the_oldest() -> None:
    shelf: Shelf[str] = Shelf(most=2)
    for key in ("a", "b", "c"):
        shelf.keep(key, key.upper())
    assert [shelf.get(key) for key in ("a", "b", "c")] == [None, "B", "C"]
