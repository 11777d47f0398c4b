"""What holds of every packaged card, and a few facts that cost money when they are wrong."""

import re
from datetime import date

import pytest
from pydantic import BaseModel

from dramagen.adapters import adapter
from dramagen.catalog.cards import ModelCard
from dramagen.catalog.fitting import fraction
from dramagen.catalog.inputs import OFF_RATIO
from dramagen.catalog.load import Catalog
from dramagen.catalog.route import Route
from dramagen.catalog.sourced import Sourced
from dramagen.shot import RESOLUTIONS

MODELS = [(p, m) for p in Catalog.load().providers() for m in Catalog.load().models(p)]
SHORT_SIDE = {"480p": 480, "720p": 720, "1080p": 1080, "4k": 2160}


@pytest.fixture(params=MODELS, ids=lambda pair: "/".join(pair))
def named(request: pytest.FixtureRequest, catalog: Catalog) -> tuple[str, ModelCard]:
    provider, model = request.param
    return provider, catalog.model(provider, model)


def test_it_names_its_sources(named: tuple[str, ModelCard], catalog: Catalog, today: date) -> None:
    provider, card = named
    if catalog.provider(provider).local:
        return
    assert card.source
    assert card.checked
    for row in (*card.prices, *card.latency, *card.quality):
        assert row.source
        assert row.checked
    for table in _sourced(card):
        assert table.checked is None or table.checked <= today
        assert table.source is None or not re.search(r"/work|/tmp|shared", table.source)


def _sourced(record: BaseModel) -> list[Sourced]:
    found = [record] if isinstance(record, Sourced) else []
    for name in type(record).model_fields:
        value = getattr(record, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, BaseModel):
                found += _sourced(item)
    return found


def test_sizes_belong_to_tiers_and_ratios_it_films(named: tuple[str, ModelCard]) -> None:
    _, card = named
    for mode in card.modes:
        assert set(mode.resolutions) <= set(RESOLUTIONS)
        assert list(mode.resolutions) == sorted(mode.resolutions, key=RESOLUTIONS.index)
        assert set(mode.audio_resolutions) <= set(mode.resolutions)
        for tier, sizes in mode.sizes.items():
            assert set(sizes) == set(mode.ratios), (tier, mode.name)
            for ratio, (width, height) in sizes.items():
                assert width % 2 == height % 2 == 0
                assert abs(width / height / float(fraction(ratio)) - 1) < OFF_RATIO, (tier, ratio)
                turned = ":".join(reversed(ratio.split(":")))
                assert sizes.get(turned, (height, width)) == (height, width)


def test_a_region_without_a_price_is_admitted(named: tuple[str, ModelCard]) -> None:
    """A region somebody forgot to price looks like one whose price nobody could read; the note tells them apart."""
    _, card = named
    for region in unpriced(card):
        assert re.search(rf"no price was read for [a-z, ]*\b{region}\b", card.note or ""), region


def unpriced(card: ModelCard) -> set[str]:
    """The regions that have no price although others have one."""
    priced = {row.region for row in card.prices}
    return set() if not priced or None in priced else set(card.wire) - priced


HOLES = {
    ("fal", "kling-3.0", "4k"), ("fal", "seedance-2.0-fast", "480p"), ("fal", "minimax-h3-max", "references"),
    ("replicate", "viduq3-pro", "540p"), ("replicate", "viduq3-pro", "1080p"),
}  # fmt: skip
"""Tiers and modes a seller films, whose price could not be read: refused until the user states one."""


def test_the_last_row_of_a_tier_has_no_hole(named: tuple[str, ModelCard], catalog: Catalog) -> None:
    """Whatever a mode can film has a price, or the model has none at all in that region."""
    from dramagen.catalog.order import Order

    provider, card = named
    for mode in card.modes if card.prices else ():
        for region in set(card.wire) - unpriced(card):
            for tier in mode.resolutions:
                if {(provider, card.id, tier), (provider, card.id, mode.name)} & HOLES:
                    continue
                for audio in {"switch": (True, False), "always": (True,), "never": (False,)}[mode.audio]:
                    if audio and mode.audio_resolutions and tier not in mode.audio_resolutions:
                        continue
                    order = Order(
                        route=Route(provider=provider, region=region, model=card.id),
                        wire={}, mode=mode.name, prompt="x", duration=mode.durations.longest,
                        resolution=tier, audio=audio,
                    )  # fmt: skip
                    assert any(row.matches(order) for row in card.prices), (mode.name, region, tier, audio)


def test_instead_names_living_models(named: tuple[str, ModelCard], catalog: Catalog, today: date) -> None:
    _, card = named
    for name in card.instead:
        routes = catalog.matching(name)
        ends = [catalog.model(r.provider, r.model).retires(r.region) for r in routes]
        assert not all(end is not None and end <= today for end in ends)


@pytest.mark.parametrize("provider", Catalog.load().providers())
def test_a_provider_has_an_adapter_and_says_when_a_lost_create_may_be_sent_again(
    catalog: Catalog, provider: str
) -> None:
    card = catalog.provider(provider)
    assert adapter(card.adapter).name == card.adapter
    assert card.find.patience >= 60
    assert card.watch.deadline > card.watch.interval_max >= card.watch.interval
    for region in card.regions.values():
        assert region.base_url.count("/") == 2 or region.keyless  # scheme and host only
        assert not region.base_path or re.fullmatch(r"(/[^/]+)+", region.base_path)
        assert card.local or region.keyless or region.key_env


def test_only_a_documented_unique_tag_permits_a_second_create(catalog: Catalog) -> None:
    def tag(provider: str, model: str) -> str:
        return (catalog.model(provider, model).find or catalog.provider(provider).find).tag

    assert tag("kling", "kling-3.0") == "unique"
    assert tag("kling", "kling-4.0") == tag("kling", "kling-4.0-flash") == "none"
    assert {tag("seedance", m) for m in catalog.models("seedance")} == {"echoed"}


def test_the_older_kling_protocol_serves_only_what_lives_nowhere_else(catalog: Catalog, today: date) -> None:
    for name in catalog.models("kling"):
        card = catalog.model("kling", name)
        gone = (end := card.retires("cn")) is not None and end <= today
        assert {w["protocol"] for w in card.wire.values()} == {"legacy" if gone else "new"}


def test_keys_and_hosts_are_the_documented_ones(catalog: Catalog) -> None:
    seedance, kling = catalog.provider("seedance"), catalog.provider("kling")
    assert (seedance.default_region, kling.default_region) == ("cn", "cn")
    assert seedance.regions["cn"].key_env == "ARK_API_KEY"
    assert seedance.regions["intl"].key_env == "BYTEPLUS_API_KEY"
    assert seedance.regions["intl"].base_url == "https://ark.ap-southeast.bytepluses.com"
    assert {r.base_path for r in seedance.regions.values()} == {"/api/v3"}
    assert kling.region_env == "KLING_REGION"
    assert kling.regions["cn"].base_url == "https://api-beijing.klingai.com"
    assert kling.regions["intl"].base_url == "https://api-singapore.klingai.com"
