"""One's own server in a few lines of settings: a provider and models that are like others, without a key."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dramagen import Money, Shot
from dramagen.catalog import price
from dramagen.catalog.access import Access, access
from dramagen.catalog.fit import fit
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Order, Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.errors import ConfigError
from dramagen.settings import gather

RIG = """
[providers.rig]
like = "selfhosted"
regions.t2v.base_url = "http://10.0.0.5:30000/v1"
regions.i2v.base_url = "http://10.0.0.6:30000"

[providers.rig.models."wan-2.2-t2v-a14b"]
like = "selfhosted/wan-2.2-t2v-a14b"
latency = [{ p50 = 90, p90 = 200, at = 5 }]
price = [{ per = "compute_second", amount = "0.002", currency = "CNY" }]

[providers.rig.models.drama-lora]
like = "selfhosted/wan-2.2-i2v-a14b"
wire.i2v.profile = "vllm-omni"
price = [{ per = "second", amount = 0, currency = "CNY" }]
"""


def catalog_of(text: str) -> Catalog:
    return Catalog.load(overrides=tomllib.loads(text)["providers"])


def regions_of(text: str, provider: str, tmp_path: Path, **environ: str) -> Mapping[str, Access]:
    (tmp_path / "dramagen.toml").write_text(text, "utf-8")
    settings = gather(None, {"DRAMAGEN_HOME": str(tmp_path / "home")} | environ, tmp_path)
    return access(Catalog.load((), settings.providers).provider(provider), settings)


def test_a_provider_that_is_like_another_takes_over_its_protocol_and_no_address() -> None:
    rig, own = catalog_of(RIG).provider("rig"), Catalog.load().provider("selfhosted")
    assert (rig.adapter, rig.find, rig.watch, rig.limits) == (own.adapter, own.find, own.watch, own.limits)
    assert (rig.title, rig.default_region, list(rig.regions)) == ("rig", "t2v", ["t2v", "i2v"])
    assert {(r.currency, r.keyless, r.base_path) for r in rig.regions.values()} == {("CNY", True, "/v1")}


def test_a_likeness_hands_on_no_key() -> None:
    gateway = catalog_of('[providers.gw]\nlike = "sora"\nregions.x.base_url = "https://gw.example"').provider(
        "gw"
    )
    assert (gateway.regions["x"].key_env, gateway.regions["x"].webhook_env) == (None, None)
    assert gateway.regions["x"].currency == "USD"


def test_the_same_model_elsewhere_keeps_its_rating_and_what_servers_call_it() -> None:
    card = catalog_of(RIG).model("rig", "wan-2.2-t2v-a14b")
    there = Catalog.load().model("selfhosted", "wan-2.2-t2v-a14b")
    assert (card.modes, card.quality, card.title) == (there.modes, there.quality, there.title)
    assert card.wire == {"t2v": there.wire["own"], "i2v": there.wire["own"]}


def test_another_model_like_it_has_its_own_name_and_no_rating() -> None:
    card = catalog_of(RIG).model("rig", "drama-lora")
    assert (card.title, card.quality) == ("drama-lora", ())
    assert card.wire["i2v"] == {"profile": "vllm-omni", "model": "drama-lora", "extra_frames": 1}


def test_a_likeness_across_providers_may_not_lead_back() -> None:
    models = """
[providers.a]
like = "selfhosted"
regions.x.base_url = "http://a.example"
models.m.like = "b/m"
[providers.b]
like = "selfhosted"
regions.x.base_url = "http://b.example"
models.m.like = "a/m"
"""
    with pytest.raises(ConfigError, match="leads back"):
        catalog_of(models).model("a", "m")


def test_a_likeness_of_no_provider_is_said() -> None:
    with pytest.raises(ConfigError, match="no provider with a card"):
        catalog_of('[providers.a]\nlike = "nobody"\nregions.x.base_url = "http://a.example"').provider("a")


def test_a_card_of_the_library_is_not_made_like_another() -> None:
    with pytest.raises(ConfigError, match="like: no such key"):
        catalog_of('[providers.kling]\nlike = "sora"').provider("kling")


def test_a_keyless_server_is_ready_and_a_path_in_its_address_is_not_doubled(tmp_path: Path) -> None:
    regions = regions_of(RIG, "rig", tmp_path)
    assert all(region.keyed and region.secrets() == () for region in regions.values())
    assert regions["t2v"].url("/v1/videos") == "http://10.0.0.5:30000/v1/videos"
    assert regions["i2v"].url("/v1/videos") == "http://10.0.0.6:30000/v1/videos"


def test_a_key_is_sent_where_one_is_stated(tmp_path: Path) -> None:
    regions = regions_of('keys = { rig = "k-1" }\n' + RIG, "rig", tmp_path)
    assert regions["t2v"].secrets() == ("k-1",)


def test_a_server_without_an_address_says_what_to_set(tmp_path: Path) -> None:
    own = regions_of("", "selfhosted", tmp_path)["own"]
    assert not own.keyed
    assert own.why == "no address: set base_urls.selfhosted in dramagen.toml"
    stated = regions_of('base_urls = { selfhosted = "http://127.0.0.1:30000" }', "selfhosted", tmp_path)[
        "own"
    ]
    assert stated.keyed
    said = regions_of("", "selfhosted", tmp_path, DRAMAGEN_SELFHOSTED_BASE_URL="http://127.0.0.1:3/v1")["own"]
    assert said.url("/v1/videos") == "http://127.0.0.1:3/v1/videos"


def test_an_address_that_is_none_is_said(tmp_path: Path) -> None:
    text = '[providers.rig]\nlike = "selfhosted"\nregions.x.base_url = "10.0.0.5:30000"'
    with pytest.raises(ConfigError, match=r"providers\.rig\.regions\.x\.base_url: a base URL is"):
        regions_of(text, "rig", tmp_path)


# -- what it costs ------------------------------------------------------------------------------------------


def quote(catalog: Catalog, route: str, today: Any, **shot: Any) -> Quote | Refusal:
    asked = Shot(prompt="雨夜", duration=5, resolution="480p", **shot)

    def nothing(_: object) -> Any:
        raise AssertionError("there is nothing to measure")

    return fit(asked, Route.from_id(route), catalog, measure=nothing, today=today)


def test_compute_is_reserved_at_the_most_a_job_takes(today: Any) -> None:
    found = quote(catalog_of(RIG), "rig:t2v/wan-2.2-t2v-a14b", today)
    assert isinstance(found, Quote), found
    assert (found.price.expected, found.price.most) == (Money("0.18 CNY"), Money("0.4 CNY"))
    assert found.price.basis == "90 to 200 s of compute x 0.002 CNY"


def test_compute_is_settled_by_the_seconds_the_server_reports(make_order: Any) -> None:
    catalog = catalog_of(RIG)
    card, provider = catalog.model("rig", "wan-2.2-t2v-a14b"), catalog.provider("rig")
    order: Order = make_order("selfhosted:own/wan-2.2-t2v-a14b", "480p", "9:16", 5)
    assert price.settle(card, provider, order, units=Decimal("207.4")) == Money("0.4148 CNY")
    assert price.settle(card, provider, order) == Money("0.4 CNY")  # silent: what was reserved


def test_nothing_may_be_the_price(today: Any) -> None:
    catalog = catalog_of(RIG.replace("selfhosted/wan-2.2-i2v-a14b", "selfhosted/wan-2.1-t2v-1.3b"))
    found = quote(catalog, "rig:i2v/drama-lora", today)
    assert isinstance(found, Quote), found
    assert found.price.most == Money("0 CNY")


def test_without_a_stated_price_it_is_not_filmed(today: Any) -> None:
    found = quote(Catalog.load(), "selfhosted:own/wan-2.1-t2v-1.3b", today)
    assert isinstance(found, Refusal)
    assert found.rule == "price"


@pytest.mark.parametrize(
    "latency", ["[]", "[{ p50 = 90 }]", '[{ p50 = 9, p90 = 20, when = { resolution = "480p" } }]']
)
def test_a_price_of_compute_needs_to_know_how_long_a_job_takes(latency: str) -> None:
    text = RIG.replace("[{ p50 = 90, p90 = 200, at = 5 }]", latency)
    with pytest.raises(ConfigError, match="p50 and p90"):
        catalog_of(text).model("rig", "wan-2.2-t2v-a14b")
