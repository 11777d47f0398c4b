"""What a pin may be, and that nothing overrides it. Planned only: nothing here is filmed."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from dramagen import Config, Shot, Studio
from dramagen.catalog.order import Quote
from dramagen.engine.clock import VirtualClock
from dramagen.errors import ConfigError, InvalidShot, NoRoute, RetiredModel
from dramagen.money import Rates

BOTH = {"seedance:cn": "k", "seedance:intl": "k", "kling:cn": "k", "kling:intl": "k"}
RETIRED = "seedance-1.0-lite-t2v"


def attempts(lot: Any, pin: str | None, **settings: Any) -> list[str]:
    with_keys = {"keys": BOTH} | settings
    (planned,) = lot.open(**with_keys).plan(lot.shot.pinned(pin)).shots
    return [quote.route.id for quote in planned.attempts]


@pytest.mark.parametrize(
    ("pin", "routes"),
    [
        ("seedance/seedance-2.0", {"seedance:cn/seedance-2.0", "seedance:intl/seedance-2.0"}),
        ("seedance-2.0", {"seedance:cn/seedance-2.0", "seedance:intl/seedance-2.0"}),
        ("seedance:intl/seedance-2.0", {"seedance:intl/seedance-2.0"}),
        ("previz", {"previz:local/previz"}),
        ("previz:local/previz", {"previz:local/previz"}),
    ],
)
def test_a_pin_names_exactly_these_routes(lot: Any, pin: str, routes: set[str]) -> None:
    assert set(attempts(lot, pin)) == routes


@pytest.mark.parametrize(
    ("pin", "start"), [("kling", "kling:"), ("kling:intl", "kling:intl/"), ("seedance:cn", "seedance:cn/")]
)
def test_a_provider_pin_lets_the_policy_choose_among_its_living_models(
    lot: Any, pin: str, start: str
) -> None:
    shot = lot.shot.changed(pin=pin, resolution="720p")
    (planned,) = lot.open(keys=BOTH, policy="cheapest").plan(shot).shots
    assert len(planned.attempts) > 1
    assert all(quote.route.id.startswith(start) for quote in planned.attempts)
    prices = [lot.open().settings.rates.convert(q.price.expected, "CNY").amount for q in planned.attempts]
    assert prices == sorted(prices)
    retired = {r.route.id for r in planned.refusals if r.rule == "retired"}
    assert retired.isdisjoint(q.route.id for q in planned.attempts)


def test_without_a_pin_every_keyed_route_is_tried_and_never_the_animatic(lot: Any) -> None:
    routes = attempts(lot, None)
    assert {route.partition(":")[0] for route in routes} == {"seedance", "kling"}


@pytest.mark.parametrize(
    ("pin", "near"),
    [("seedence", "seedance"), ("kling-3.O", "kling-3.0"), ("kling/klign-3.0", "kling/kling-3.0")],
)
def test_an_unknown_pin_names_what_is_near(lot: Any, pin: str, near: str) -> None:
    with pytest.raises(NoRoute, match=near):
        lot.open().plan(Shot("雨夜", pin=pin))


@pytest.mark.parametrize("pin", ["", "a/b/c", "/x", "kling:/kling-3.0", ":cn/x", "kling 3"])
def test_a_pin_of_no_form_is_no_pin(pin: str) -> None:
    with pytest.raises(InvalidShot, match="a pin is a provider, a model"):
        Shot("雨夜", pin=pin)


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_retired_model_says_since_when_and_what_instead(lot: Any) -> None:
    async with lot.open() as studio:
        with pytest.raises(RetiredModel) as raised:
            await studio.shoot(Shot("雨夜", pin=RETIRED))
    card = studio.catalog.model("seedance", RETIRED)
    assert str(card.retires("cn")) in raised.value.message
    assert card.instead[0] in raised.value.message
    assert {route for route, _ in raised.value.reasons} >= {f"seedance:cn/{RETIRED}"}


def test_the_day_decides(lot: Any) -> None:
    """Read against the clock, not against the day the tests were written."""
    ends = Studio(Config(home=lot.home)).catalog.model("seedance", RETIRED).retires("cn")
    assert isinstance(ends, date)
    before = VirtualClock(1_700_000_000.0)  # November 2023
    studio = Studio(Config(home=lot.home, keys=lot.KEYS), clock=before)
    (planned,) = studio.plan(Shot("雨夜", duration=5, resolution="480p", pin=RETIRED)).shots
    assert not any(r.rule == "retired" for r in planned.refusals if r.route.model == RETIRED)


def _rule(studio: Studio, pin: str, model: str) -> str | None:
    (planned,) = studio.plan(Shot("雨夜", pin=pin)).shots
    return next((r.rule for r in planned.refusals if r.route.model == model and r.route.region == "cn"), None)


def test_a_base_url_of_ones_own_lifts_retirement_for_a_model_pinned_by_id(lot: Any) -> None:
    vendor = lot.open()
    own = lot.open(base_urls={"seedance": "https://gateway.example"})
    for pin in (RETIRED, f"seedance/{RETIRED}", f"seedance:cn/{RETIRED}"):
        assert _rule(vendor, pin, RETIRED) == "retired"
        assert _rule(own, pin, RETIRED) != "retired"


def test_it_lifts_nothing_for_a_pinned_provider_with_living_models(lot: Any) -> None:
    own = lot.open(base_urls={"seedance": "https://gateway.example"})
    assert _rule(own, "seedance", RETIRED) == "retired"
    (planned,) = own.plan(Shot("雨夜")).shots
    assert any(r.rule == "retired" and r.route.model == RETIRED for r in planned.refusals)


GONE = """
[providers.gone]
title = "Gone"
adapter = "ark"
default_region = "cn"
regions.cn = { base_url = "https://gone.example", currency = "CNY", key_env = "GONE_API_KEY" }
[providers.gone.models.gone-1]
family = "gone"
title = "Gone 1"
retired = 2026-09-24
instead = "seedance-2.0"
wire.cn = { model = "gone-1" }
mode = [ { name = "text", audio = "never", durations = [5], resolutions = ["480p"], ratios = ["9:16"] } ]
price = [ { per = "second", amount = "0.1", currency = "CNY" } ]
"""


def test_it_lifts_retirement_for_a_pinned_provider_without_a_living_model(
    lot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot.home.mkdir()
    (lot.home / "dramagen.toml").write_text(GONE, "utf-8")
    monkeypatch.setenv("GONE_API_KEY", "k")
    shot = lot.shot.pinned("gone")
    (planned,) = lot.open(keys={}).plan(shot).shots
    assert not planned.attempts
    assert [r.rule for r in planned.refusals if r.route.provider == "gone"] == ["retired"]
    monkeypatch.setenv("DRAMAGEN_GONE_BASE_URL", "http://127.0.0.1:9")
    (planned,) = lot.open(keys={}).plan(shot).shots
    assert [q.route.id for q in planned.attempts] == ["gone:cn/gone-1"]


# --- a policy ranks, it never overrides ------------------------------------------------------------------


def test_a_policy_that_answers_with_another_route_is_stopped(lot: Any) -> None:
    seen: list[Quote] = []

    def rogue(shot: Shot, quotes: Sequence[Quote], rates: Rates) -> Sequence[Quote]:
        seen.extend(quotes)
        return seen  # every quote of every shot so far, whatever this one pins

    studio = lot.open(policy=rogue)
    studio.plan(lot.shot.pinned("seedance-1.0-pro"))
    with pytest.raises(ConfigError, match=r"seedance:cn/seedance-1\.0-pro.*not among the quotes"):
        studio.plan(lot.shot.pinned("seedance-2.0"))


def test_a_policy_cannot_change_what_is_bought(lot: Any) -> None:
    def longer(shot: Shot, quotes: Sequence[Quote], rates: Rates) -> Sequence[Quote]:
        order = quotes[0].order.model_copy(update={"resolution": "1080p"})
        return [quotes[0].model_copy(update={"order": order})]

    with pytest.raises(ConfigError, match="not among the quotes"):
        lot.open(policy=longer).plan(lot.shot)


@pytest.mark.parametrize("answer", [["seedance"], [None]])
def test_a_policy_that_answers_nonsense_is_a_setting_that_is_wrong(lot: Any, answer: list[Any]) -> None:
    with pytest.raises(ConfigError, match="the policy chose"):
        lot.open(policy=lambda shot, quotes, rates: answer).plan(lot.shot)


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_policy_may_leave_everything_out(lot: Any) -> None:
    async with lot.open(policy=lambda shot, quotes, rates: []) as studio:
        with pytest.raises(NoRoute) as raised:
            await studio.shoot(lot.shot)
    assert "the policy left it out" in str(raised.value)


def test_a_quote_named_twice_is_one_attempt(lot: Any) -> None:
    studio = lot.open(policy=lambda shot, quotes, rates: [*quotes, *quotes])
    (planned,) = studio.plan(lot.shot).shots
    routes = [quote.route for quote in planned.attempts]
    assert len(routes) == len(set(routes)) > 1


def test_a_named_policy_must_exist(lot: Any) -> None:
    with pytest.raises(ConfigError, match="'dearest' is unknown; there are best, cheapest"):
        lot.open(policy="dearest")


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_why_a_pin_cannot_serve_begins_with_what_can_be_changed(lot: Any) -> None:
    async with lot.open(lot.vendor(), keys=BOTH, routing={"deny": ["kling"]}) as studio:
        with pytest.raises(NoRoute) as raised:
            await studio.shoot(lot.shot.pinned("kling"))
    reasons = [reason for _, reason in raised.value.reasons]
    assert reasons[0] == "[routing] denies kling"
    retired = ["was retired on" in reason for reason in reasons]
    assert any(retired)
    assert retired == sorted(retired)
