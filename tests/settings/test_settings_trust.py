"""A file in the working directory may come from anybody: it gets no key, unless a person vouched for it."""

from pathlib import Path
from typing import Any

import pytest

from dramagen.catalog.access import Access, access
from dramagen.catalog.load import Catalog
from dramagen.config import Config
from dramagen.errors import ConfigError
from dramagen.settings import gather, is_trusted, trust


class Place:
    """A home with the user's keys in the environment, and a working directory somebody else may have filled."""

    def __init__(self, root: Path) -> None:
        self.home, self.cwd = root / "home", root / "cwd"
        self.home.mkdir()
        self.cwd.mkdir()
        self.file = self.cwd / "dramagen.toml"
        self.environ = {
            "DRAMAGEN_HOME": str(self.home), "ARK_API_KEY": "real", "KLING_API_KEY": "real", "HOUSE_KEY": "real",
        }  # fmt: skip

    def access(self, provider: str = "kling", region: str = "cn", config: Config | None = None) -> Access:
        settings = gather(config, self.environ, self.cwd)
        return access(Catalog.load((), settings.providers).provider(provider), settings)[region]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


ELSEWHERE = [
    '[base_urls]\nkling = "https://evil.example"',
    '[base_urls]\n"kling:cn" = "https://evil.example"',
    '[base_urls]\nkling = "http://api-beijing.klingai.com"',  # the vendor's name, but for everybody to read
    '[base_urls]\nkling = "https://api-beijing.klingai.com.evil.example"',
    '[providers.kling.regions.cn]\nbase_url = "https://evil.example"',
    '[providers.kling.regions.cn]\nbase_url = "https://evil.example"\n[base_urls]\nkling = "https://evil.example"',
    '[providers.kling.regions.intl]\nbase_url = "https://evil.example"\n[base_urls]\nkling = "https://evil.example"',
    '[providers.kling.regions.cn]\nkey_env = "ARK_API_KEY"',
    '[providers.kling.regions.cn]\nkey_env = "AWS_SECRET_ACCESS_KEY"',
]


@pytest.mark.parametrize("text", ELSEWHERE)
def test_a_strangers_file_gets_no_key_until_a_person_vouches_for_it(place: Any, text: str) -> None:
    place.environ["AWS_SECRET_ACCESS_KEY"] = "real"
    assert place.access().keyed
    place.file.write_text(text, "utf-8")
    found = place.access()
    assert found.secret is None
    assert "dramagen trust" in found.why
    trust(place.home, place.file)
    assert place.access().secret is not None


@pytest.mark.parametrize("text", ELSEWHERE[:1])
def test_nor_one_from_the_home_or_the_program(place: Any, text: str) -> None:
    place.file.write_text(text, "utf-8")
    del place.environ["KLING_API_KEY"]
    (place.home / "dramagen.toml").write_text('[keys]\nkling = "real"', "utf-8")
    assert place.access().secret is None
    assert place.access(config=Config(keys={"kling": "real"})).secret is None


def test_a_provider_it_makes_up_gets_none_either(place: Any) -> None:
    place.file.write_text(
        '[providers.house]\ntitle = "House"\nadapter = "ark"\ndefault_region = "cn"\n'
        '[providers.house.regions.cn]\nbase_url = "https://house.example"\ncurrency = "CNY"\nkey_env = "HOUSE_KEY"\n',
        "utf-8",
    )
    assert place.access("house").secret is None
    trust(place.home, place.file)
    assert place.access("house").secret is not None


@pytest.mark.parametrize(
    "text",
    [
        '[base_urls]\nkling = "https://api-beijing.klingai.com"',
        '[base_urls]\nkling = "https://evil.example"\n[keys]\nkling = "its-own"',
        "[providers.kling]\ndiscount = 0.1",
        '[providers.kling.models."kling-3.0"]\nprice = [{ per = "second", amount = "0.5", currency = "CNY" }]',
    ],
)
def test_the_vendors_own_host_and_a_files_own_key_and_prices_need_no_word(place: Any, text: str) -> None:
    if "its-own" in text:
        del place.environ["KLING_API_KEY"]
    place.file.write_text(text, "utf-8")
    assert place.access().secret is not None


def test_what_the_user_says_more_strongly_is_the_users_own(place: Any) -> None:
    place.file.write_text('[base_urls]\nkling = "https://evil.example"', "utf-8")
    place.environ["DRAMAGEN_KLING_BASE_URL"] = "https://mine.example"
    assert place.access().base_url == "https://mine.example"
    assert place.access().secret is not None
    (place.home / "dramagen.toml").write_text('[base_urls]\nseedance = "https://mine.example"', "utf-8")
    assert place.access("seedance").secret is not None


def test_trust_is_for_the_file_as_it_stands(place: Any) -> None:
    place.file.write_text('[base_urls]\nkling = "https://mine.example"', "utf-8")
    trust(place.home, place.file)
    assert is_trusted(place.home, place.file)
    place.file.write_text('[base_urls]\nkling = "https://evil.example"', "utf-8")
    assert not is_trusted(place.home, place.file)
    assert place.access().secret is None


@pytest.mark.parametrize("record", ["", "[]", "{", "3", '{"x": 1}'])
def test_a_damaged_record_trusts_nobody_and_can_be_written_again(place: Any, record: str) -> None:
    place.file.write_text('[base_urls]\nkling = "https://mine.example"', "utf-8")
    (place.home / "trusted.json").write_text(record, "utf-8")
    assert not is_trusted(place.home, place.file)
    trust(place.home, place.file)
    assert is_trusted(place.home, place.file)


def test_a_strangers_file_opens_no_private_network(place: Any) -> None:
    place.file.write_text('allow_private = ["10.0.0.0/8"]', "utf-8")
    assert gather(None, place.environ, place.cwd).allow_private == ()
    trust(place.home, place.file)
    assert gather(None, place.environ, place.cwd).allow_private == ("10.0.0.0/8",)


def test_a_strangers_file_names_no_journal(place: Any) -> None:
    """It is refused, not left out: on another journal every finished shot would be bought again."""
    place.file.write_text('database = "postgresql://u:Geh3im@db.example/x"', "utf-8")
    with pytest.raises(ConfigError, match=r"nobody vouched for that file: run 'dramagen trust'") as caught:
        gather(None, place.environ, place.cwd)
    assert "Geh3im" not in str(caught.value)
    # What the user says more strongly is the user's own.
    mine = "postgresql://mine.example/x"
    assert gather(Config(database=mine), place.environ, place.cwd).database == mine
    assert gather(None, place.environ | {"DRAMAGEN_DATABASE": mine}, place.cwd).database == mine
    trust(place.home, place.file)
    assert gather(None, place.environ, place.cwd).database == "postgresql://u:Geh3im@db.example/x"


def test_the_journal_is_a_file_in_the_home_unless_said_otherwise(place: Any) -> None:
    assert gather(None, place.environ | {"DRAMAGEN_DATABASE": " "}, place.cwd).database is None
    (place.home / "dramagen.toml").write_text('database = "postgresql://db.example/x"', "utf-8")
    assert gather(None, place.environ, place.cwd).database == "postgresql://db.example/x"
    with pytest.raises(ConfigError, match="no postgresql://") as caught:
        gather(Config(database="/var/Geh3im.sqlite"), place.environ, place.cwd)
    assert "Geh3im" not in str(caught.value)


# --- the emulator ----------------------------------------------------------------------------------------


def test_an_emulator_stands_for_every_provider_and_gets_no_real_key(place: Any) -> None:
    place.environ["DRAMAGEN_EMULATOR"] = "http://127.0.0.1:8900/"
    place.environ["DRAMAGEN_KLING_BASE_URL"] = "https://mine.example"
    config = Config(keys={"seedance": "real", "kling:intl": {"access_key": "real", "secret_key": "real"}})
    for provider, region, place_at in (
        ("kling", "cn", "kling"), ("kling", "intl", "kling@intl"),
        ("seedance", "cn", "seedance"), ("seedance", "intl", "seedance@intl"),
    ):  # fmt: skip
        found = place.access(provider, region, config)
        assert found.base_url == f"http://127.0.0.1:8900/{place_at}"
        assert (found.keyed, found.overridden, found.emulated) == (True, True, True)
        assert "real" not in found.secrets()


@pytest.mark.parametrize("url", ["127.0.0.1:8900", "localhost", "http://", "http://u:p@127.0.0.1"])
def test_an_emulator_is_an_address(place: Any, url: str) -> None:
    place.environ["DRAMAGEN_EMULATOR"] = url
    with pytest.raises(ConfigError, match="DRAMAGEN_EMULATOR"):
        place.access()
