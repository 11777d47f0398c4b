"""Planning: every route answers, nothing is spent, nothing is opened, nothing is fetched."""

import os
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dramagen import Money, Shot
from dramagen.errors import ConfigError, InvalidShot, NoRoute
from dramagen.studio.filming import PREVIZ_ONLY

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0"
    "000003010100c9fe92ef0000000049454e44ae426082"
)


def test_every_route_answers_and_those_without_a_key_say_so(lot: Any) -> None:
    studio = lot.open()
    (planned,) = studio.plan(lot.shot).shots
    answered = {a.route for a in (*planned.quotes, *planned.refusals)}
    assert answered == set(studio.catalog.routes())
    assert {q.route.provider for q in planned.quotes if q.keyed} == {"seedance", "previz"}
    assert any(not q.keyed and q.route.provider == "kling" for q in planned.quotes) or any(
        r.route.provider == "kling" for r in planned.refusals
    )


def test_no_key_is_said_where_no_route_has_one(lot: Any) -> None:
    shot = lot.shot.pinned("kling").changed(resolution="720p")
    said = str(lot.open().plan(shot))
    assert "no route" in said
    assert "no key" in said


def test_a_plan_leaves_nothing_behind(lot: Any) -> None:
    studio = lot.open()
    studio.plan([lot.shot, lot.shot.changed(duration=6)], budget="80 CNY")
    assert studio.jobs() == []
    assert studio.ledger().jobs == {}
    assert not lot.home.exists()


def test_totals_are_the_sum_of_the_choices_and_a_budget_is_compared(lot: Any) -> None:
    studio = lot.open()
    shots = [lot.shot.pinned(lot.PIN), lot.shot.changed(prompt="白天", pin=lot.PIN)]
    plan = studio.plan(shots, budget=Money("80 CNY"))
    assert plan.feasible
    assert plan.expected == sum((s.choice.price.expected for s in plan.shots), Money.zero("CNY"))
    assert plan.most >= plan.expected > Money.zero("CNY")
    tight = studio.plan(shots, budget=Money(plan.most.amount - Decimal("0.01"), "CNY"))
    assert not tight.feasible
    assert "does NOT cover" in str(tight)
    exact = studio.plan(shots, budget=plan.most)
    assert exact.feasible


def test_a_budget_in_another_currency_is_converted_at_the_stated_rate(lot: Any) -> None:
    plan = lot.open().plan(lot.shot, budget="1 USD")
    assert plan.budget_converted == Money("7.143 CNY")


def test_a_budget_no_rate_is_stated_for_is_an_error_not_a_guess(lot: Any) -> None:
    with pytest.raises(ConfigError, match="EUR"):
        lot.open().plan(lot.shot, budget="1 EUR")


def test_each_shot_has_its_take(lot: Any) -> None:
    with pytest.raises(InvalidShot, match="2 shots and 1 takes"):
        lot.open().plan([lot.shot, lot.shot], takes=[1])


def test_a_file_that_is_not_there_is_named(lot: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidShot, match=r"gone\.png"):
        lot.open().plan(lot.shot.changed(first_frame=tmp_path / "gone.png"))


# --- prices ----------------------------------------------------------------------------------------------

UNPRICED = 'providers.seedance.models."seedance-house".like = "seedance-2.0"\n'


def test_a_route_without_a_price_is_refused_until_the_user_states_one(lot: Any) -> None:
    lot.home.mkdir()
    settings = lot.home / "dramagen.toml"
    settings.write_text(UNPRICED, "utf-8")
    shot = lot.shot.pinned("seedance:cn/seedance-house")
    (planned,) = lot.open().plan(shot).shots
    refusal = next(r for r in planned.refusals if r.route.satisfies(shot.pin))
    assert refusal.rule == "price"
    assert not planned.attempts

    line = refusal.reason.partition("such as: ")[2].replace("0.60", "0.25")
    settings.write_text(f"{line}\n{UNPRICED}", "utf-8")  # the very line the refusal gave
    (planned,) = lot.open().plan(shot).shots
    assert planned.choice is not None
    assert planned.choice.price.expected == Money("1.25 CNY")


def test_a_price_in_a_currency_without_a_rate_is_no_price(lot: Any) -> None:
    lot.home.mkdir()
    row = '[{ per = "second", amount = "30", currency = "JPY" }]'
    line = f'providers.seedance.models."seedance-house".price = {row}\n'
    (lot.home / "dramagen.toml").write_text(line + UNPRICED, "utf-8")
    (planned,) = lot.open().plan(lot.shot.pinned("seedance:cn/seedance-house")).shots
    (refusal,) = [r for r in planned.refusals if r.route.id == "seedance:cn/seedance-house"]
    assert (refusal.rule, "JPY" in refusal.reason) == ("price", True)


# --- the animatic ----------------------------------------------------------------------------------------


def test_previz_stands_in_only_where_no_provider_has_a_key(lot: Any) -> None:
    (without,) = lot.open(keys={}).plan(lot.shot).shots
    assert [q.route.provider for q in without.attempts] == ["previz"]
    (with_one,) = lot.open().plan(lot.shot).shots
    assert {q.route.provider for q in with_one.attempts} == {"seedance"}


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_it_never_stands_in_for_a_shot_no_keyed_provider_can_film(lot: Any) -> None:
    impossible = lot.shot.changed(duration=50)
    async with lot.open() as studio:
        with pytest.raises(NoRoute) as raised:
            await studio.shoot(impossible)
    assert "films only when pinned" in str(raised.value)


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_stand_in_says_so_on_the_clip_and_a_pinned_one_does_not(lot: Any) -> None:
    small = Shot("雨夜", duration=0.5, resolution="360p")
    async with lot.open(keys={}, virtual=False) as studio:
        stand_in = await studio.shoot(small)
        assert PREVIZ_ONLY in stand_in.warnings
        assert PREVIZ_ONLY in (await studio.shoot(small)).warnings  # and so does the kept one
    async with lot.open(keys={}, virtual=False) as studio:
        pinned = await studio.shoot(small.changed(prompt="白天", pin="previz"))
    assert PREVIZ_ONLY not in pinned.warnings


# --- URLs ------------------------------------------------------------------------------------------------


class _Pictures(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(PNG)))
        self.end_headers()
        self.wfile.write(PNG)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def picture() -> Any:
    """A picture's URL on this machine, and the handler that counts who asked."""
    _Pictures.asked = 0
    with HTTPServer(("127.0.0.1", 0), _Pictures) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/a.png?signature=secret"
        server.shutdown()
        thread.join()


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_url_is_not_measured_until_prepared_and_fetched_once(lot: Any, picture: str) -> None:
    from anyio import create_task_group

    shot = lot.shot.changed(first_frame=picture, pin="previz")
    async with lot.open(keys={}, allow_private=("127.0.0.1",)) as studio:
        (before,) = studio.plan(shot).shots
        assert _Pictures.asked == 0
        assert any("not yet measured" in warning for warning in before.quotes[0].warnings)
        async with create_task_group() as group:
            for _ in range(4):
                group.start_soon(studio.prepare, [shot, shot.changed(prompt="白天")])
        assert _Pictures.asked == 1
        (after,) = studio.plan(shot).shots
        quote = next(q for q in after.quotes if q.route.provider == "previz")
        assert not any("not yet measured" in warning for warning in quote.warnings)
        assert quote.order.first_frame is not None
        assert quote.order.first_frame.width == 1


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_private_url_is_refused_unless_allowed(lot: Any, picture: str) -> None:
    async with lot.open(keys={}) as studio:
        with pytest.raises(InvalidShot, match="allow_private") as raised:
            await studio.prepare(lot.shot.changed(first_frame=picture))
    assert "secret" not in str(raised.value)
    assert _Pictures.asked == 0


def test_preparing_needs_an_open_studio(lot: Any) -> None:
    with pytest.raises(ConfigError, match="open the studio first"):
        lot.open().prepare(lot.shot).send(None)


# --- speed -----------------------------------------------------------------------------------------------


def test_a_plan_looks_at_no_file_once_its_cards_are_read(lot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes a plan slow is the disk; that it is left alone can be tested on a busy machine too."""
    studio = lot.open()
    studio.plan(lot.shot)
    looked: list[object] = []
    real = os.stat

    def stat(path: Any, **how: Any) -> os.stat_result:
        looked.append(path)
        return real(path, **how)

    monkeypatch.setattr(os, "stat", stat)
    studio.plan(lot.shot.changed(prompt="白天"))
    assert len(looked) <= 1  # whether there is a journal
