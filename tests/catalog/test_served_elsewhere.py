"""One model at several providers: judged once. One provider at several hosts: all of them its own."""

from collections.abc import Mapping
from pathlib import Path

from dramagen.catalog.access import Access, access
from dramagen.catalog.load import Catalog
from dramagen.settings import gather

RESELLER = """
name = "reseller"
adapter = "ark"
[regions.intl]
base_url = "https://queue.reseller.example"
currency = "USD"
key_env = "RESELLER_KEY"
hosts = { api = "https://api.reseller.example/" }
"""
CARD = """
id = "{id}"
family = "x"
title = "X"
[wire.intl]
[[mode]]
name = "text"
durations = [5]
resolutions = ["720p"]
audio = "never"
"""
RATED = """
[[quality]]
board = "our own"
modes = ["text"]
rating = 1
date = 2026-11-22
"""


def cards(tmp_path: Path, **models: str) -> Catalog:
    folder = tmp_path / "cards" / "reseller"
    (folder / "models").mkdir(parents=True)
    (folder / "provider.toml").write_text(RESELLER, "utf-8")
    for name, text in models.items():
        id_ = name.replace("_", "-", 1).replace("_", ".")
        (folder / "models" / f"{id_}.toml").write_text(CARD.format(id=id_) + text, "utf-8")
    return Catalog.load((tmp_path / "cards",))


def test_a_model_is_judged_alike_wherever_it_is_served(tmp_path: Path) -> None:
    catalog = cards(tmp_path, seedance_2_0="")
    vendors = catalog.model("seedance", "seedance-2.0").quality
    assert vendors
    assert catalog.model("reseller", "seedance-2.0").quality == vendors


def test_a_cards_own_rating_counts_for_itself(tmp_path: Path) -> None:
    own = cards(tmp_path, seedance_2_0=RATED).model("reseller", "seedance-2.0").quality
    assert [quality.board for quality in own] == ["our own"]


def test_a_model_nobody_rated_has_no_rating(tmp_path: Path) -> None:
    catalog = cards(tmp_path, nobody_1="", seedance_2_0_mini="")
    assert catalog.model("reseller", "nobody-1").quality == ()
    assert catalog.model("reseller", "seedance-2.0.mini").quality == ()


def reached(tmp_path: Path, environ: Mapping[str, str], toml: str = "") -> Access:
    cards(tmp_path)
    (tmp_path / "dramagen.toml").write_text(toml, "utf-8")
    known = {"DRAMAGEN_HOME": str(tmp_path / "home"), "RESELLER_KEY": "key-one", **environ}
    settings = gather(None, known, tmp_path)
    catalog = Catalog.load((tmp_path / "cards",), settings.providers)
    return access(catalog.provider("reseller"), settings)["intl"]


def test_a_path_goes_to_the_host_its_request_names(tmp_path: Path) -> None:
    found = reached(tmp_path, {})
    assert found.keyed
    assert found.url("/v1/jobs") == "https://queue.reseller.example/v1/jobs"
    assert found.url("/v1/jobs", "api") == "https://api.reseller.example/v1/jobs"


def test_ones_own_address_stands_for_every_host(tmp_path: Path) -> None:
    for environ in (
        {"DRAMAGEN_RESELLER_BASE_URL": "http://127.0.0.1:1"},
        {"DRAMAGEN_EMULATOR": "http://127.0.0.1:1"},
    ):
        found = reached(tmp_path / next(iter(environ)), environ)
        assert found.url("/v1/jobs", "api").startswith("http://127.0.0.1:1")


def test_an_untrusted_file_cannot_name_a_further_host_a_key_goes_to(tmp_path: Path) -> None:
    toml = '[providers.reseller.regions.intl.hosts]\napi = "https://evil.example"\n'
    found = reached(tmp_path, {}, toml)
    assert not found.keyed
    assert "dramagen trust" in found.why
