"""Finding cards, laying a user's settings over them, and saying what is wrong with one."""

from datetime import date
from pathlib import Path

import pytest

from dramagen import Money
from dramagen.catalog.load import Catalog, merge, packaged
from dramagen.catalog.route import Route
from dramagen.errors import ConfigError, NoRoute

MODEL = """
id = "m"
family = "f"
title = "M"
[wire.cn]
model = "m-1"
[[mode]]
name = "text"
durations = [5]
resolutions = ["720p"]
ratios = ["9:16"]
audio = "never"
[[price]]
per = "clip"
amount = 0.30
currency = "CNY"
"""
PROVIDER = """
name = "acme"
title = "Acme"
adapter = "ark"
default_region = "cn"
[regions.cn]
base_url = "https://api.acme.example"
currency = "CNY"
"""


def cards(root: Path, model: str = MODEL, provider: str = PROVIDER) -> Path:
    (root / "acme" / "models").mkdir(parents=True)
    (root / "acme" / "provider.toml").write_text(provider, "utf-8")
    (root / "acme" / "models" / "m.toml").write_text(model, "utf-8")
    return root


def test_a_further_root_adds_to_the_packaged_cards(tmp_path: Path) -> None:
    catalog = Catalog.load([cards(tmp_path)])
    assert {"acme", "kling", "previz", "seedance"} <= set(catalog.providers())
    assert catalog.models("acme") == ("m",)
    assert catalog.model("acme", "m").prices[0].amount == Money("0.30 CNY").amount
    assert Route(provider="acme", region="cn", model="m") in catalog.routes()


def test_a_later_root_wins_file_by_file(tmp_path: Path) -> None:
    first, second = cards(tmp_path / "a"), cards(tmp_path / "b", MODEL.replace('title = "M"', 'title = "N"'))
    (second / "acme" / "provider.toml").unlink()
    catalog = Catalog.load([first, second])
    assert (catalog.model("acme", "m").title, catalog.provider("acme").title) == ("N", "Acme")


def test_a_missing_root_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        Catalog.load([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("change", "to", "message"),
    [
        ('title = "M"', 'titel = "M"', r"m\.toml: titel: no such key"),
        ("durations = [5]", "durations = { min = 9, max = 3 }", r"mode\.0\.durations: min is not above max"),
        ('per = "clip"', 'per = "shot"', r"price\.0\.per = 'shot': .*'second', 'clip'"),
        ("amount = 0.30", "amount = -1", r"price\.0\.amount"),
        ('per = "clip"', 'per = "million_tokens"', r"needs the \[tokens\] formula"),
        ("[wire.cn]", "[wire.mars]", r"wire\.mars: acme has no such region"),
        ('id = "m"', 'id = "n"', r"id is 'n'; the file is called 'm'"),
        ('[[mode]]\nname = "text"', '[[mode]]\nname = "dance"', r"mode\.0\.name = 'dance'"),
        ('family = "f"', "", r"m\.toml: family: missing"),
        ('family = "f"', "family = ", r"m\.toml: .*line 3"),
    ],
)
def test_a_wrong_card_names_file_key_and_rule(tmp_path: Path, change: str, to: str, message: str) -> None:
    assert change in MODEL
    catalog = Catalog.load([cards(tmp_path, MODEL.replace(change, to))])
    with pytest.raises(ConfigError, match=message):
        catalog.model("acme", "m")


def test_a_wrong_provider_card_names_file_and_key(tmp_path: Path) -> None:
    wrong = PROVIDER.replace('default_region = "cn"', 'default_region = "us"')
    with pytest.raises(ConfigError, match=r"provider\.toml: .*default_region is one of cn"):
        Catalog.load([cards(tmp_path, provider=wrong)]).provider("acme")


def test_one_wrong_card_does_not_spoil_the_others(tmp_path: Path) -> None:
    catalog = Catalog.load([cards(tmp_path, "id = 3")])
    assert catalog.model("kling", "kling-3.0").title == "Kling 3.0"


def test_settings_are_merged_key_by_key_and_prices_replaced() -> None:
    own = {"per": "second", "amount": 0.5, "currency": "CNY"}
    catalog = Catalog.load(
        overrides={
            "kling": {
                "regions": {"cn": {"unit": "0.9 CNY"}},
                "models": {"kling-3.0": {"price": [own], "wire": {"cn": {"model": "gateway-kling"}}}},
            }
        }
    )
    card, provider = catalog.model("kling", "kling-3.0"), catalog.provider("kling")
    assert provider.regions["cn"].unit == Money("0.9 CNY")
    assert provider.regions["cn"].base_url == "https://api-beijing.klingai.com"
    assert [str(row.amount) for row in card.prices] == ["0.5"]
    assert card.wire["cn"] == {"protocol": "new", "model": "gateway-kling"}
    assert card.wire["intl"]["model"] == "kling-3.0"


def test_a_model_nobody_knows_can_be_stated_by_likeness_and_price() -> None:
    own = {"per": "second", "amount": "1.1", "currency": "CNY"}
    overrides = {"kling": {"models": {"kling-5.0": {"like": "kling-3.0", "price": [own]}}}}
    card = Catalog.load(overrides=overrides).model("kling", "kling-5.0")
    assert card.wire["cn"]["model"] == "kling-5.0"
    assert card.modes == Catalog.load().model("kling", "kling-3.0").modes
    assert len(card.prices) == 1
    assert (card.quality, card.latency, card.retired) == ((), (), {})


def test_a_likeness_takes_over_no_price() -> None:
    card = Catalog.load(overrides={"kling": {"models": {"x": {"like": "kling-3.0"}}}}).model("kling", "x")
    assert card.prices == ()


def test_a_likeness_may_be_of_another_stated_model_but_not_of_itself() -> None:
    models = {
        "b": {"like": "a"},
        "a": {"like": "kling-3.0", "title": "A"},
        "c": {"like": "d"},
        "d": {"like": "c"},
    }
    catalog = Catalog.load(overrides={"kling": {"models": models}})
    assert catalog.model("kling", "b").wire["cn"]["model"] == "b"
    with pytest.raises(ConfigError, match="leads back"):
        catalog.model("kling", "c")


def test_a_new_model_without_modes_is_told_what_to_say() -> None:
    with pytest.raises(ConfigError, match="like ="):
        Catalog.load(overrides={"kling": {"models": {"kling-5.0": {"title": "x"}}}}).model(
            "kling", "kling-5.0"
        )


def test_a_wrong_setting_is_not_blamed_on_the_card_alone() -> None:
    catalog = Catalog.load(overrides={"kling": {"models": {"kling-3.0": {"titel": "x"}}}})
    with pytest.raises(ConfigError, match=r"with dramagen\.toml providers\.kling\.models\.kling-3\.0: titel"):
        catalog.model("kling", "kling-3.0")


def test_a_whole_provider_can_be_stated() -> None:
    import tomllib

    table = tomllib.loads(PROVIDER) | {"models": {"m": tomllib.loads(MODEL)}}
    catalog = Catalog.load(overrides={"acme": table})
    assert catalog.matching("acme/m") == (Route(provider="acme", region="cn", model="m"),)


@pytest.mark.parametrize(
    ("pin", "routes"),
    [
        (
            "kling-3.0",
            {
                "kling:cn/kling-3.0",
                "kling:intl/kling-3.0",
                "fal:intl/kling-3.0",
                "replicate:intl/kling-3.0",
            },
        ),
        ("fal/kling-3.0", {"fal:intl/kling-3.0"}),
        ("kling/kling-3.0", {"kling:cn/kling-3.0", "kling:intl/kling-3.0"}),
        ("kling:intl/kling-3.0", {"kling:intl/kling-3.0"}),
        ("previz", {"previz:local/previz"}),
    ],
)
def test_a_pin_means_routes(catalog: Catalog, pin: str, routes: set[str]) -> None:
    assert {route.id for route in catalog.matching(pin)} == routes


def test_a_provider_pin_lists_living_and_retired_models(catalog: Catalog) -> None:
    models = {route.model for route in catalog.matching("seedance")}
    assert {"seedance-2.5", "seedance-1.5-pro", "seedance-1.0-lite-t2v"} <= models


@pytest.mark.parametrize(
    ("pin", "near"),
    [
        ("kling-3", "did you mean kling-3.0 or "),
        ("seedence", "did you mean seedance or "),
        ("kling:cn/kling-3", "did you mean kling:cn/kling-3.0 or "),
        ("KLING", r"did you mean kling\?"),
        ("Kling-3.0", r"did you mean kling-3.0\?"),
        ("ｋｌｉｎｇ", r"did you mean kling\?"),
        ("可灵", r"did you mean kling\?"),
        ("可灵/kling-3.0", r"did you mean kling/kling-3.0\?"),
        ("可灵3.0", "did you mean kling-3.0 or "),
        ("海螺", r"did you mean hailuo\?"),
        ("MiniMax", r"did you mean hailuo\?"),
        ("minimax-h", "did you mean minimax-h3 or "),
        ("通义万相", r"did you mean wan\?"),
        ("万相2.7", "did you mean wan-2.7 or "),
        ("即梦", r"did you mean seedance\?"),
        ("豆包", r"did you mean seedance\?"),
        ("Vidu", r"did you mean vidu\?"),
        ("生数", r"did you mean vidu\?"),
        ("蜻蜓", "there are fal, hailuo, kling, previz, replicate, seedance, selfhosted, sora, vidu, wan;"),
    ],
)
def test_an_unknown_pin_names_what_is_near(catalog: Catalog, pin: str, near: str) -> None:
    with pytest.raises(NoRoute, match=near):
        catalog.matching(pin)


def test_unknown_names_are_no_route(catalog: Catalog) -> None:
    with pytest.raises(NoRoute, match="did you mean kling"):
        catalog.provider("klin")
    with pytest.raises(NoRoute, match=r"did you mean kling-2\.6"):
        catalog.model("kling", "kling-2.7")


def test_cards_are_read_when_asked_for_and_once(tmp_path: Path) -> None:
    root = cards(tmp_path)
    catalog = Catalog.load([root])
    (root / "acme" / "models" / "m.toml").write_text(MODEL.replace('"M"', '"Later"'), "utf-8")
    assert catalog.model("acme", "m").title == "Later"
    (root / "acme" / "models" / "m.toml").write_text(MODEL, "utf-8")
    assert catalog.model("acme", "m") is catalog.model("acme", "m")
    assert catalog.model("acme", "m").title == "Later"


def test_prices_older_than_ninety_days_are_named(catalog: Catalog) -> None:
    stale = catalog.stale(date(2026, 11, 22))
    vidu = {"viduq3", "viduq3-mix", "viduq3-pro", "viduq3-pro-fast", "viduq3-turbo"}
    wan = {
        f"wan-{v}" for v in ("2.7", "2.6", "2.6-flash", "2.5-preview", "2.2-plus", "2.2-flash", "2.1-plus")
    }
    hailuo = {"hailuo-2.3", "hailuo-2.3-fast", "hailuo-02"}
    old = {"seedance-1.0-pro", "seedance-1.0-pro-fast", "happyhorse-1.0"} | wan | vidu | hailuo
    resold = {"fal/kling-2.5-turbo", "replicate/kling-3.0", "replicate/kling-3.0-omni"}
    named = {(row.provider, row.model) for row in stale}
    assert {model for provider, model in named if f"{provider}/{model}" not in resold} <= old
    assert all(row.age is not None and row.age.days > 90 for row in stale)
    later = {row.model for row in catalog.stale(date(2027, 6, 1))}
    assert {"kling-3.0", "seedance-2.5"} <= later
    assert not {"kling-1.0", "seedance-1.5-pro", "previz"} & later


def test_a_price_without_a_day_is_named_too() -> None:
    own = {"per": "second", "amount": "0.5", "currency": "CNY"}
    catalog = Catalog.load(overrides={"kling": {"models": {"kling-3.0": {"price": [own]}}}})
    (row,) = (r for r in catalog.stale(date(2026, 11, 22)) if (r.provider, r.model) == ("kling", "kling-3.0"))
    assert row.age is None


def test_merge_leaves_both_sides_alone() -> None:
    below, above = {"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}}
    assert merge(below, above) == {"a": {"b": 1, "c": [2]}}
    assert (below, above) == ({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}})


def test_the_packaged_cards_are_there() -> None:
    assert (packaged() / "kling" / "provider.toml").is_file()
